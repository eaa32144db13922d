"""Two running copies of one office (R3): how either learns of the other, and what everybody else is told.

Rule: the matter is settled where the office's last choice (an EPOCH with reason ``survivor``) came after the last time
it said that there are two (``clone``). Everybody weighs the same moments: in whatever order they come, all agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

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
_OTHER_CHOSEN = "另一份节点已被选定继续运行，本机不再签发；请停止并封存本机；确无另一份的，执行 dulian recover --here"
_BOTH_CHOSEN = "两份节点都被选定过，又都暂停签发；请停止并封存其中一份，在留下的一份再执行 dulian recover --here"

Moment: TypeAlias = tuple[int, int]  # of the hybrid clock: ms and count


class Words(NamedTuple):
    """When an office last said that two copies of it are running, and when one was last chosen; (0, 0) = never."""

    said: Moment = (0, 0)
    chosen: Moment = (0, 0)

    @property
    def settled(self) -> bool:
        """Whether one was chosen since."""
        return self.chosen > self.said

    def heard(self, record: Record) -> Words:
        """The same with what this record says."""
        reason, at = _reason([record]), _moment(record)
        if reason == CLONE:
            return self._replace(said=max(self.said, at))
        return self._replace(chosen=max(self.chosen, at)) if reason == SURVIVOR else self


def last_words(store: Store, logs: Logs, keyring: Keyring, code: str) -> Words:
    """What an office has said of copies of itself, as far as is known here."""
    logs.flush()
    openings = [(log.log_no, 1) for log in logs.index.author(code) if log.key.line.subtree and log.seq]
    words = Words()
    for row in store.records_at(openings):
        try:
            words = words.heard(
                open_envelope(keyring.suites, Envelope(row.header, row.signature, row.salt, row.payload))
            )
        except PeerError:
            continue  # damaged here; the scrub repairs it
    return words


def weigh(
    author: Author, alarms: Alarms, me: str, peer: str, run: Sequence[Record], *, known: bool,
    words: Callable[[], Words],
) -> bool:  # fmt: skip
    """Judge own records that a neighbour shows and this node lacks; True where they are no sign of a rollback.

    ``known``: their epoch is one this node has seen. ``words``: `last_words` of this office. Each was verified by the
    caller.
    """
    said, at, agreed = _reason(run), _moment(run[0]), peer in author.comeback.clear_with
    stopped = author.recovering in CLONES
    if (said == CLONE or (said != SURVIVOR and not author.recovering)) and at < words().chosen:
        return True  # the last words of the copy that was not chosen, under way while the operator chose
    if said == SURVIVOR and not stopped and at < words().chosen and (agreed or not _looks_back(author)):
        # The other was chosen too, and neither knew: it stops as soon as it hears of this choice. Who was chosen last
        # says again that there are two, so that nobody takes this for settled.
        author.stop(CLONE_FOUND)
        alarms.raise_(ALARM, me, _BOTH_CHOSEN)
        return True
    if said == SURVIVOR and author.recovering == CLONE_SAID and not agreed and at > words().said:
        # What was said and settled lies in this node's own lost past, which it has not yet got back in full: it took no
        # part. A copy that was there (it has agreed with a neighbour since, or was started again) stays stopped.
        author.recovering = ""
        alarms.clear(ALARM, me)
    elif stopped:
        if said == SURVIVOR and at > max(words()):
            author.stop_silently()
            alarms.raise_(ALARM, me, _OTHER_CHOSEN)
        elif said == CLONE and not known:
            alarms.raise_(ALARM, me, _HERE)
        return True
    elif not known and (agreed or said == CLONE):
        found = CLONE_FOUND if said not in (CLONE, SURVIVOR) else CLONE
        author.stop(found if agreed else CLONE_SAID)
        alarms.raise_(ALARM, me, _OTHER_CHOSEN if said == SURVIVOR else _HERE)
        return True
    return author.comeback.pending and run[0].header.epoch != author.epoch and not author.recovering


def hear(alarms: Alarms, record: Record, words: Callable[[], Words]) -> None:
    """Another office says that two copies of it are running, or which one goes on.

    ``words``: `last_words` of it; what was said before comes late, and changes nothing.
    """
    reason, office = _reason([record]), record.header.author
    if reason not in (CLONE, SURVIVOR):
        return
    now = words().heard(record)
    if not now.settled:
        text = "有两份节点同时运行，均已暂停签发；请督促其停止并封存其中一份，在留下的一份上选定继续"
        alarms.raise_(ALARM, office, f"{office} {text}")
    elif reason == SURVIVOR:
        alarms.clear(ALARM, office)


def settle(author: Author, alarms: Alarms, me: str) -> None:
    """The operator chose this copy: it begins an epoch that tells the other."""
    author.begin_epoch(SURVIVOR)
    alarms.clear(ALARM, me)


def _looks_back(author: Author) -> bool:
    """Whether this node may still lack a part of its own past."""
    return bool(author.recovering) or author.comeback.pending


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
