"""One simulated node: real services over a store in memory, with a clock and randomness of its own from the seed.

What survives a crash (store, blobs, key) is in `Machine`; what does not is in `Machine.office`.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.records.envelope import Envelope
from node.records.keyring import possession_message
from node.records.kinds import Kind
from node.records.line import level_of
from node.records.payload import Certificate
from node.records.suite import Ed25519Sha256, Ed25519Signer, Signer, Suites, key_id_of
from node.services.board.kept_items import KeptItem
from node.services.exchange.enrol import LinkCa
from node.services.exchange.quotas import Quotas
from node.services.exchange.trust import load_chain, save_chain
from node.services.identity import Identity, World
from node.services.mending.audit import audit
from node.services.office import Office
from node.services.outputs import Outputs
from node.services.views.browse import digest_document, list_items
from node.storage.port import MarkRow, Peer
from node.sync.backoff import Backoff
from node.sync.frames import Frame
from node.sync.limits import LinkLimits
from tests.sim.journal import JournalStore
from tests.sim.memory_blobs import MemoryBlobs
from tests.sim.suite import CheapSigner, CheapSuite

START_MS = 1_790_000_000_000  # 2026-09-21
NO_FACT: Any = None  # what no fold can read
NO_CA = LinkCa(b"", b"", 86_400_000)
# As a real node's, but a batch of a few records and a window of a few batches: both limits are met all the time.
LIMITS = LinkLimits(
    window_bytes=16_384, batch_bytes_max=4_096, batch_records_max=16, blob_chunk_bytes=1_024, receipt_heads_max=8,
    heads_per_frame_max=8, stall_timeout_ms=60_000, refused_retry_ms=5_000,
)  # fmt: skip


@dataclass
class Time:
    """The one true time of a simulation."""

    ms: int = START_MS


@dataclass
class SimClock:
    """A node's clock: the true time, and how far this node's is off."""

    time: Time
    off_ms: int = 0

    def now_ms(self) -> int:
        return self.time.ms + self.off_ms


class Seen(NamedTuple):
    """A frame that a node takes in: on which session, from whom."""

    number: int
    peer: str
    frame: Frame


class Waiting(NamedTuple):
    """An event that waits for a node's next step, and the frame it stands for."""

    event: Callable[[], None]
    seen: Seen | None


def suites() -> Suites:
    """Both suites: the real one and the cheap one."""
    return Suites([Ed25519Sha256(), CheapSuite()])


def signer_for(code: str, seed: int, *, real: bool) -> Signer:
    """An office's record key, from the seed."""
    secret = hashlib.sha256(f"{seed}/{code}".encode()).digest()
    if real:
        return Ed25519Signer(Ed25519Sha256(), Ed25519PrivateKey.from_private_bytes(secret))
    return CheapSigner(CheapSuite(), secret)


class MemoryTail:
    """The second file with the newest own record: written without waiting for the disk."""

    def __init__(self) -> None:
        self.raw = self.before = b""

    def read(self) -> bytes:
        return self.raw

    def write(self, raw: bytes) -> None:
        self.before, self.raw = self.raw, raw


