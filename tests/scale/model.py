"""A tree of real nodes on virtual lines: their own code runs, and what it costs on this machine is how long it takes.

Rules of this file:

1. Every office is a `Machine` of the simulator with the product's services and a store in memory; signatures are real.
2. A step of a node costs what it takes here (thread time, `volumes.SLOWER` times), and a sync where it wrote something;
   meanwhile the node does nothing else. What is done aside (scrub, digests) has a lane of its own, and costs besides
   what a store of the office's size would (`Stock`, measured on SQLite by `costs`).
3. A frame takes its bytes (as encoded) through the sender's line, the way, and the receiver's line, in turn; what
   waits for a node is put into steps by the product's own `Inbox`.
4. While `free`, nothing takes time: the tree is set up like that, with the signatures of certificates remembered.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Any, TypeVar

from node.records.envelope import Envelope
from node.records.kinds import Kind
from node.records.suite import Suites, key_id_of
from node.services.exchange.trust import load_chain, save_chain
from node.services.inbox import Inbox
from node.services.office import Office
from node.services.outputs import Outputs
from node.storage.blobs import at_once
from node.storage.port import Peer
from node.sync.frames import split
from node.sync.limits import DEFAULT_LIMITS
from node.wire import codec
from tests.scale import volumes
from tests.scale.ground import Remembered, Stock, Store
from tests.sim.memory_blobs import MemoryBlobs
from tests.sim.world import Machine, Time, begin_child, certificate_of, signer_for

T = TypeVar("T")
NIGHT_MS = 1_790_010_000_000 - 1_790_010_000_000 % 86_400_000 - 6 * 3_600_000  # 02:00 of a day in Beijing
TICK_MS = 1_000
# Nodes tick only while something is under way, so nothing may hang on pings: their cost is reckoned apart.
LIMITS = DEFAULT_LIMITS._replace(keepalive_ms=6 * 3_600_000)
_QUIET_MS = 3_000  # so long a node ticks after something happened


class Aside(MemoryBlobs):
    """Work aside: done here, heard of when it would be done."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node
        self._free_ms = 0.0

    def aside(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        node, sim = self._node, self._node.sim
        if sim.free:
            at_once(work, lambda future: node.post(lambda: done(future)))
            return
        began = time.thread_time()
        ready: list[Future[T]] = []
        at_once(work, ready.append)
        cost_s = time.thread_time() - began
        scrubs = "_portion" in work.__qualname__
        cost_s += node.stock.scrub_s if scrubs else node.stock.items_s
        node.scrubs += scrubs
        node.aside_s += cost_s
        self._free_ms = max(self._free_ms, sim.now_ms) + cost_s * 1_000 * volumes.SLOWER
        sim.at(self._free_ms, lambda: node.post(lambda: done(ready[0])))


class ScaleMachine(Machine):
    """A machine whose office has the real suite, the product's limits and nothing that watches it."""

    suites: Suites

    def start(self) -> Office:
        self.office = Office(
            self.identity, self.world, self.suites, self.store, self.blobs, self.limits, self.ca, "sim:1",
            mark_interval_ms=self.mark_interval_ms,
        )  # fmt: skip
        self.on = True
        return self.office


@dataclass
class Link:
    """The stream between a child and its parent, and what passed over it."""

    number: int
    child: Node
    parent: Node
    open: bool = False
    up_bytes: int = 0
    down_bytes: int = 0
    frames: int = 0
    connected_ms: float = 0.0
    synced_ms: float = 0.0
    began_ms: float = 0.0
    ended_ms: float = 0.0
    document: dict[str, Any] = field(default_factory=dict)
    run: int = 0  # the number of the run at the child
    wanted: bool = False  # a run is to begin as soon as the link is in sync


class Node:
    """An office: its machine, its processor, its line."""

    def __init__(self, sim: Simulation, machine: ScaleMachine, level: str) -> None:
        self.sim = sim
        self.machine = machine
        self.level = level
        self.stock = Stock()
        self.cpu_s = self.aside_s = 0.0
        self.steps = self.scrubs = 0
        self.up: Link | None = None
        self.links: dict[int, Link] = {}
        self._inbox: Inbox[tuple[float, Callable[[], None]]] = Inbox()
        self._awake = self._ticking = False
        self._free_ms = self._out_ms = self._in_ms = 0.0
        self._touched_ms = 0.0
        self.after: Callable[[], None] = lambda: None  # called after each step, when its outputs leave
        self.waits_ms: list[float] = []  # how long events waited for their turn
        machine.blobs = Aside(self)
        machine.store = Store()  # type: ignore[assignment]

    @property
    def office(self) -> Office:
        return self.machine.office

    @property
    def part_bytes(self) -> int:
        """How large a frame may be now, as the product has it."""
        return self._inbox.part_bytes

    def post(self, event: Callable[[], None], lane: int = 0, size: int = 0) -> None:
        """Something for the next step."""
        self._inbox.put((self.sim.now_ms, event), lane, size)
        self._touched_ms = self.sim.now_ms
        if not self._awake:
            self._awake = True
            self.sim.at(max(self.sim.now_ms, self._free_ms), self._work)
        self.tick_on()

    def tick_on(self) -> None:
        """Ticks go on while something is under way."""
        if not self._ticking and not self.sim.free:
            self._ticking = True
            self.sim.at(self.sim.now_ms + TICK_MS, self._tick)

    def _tick(self) -> None:
        self._ticking = False
        if not self.office.reconcile.busy() and self.sim.now_ms - self._touched_ms > _QUIET_MS:
            return
        idle, touched = self._inbox.empty(), self._touched_ms
        self.post(self.office.tick)
        if idle:
            self._touched_ms = touched

    def _work(self) -> None:
        self._awake = False
        events = self._inbox.take_now()
        if not self.sim.free:
            self.waits_ms += [self.sim.now_ms - at_ms for at_ms, _ in events]
        self.step([event for _, event in events])

    def step(self, events: list[Callable[[], None]]) -> None:
        """One step and what follows from it."""
        sim, office, store = self.sim, self.office, self.machine.store
        began, synced = time.thread_time(), store.synced  # type: ignore[attr-defined]
        out = office.step(events)
        encoded = [(number, frame, len(codec.encode(frame, DEFAULT_LIMITS))) for number, frame in out.frames]
        office.project()
        cost_s = time.thread_time() - began
        self.steps += 1
        if sim.free:
            self._emit(out, encoded)
        else:
            self.cpu_s += cost_s
            self._free_ms = sim.now_ms + cost_s * 1_000 * volumes.SLOWER
            if store.synced > synced:  # type: ignore[attr-defined]
                self._free_ms += volumes.SYNC_MS
            sim.at(self._free_ms, lambda: self._emit(out, encoded))
        if out.again or office.has_followups() or not self._inbox.empty():
            self._touched_ms = sim.now_ms
            if not self._awake:
                self._awake = True
                sim.at(max(sim.now_ms, self._free_ms), self._work)

    def _emit(self, out: Outputs, encoded: list[tuple[int, Any, int]]) -> None:
        for number, frame, size in encoded:
            self._send(number, frame, size + volumes.FRAME_BYTES)
        for number, reason in out.closes:
            self.sim.counters[f"closed:{reason}"] += 1
            self.sim.drop(self.links.get(number))
        for callback in out.after_commit:
            callback()
        if self.up is not None and self.up.open:
            self.sim.look(self.up)
        self.after()

    def _send(self, number: int, frame: Any, size: int) -> None:
        link = self.links.get(number)
        if link is None or not link.open:
            return
        to = link.parent if link.child is self else link.child
        link.frames += 1
        if link.child is self:
            link.up_bytes += size
        else:
            link.down_bytes += size

        def arrive() -> None:
            parts = split(frame, to.part_bytes, DEFAULT_LIMITS) if link.open else []
            for part in parts:
                to.post(partial(to.office.received, number, part), number, size // len(parts))

        self.sim.carry(self, to, link.child, size, arrive)

    def charge(self, ms: float) -> None:
        """The processor is busy with something else (TLS)."""
        self.cpu_s += ms / 1_000
        self._free_ms = max(self._free_ms, self.sim.now_ms) + ms * volumes.SLOWER


class Simulation:
    """All nodes of one tree, and the time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.time = Time(NIGHT_MS - 43_200_000)
        self.free = True
        self.suite = Remembered()
        self.suites = Suites([self.suite])
        self.nodes: dict[str, Node] = {}
        self.ends: list[Link] = []
        self.counters: Counter[str] = Counter()
        self._exact_ms = float(self.time.ms)
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._order = self._numbers = 0

    @property
    def now_ms(self) -> float:
        """The true time."""
        return self._exact_ms

    def at(self, at_ms: float, event: Callable[[], object]) -> None:
        """Do something at a time."""
        self._order += 1
        heappush(self._agenda, (at_ms, self._order, event))

    def run(self, until_ms: float = float("inf")) -> None:
        """Let time pass until nothing more happens, or until then."""
        while self._agenda and self._agenda[0][0] <= until_ms:
            at_ms, _, event = heappop(self._agenda)
            self.move(at_ms)
            event()
        if until_ms != float("inf"):
            self.move(until_ms)

    def move(self, at_ms: float) -> None:
        """It is later."""
        self._exact_ms = max(self._exact_ms, at_ms)
        self.time.ms = int(self._exact_ms)

    def carry(self, sender: Node, to: Node, child: Node, size: int, arrive: Callable[[], None]) -> None:
        """Bring so many bytes over both lines: first come, first served at each end."""
        if self.free:
            self.at(self.now_ms, arrive)
            return
        bits = size * 8 / 1_000
        sender._out_ms = max(self.now_ms, sender._out_ms) + bits / volumes.LINES[sender.level][0]

        def come() -> None:
            # Not before: what is still under way elsewhere does not hold the line of who is to get it.
            to._in_ms = max(self.now_ms, to._in_ms) + bits / volumes.LINES[to.level][0]
            self.at(to._in_ms, arrive)

        self.at(sender._out_ms + volumes.latency_ms(child.machine.code, child.level), come)

    # -- offices --------------------------------------------------------------------------------------------------

    def found(self, code: str, level: str) -> Node:
        """The top of the tree."""
        signer = signer_for(code, self.seed, real=True)
        node = self._node((code,), level, key_id_of(self.suite, signer.raw_key), signer)
        office = node.machine.start()

        def begin() -> None:
            office.author.begin_epoch("init")
            record = office.author.write(Kind.CERTIFICATE, office.author.office_line, certificate_of(node.machine, ""))
            save_chain(node.machine.store, [record.envelope])
            office.keyring.learn(record)

        office.step([begin])
        return node

    def admit(self, parent: Node, codes: list[str], level: str) -> list[Node]:
        """Children of an office, certified in one step."""
        path, federation = parent.machine.path, parent.machine.identity.federation
        made = [self._node((*path, code), level, federation, signer_for(code, self.seed, real=True)) for code in codes]
        chains: list[list[Envelope]] = []

        def certify() -> None:
            author = parent.office.author
            for node in made:
                certificate = certificate_of(node.machine, parent.machine.code)
                record = author.write(Kind.CERTIFICATE, author.office_line, certificate)
                parent.office.keyring.learn(record)
                parent.machine.store.put([Peer(node.machine.code, "child", "", b"", 1, 0, "", 0)])
                chains.append([*load_chain(parent.machine.store), record.envelope])

        parent.office.step([certify])
        parent.office.project()
        for node, chain in zip(made, chains, strict=True):
            begin_child(node.machine, chain)
            node.office.project()
        return made

    def _node(self, path: tuple[str, ...], level: str, federation: bytes, signer: Any) -> Node:
        machine = ScaleMachine(path, federation, signer, self.seed, limits=LIMITS, time=self.time)
        machine.suites = self.suites
        node = self.nodes[path[-1]] = Node(self, machine, level)
        return node

    # -- links ----------------------------------------------------------------------------------------------------

    def connect(self, child: Node) -> Link:
        """The child dials; the channel is there after the handshake."""
        parent = self.nodes[child.machine.parent]
        self._numbers += 1
        link = Link(self._numbers, child, parent, open=True, connected_ms=self.now_ms)
        self.ends.append(link)
        child.up = child.links[link.number] = parent.links[link.number] = link
        trip_ms = 2 * volumes.latency_ms(child.machine.code, child.level)
        self.at(self.now_ms + (0 if self.free else volumes.TLS_TRIPS * trip_ms), lambda: self._opened(link))
        return link

    def _opened(self, link: Link) -> None:
        tls = {end.machine.code: hashlib.sha256(f"{end.machine.code}/{link.number}".encode()).digest()
               for end in (link.child, link.parent)}  # fmt: skip
        expires_ms = self.time.ms + 30 * 86_400_000
        for end, other, shown in ((link.parent, link.child, True), (link.child, link.parent, False)):
            if not self.free:
                end.charge(volumes.TLS_CPU_MS)
            peer, mine = other.machine.code, tls[end.machine.code]
            theirs = tls[peer] if shown else b""
            opened = partial(end.office.opened, link.number, peer, my_tls=mine, peer_tls=theirs)
            end.post(partial(opened, tls_expires_ms=expires_ms))
        if not self.free:
            link.up_bytes += volumes.TLS_BYTES // 2
            link.down_bytes += volumes.TLS_BYTES // 2

    def drop(self, link: Link | None) -> None:
        """The stream ends."""
        if link is None or not link.open:
            return
        link.open = False
        for end in (link.child, link.parent):
            end.links.pop(link.number, None)
            end.post(partial(end.office.links.lost, link.number), link.number)

    def look(self, link: Link) -> None:
        """How far a link has come: in sync, its run begun, its run over."""
        child = link.child
        session = child.office.links.session_of(link.parent.machine.code)
        if session is None or not session.synced:
            return
        link.synced_ms = link.synced_ms or self.now_ms
        reconcile, peer = child.office.reconcile, link.parent.machine.code
        if link.wanted:
            link.wanted, link.began_ms, link.run = False, self.now_ms, reconcile._numbers + 1

            def begin() -> None:
                link.run = reconcile._numbers + 1
                reconcile.nightly(2)

            child.post(begin)
        elif link.began_ms and not link.ended_ms and reconcile._numbers >= link.run and peer not in reconcile._runs:
            link.ended_ms, link.document = self.now_ms, reconcile.document(peer, link.run) or {}
