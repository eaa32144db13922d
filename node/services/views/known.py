"""责任倒查: what this node provably knew at a moment; and lists and items of now with what is known of each (I8).

Rules of this file:

1. A moment's view is folded from the records received until then, and from nothing else; re-issues and the other sides
   of forks count by when they themselves came. The light is that of the moment's date, by the calendar of today.
2. When a record came is this node's own note. What proves it to others is a neighbour's signed receipt for a log this
   node passed on to it: the neighbour held the record at the receipt's time, so this node did before. A record of this
   node's own that answers another one, and is covered so, proves that one too. Only newest receipts are kept: the
   bound is an upper one, and often later than the moment asked for.
3. Freshness marks replace one another. What is not stored is said to be not stored, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from node.clock import SHANGHAI, day_of, end_of_day_ms
from node.errors import InputError, NotFoundError
from node.items.fact import Fact
from node.items.fold import fold
from node.items.lifecycle import DONE, state_label
from node.items.lights import day_of as day_number
from node.services.board.project import board_row, read_facts
from node.services.matters.desk import find_item, take
from node.services.matters.discreet import seen
from node.services.matters.rulebook import Rulebook
from node.services.routine.lines import on_line
from node.services.views import browse, truth
from node.services.views.browse import View, item_document, moment, row_document
from node.services.views.truth_rows import known_of, task_of
from node.storage.port import Ack, BoardQuery, BoardRow, Reader, ReceiptRow

Document = dict[str, object]
NOT_KEPT = "当时的新鲜度未保存"
PER_PAGE = 500  # items looked at for one page of a moment's list: each is folded anew
_ITEMS_PER_READ = 100
NOTES = (
    NOT_KEPT, "收到时间是本机的记录；有收讫为证的另行注明",
    "灯按当时的日期和现行工作日历计算", "附件内容当时是否已到未保存",
)  # fmt: skip


def facts_at(facts: Iterable[Fact], t_ms: int) -> list[Fact]:
    """The facts received until ``t_ms`` (milliseconds since 1970 UTC), own ones by when they were appended."""
    return [fact for fact in facts if fact.received_ms <= t_ms]


def moment_of(text: str, now_ms: int) -> int:
    """A date, meaning its end, or YYYY-MM-DDTHH:MM in Beijing time, as milliseconds; today means now. InputError."""
    field = "--as-known-at"
    try:
        if len(text) == len("2026-09-21"):
            end_ms = end_of_day_ms(date.fromisoformat(text)) - 1
            # Today has not ended: what is known of it is what is known now.
            t_ms = now_ms if date.fromisoformat(text) == day_of(now_ms) else end_ms
        else:
            when = datetime.fromisoformat(text)
            when = when if when.tzinfo is not None else when.replace(tzinfo=SHANGHAI)
            t_ms = int(when.timestamp() * 1000) + (999 if when.second and not when.microsecond else 0)
            t_ms = now_ms if now_ms < t_ms < now_ms + 1_000 else t_ms
    except (ValueError, OverflowError) as error:
        remedy = "写成 2026-09-21（当日终了时）或 2026-09-21T08:30（北京时间）"
        raise InputError("时间写法不对", field=field, value=text, remedy=remedy) from error
    if t_ms > now_ms:
        raise InputError("时间还没有到", field=field, value=text, remedy="只能查询已经过去的时间")
    if t_ms <= 0:
        raise InputError("时间过早", field=field, value=text, remedy="写本节点建立之后的时间")
    return t_ms


# -- now --------------------------------------------------------------------------------------------------------------


def list_items(reader: Reader, view: View, args: Mapping[str, object]) -> object:
    """`item list`: rows with what is known of each; with ``as_known_at`` the list of that moment, by pages."""
    if take(args, "as_known_at"):
        return list_at(reader, view, args)
    listed = browse.list_items(reader, view, args)
    return with_known(reader, view, listed)


def show_item(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """`item show`: one item with what is known of it and of each task below; with ``as_known_at`` as of then."""
    if take(args, "as_known_at"):
        return show_at(reader, view, args)
    shown = browse.show_item(reader, view, args)
    children = shown["children"]
    assert isinstance(children, list)  # noqa: S101 - what browse makes
    [first, *below] = with_known(reader, view, [shown, *children])
    return first | {"children": below}


def with_known(reader: Reader, view: View, rows: Sequence[Document]) -> list[Document]:
    """These rows, each with ``known``."""
    found = known_of(reader, view, _board(reader, [bytes.fromhex(str(row["id"])) for row in rows]))
    nothing = truth.Known("unsynced", truth.LABELS["unsynced"])  # gone from the board since it was listed
    return [
        row | {"known": truth.document(found.get(bytes.fromhex(str(row["id"])), nothing), view.name_of)} for row in rows
    ]


def _board(reader: Reader, ids: Sequence[bytes]) -> list[BoardRow]:
    rows: list[BoardRow] = []
    for start in range(0, len(ids), PER_PAGE):
        rows += reader.board(ids[start : start + PER_PAGE])
    return rows


# -- a moment ---------------------------------------------------------------------------------------------------------


def list_at(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """The list as it would have been at that moment; one page looks at `PER_PAGE` items that are here today."""
    t_ms = moment_of(take(args, "as_known_at"), view.now_ms)
    then = view_at(view, t_ms)
    page = _page(take(args, "page"))
    # A title, a number and a kind never change; all else is asked of the fold.
    query = BoardQuery(kind=take(args, "kind"), text=take(args, "text"), subject="-")
    query = on_line(Rulebook(reader, view.office).profile(day_number(view.now_ms)), take(args, "line"), query)
    total = reader.board_total(query).rows
    rows = reader.board_query(query._replace(limit=PER_PAGE, offset=(page - 1) * PER_PAGE))
    found = rows_at(reader, rows, t_ms)
    state, light, office = take(args, "state"), take(args, "light"), take(args, "office")
    documents = [row_at(then, row) for row in found if office in ("", row.issuer, row.receiver)]
    return {
        "as_known_at": moment(t_ms),
        "items": [
            one for one in documents
            if (not state or one["state"] == state) and (not light or one["light"] == light)
        ],
        "candidates": total, "looked_at": len(rows), "page": page, "pages": max(-(-total // PER_PAGE), 1),
        "notes": list(NOTES),
    }  # fmt: skip


def show_at(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """The item as it would have been shown at that moment, with what proves each record's arrival."""
    t_ms = moment_of(take(args, "as_known_at"), view.now_ms)
    then = view_at(view, t_ms)
    row = find_item(reader, view.office, take(args, "item"))
    held = read_facts(reader, [row.item_id]).get(row.item_id, [])
    facts = facts_at(held, t_ms)
    rows = _row_at(row, facts)
    if rows is None:
        first_ms = min((fact.received_ms for fact in held), default=0)
        raise NotFoundError(
            "本机当时还没有这个事项", field="ITEM", value=take(args, "item"),
            remedy=f"其最早的记录于{moment(first_ms)}收到" if first_ms else "",
        )  # fmt: skip
    shown = item_document(reader, then, rows, facts, [])
    below = rows_at(reader, reader.board_query(BoardQuery(parent=row.item_id)), t_ms)
    cases = rows_at(reader, reader.board_query(BoardQuery(subject="*", target=row.item_id)), t_ms)
    states = {one.item_id.hex(): one.state for one in cases}
    tracks, files, lines = shown["tracks"], shown["attachments"], shown["timeline"]
    assert isinstance(tracks, dict)  # noqa: S101 - what browse makes
    numbers = shown["numbers"]
    assert isinstance(numbers, dict)  # noqa: S101 - likewise
    linked = rows_at(reader, reader.board([bytes.fromhex(one) for one in numbers]), t_ms)
    assert isinstance(files, list)  # noqa: S101 - likewise
    assert isinstance(lines, list)  # noqa: S101 - likewise
    proofs = arrivals(reader, view.office, row.item_id, held)
    return shown | row_at(then, rows) | {
        "as_known_at": moment(t_ms),
        "numbers": {one.item_id.hex(): one.number for one in linked if one.number},
        "children": [row_at(then, child) for child in below],
        "tracks": tracks | {
            "cases": [one | {"state": states[one["item"]]} for one in tracks["cases"] if one["item"] in states],
        },
        "attachments": [one | {"present": None} for one in files],
        "timeline": [one | _arrival(view, proofs.get(bytes.fromhex(one["record"])), one, t_ms) for one in lines],
        "later_records": len(seen(reader, view, held)) - len(lines),
        "notes": list(NOTES),
    }  # fmt: skip


