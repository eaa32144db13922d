"""Two running copies of one office (R3): how either learns of the other, and what everybody else is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from node.errors import PeerError
from node.records import payload as payloads
from node.records.envelope import Envelope, Record, open_envelope
from node.records.keyring import Keyring
from node.records.kinds import Kind
from node.services.care.alarms import Alarms
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.mending.comeback import CLONE, CLONE_FOUND, CLONE_SAID, CLONES, SURVIVOR
from node.storage.port import Store

ALARM = "clone"
_HERE = "本单位有两份节点同时运行，两份都已暂停签发；请停止并封存其中一份，在留下的一份执行 dulian recover --here"
_OTHER_CHOSEN = "另一份节点已被选定继续运行，本机不再签发；请停止并封存本机（确无另一份的，执行 dulian recover --here）"

Moment = tuple[int, int]  # of the hybrid clock: ms and count


def chosen_at(store: Store, logs: Logs, keyring: Keyring, code: str) -> Moment:
    """When one of two copies of an office was last chosen to go on, as far as is known here; (0, 0) = never."""
    logs.flush()
    openings = [(log.log_no, 1) for log in logs.index.author(code) if log.key.line.subtree and log.seq]
    latest = (0, 0)
    for row in store.records_at(openings):
        try:
            record = open_envelope(keyring.suites, Envelope(row.header, row.signature, row.salt, row.payload))
        except PeerError:
            continue  # damaged here; the scrub repairs it
        if _reason([record]) == SURVIVOR:
            latest = max(latest, _moment(record))
    return latest


def weigh(
    author: Author, alarms: Alarms, me: str, peer: str, run: Sequence[Record], *, known: bool,
    chosen: Callable[[], Moment],
) -> bool:  # fmt: skip
    """Judge own records that a neighbour shows and this node lacks; True where they are no sign of a rollback.

    ``known``: their epoch is one this node has seen. ``chosen``: `chosen_at` of this office. Each was verified
    by the caller.
    """
    said = _reason(run)
    if said != SURVIVOR and not author.recovering and _moment(run[0]) < chosen():
        return True  # the last words of the copy that was not chosen, under way while the operator chose
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
            author.stop_silently()
            alarms.raise_(ALARM, me, _OTHER_CHOSEN)
        return True
    return author.comeback.pending and run[0].header.epoch != author.epoch and not author.recovering


def hear(alarms: Alarms, record: Record, chosen: Callable[[], Moment]) -> None:
    """Another office says that two copies of it are running, or which one goes on.

    ``chosen``: `chosen_at` of it; what was said before then comes late and is settled.
    """
    said, office = _reason([record]), record.header.author
    if said == CLONE and _moment(record) > chosen():
        alarms.raise_(ALARM, office, f"{office} 有两份节点同时运行，均已暂停签发；请督促其只留一份")
    elif said == SURVIVOR:
        alarms.clear(ALARM, office)


def settle(author: Author, alarms: Alarms, me: str) -> None:
    """The operator chose this copy: it begins an epoch that tells the other."""
    author.begin_epoch(SURVIVOR)
    alarms.clear(ALARM, me)


def _moment(record: Record) -> Moment:
    return record.header.hlc_ms, record.header.hlc_count


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
