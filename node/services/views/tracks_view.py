"""What runs beside an item, as JSON and as words: the ``tracks`` of `item show` and the texts of its timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from node.items.fact import Fact
from node.items.fold import ItemState
from node.items.marks import tally_of
from node.records.envelope import Envelope
from node.records.kinds import Kind
from node.records.payload import Act, Enclosure, Opening
from node.records.track import CRITICISM, JUSTIFIED, MOVED, PRAISE, Track
from node.rules.words import COLOURS
from node.services.matters.sharing import Shown
from node.storage.port import BoardQuery, Reader

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EXTENSIONS = {"requested": "待批复", "granted": "已同意", "denied": "不同意", "noted": "已说明，原时限不变"}
_JUSTIFIED = {"given": "已说明理由，待认定", "justified": "有正当理由", "unjustified": "无正当理由"}
_LINE_STATES = ("整改中", "已报告", "已销去")
_PRAISED = {PRAISE: "praise", CRITICISM: "criticism"}
_VERDICTS = ("待采用", "已采用", "未采用")
NameOf = Callable[[str], str]


def day_text(day: int) -> str | None:
    """A date of days since 1970-01-01, None for none. Whoever signs a day no calendar has gets the calendar's end."""
    ordinal = min(max(_EPOCH_ORDINAL + day, 1), date.max.toordinal())
    return date.fromordinal(ordinal).isoformat() if day else None


def tracks_document(
    reader: Reader, name_of: NameOf, state: ItemState, facts: Iterable[Fact]
) -> dict[str, object]:
    """The side tracks of an item (R29, R97, R99, R105, R119); ``cases`` are approval cases and side files here.

    ``facts`` are those of its records that are shown: 通报, 简报 and 专报 are told apart by them.
    """
    tracks = state.tracks
    extension = tracks.extension
    terms = state.opening.terms if state.opening is not None else None
    cases = reader.board_query(BoardQuery(subject="*", target=state.item_id))
    facts = list(facts)
    provisional = tally_of(state, facts).provisional
    return {
        "extension": {
            "state": extension.state or None, "label": _EXTENSIONS.get(extension.state),
            "wanted": day_text(extension.wanted_day), "grants": extension.grants, "requests": extension.requests,
        },
        "dues": [{"record": record.hex(), "due": day_text(day)} for record, day in tracks.dues],
        "slips": _slips(name_of, state, facts),
        "milestones": [
            {"key": one.key, "title": one.title, "due": day_text(one.due_day), "done": day_text(one.done_day)}
            for one in tracks.milestones
        ],
        "rectify": [
            {
                "key": one.key, "text": one.text, "unit": one.unit, "leader": one.leader, "due": day_text(one.due_day),
                "state": ("open", "reported", "cleared")[min(one.status, 2)],
                "label": _LINE_STATES[min(one.status, 2)],
            }
            for one in tracks.lines
        ],
        "handlers": [
            {"unit": one.unit, "person": one.person or None, "due": day_text(one.due_day),
             "provisional": (one.unit, one.due_day) in provisional}
            for one in tracks.handlers if one.unit or one.person
        ],
        "duties": [{"level": one.level, "name": one.name} for one in tracks.duties],
        "scores": [
            {
                "record": one.record_id.hex(), "points": one.points_milli / 1000, "rule": one.rule,
                "cause": one.cause.hex(), "unit": one.unit or None,
                "unit_name": name_of(one.unit) if one.unit else None,
                "state": ("proposed", "adopted", "dropped")[min(one.verdict, 2)],
                "label": _VERDICTS[min(one.verdict, 2)],
            }
            for one in tracks.scores
        ],
        "findings": [{"question": one.question, "ok": one.ok, "text": one.text} for one in tracks.findings],
        "exempt": tracks.exempt.hex() or None,
        "unclear": (terms.unclear if terms is not None else "") if tracks.unclear else None,
        "warnings": tracks.warnings,
        "orders": [one.hex() for one in tracks.orders],
        **_papers([fact for fact in facts if fact.record_id in tracks.notices]),
        "interviews": tracks.interviews,
        "enclosed": [one.hex() for one in tracks.enclosed],
        "manifest": list(tracks.manifest),
        "reinspections": [one.hex() for one in tracks.reinspections],
        "cases": [
            {"item": row.item_id.hex(), "number": row.number, "subject": row.subject, "state": row.state}
            for row in cases
        ],
    }  # fmt: skip


def _slips(name_of: NameOf, state: ItemState, facts: Iterable[Fact]) -> list[dict[str, object]]:
    """督办单, each with whom it was sent to: the units that had the item in hand, or its receiver."""
    units = {
        fact.record_id: fact.payload.unit for fact in facts
        if fact.kind == Kind.SLIP and isinstance(fact.payload, Act)
    }  # fmt: skip
    return [
        {
            "record": one.record_id.hex(), "colour": one.colour, "label": COLOURS.get(one.colour, one.colour),
            "due": day_text(one.due_day), "rule": one.rule, "entries": list(one.entries), "author": one.author,
            "author_name": name_of(one.author), "unit": units.get(one.record_id) or None,
            "to": units.get(one.record_id) or name_of(state.receiver), "justified": one.justified or None,
            "justified_label": _JUSTIFIED.get(one.justified),
        }
        for one in state.tracks.slips
    ]  # fmt: skip