class Machine:
    """A node, switched on or off."""

    def __init__(
        self, path: tuple[str, ...], federation: bytes, signer: Signer, seed: int, *, limits: LinkLimits = LIMITS,
        ca: LinkCa = NO_CA, mark_interval_ms: int = 60_000, time: Time | None = None,
    ) -> None:  # fmt: skip
        self.code = path[-1]
        self.path = path
        self.signer = signer
        self.limits = limits
        self.ca = ca
        self.mark_interval_ms = mark_interval_ms
        self.random = Random(f"{seed}/{self.code}")
        self.clock = SimClock(time or Time())
        self.store = JournalStore()
        self.blobs = MemoryBlobs()
        self.tail = MemoryTail()
        self.identity = Identity(self.code, f"{self.code}人民政府", path, federation, signer)
        self.world = World(self.clock, self.random.randbytes, self.random.random)
        self.on = False
        self.sent: list[Outputs] = []
        self.backoff = Backoff(limits)
        self.inbox: deque[Waiting] = deque()
        self.wake: Callable[[], None] = lambda: None
        self.tls = b""  # SHA-256 of the channel certificate, where it was issued in the simulation (C4)
        self.quotas: Quotas | None = None
        self.poisoned = b""  # an item that this node cannot fold (C5)
        self.busy_ms = 0  # how long this node takes for a step
        self.slow = False
        self.ticking = self.awake = False
        self.fulfilled: list[MarkRow] = []  # others' marks found fulfilled since somebody looked
        self.promised: dict[bytes, dict[bytes, int]] = {}  # by signature of an own mark: heads of own logs then
        self.office: Office

    @property
    def parent(self) -> str:
        return self.identity.parent

    def copy(self, random: Random) -> Machine:
        """Another machine with the same disk and keys, switched off; its chance is its own."""
        other = Machine(
            self.path, self.identity.federation, self.signer, 0, limits=self.limits, ca=self.ca,
            mark_interval_ms=self.mark_interval_ms, time=self.clock.time,
        )  # fmt: skip
        other.random = random
        other.world = World(other.clock, random.randbytes, random.random)
        other.store.put_back(self.store.copy())
        other.blobs.whole = dict(self.blobs.whole)
        other.tail.raw = self.tail.raw
        other.promised = self.promised
        return other

    def start(self) -> Office:
        """Switch on: everything in memory is built from the store."""
        self.office = Office(
            self.identity, self.world, suites(), self.store, self.blobs, self.limits, self.ca, "sim:1",
            mark_interval_ms=self.mark_interval_ms, tail=self.tail,
        )  # fmt: skip
        self.office.reconcile.fresh_ms = 0  # every run scrubs anew: what rots is to be found in it
        self.on = True
        self._look_on()
        return self.office

    def _look_on(self) -> None:
        """Watch the parts the office is made of, and those made anew whenever it reads its store again."""
        load = self.office.load

        def loaded() -> None:
            self.fulfilled.clear()  # found in a step that was given up: it never was
            load()
            self._note_marks()
            self.poison(self.poisoned)

        self.office.load = loaded  # type: ignore[method-assign]
        self._note_marks()
        self.poison(self.poisoned)

    def poison(self, item: bytes) -> None:
        """From now on the fold of an item fails here, as with a fault in the program."""
        self.poisoned = item
        fold_one = self.office.projector._fold_one

        def failing(item_id: bytes, kept: KeptItem, fresh: list[Any], **rest: Any) -> Any:
            if item_id != self.poisoned:
                return fold_one(item_id, kept, fresh, **rest)
            kept.growing = None
            kept.facts.append(NO_FACT)
            found = fold_one(item_id, kept, fresh, **rest)
            kept.facts.remove(NO_FACT)
            return found

        if item:
            self.office.projector._fold_one = failing  # type: ignore[method-assign]

    def post(self, event: Callable[[], None], *, seen: Seen | None = None) -> None:
        """Something waits for the node's next step; ``seen``: who sent which frame."""
        self.inbox.append(Waiting(event, seen))
        self.wake()

    def _note_marks(self) -> None:
        """Remember what each mark of this office promises, apart from the digests in it."""
        office, write, weigh = self.office, self.office.marks.write, self.office.marks._weigh

        def noted() -> None:
            write()
            row = self.store.get(MarkRow, self.code)
            if row is not None:
                own = office.logs.index.author(self.code)
                self.promised[row.signature] = {log.log_id: log.seq for log in own if log.seq}

        def weighed(author: str) -> None:
            before = office.marks._rows.get(author)
            weigh(author)
            after = office.marks._rows.get(author)
            if after is not None and after is not before:
                self.fulfilled.append(after)

        office.marks.write = noted  # type: ignore[method-assign]
        office.marks._weigh = weighed  # type: ignore[method-assign, assignment]

    def crash(self) -> bool:
        """The power fails: what was not committed durably is gone; returns whether anything was."""
        self.on = False
        self.inbox.clear()
        self.fulfilled.clear()
        return self.store.crash()

    def possession(self, code: str, signer: Signer) -> bytes:
        """What a key signs to be certified as ``code`` by this office."""
        federation, suite = self.identity.federation, signer.suite.number
        return signer.sign(possession_message(federation, code, self.code, suite, signer.raw_key))

    def items(self) -> list[dict[str, Any]]:
        """The rows of `item list`."""
        return list_items(self.store.reader(), self.office.view(), {})

    def audit(self) -> dict[str, Any]:
        """The document of `verify`."""
        return audit(self.store, self.office.keyring, lambda row: self.blobs.check(row.hash, row.salt))

    def digests(self) -> dict[str, str]:
        """Digest of each item, as `digest` shows them."""
        found: Any = digest_document(self.store)["items"]
        return dict(found)


