"""The core thread: takes whatever waits, runs it as one step (group commit), hands the outputs out, projects.

Rules: one thread touches the office and the writing side of the store; everybody else submits jobs; the more waits,
the more goes into one commit, up to a bound (`inbox`), and nothing waits for company; outputs leave in the order of
the steps.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from node.errors import DulianError, LocalError, StoreError
from node.services.board.texts import GATHER_S, LIVE_RECORDS
from node.services.inbox import Inbox
from node.services.office import Event, Office
from node.services.outputs import Outputs

_HAND_OVER_S, _HAND_OVER_MAX_S = 0.000_05, 0.001  # with more waiting; with nothing else to do
_QUIET_S, _INDEX_S = 2.0, 0.3  # after a flood; spent on the text index between two jobs


class _Job(NamedTuple):
    event: Event
    failed: Callable[[Exception], None]


def _ignore(error: Exception) -> None:
    """Nobody waits for this job."""
    del error


class Runner:
    """Runs an office in a thread of its own."""

    def __init__(
        self, office: Office, deliver: Callable[[Outputs], None], crashed: Callable[[BaseException], None]
    ) -> None:
        """``deliver`` gets the outputs of each step after its commit; ``crashed`` what should never happen."""
        self._office = office
        self._deliver = deliver
        self._crashed = crashed
        self._inbox: Inbox[_Job] = Inbox()
        self._between: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="core", daemon=True)
        self._stopping = False
        self._behind = True  # what an earlier run left is projected first
        self._failed_projection = ""
        self._listener: Callable[[list[bytes]], None] | None = None
        self._indexed_s = 0.0  # since when the text index lacks nothing but what was gathered
        self._flooded_s = 0.0  # when more was projected than the text index takes at once
        self._lock = threading.Lock()
        self._handed = threading.Event()
        self._unshown = True  # a step is committed and the board does not show it yet; first what an earlier run left
        self._waiting: list[Future[None]] = []

    def start(self) -> None:
        """Project what an earlier run left, then take jobs."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Finish what waits, then end the thread."""
        self._stopping = True
        self._inbox.end()
        self._thread.join(timeout_s)

    def post(self, event: Event, *, lane: int = 0, size: int = 0) -> None:
        """Run an event soon; nobody waits for it. ``lane``, ``size``: the link it came over, and its bytes."""
        self._inbox.put(_Job(event, _ignore), lane, size)

    @property
    def part_bytes(self) -> int:
        """How large a frame may be now (`Inbox.part_bytes`)."""
        return self._inbox.part_bytes

    def call(self, run: Callable[[], object]) -> Future[object]:
        """Run a command; the future is done after its commit (or with the error that refused it)."""
        future: Future[object] = Future()
        future.set_running_or_notify_cancel()  # whoever asked may leave; the answer has somewhere to go all the same

        def done(answer: object, error: Exception | None) -> None:
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(answer)

        self.ask(run, done)
        return future

    def ask(self, run: Callable[[], object], done: Callable[[object, Exception | None], None]) -> None:
        """Run a command; ``done`` gets its answer, or the error that refused it, where outputs are delivered.

        What the step itself could not do is told in the core thread.
        """
        self._inbox.put(_Job(self._office.command(run, done), lambda error: done(None, error)))

    def handed_over(self) -> None:
        """What the last step produced is on its way: its board may be made now (told from any thread)."""
        self._handed.set()

    def after_step(self, run: Callable[[], None]) -> None:
        """Run something in the core thread between two steps, outside any transaction."""
        self._between.put(run)
        self._inbox.put(_Job(_nothing, _ignore))

    def projected(self) -> Future[None]:
        """Done as soon as the board shows every step committed before this call: who wrote reads what was written."""
        future: Future[None] = Future()
        with self._lock:
            if self._unshown:
                self._waiting.append(future)
                return future
        future.set_result(None)
        return future

    def _main(self) -> None:
        try:
            self._project()
            while True:
                jobs = self._inbox.take()
                if jobs is None:
                    return
                self._step(jobs)
        except BaseException as error:  # noqa: BLE001 - the process must not go on without its core
            self._crashed(error)

    def _step(self, jobs: list[_Job]) -> None:
        started = time.monotonic()
        away = False
        try:
            outputs = self._office.step([job.event for job in jobs])
        except Exception as error:  # noqa: BLE001 - rolled back; those who wait are told, the next step tries anew
            outputs = self._office.take_abandoned()
            for job in jobs:
                job.failed(_fault_of(error))
            self._note_fault(error)
            _stop_on_broken_disk(error)
            away = isinstance(error, StoreError)
        else:
            self._beat(time.monotonic() - started)
            for event, fault in outputs.failed:
                next(job for job in jobs if job.event is event).failed(_fault_of(fault))
        with self._lock:
            self._unshown = True
        self._handed.clear()
        self._deliver(outputs)
        if outputs.frames or outputs.after_commit:
            # The interpreter runs one thread at a time: without this the loop sends only after the projection.
            if self._inbox.empty():
                self._handed.wait(_HAND_OVER_MAX_S)
            else:
                time.sleep(_HAND_OVER_S)
        if away:
            # No use trying now, again and again without pause: the next job will show.
            self._behind, self._failed_projection = True, ""
            self._show()
            return
        self._project()
        while not self._between.empty():
            self._between.get()()
        self._index()
        if (outputs.again or self._office.has_followups()) and self._inbox.empty() and not self._stopping:
            self._inbox.put(_Job(_nothing, _ignore))

    def _project(self) -> None:
        """Bring the board up to date. A failure leaves it behind, dirty, and said so; records and links go on."""
        now_s = time.monotonic()
        # With more to come, texts are gathered: it brings the next projection, which looks at the clock again.
        gather = now_s - self._indexed_s < GATHER_S and not self._inbox.empty() and not self._stopping
        try:
            if self._office.project(force=self._behind, gather=gather) > LIVE_RECORDS:
                self._flooded_s = time.monotonic()
            if not gather:
                self._indexed_s = now_s
        except Exception as error:  # noqa: BLE001 - views can be rebuilt; the node must not stop for them
            self._note_fault(error)
            _stop_on_broken_disk(error)
            self._deliver(self._office.take_abandoned())
            self._behind = True
            said, self._failed_projection = self._failed_projection, f"{type(error).__name__}: {error}"
            if not said:
                self.post(self._say_behind)
        else:
            self._tell_news()
            if self._behind:
                self._behind, self._failed_projection = False, ""
                self.post(lambda: self._office.alarms.clear("projection", self._office.identity.code))
        self._show()

    def _show(self) -> None:
        """Let go on who waits for the board; also after a failure: what is shown then comes with an alarm."""
        with self._lock:
            self._unshown = False
            due, self._waiting = self._waiting, []
        for future in due:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    def _index(self) -> None:
        """While nothing waits: fill the text index with what a flood has left."""
        now_s = time.monotonic()
        quiet = now_s - self._flooded_s > _QUIET_S and not self._behind
        while quiet and self._office.projector.texts.waits and self._inbox.empty() and not self._stopping:
            try:
                self._office.project(texts=True)
            except Exception as error:  # noqa: BLE001 - the index can be made anew; the node must not stop for it
                self._note_fault(error)
                _stop_on_broken_disk(error)
                self._deliver(self._office.take_abandoned())
                self._flooded_s = time.monotonic()
                return
            if time.monotonic() - now_s > _INDEX_S:
                return

    def watch(self, listener: Callable[[list[bytes]], None]) -> None:
        """Tell ``listener`` (in the core thread; it must be quick) which items each projection has changed."""
        self._listener = listener
        self._office.keeps_news = True

    def _tell_news(self) -> None:
        if self._listener is not None and self._office.news:
            news, self._office.news = self._office.news, []
            self._listener(news)

    def _beat(self, step_s: float) -> None:
        """A step is done: told to whoever watches."""
        health = self._office.health
        health.pulse_s = time.monotonic()
        if health.observe_step is not None:
            health.observe_step(step_s)

    def _note_fault(self, error: Exception) -> None:
        health = self._office.health
        health.pulse_s = time.monotonic()
        if isinstance(error, StoreError):
            health.failed(error.code, error.text, self._office.world.clock.now_ms())

    def _say_behind(self) -> None:
        text = f"看板未能更新，所示可能落后于记录：{self._failed_projection}"
        self._office.alarms.raise_("projection", self._office.identity.code, text)


def _fault_of(error: Exception) -> DulianError:
    return error if isinstance(error, DulianError) else LocalError(f"内部错误：{type(error).__name__}: {error}")


def _stop_on_broken_disk(error: Exception) -> None:
    """After a failed sync nobody knows what is on the disk: stop, never claim success later (faults.md D5)."""
    if isinstance(error, StoreError) and error.code == "io":
        raise error


def _nothing() -> None:
    """A step without events: what earlier ones left to do."""