def _papers(facts: list[Fact]) -> dict[str, object]:
    """通报, 简报 and 专报, each by its kind."""
    return {
        "notices": [fact.record_id.hex() for fact in facts if fact.kind == Kind.NOTICE],
        "praises": sum(_verdict(fact) == PRAISE for fact in facts),
        "criticisms": sum(_verdict(fact) == CRITICISM for fact in facts),
        "bulletins": [fact.record_id.hex() for fact in facts if fact.kind == Kind.BULLETIN],
        "specials": [fact.record_id.hex() for fact in facts if fact.kind == Kind.SPECIAL],
    }


def _verdict(fact: Fact) -> int:
    """`PRAISE` or `CRITICISM` of a 通报, 0 for all else."""
    payload = fact.payload
    if fact.kind != Kind.NOTICE or not isinstance(payload, Act) or payload.track is None:
        return 0
    return payload.track.verdict


def verdict_document(fact: Fact) -> dict[str, object]:
    """``verdict`` of a timeline entry: praise or criticism of a 通报 (R45, R110)."""
    word = _PRAISED.get(_verdict(fact))
    return {"verdict": word} if word else {}


def terms_document(opening: Opening | None, frequency: str = "") -> dict[str, object] | None:
    """The ``terms`` of `item show`: line, class, rule, who supervises and leads, how often to report (R6, R129, R130).

    None where the item was opened without any; ``frequency``: a changed one.
    """
    terms = opening.terms if opening is not None else None
    if opening is None or terms is None:
        return None
    return {
        "line": terms.work_line or None, "class": terms.item_class or None, "origin": terms.origin or None,
        "form": terms.form or None, "rule": opening.rule or None, "profile": terms.profile or None,
        "strength": terms.strength or None, "start": day_text(terms.start_day), "provisional": terms.provisional,
        "supervised_by": terms.supervised_by or None, "leader": terms.leader or None,
        "frequency": frequency or terms.frequency or None, "secrecy": terms.secrecy or None, "hidden": terms.hidden,
        "plan_year": terms.plan_year or None, "remark": terms.remark or None,
    }  # fmt: skip


def enclosed_document(
    payload: Opening | Act | Enclosure | None, open_: Callable[[Envelope], Shown] | None, name_of: NameOf
) -> dict[str, object]:
    """``enclosed`` of a timeline entry: each record of a 转送, with its words where its signature holds here (R33)."""
    if not isinstance(payload, Enclosure) or open_ is None:
        return {}
    shown = [open_(envelope) for envelope in payload.records]
    return {
        "enclosed": [
            {
                "record": one.record_id.hex() or None, "author": one.author, "author_name": name_of(one.author),
                "kind_label": one.kind_label, "text": one.text, "confirmed": one.confirmed,
                "attachments": [{"hash": file.hash.hex(), "name": file.name} for file in one.attachments],
            }
            for one in shown
        ]
    }  # fmt: skip


def text_of(payload: Opening | Act | Enclosure | None, kind: int = 0) -> str:
    """The words of a record of this ``kind`` as the timeline shows them; no empty line where nothing was written."""
    if payload is None:
        return ""
    text = payload.text
    if isinstance(payload, Act):
        if kind == Kind.NOTICE and payload.track is not None and payload.track.verdict in _PRAISED:
            text = f"{'通报表扬' if payload.track.verdict == PRAISE else '通报批评'}：{text}"
        if payload.percent >= 0:
            text = f"[{payload.percent}%] {text}"
        if payload.occurred_day:
            text += f"（补录，实际发生于 {day_text(payload.occurred_day)}）"
        if payload.due_day:
            # What a slip, an order or a notice sets is its own limit: the item's stays as it was.
            word = "完成时限" if kind in (Kind.SLIP, Kind.ORDER, Kind.NOTICE) else "新时限"
            text += f"（{word} {day_text(payload.due_day)}）" if kind != Kind.HANDLE else ""
        text += "".join(f"\n{number}. {answer}" for number, answer in payload.answers)
        if kind == Kind.HANDLE and payload.track is not None and payload.track.verdict == MOVED:
            text += f"（{payload.unit or '原承办人员'} 不再承办）"
        else:
            text = _with(text, payload, kind)
        if kind == Kind.JUSTIFY_DECISION and payload.track is not None:
            text += f"\n认定：{'有正当理由' if payload.track.verdict == JUSTIFIED else '无正当理由'}"
        if payload.track is not None:
            text += "".join(f"\n{said}" for said in _said(payload.track))
    return text.removeprefix("\n")


def _with(text: str, act: Act, kind: int) -> str:
    """The words and who is named with them; 内部交办, which may have no words, with the date of who is named."""
    named = " ".join(part for part in (act.unit, act.person) if part)
    if kind == Kind.HANDLE and act.due_day:
        named = "，".join(part for part in (named, f"内部时限 {day_text(act.due_day)}") if part)
    return f"{text}（{named}）" if named and text else text + named


def _said(track: Track) -> list[str]:
    said = []
    if track.colour:
        said.append(f"{COLOURS.get(track.colour, track.colour)}色督办单")
    said += [text for text in (track.title, track.number and f"编号 {track.number}") if text]
    said += track.entries
    for one in track.lines:
        who = f" {one.text}（{one.unit} {one.leader} {day_text(one.due_day)}）" if one.text else ""
        said.append(f"整改 {one.key}{who}{_LINE_STATES[min(one.status, 2)] if one.status else ''}")
    said += [f"{found.question}：{'是' if found.ok else '否'}{found.text}" for found in track.findings]
    said += [f"节点 {step.key} {step.title}{'，已完成' if step.done_day else ''}" for step in track.milestones]
    said += [f"{duty.level}：{duty.name}" for duty in track.duties]
    if track.points_milli:
        said.append(f"{track.points_milli / 1000:+g}分")
    if track.rule:
        said.append(f"规则 {track.rule}")
    return said
