"""A session: one connection to one neighbour, its link machine, and what intake tells it (`intake.Sink`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from node.records.payload import KnownHead
from node.sync import effects as do
from node.sync.effects import Effect
from node.sync.heads import LogState
from node.sync.link import LinkMachine
from node.sync.reasons import PASSING


@dataclass(slots=True)
class Session:
    """One connection to one neighbour. ``peer_tls`` is empty where the transport cannot tell (the dialling side)."""

    number: int
    peer: str
    machine: LinkMachine
    my_tls: bytes
    peer_tls: bytes
    tls_expires_ms: int
    greeted: bool = False
    asked_chain: bool = False
    synced: bool = False
    now_ms: int = 0
    bytes_in: int = 0
    heard: str = ""  # the kind of the last frame
    served: int = 0  # pieces of attachments in this step
    close_reason: str = ""
    waiting: dict[bytes, int] = field(default_factory=dict)  # log → seq refused here for a reason that passes
    extra: list[Effect] = field(default_factory=list)

    # -- what intake reports (intake.Sink) --

    def refused(self, log_id: bytes, seq: int, reason: str, held: KnownHead) -> None:
        """Queue a refusal."""
        if reason in PASSING:
            self.waiting[log_id] = seq
        self.extra.append(do.ReportRefusal(log_id, seq, reason))
        self.extra += self.machine.refuse(log_id, seq, reason, held, self.now_ms)

    def held_already(self, head: KnownHead) -> None:
        """The neighbour gets its receipt again."""
        self.machine.held_already(head)

    def forked(self, log: LogState, seq: int) -> None:
        """Show the neighbour our side of the fork."""
        self.extra += self.machine.dispute(log, seq)
