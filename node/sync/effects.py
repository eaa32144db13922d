"""What a link machine asks its driver to do.

Order matters: effects are carried out in the order given, and frames leave only after everything before them is durable
(persist, then send; commit, then acknowledge: I2).
"""

from __future__ import annotations

from typing import NamedTuple

from node.records.envelope import Envelope
from node.records.notes import Signed
from node.records.payload import KnownHead
from node.sync.frames import BlobChunk, BlobRequest, Frame, Hello, Range, RangeRequest, Reconcile


class Send(NamedTuple):
    """Send a frame to the neighbour."""

    frame: Frame


class CheckHello(NamedTuple):
    """Verify who speaks: the channel proof against both TLS certificates. Answer with `accepted` or close."""

    hello: Hello


class SendChain(NamedTuple):
    """Send this office's certificates."""


class LearnChain(NamedTuple):
    """Learn the neighbour's certificates, then check its hello again."""

    certificates: tuple[Envelope, ...]


class Load(NamedTuple):
    """Read records after ``after_seq`` of each log, in this order, up to the limits; answer with `loaded`."""

    wants: tuple[tuple[bytes, int], ...]
    bytes_max: int
    records_max: int


class ShowFork(NamedTuple):
    """Send what is held under this number of a log, and both sides of what is known of its forks."""

    log_id: bytes
    seq: int


class Admit(NamedTuple):
    """Verify and store these records; answer with `admitted`."""

    records: tuple[Envelope, ...]


class GiveReceipt(NamedTuple):
    """Sign and send receipts for these heads (already written in this transaction)."""

    heads: tuple[KnownHead, ...]


class NoteReceipt(NamedTuple):
    """Verify and keep the neighbour's receipt; answer with `receipted`."""

    note: Signed


class LearnMarks(NamedTuple):
    """Verify, keep and pass on freshness marks."""

    marks: tuple[Signed, ...]


class SendMarks(NamedTuple):
    """Send all freshness marks held (to a parent)."""


class ServeBlob(NamedTuple):
    """Read a piece of an attachment if this neighbour may have it, and send it."""

    request: BlobRequest


class StoreBlob(NamedTuple):
    """Write a piece of an attachment."""

    chunk: BlobChunk


class Reconciles(NamedTuple):
    """A frame of repair or reconciliation: for the services of these."""

    frame: RangeRequest | Range | Reconcile


class Established(NamedTuple):
    """The neighbour is who it should be; ``skew_ms`` is its clock minus ours."""

    skew_ms: int


class NoteClock(NamedTuple):
    """The neighbour's clock minus ours, as just heard."""

    skew_ms: int


class InSync(NamedTuple):
    """Both directions have compared heads; what differs is on its way."""


class ReportRefusal(NamedTuple):
    """The neighbour refused something of ours."""

    log_id: bytes
    seq: int
    reason: str


class Close(NamedTuple):
    """End the link; ``fault`` says whose: "" (orderly), "peer" or "local"."""

    reason: str
    fault: str


Effect = (
    Send | CheckHello | SendChain | LearnChain | Load | ShowFork | Admit | GiveReceipt | NoteReceipt | LearnMarks
    | SendMarks | ServeBlob | StoreBlob | Reconciles | Established | NoteClock | InSync | ReportRefusal | Close
)  # fmt: skip