def rows_at(reader: Reader, rows: Sequence[BoardRow], t_ms: int) -> list[BoardRow]:
    """Board rows as folded from what was received until ``t_ms``; items not known by then are left out."""
    found = []
    for start in range(0, len(rows), _ITEMS_PER_READ):
        some = rows[start : start + _ITEMS_PER_READ]
        facts = read_facts(reader, [row.item_id for row in some])
        made = (_row_at(row, facts_at(facts.get(row.item_id, []), t_ms)) for row in some)
        found += [row for row in made if row is not None]
    return found


def row_at(then: View, row: BoardRow) -> Document:
    """A row of a moment's list: what was not stored is empty and says so."""
    document = row_document(then, row)
    if "delivery" in document:
        # Receipts replace one another: whether the next hop had it by then cannot be told.
        document |= {"delivery": None, "state_label": state_label(row.state, successor=bool(row.successor))}
    known = _known_then(then, row)
    not_kept: Document = {"state": None, "label": NOT_KEPT, "hop": None, "since": None}
    return document | {"known": not_kept if known is None else truth.document(known, then.name_of)}


def known_at(then: View, row: BoardRow) -> str:
    """The word of a moment's view for what was known of a row."""
    known = _known_then(then, row)
    return NOT_KEPT if known is None else known.label


