"""The network of a simulation: streams between children and parents that are slow, cut, half open, deaf on one side.

Rules: a stream delivers in order or not at all; what is on its way when it is cut is lost; each end learns of a cut
later, or not at all (then its keep-alive must find out). The knobs that break the order (`duplicate`, `reorder`) stand
for what comes of reconnecting: batches seen twice, or after others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from node.errors import PeerError
from node.items.lights import day_of
from node.sync import frames
from node.sync.frames import Frame
from node.wire import codec
from tests.sim.journal import BrokenPromise
from tests.sim.world import Machine, Seen

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation

NEWS = (frames.Batch, frames.Marks)  # what a peer that is frozen in time does not send any more (B8)
REPEATABLE = (frames.Batch, frames.ReceiptFrame, frames.Refusal, frames.Marks, frames.Ping, frames.BlobRequest)
CERTIFICATE_LIFE_MS = 30 * 86_400_000


@dataclass
class Knobs:
    """How bad the network is."""

    latency_ms: int = 20
    duplicate: float = 0.0
    reorder: float = 0.0
    bytes_share: float = 0.3  # of connections whose frames pass through the codec


@dataclass(eq=False)
class Connection:
    """One stream. ``ends``: child and parent."""

    number: int
    ends: tuple[Machine, Machine]
    as_bytes: bool
    began_ms: int
    broken: bool = False  # nothing passes any more
    open: dict[str, bool] = field(default_factory=dict)  # by office: this end believes in it
    deaf: dict[str, list[Any]] = field(default_factory=dict)  # by receiving office: what waits behind a one-way cut
    arrived_ms: dict[str, int] = field(default_factory=dict)
    paused: dict[str, list[Any]] = field(default_factory=dict)  # by receiving office: what waits for its quota

    def other(self, code: str) -> Machine:
        child, parent = self.ends
        return parent if code == child.code else child


class Network:
    """All streams of a simulation."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.random = sim.random
        self.knobs = Knobs()
        self.connections: dict[int, Connection] = {}
        self.down: set[str] = set()  # children whose way up is cut
        self._last_number = 0

    # -- dialling -------------------------------------------------------------------------------------------------

    def current(self, child: Machine) -> Connection | None:
        """The stream a child believes in."""
        found = [c for c in self.connections.values() if c.ends[0] is child and c.open.get(child.code)]
        return found[-1] if found else None

    def dial(self, child: Machine) -> None:
        """A child calls its parent; it calls again after its back-off while that fails."""
        if not child.on or self.current(child) is not None:
            return
        parent = self.sim.machines[child.parent]
        if not parent.on or child.code in self.down or child.code in self.sim.barred:
            self.sim.counters["dial_failed"] += 1
            self.dial_later(child)
            return
        self._check_channel(child, parent)
        self._last_number += 1
        connection = Connection(
            self._last_number, (child, parent), self.random.random() < self.knobs.bytes_share, self.sim.now_ms
        )
        self.connections[connection.number] = connection
        connection.open = {child.code: True, parent.code: True}
        self.sim.after(self._latency(), lambda: self._opened(connection))
        self.sim.counters["connected"] += 1

    def dial_later(self, child: Machine) -> None:
        """Call after the back-off."""
        rested_ms = self.sim.now_ms + child.backoff.rest_ms(0.0)
        self.sim.after(child.backoff.next_ms(child.random.random()), partial(self._dial_or_rest, child, rested_ms))

    def _dial_or_rest(self, child: Machine, rested_ms: int) -> None:
        """R3: a copy that was not chosen, and has said everything, leaves the other in peace."""
        if child.on and child.office.rests and child.backoff.displaced and self.sim.now_ms < rested_ms:
            self.sim.after(1_000, partial(self._dial_or_rest, child, rested_ms))
        else:
            self.dial(child)

    def _opened(self, connection: Connection) -> None:
        child, parent = connection.ends
        if connection.broken or not (connection.open[child.code] and connection.open[parent.code]):
            return
        tls = {end.code: self._tls(connection, end) for end in connection.ends}
        self._open(connection, parent, tls[parent.code], tls[child.code])
        self._open(connection, child, tls[child.code], b"")

    def _open(self, connection: Connection, machine: Machine, my_tls: bytes, peer_tls: bytes) -> None:
        peer = connection.other(machine.code).code
        expires_ms = machine.clock.now_ms() + CERTIFICATE_LIFE_MS
        machine.post(
            lambda: machine.office.opened(
                connection.number, peer, my_tls=my_tls, peer_tls=peer_tls, tls_expires_ms=expires_ms
            )
        )

    def _check_channel(self, child: Machine, parent: Machine) -> None:
        """C4: whatever failed while a channel certificate was renewed, the child's is one the parent takes."""
        if not child.tls or parent.code in self.sim.watch.aged:
            return
        try:
            parent.office.trust.tls_owner(child.tls, self.sim.now_ms)
        except PeerError as error:
            raise BrokenPromise(f"{parent.code} does not take the channel certificate of {child.code} (C4)") from error

    @staticmethod
    def _tls(connection: Connection, machine: Machine) -> bytes:
        if machine.tls and machine is connection.ends[0]:
            return machine.tls
        return hashlib.sha256(f"{machine.code}/{connection.number}".encode()).digest()

    # -- frames ---------------------------------------------------------------------------------------------------

    def send(self, sender: Machine, number: int, frame: Frame) -> None:
        """A frame leaves a node."""
        connection = self.connections.get(number)
        if connection is None or not connection.open.get(sender.code):
            return
        if sender.code in self.sim.frozen and isinstance(frame, NEWS):
            return
        payload: Any = codec.encode(frame, sender.limits) if connection.as_bytes else frame
        repeatable = isinstance(frame, REPEATABLE)
        self.put(connection, connection.other(sender.code), payload, late=repeatable and self._hit("reorder"))
        if repeatable and self._hit("duplicate"):
            self.put(connection, connection.other(sender.code), payload)

    def put(self, connection: Connection, receiver: Machine, payload: Any, *, late: bool = False) -> None:
        """Bytes or a frame go onto the stream towards ``receiver``."""
        at_ms = max(connection.arrived_ms.get(receiver.code, 0), self.sim.now_ms + self._latency())
        if late:
            at_ms += self._latency() * 3
        else:
            connection.arrived_ms[receiver.code] = at_ms
        self.sim.at(at_ms, lambda: self._arrive(connection, receiver, payload))

    def _arrive(self, connection: Connection, receiver: Machine, payload: Any) -> None:
        code = receiver.code
        if connection.broken or not connection.open.get(code) or not receiver.on:
            self._lost(payload)
            return
        if code in connection.deaf:
            connection.deaf[code].append(payload)
            return
        if code in connection.paused:
            connection.paused[code].append(payload)
            return
        self._charge(connection, receiver, payload)
        number = connection.number
        if connection.ends[0] is receiver:
            receiver.backoff.alive()
        frame = payload
        if isinstance(payload, bytes):
            try:
                frame = codec.decode(payload, receiver.limits)
            except PeerError as error:
                fault = error
                self.sim.counters["malformed_frame"] += 1
                receiver.post(lambda: receiver.office.links.malformed(number, fault))
                return
        seen = Seen(number, connection.other(code).code, frame)
        receiver.post(lambda: receiver.office.received(number, frame), seen=seen)

    def _charge(self, connection: Connection, receiver: Machine, payload: Any) -> None:
        """X5: beyond its quota a neighbour is read more slowly."""
        if receiver.quotas is None:
            return
        frame = payload if not isinstance(payload, bytes) else None
        records = len(frame.records) if isinstance(frame, frames.Batch) else 0
        size = frames.weight(frame) if isinstance(frame, frames.Batch) else 200
        peer, day = connection.other(receiver.code).code, day_of(receiver.clock.now_ms())
        pause_ms = int(1000 * receiver.quotas.charge(peer, size, records, day))
        if pause_ms:
            self.sim.counters["quota_slowed"] += 1
            connection.paused[receiver.code] = []
            self.sim.after(pause_ms, partial(self._read_on, connection, receiver))

    def _read_on(self, connection: Connection, receiver: Machine) -> None:
        waiting = connection.paused.pop(receiver.code, [])
        for payload in waiting:
            self._arrive(connection, receiver, payload)

    def _lost(self, payload: Any) -> None:
        self.sim.counters["frames_lost"] += 1
        frame = payload if not isinstance(payload, bytes) else None
        if isinstance(frame, frames.ReceiptFrame):
            self.sim.counters["receipt_lost"] += 1
        elif isinstance(frame, frames.Batch):
            self.sim.counters["batch_lost"] += 1
        elif isinstance(frame, frames.BlobChunk):
            self.sim.counters["attachment_cut"] += 1

    # -- endings --------------------------------------------------------------------------------------------------

    def closed_by(self, machine: Machine, number: int, reason: str) -> None:
        """A node's office closed its end."""
        connection = self.connections.get(number)
        if connection is None or not connection.open.get(machine.code):
            return
        self._end(connection, machine, reason)
        other = connection.other(machine.code)
        if not connection.broken:
            # Behind what is still on its way.
            at_ms = max(connection.arrived_ms.get(other.code, 0), self.sim.now_ms + self._latency())
            self.sim.at(at_ms, lambda: self._tell(connection, other, reason))

    def cut(self, connection: Connection, *, half_open: bool = False, one_sided: bool = False) -> None:
        """The stream breaks; ``half_open``: nobody is told; ``one_sided``: only the child gives it up, and calls anew
        while the old stream still brings the parent what was on its way.
        """
        if one_sided:
            self._tell(connection, connection.ends[0])
            return
        connection.broken = True
        if half_open:
            return
        for machine in connection.ends:
            self.sim.after(self.random.randrange(2_000), partial(self._tell, connection, machine))

    def power_off(self, machine: Machine, *, silent: bool) -> None:
        """All streams of a node that crashed; with ``silent`` the others are not told."""
        for connection in self.streams_of(machine):
            connection.open[machine.code] = False
            connection.broken = True
            other = connection.other(machine.code)
            if not silent:
                self.sim.after(self._latency(), partial(self._tell, connection, other))
            self._forget(connection)

    def leap(self, ms: int) -> None:
        """Time leaps: what is on its way arrives so much later."""
        for connection in self.connections.values():
            for code in connection.arrived_ms:
                connection.arrived_ms[code] += ms

    def streams_of(self, machine: Machine) -> list[Connection]:
        """All streams a node believes in."""
        return [c for c in self.connections.values() if machine in c.ends and c.open.get(machine.code)]

    def make_deaf(self, connection: Connection, code: str) -> None:
        """One-way partition: nothing more reaches this end until `hear`."""
        connection.deaf.setdefault(code, [])

    def hear(self, connection: Connection, code: str) -> None:
        """The partition heals: what waited arrives, in order."""
        for payload in connection.deaf.pop(code, []):
            self._arrive(connection, connection.other(connection.other(code).code), payload)

    def _tell(self, connection: Connection, machine: Machine, reason: str = "") -> None:
        """An end learns that its stream is gone, and why if the other said so."""
        if connection.open.get(machine.code) and machine.on:
            number = connection.number
            machine.post(lambda: machine.office.links.lost(number))
            self._end(connection, machine, reason)

    def _end(self, connection: Connection, machine: Machine, reason: str) -> None:
        connection.open[machine.code] = False
        self._forget(connection)
        if machine is connection.ends[0]:
            if reason:
                machine.backoff.ended(reason, self.sim.now_ms - connection.began_ms)
            self.dial_later(machine)

    def _forget(self, connection: Connection) -> None:
        if not any(connection.open.values()):
            self.connections.pop(connection.number, None)

    def _latency(self) -> int:
        return 1 + self.random.randrange(self.knobs.latency_ms)

    def _hit(self, knob: str) -> bool:
        chance: float = getattr(self.knobs, knob)
        if not chance or self.random.random() >= chance:
            return False
        self.sim.counters[knob] += 1
        return True
