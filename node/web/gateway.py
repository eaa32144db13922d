"""The way from a page to the node: questions, commands, files. Every rule of the work is behind it.

Rules of this file:

1. Questions run on a reader in a worker thread, commands in the core; both pass `services.access.rights` there.
2. A command carries the form's once-key: the same key of the same account gets the first answer again and writes
   nothing (W14). It is kept in the command's own transaction, and so is the entry of the audit log.
3. A command may carry what the person had seen: is the item another one by now, nothing is written (code changed).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import structlog

from node.bootstrap.control import Asked, Control, IncomingFile, Inquiry
from node.errors import DulianError, ForbiddenError, InputError, NotAvailableError
from node.items.digest import digest
from node.services.access import console_audit
from node.services.commands import COMMANDS, QUESTIONS
from node.services.matters.desk import Caller, current
from node.services.office import Office
from node.services.views.browse import View
from node.services.views.office_finder import Finder
from node.storage.port import Draft, OnceKey, Reader, Store
from node.web.limits import ONCE_LIFE_MS, SAVED_ANSWER_CHARS_MAX

T = TypeVar("T")
_log = structlog.get_logger("web")
# Asked like questions though they are answered in the core or beside it: they write nothing.
_ASKED = frozenset({"status", "pending", "doctor", "verify", "reconcile.history"})

_NOTED = frozenset({"import", "ledger.import"})  # run in the core like commands, with their entry of the audit log


class Fetched(NamedTuple):
    """An attachment on its way out."""

    name: str
    size_bytes: int
    content: AsyncIterator[bytes]


class Said(NamedTuple):
    """Who does something, for the audit log."""

    name: str
    address: str


class Changed(InputError):
    """The item has changed since the person looked at it."""

    default_code = "changed"


class SentBefore(InputError):
    """The form was carried out before, and said something else then."""

    default_code = "sent_before"


class _Replayed(InputError):
    """The form was sent before."""

    def __init__(self, answer: object) -> None:
        super().__init__("已提交过")
        self.answer = answer


class Asking:
    """What `Gateway.together` gives: questions, and the reader they share."""

    def __init__(self, inquiry: Inquiry) -> None:
        """For one page."""
        self._inquiry = inquiry
        self.reader = inquiry.reader

    def __call__(self, verb: str, **args: object) -> Any:
        """A question of `services.commands.QUESTIONS`: the JSON document; DulianError as the service says."""
        if verb not in QUESTIONS:
            raise NotAvailableError(verb)
        return self._inquiry(verb, _given(args))


class Gateway:
    """What pages ask of the node."""

    def __init__(self, control: Control, office: Office) -> None:
        """One for all requests."""
        self._control = control
        self._office = office
        self.finder = Finder()

    def took(self, page: str, seconds: float) -> None:
        """A page was answered: told to the metrics."""
        if self._office.health.observe_page is not None:
            self._office.health.observe_page(page, seconds)

    @property
    def office_code(self) -> str:
        """This office's code."""
        return self._office.identity.code

    @property
    def office_name(self) -> str:
        """This office's certified name."""
        return self._office.identity.name

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return self._office.world.clock.now_ms()

    def view(self) -> View:
        """What services of views need besides a reader."""
        return self._office.view()

    async def ask(self, caller: Caller, verb: str, **args: object) -> Any:
        """A question (of `services.commands.QUESTIONS`, or status, pending, doctor, verify): the JSON document.

        Raises:
            DulianError: ForbiddenError, NotFoundError … as the service says.
        """
        if verb not in QUESTIONS and verb not in _ASKED:
            raise NotAvailableError(verb)
        if verb in QUESTIONS:
            return await self.together(caller, lambda ask: ask(verb, **args))
        return (await self._control.answer(Asked(verb, _given(args)), caller)).data

    async def together(self, caller: Caller, run: Callable[[Asking], T]) -> T:
        """Several questions for one page: ``run`` gets a function that asks as `ask` does, and answers at once.

        It runs in a worker thread. All see one moment, and what they have in common is read once.
        """
        return await self._control.inquire(caller, lambda inquiry: run(Asking(inquiry)), self._naming)

    def _naming(self, view: View) -> View:
        """People read names: offices that have not joined have none that is certified, but one in the directory."""

        def name_of(code: str) -> str:
            said = view.name_of(code)
            return self.finder.names(view).get(code, code) if said == code else said

        return view._replace(name_of=lru_cache(maxsize=None)(name_of))

    async def do(
        self, caller: Caller, verb: str, *, files: Sequence[IncomingFile] = (), once: str = "", sent: str = "",
        seen: tuple[str, str] | None = None, address: str = "", forget: tuple[str, str] | None = None, **args: object,
    ) -> Any:  # fmt: skip
        """A command: what the service answers.

        Args:
            once: the form's key; sent again it answers as the first time.
            sent: digest of what the form says; SentBefore where the same key came with another one before.
            seen: (item id in hex, digest in hex) that the person had before the eyes; Changed where it is another now.
            forget: (account, place) of the draft that is done with.
            args: the verb's arguments, as for the command socket.
        """
        key, tried = _key_of(caller, once), bool(args.get("dry_run"))
        known = await self.read(lambda reader: reader.get(OnceKey, key)) if once else None
        if known is not None:
            return _answered(known, sent)
        said = Said(caller.name, address)
        around = self._around(
            verb, None if tried else said, (key if once else b"", sent), seen, forget, str(args.get("item") or "")
        )
        try:
            reply = await self._control.answer(Asked(verb, _given(args), files, around), caller)
        except _Replayed as found:
            return found.answer
        except DulianError as error:
            if not tried or isinstance(error, ForbiddenError):
                await self.note(said, verb, str(args.get("item") or args.get("name") or ""), f"未办理：{error.text}")
            raise
        if not tried and verb not in COMMANDS and verb not in _NOTED:
            await self.note(said, verb, "")  # what runs beside the core (`backup`) has no transaction of its own
        return reply.data

    async def answered(self, caller: Caller, once: str, sent: str) -> bool:
        """Whether this account's form was carried out before: sent again it is not judged again.

        SentBefore where it said something else then.
        """
        key = _key_of(caller, once)
        known = await self.read(lambda reader: reader.get(OnceKey, key)) if once else None
        if known is not None:
            _answered(known, sent)
        return known is not None

    def _around(
        self, verb: str, said: Said | None, form: tuple[bytes, str], seen: tuple[str, str] | None,
        forget: tuple[str, str] | None, item: str,
    ) -> Callable[[Callable[[], object]], object]:
        key, sent = form

        def around(run: Callable[[], object]) -> object:
            store, now_ms = self._office.store, self.now_ms()
            known = store.get(OnceKey, key) if key else None
            if known is not None:
                raise _Replayed(_answered(known, sent))
            if seen is not None and seen[0]:
                self._check_seen(*seen)
            answer = run()
            text = json.dumps(answer, ensure_ascii=False)
            if key:
                # An answer too long to keep (a large import) is remembered as given: sent again it writes nothing.
                kept = text if len(text) <= SAVED_ANSWER_CHARS_MAX else json.dumps({"cut": True})
                store.put([OnceKey(key, now_ms, verb, f'{{"sent": "{sent}", "answer": {kept}}}')])
            if forget is not None:
                store.delete(Draft, *forget)
            if said is not None:  # nobody has done anything by looking at what would come of it
                console_audit.note(store, now_ms, said.name, said.address, verb, item or _subject(answer))
            return answer

        return around

    def _check_seen(self, item: str, seen: str) -> None:
        if digest(current(self._office.desk, item)).hex() != seen:
            raise Changed("事项在您打开之后有了变化", field="事项", value=item[:12], remedy="看过变化后再办理")

    async def digest_of(self, item_id: str) -> str:
        """The item's digest for the ``seen`` of a form; read it *before* what is shown. Empty where unknown."""
        raw = bytes.fromhex(item_id)
        rows = await self.read(lambda reader: reader.board([raw]))
        return rows[0].digest.hex() if rows else ""

    async def fetch(self, caller: Caller, item: str, hash_hex: str) -> Fetched:
        """An attachment. NotFoundError, ForbiddenError, InputError."""
        reply = await self._control.answer(Asked("item.fetch", {"item": item, "hash": hash_hex}), caller)
        assert reply.stream is not None  # noqa: S101 - what item.fetch answers
        return Fetched(str(reply.data["name"]), reply.stream_bytes, reply.stream)

    async def read(self, run: Callable[[Reader], T]) -> T:
        """Something read from the store in a worker thread: for the console's own rows (drafts, saved filters)."""
        return await self._control.read(run)

    async def write(self, run: Callable[[Store], T]) -> T:
        """Something of the console's own written in the core."""
        return await self._control.write(run)

    async def note(self, said: Said, action: str, subject: str, outcome: str = "") -> None:
        """An entry of the audit log that belongs to no command."""
        now_ms = self.now_ms()
        await self.write(
            lambda store: console_audit.note(store, now_ms, said.name, said.address, action, subject, outcome)
        )

    async def tidy(self) -> None:
        """Forget once-keys of long ago."""
        before_ms = self.now_ms() - ONCE_LIFE_MS
        old = await self.read(lambda reader: [row.digest for row in reader.rows(OnceKey) if row.at_ms < before_ms])

        def forget(store: Store) -> None:
            for found in old:
                store.delete(OnceKey, found)

        if old:
            await self.write(forget)


def _given(args: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in args.items() if value not in (None, [], "")}


def _answered(known: OnceKey, sent: str) -> object:
    """What a form was answered; SentBefore where it said something else then."""
    found = json.loads(known.answer)
    if not isinstance(found, dict) or set(found) != {"sent", "answer"}:
        return found  # kept by an earlier release
    if sent and found["sent"] and found["sent"] != sent:
        text, remedy = "本页此前已提交并办理，这次改动的内容没有记录", "确需再办一次的，核对后再提交"
        raise SentBefore(text, remedy=remedy)
    return found["answer"]


def _key_of(caller: Caller, once: str) -> bytes:
    return hashlib.sha256(f"{caller.name}\0{once}".encode()).digest()


def _subject(answer: object) -> str:
    found = answer if isinstance(answer, dict) else {}
    return str(found.get("item") or found.get("id") or found.get("name") or found.get("code") or "")