def _known_then(then: View, row: BoardRow) -> truth.Known | None:
    here = row.receiver == then.office or row.state in DONE
    return truth.of(task_of(then, row), then.now_ms, then.fresh_ms) if here else None


def _row_at(row: BoardRow, facts: Sequence[Fact]) -> BoardRow | None:
    state = fold(row.item_id, facts)
    return board_row(state, row.item_no, (row.opened_log_no, row.opened_seq), facts) if state.opened else None


def view_at(view: View, t_ms: int) -> View:
    """The moment's view: its date, its own data current, the freshness of others not stored."""
    return view._replace(
        now_ms=t_ms, as_of_ms=lambda office: t_ms if office == view.office else 0, delivered=lambda _row: True
    )


def _page(text: str) -> int:
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) <= 9):
        raise InputError("页码须为从1开始的整数", field="--page", value=text, remedy="用半角数字")
    return int(text)


# -- what proves an arrival -------------------------------------------------------------------------------------------


class Proof(NamedTuple):
    """A neighbour's signed receipt at ``at_ms`` (its clock) covers the record, or one of ours that answers it."""

    office: str
    at_ms: int
    by_answer: bytes  # the record of ours that is covered, where it is not the record itself


def arrivals(reader: Reader, me: str, item_id: bytes, facts: Sequence[Fact]) -> dict[bytes, Proof]:
    """The earliest proof that each record of an item was here; records without one are left out."""
    numbers = reader.item_numbers([item_id])
    places = reader.item_places(numbers.values()).get(numbers.get(item_id, 0), [])
    receipts = _receipts(reader, {log_no for log_no, _ in places})
    sources = {fact.record_id: _source(fact, me) for fact in facts}
    found: dict[bytes, Proof] = {}
    for row in reader.records_at(places):
        for peer, seq, at_ms in receipts.get(row.log_no, ()):
            if row.seq <= seq and peer != sources.get(row.record_id):
                _earlier(found, row.record_id, Proof(peer, at_ms, b""))
    # Covered, our own records prove what they answer. A forged answer would be ours to have forged.
    for fact in facts:
        proof = found.get(fact.record_id)
        if fact.author == me and proof is not None and not proof.by_answer:
            for answered in fact.re:
                _earlier(found, answered, Proof(proof.office, proof.at_ms, fact.record_id))
    return {record_id: proof for record_id, proof in found.items() if record_id in sources}


def _source(fact: Fact, me: str) -> str:
    """The neighbour a record came from: its receipt proves nothing of this node. Empty for own ones."""
    path = fact.line.path
    if fact.author == me or me not in path or fact.author not in path:
        return ""
    here = path.index(me)
    return path[here + 1] if path.index(fact.author) > here else path[here - 1]


def _earlier(found: dict[bytes, Proof], record_id: bytes, proof: Proof) -> None:
    old = found.get(record_id)
    if old is None or proof.at_ms < old.at_ms:
        found[record_id] = proof


def _receipts(reader: Reader, log_nos: Iterable[int]) -> dict[int, list[tuple[str, int, int]]]:
    """By log: (neighbour, up to which seq, when) of each receipt kept for it."""
    found: dict[int, list[tuple[str, int, int]]] = {}
    for log_no in sorted(log_nos):
        for ack in reader.rows(Ack, log_no=log_no):
            receipt = reader.get(ReceiptRow, ack.receipt_no)
            if receipt is not None:
                found.setdefault(log_no, []).append((ack.peer, ack.seq, receipt.at_ms))
    return found


def _arrival(view: View, proof: Proof | None, line: Document, t_ms: int) -> Document:
    """``arrival`` of a timeline entry: this node's own note, and the evidence."""
    evidence: Document | None = None
    if proof is not None:
        evidence = {
            "office": proof.office, "name": view.name_of(proof.office), "at": moment(proof.at_ms),
            "by_then": proof.at_ms <= t_ms, "answer": proof.by_answer.hex() or None,
        }  # fmt: skip
    return {"arrival": {"own": line["author"] == view.office, "claimed": line["received_at"], "evidence": evidence}}