def certificate_of(machine: Machine, parent: str) -> Certificate:
    """What the parent (or the root itself) declares about an office's key."""
    signer, federation = machine.signer, machine.identity.federation
    proof = possession_message(federation, machine.code, parent, signer.suite.number, signer.raw_key)
    return Certificate(
        machine.code, machine.identity.name, level_of(machine.code), machine.path, signer.suite.number, signer.raw_key,
        signer.sign(proof), hashlib.sha256(machine.code.encode()).digest(),
    )  # fmt: skip


def found(seed: int, code: str, *, real: bool, **options: object) -> Machine:
    """The root node, as `init` makes it."""
    signer = signer_for(code, seed, real=real)
    root = Machine((code,), key_id_of(signer.suite, signer.raw_key), signer, seed, **options)  # type: ignore[arg-type]
    office = root.start()

    def begin() -> None:
        office.author.begin_epoch("init")
        record = office.author.write(Kind.CERTIFICATE, office.author.office_line, certificate_of(root, ""))
        save_chain(root.store, [record.envelope])
        office.keyring.learn(record)

    office.step([begin])
    return root


class NotAdmitted(Exception):
    """The parent has not committed the certificate of this child."""


def admit(
    seed: int, parent: Machine, code: str, *, real: bool, step: Callable[[Callable[[], None]], object] | None = None,
    **options: object,
) -> Machine:  # fmt: skip
    """A child of ``parent``, as `approve` and `join` make it, without the TLS certificates.

    ``step`` runs an event at the parent and sends what comes of it; without it nobody is connected yet. NotAdmitted
    where the parent's step was given up: what it did not commit nobody was told.
    """
    signer = signer_for(code, seed, real=real)
    options["time"] = parent.clock.time
    child = Machine((*parent.path, code), parent.identity.federation, signer, seed, **options)  # type: ignore[arg-type]
    envelopes: list[Envelope] = []

    def certify() -> None:
        author = parent.office.author
        record = author.write(Kind.CERTIFICATE, author.office_line, certificate_of(child, parent.code))
        parent.office.keyring.learn(record)
        parent.store.put([Peer(code, "child", "", b"", 1, 0, "", 0)])
        envelopes.extend([*load_chain(parent.store), record.envelope])

    if step is None:
        parent.office.step([certify])
    else:
        step(certify)
    if parent.store.get(Peer, code) is None:
        raise NotAdmitted(code)
    begin_child(child, envelopes)
    return child


def begin_child(child: Machine, chain: list[Envelope]) -> None:
    """What a node does once it was admitted."""
    child.store.begin()
    save_chain(child.store, chain)
    child.store.put([Peer(child.parent, "parent", "sim:1", b"", 1, 0, "", 0)])
    child.store.commit(durable=True)
    office = child.start()
    office.step([lambda: office.author.begin_epoch("join") and None])
