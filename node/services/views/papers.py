"""`papers` 督办文书清单: what was sent and decided beside the state of items, a list for each kind (R97, R105).

Rules of this file:

1. A line is a record with effect (of a 整改清单 a line of it), in its author's own words, with the item it stands on.
2. Pages go by items, those changed last first; which items there are the board says, so that no other is read.
3. 考核记分 are summed by the office that had the item: those adopted and those still proposed; what was not adopted, or
   whose cause was judged 有正当理由, counts for nothing (A20).
4. What a caller may not see is not in it (`scope`, `discreet`): neither items of other units nor papers kept back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from node.clock import iso
from node.errors import InputError
from node.items.beside import Score
from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState, fold
from node.items.lifecycle import ARCHIVED
from node.records.kinds import Kind, label_of
from node.records.payload import Act
from node.records.track import ADOPTED, DROPPED
from node.rules.words import COLOURS
from node.services.board.project import read_facts
from node.services.matters.desk import take
from node.services.matters.discreet import seen
from node.services.verbs import Question
from node.services.views.browse import View, moment
from node.services.views.pages import narrowed
from node.services.views.tracks_view import day_text, text_of, tracks_document
from node.storage.port import BoardPage, BoardQuery, BoardRow, Reader

Document = dict[str, object]
PER_PAGE, PER_PAGE_MAX = 50, 200
TOTALS_ITEMS_MAX = 2_000  # their records are read; what is left out is said
_COUNT_MAX = 10_000
_PER_READ = 200
_JUSTIFIED = "justified"
_EXCUSED = "有正当理由，不计"


class Paper(NamedTuple):
    """A kind of list: its name, and the records it shows."""

    label: str
    kinds: frozenset[int]


PAPERS: Mapping[str, Paper] = {
    name: Paper(label, frozenset(int(kind) for kind in kinds))
    for name, label, kinds in (
        ("extension", "延期", (Kind.EXT_REQUEST, Kind.EXT_DECISION)),
        ("return", "退回", (Kind.RETURN,)),
        ("review", "审核", (Kind.FINAL, Kind.ACCEPT, Kind.RETURN, Kind.VERIFY)),
        ("slip", "督办单", (Kind.SLIP, Kind.JUSTIFY, Kind.JUSTIFY_DECISION)),
        ("order", "督办令", (Kind.ORDER,)),
        ("rectify", "整改清单", ()),
        ("notice", "通报简报", (Kind.NOTICE, Kind.BULLETIN)),
        ("score", "考核记分", (Kind.SCORE,)),
        ("archive", "归档", (Kind.ARCHIVE,)),
    )
}


def papers(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """One kind of papers by pages; ``office``: only of what this office has in hand. InputError.

    ``totals``: False leaves out the sums of 考核记分, which are of all pages.
    """
    kind = _kind(take(args, "kind"))
    page, per = _whole(args, "page", 1), _whole(args, "per", PER_PAGE)
    if per > PER_PAGE_MAX:
        raise InputError("每页件数过多", field="--per", value=per, remedy=f"最多{PER_PAGE_MAX}件")
    wanted = BoardQuery(
        subject="-", receiver=take(args, "office"), sort="updated_ms", descending=True, limit=per,
        offset=(page - 1) * per, state=ARCHIVED if kind == "archive" else "", paper="" if kind == "archive" else kind,
    )  # fmt: skip
    if wanted.offset >= _COUNT_MAX:
        raise InputError(f"只能翻看前{_COUNT_MAX}件", field="--page", value=page, remedy="只看一个单位的")
    query = narrowed(reader, view, wanted)
    found = reader.board_page(query, _COUNT_MAX + 1) if query is not None else BoardPage([], 0)
    lines = list(_lines_of(reader, view, kind, found.rows))
    total = min(found.total, _COUNT_MAX)
    summed = kind == "score" and query is not None and args.get("totals", True) is not False
    return {
        "kind": kind, "label": PAPERS[kind].label, "kinds": {name: one.label for name, one in PAPERS.items()},
        "office": take(args, "office") or None, "page": page, "per": per, "pages": max(-(-total // per), 1),
        "items": total, "more": found.total > _COUNT_MAX, "asked_at": moment(view.now_ms), "lines": lines,
        "totals": _summed(reader, view, query) if summed and query is not None else None,
        "totals_items": min(total, TOTALS_ITEMS_MAX) if summed else None,
    }  # fmt: skip


def _summed(reader: Reader, view: View, query: BoardQuery) -> list[Document]:
    rows = reader.board_query(query._replace(limit=TOTALS_ITEMS_MAX, offset=0))
    parts = (rows[start : start + _PER_READ] for start in range(0, len(rows), _PER_READ))
    return totals_of(line for part in parts for line in _lines_of(reader, view, "score", part))


def totals_of(lines: Iterable[Mapping[str, object]]) -> list[Document]:
    """What the lines of a list of 考核记分 come to for each office, the fewest points first; nobody without one."""
    names: dict[str, str] = {}
    sums: dict[str, list[int]] = {}
    for line in lines:
        if not line["counted"]:
            continue
        office, milli = str(line["receiver"]), round(float(str(line["points"])) * 1000)
        names[office] = str(line["receiver_name"])
        held = sums.setdefault(office, [0, 0, 0])
        held[0] += 1
        held[1 if line["adopted"] else 2] += milli
    return [
        {"receiver": office, "receiver_name": names[office], "scores": count, "points": (adopted + proposed) / 1000,
         "adopted": adopted / 1000, "proposed": proposed / 1000}
        for office, (count, adopted, proposed) in sorted(sums.items(), key=lambda one: (sum(one[1][1:]), one[0]))
    ]  # fmt: skip


def _lines_of(reader: Reader, view: View, kind: str, rows: Iterable[BoardRow]) -> Iterator[Document]:
    listed = list(rows)
    facts = read_facts(reader, [row.item_id for row in listed])
    return (line for row in listed for line in _lines(reader, view, kind, row, facts.get(row.item_id, [])))


def _lines(reader: Reader, view: View, kind: str, row: BoardRow, facts: list[Fact]) -> Iterator[Document]:
    """The papers of one item, the newest first."""
    state = fold(row.item_id, facts)
    head: Document = {
        "item": row.item_id.hex(), "number": row.number, "title": row.title, "receiver": row.receiver,
        "receiver_name": view.name_of(row.receiver),
    }  # fmt: skip
    if kind == "rectify":
        yield from (head | one for one in _rectified(state))
        return
    shown = [
        fact for fact in seen(reader, view, facts)
        if fact.kind in PAPERS[kind].kinds and state.effects.get(fact.record_id) in EFFECTIVE
    ]  # fmt: skip
    said = _said(tracks_document(reader, view.name_of, state, shown))
    for fact in sorted(shown, key=lambda one: (one.claimed_ms, one.epoch, one.seq), reverse=True):
        record = fact.record_id.hex()
        text = "\n".join(state.tracks.manifest) if kind == "archive" else text_of(fact.payload, fact.kind)
        yield head | {
            "record": record, "what": _what(fact), "author": fact.author, "author_name": view.name_of(fact.author),
            "at": iso(fact.claimed_ms), "text": text, "due": _due(fact), "outcome": said.get(record, ""),
            "points": None,
        } | _points(fact, state)  # fmt: skip


def _rectified(state: ItemState) -> Iterable[Document]:
    labels = ("整改中", "已报告", "已销去")
    return (
        {
            "record": None, "what": one.key, "author": None, "author_name": one.unit or "", "at": None,
            "text": one.text + (f"（{one.leader}）" if one.leader else ""), "due": day_text(one.due_day),
            "outcome": labels[min(one.status, 2)], "points": None,
        }
        for one in state.tracks.lines
    )  # fmt: skip


def _what(fact: Fact) -> str:
    """What a paper is called: a slip by its colour, all else by its kind."""
    track = fact.payload.track if isinstance(fact.payload, Act) else None
    if fact.kind == Kind.SLIP and track is not None and track.colour:
        return f"{COLOURS.get(track.colour, track.colour)}色督办单"
    return label_of(fact.kind)


def _due(fact: Fact) -> str | None:
    return day_text(fact.payload.due_day) if isinstance(fact.payload, Act) else None


def _points(fact: Fact, state: ItemState) -> Document:
    """Of a score its points, whether they count, and whether they were adopted; of a verdict on one nothing."""
    found = next((one for one in state.tracks.scores if one.record_id == fact.record_id), None)
    if fact.kind != Kind.SCORE:
        return {}
    if found is None:
        return {"counted": False, "adopted": False}
    excused = _excused(state, found)
    return {
        "points": found.points_milli / 1000, "counted": found.verdict != DROPPED and not excused,
        "adopted": found.verdict == ADOPTED,
    } | ({"outcome": _EXCUSED} if excused else {})  # fmt: skip


def _excused(state: ItemState, score: Score) -> bool:
    """Whether the slip it follows from was judged to have had good reasons."""
    return any(slip.record_id == score.cause and slip.justified == _JUSTIFIED for slip in state.tracks.slips)


def _said(tracks: Mapping[str, object]) -> dict[str, str]:
    """What came of papers that are answered: of slips whether there were reasons, of scores whether they count."""
    found: dict[str, str] = {}
    for name, word in (("slips", "justified_label"), ("scores", "label")):
        listed = tracks[name]
        assert isinstance(listed, list)  # noqa: S101 - what tracks_view makes
        found |= {str(one["record"]): str(one[word] or "") for one in listed}
    return found


def _kind(word: str) -> str:
    for name, one in PAPERS.items():
        if word in (name, one.label):
            return name
    offered = "、".join(f"{name}（{one.label}）" for name, one in PAPERS.items())
    raise InputError("没有这种清单", field="KIND", value=word, remedy=f"可选：{offered}")


def _whole(args: Mapping[str, object], name: str, default: int) -> int:
    value = args.get(name)
    if value in (None, ""):
        return default
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and 0 < len(text) <= 5 and int(text)):
        raise InputError("须为正整数", field=f"--{name}", value=value)
    return int(text)


QUESTIONS: Mapping[str, Question] = {"papers": papers}
