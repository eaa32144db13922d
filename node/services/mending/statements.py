"""Statements 对账单: both sides' signed records of one result, and what they said night by night.

Rules: a statement is an ordinary record on the line of the two offices, written after the result was agreed byte for
byte; the child's names the parent's. The history is read from these records alone, newest first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from node.errors import InputError, PeerError
from node.records import payload as payloads
from node.records.envelope import Record
from node.records.header import decode
from node.records.kinds import Kind
from node.records.line import Line
from node.records.notes import LinkOutcome
from node.records.payload import Statement
from node.records.statement import Result, decode_result
from node.services.exchange.author import Author
from node.services.mending import fork_cases
from node.services.views.browse import View, moment
from node.storage.port import Meta, Peer, Reader, RecordRow

_PAGE, _PAGE_BYTES = 500, 4_194_304
_STATE = "reconciled/"
_HISTORY_MAX = 400  # runs of a link shown, newest first


class Signed(NamedTuple):
    """One side's statement as stored."""

    author: str
    record_id: bytes
    re: tuple[bytes, ...]
    raw: bytes
    result: Result


class State(NamedTuple):
    """How a link stands: when it last balanced (0 = never), and how the last run ended."""

    peer: str
    at_ms: int = 0
    outcome: str = ""  # balanced | repaired | disputed | incomplete
    reason: str = ""
    balanced_ms: int = 0
    fetched: int = 0
    repaired: int = 0
    disputed: int = 0
    statement: str = ""


OUTCOMES = {"": 0, "balanced": 1, "repaired": 2, "disputed": 3, "incomplete": 4}
LABELS = {
    "balanced": "账平", "repaired": "账平（经修复）", "disputed": "有争议", "incomplete": "未完成",
    "settled": "分叉已处置", "": "未对账",
}  # fmt: skip


def write_statement(author: Author, upper: str, lower: str, peer: str, result: bytes, re: tuple[bytes, ...]) -> Record:
    """This side's statement; ForbiddenError where this node must not author."""
    return author.write(Kind.STATEMENT, Line((upper, lower)), Statement(peer, result), re=re)


def read_statement(record_id: bytes, header: bytes, payload: bytes | None) -> Signed | None:
    """A stored statement, None where it is none or cannot be read."""
    try:
        head = decode(header)
        if head.kind != Kind.STATEMENT or payload is None:
            return None
        said = payloads.decode(head.kind, payload)
        if not isinstance(said, Statement):
            return None
        return Signed(head.author, record_id, head.re, said.result, decode_result(said.result))
    except PeerError:
        return None  # shown in the item-less timeline as it is; it states nothing


def statements(reader: Reader, upper: str, lower: str, limit: int) -> list[Signed]:
    """The newest statements of both sides of a link, ``limit`` of each (whatever epochs it has had), newest first."""
    found: list[Signed] = []
    for row in reader.logs():
        if row.key.line != Line((upper, lower)):
            continue
        mine: list[Signed] = []
        end = row.head_seq
        while end > 0 and len(mine) < limit:
            after = max(0, end - _PAGE)
            rows: list[RecordRow] = []
            while after < end and (page := reader.run(row.log_no, after, end - after, _PAGE_BYTES)):
                rows += page
                after = page[-1].seq
            end = max(0, end - _PAGE)
            for stored in reversed(rows):
                one = read_statement(stored.record_id, stored.header, stored.payload)
                if one is not None:
                    mine.append(one)
        found += mine
    found.sort(key=lambda one: (-one.result.as_of_ms, one.author))
    count: Counter[str] = Counter()
    newest: list[Signed] = []
    for one in found:
        count[one.author] += 1
        if count[one.author] <= limit:
            newest.append(one)
    return newest


def history(reader: Reader, me: str, links: Iterable[tuple[str, str]], limit: int) -> list[dict[str, object]]:
    """Each run of each link (upper, lower), newest first, with both statements and whether they are equal."""
    rows: list[dict[str, object]] = []
    for upper, lower in links:
        runs: dict[bytes, dict[str, Signed]] = {}
        for one in statements(reader, upper, lower, limit):
            runs.setdefault(one.result.run, {})[one.author] = one
        rows += [_document(me, upper, lower, sides) for sides in runs.values()]
    return sorted(rows, key=lambda row: (str(row["as_of"]), str(row["with"])), reverse=True)[:limit]


