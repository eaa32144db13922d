"""`papers` 督办文书清单: what was sent and decided beside the state of items, a list for each kind (R97, R105).

Rules of this file:

1. A line is a record with effect (of a 整改清单 a line of it), in its author's own words, with the item it stands on.
2. Pages go by items, those changed last first; which items there are the board says, so that no other is read.
3. What a caller may not see is not in it (`scope`, `discreet`): neither items of other units nor papers kept back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from node.clock import iso
from node.errors import InputError
from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState, fold
from node.items.lifecycle import ARCHIVED
from node.records.kinds import Kind, label_of
from node.records.payload import Act
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
_COUNT_MAX = 10_000


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
    """One kind of papers by pages; ``office``: only of what this office has in hand. InputError."""
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
    facts = read_facts(reader, [row.item_id for row in found.rows])
    lines = [line for row in found.rows for line in _lines(reader, view, kind, row, facts.get(row.item_id, []))]
    total = min(found.total, _COUNT_MAX)
    return {
        "kind": kind, "label": PAPERS[kind].label, "kinds": {name: one.label for name, one in PAPERS.items()},
        "office": take(args, "office") or None, "page": page, "per": per, "pages": max(-(-total // per), 1),
        "items": total, "more": found.total > _COUNT_MAX, "asked_at": moment(view.now_ms), "lines": lines,
    }  # fmt: skip


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
        } | _points(fact)  # fmt: skip


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


def _points(fact: Fact) -> Document:
    track = fact.payload.track if fact.kind == Kind.SCORE and isinstance(fact.payload, Act) else None
    return {"points": track.points_milli / 1000} if track is not None else {}


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
