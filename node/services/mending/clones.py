"""Two running copies of one office (R3): how either learns of the other, and what everybody else is told."""

from __future__ import annotations

from collections.abc import Sequence

from node.errors import PeerError
from node.records import payload as payloads
from node.records.envelope import Record
from node.records.kinds import Kind
from node.services.care.alarms import Alarms
from node.services.exchange.author import Author
from node.services.mending.comeback import CLONE, CLONE_FOUND, CLONE_SAID, CLONES, SURVIVOR

ALARM = "clone"
_HERE = "本单位有两份节点同时运行，两份都已暂停签发；请停止并封存其中一份，在留下的一份执行 dulian recover --here"
_OTHER_CHOSEN = "另一份节点已被选定继续运行，本机不再签发；请停止并封存本机（确无另一份的，执行 dulian recover --here）"


def weigh(author: Author, alarms: Alarms, me: str, peer: str, run: Sequence[Record], *, known: bool) -> bool:
    """Judge own records that a neighbour shows and this node lacks; True where they are no sign of a rollback.

    ``known``: their epoch is one this node has seen. Each was verified by the caller.
    """
    said = _reason(run)
    if said == SURVIVOR and author.recovering == CLONE_SAID and peer not in author.comeback.clear_with:
        # What was said and settled lies in this node's own lost past, which it has not yet got back in full: it took no
        # part. A copy that was there (it has agreed with a neighbour since, or was started again) stays stopped.
        author.recovering = ""
        alarms.clear(ALARM, me)
    elif not known and (peer in author.comeback.clear_with or said == CLONE):
        found = CLONE_FOUND if said not in (CLONE, SURVIVOR) else CLONE
        author.stop(found if peer in author.comeback.clear_with else CLONE_SAID)
        alarms.raise_(ALARM, me, _OTHER_CHOSEN if said == SURVIVOR else _HERE)
        return True
    if author.recovering in CLONES:
        if said == SURVIVOR:
            alarms.raise_(ALARM, me, _OTHER_CHOSEN)
        return True
    return author.comeback.pending and run[0].header.epoch != author.epoch and not author.recovering


def hear(alarms: Alarms, record: Record) -> None:
    """Another office says that two copies of it are running, or which one goes on."""
    said, office = _reason([record]), record.header.author
    if said == CLONE:
        alarms.raise_(ALARM, office, f"{office} 有两份节点同时运行，均已暂停签发；请督促其只留一份")
    elif said == SURVIVOR:
        alarms.clear(ALARM, office)


def settle(author: Author, alarms: Alarms, me: str) -> None:
    """The operator chose this copy: it begins an epoch that tells the other."""
    author.begin_epoch(SURVIVOR)
    alarms.clear(ALARM, me)


def _reason(run: Sequence[Record]) -> str:
    """Why the newest epoch among these records was begun; empty where there is none."""
    for record in reversed(run):
        if record.header.kind == Kind.EPOCH and record.envelope.payload is not None:
            try:
                found = payloads.decode(record.header.kind, record.envelope.payload)
            except PeerError:
                continue  # stored and shown as unreadable; it tells nothing
            if isinstance(found, payloads.Epoch):
                return found.reason
    return ""