def _document(me: str, upper: str, lower: str, sides: dict[str, Signed]) -> dict[str, object]:
    first = next(iter(sides.values()))
    result, peer = first.result, lower if me == upper else upper
    mine, theirs = (result.upper_side, result.lower_side) if me == upper else (result.lower_side, result.upper_side)
    raws = {one.raw for one in sides.values()}
    equal = len(sides) == 2 and len(raws) == 1
    outcome = "disputed" if result.disputed or len(raws) > 1 else "repaired" if result.repaired else "balanced"
    own, other = sides.get(me), sides.get(peer)
    return {
        "with": peer, "as_of": moment(result.as_of_ms), "ok": not result.disputed and len(raws) == 1,
        "outcome": outcome, "outcome_label": LABELS[outcome], "run": result.run.hex(), "logs": result.logs,
        "records": result.records, "items": result.items, "records_fetched": mine.fetched,
        "records_sent": theirs.fetched, "repaired": mine.repaired, "repaired_there": theirs.repaired,
        "missing": mine.unrepaired, "missing_there": theirs.unrepaired, "attachments_missing": mine.attachments,
        "disputed": result.disputed, "differing": result.differing, "forked": result.forked,
        "statement": own.record_id.hex() if own else None, "statement_there": other.record_id.hex() if other else None,
        "equal": equal, "heads": result.heads.hex(),
    }  # fmt: skip


def load_state(reader: Reader, peer: str) -> State:
    """How a link stands, as kept."""
    saved = reader.get(Meta, _STATE + peer)
    return State(**json.loads(saved.value)) if saved else State(peer)


def load_states(reader: Reader) -> dict[str, State]:
    """How all links stand that were ever reconciled."""
    saved = (row for row in reader.rows(Meta) if row.name.startswith(_STATE))
    return {row.name.removeprefix(_STATE): State(**json.loads(row.value)) for row in saved}


def state_row(state: State) -> Meta:
    """The row that keeps it."""
    return Meta(_STATE + state.peer, json.dumps(state._asdict()).encode())


def history_document(reader: Reader, view: View, args: Mapping[str, object]) -> list[dict[str, object]]:
    """`reconcile.history`: every run of this office's links (or of the one with ``with``), newest first."""
    me, wanted = view.office, str(args.get("with") or "")
    peers = [peer for peer in reader.rows(Peer) if wanted in ("", peer.office)]
    if wanted and not peers:
        raise InputError("不是本单位的上级或下级", field="--with", value=wanted, remedy="核对单位代码")
    links = [(peer.office, me) if peer.role == "parent" else (me, peer.office) for peer in peers]
    names = {lower if me == upper else upper: (upper, lower) for upper, lower in links}
    rows: list[dict[str, object]] = [
        {"with": peer, "as_of": moment(state.at_ms), "ok": False, "outcome": "incomplete",
         "outcome_label": LABELS["incomplete"], "reason": state.reason, "disputed": 0, "statement": None}
        for peer in names if (state := load_state(reader, peer)).outcome == "incomplete"
    ]  # fmt: skip
    rows += history(reader, me, links, _HISTORY_MAX)
    disputes = any(row["disputed"] for row in rows)
    settled = [case.log.key.line for case in fork_cases.cases(reader) if case.settled] if disputes else []
    for row in rows:
        upper, lower = names[str(row["with"])]
        row |= {"office": me, "upper": upper, "lower": lower}
        over = sum(upper in line.path and (lower in line.path or line.subtree) for line in settled)
        if row["disputed"] and row.get("equal") and int(str(row["disputed"])) <= over:
            # Whatever it was that night: nothing of it waits for anybody now.
            row |= {"outcome": "settled", "outcome_label": LABELS["settled"]}
    return rows


def state_document(state: State) -> dict[str, object] | None:
    """How a link stood when it was last reconciled, for `status`; None where it never was."""
    if not state.outcome:
        return None
    return {
        "outcome": state.outcome, "outcome_label": LABELS[state.outcome], "at": moment(state.at_ms),
        "balanced_at": moment(state.balanced_ms), "reason": state.reason, "repaired": state.repaired,
        "disputed": state.disputed, "statement": state.statement or None,
    }  # fmt: skip


def mark_document(link: LinkOutcome | None) -> dict[str, object] | None:
    """The same of a link below, as that office's freshness mark says."""
    if link is None:
        return None
    names = {number: name for name, number in OUTCOMES.items()}
    outcome = names.get(link.outcome, "incomplete")
    return {
        "outcome": outcome, "outcome_label": LABELS[outcome], "at": moment(link.at_ms),
        "balanced_at": moment(link.balanced_ms), "repaired": link.repaired, "disputed": link.disputed,
    }  # fmt: skip
