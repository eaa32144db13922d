"""What the fields of an action offer for one item: choices, bounds of dates, parts to answer, what stands there first.

Everything here comes from the item, the profile in force and the units of this office; the command checks it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from node.documents.profiles import DEFAULT
from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState
from node.items.lifecycle import CANCELLED, DONE, TERMINAL, state_label
from node.items.lights import day_of
from node.records.kinds import label_of
from node.records.payload import Act
from node.records.track import CLEARED, OPEN
from node.rules.words import COLOURS, FACTS, FINDINGS, SUBJECTS
from node.services.matters import drafts
from node.services.matters.archiving import lacking
from node.services.matters.desk import Caller, Desk
from node.services.matters.ground import Ground
from node.services.matters.slips import STATED
from node.services.views.action_forms import Field, Form
from node.services.views.tracks_view import day_text
from node.storage.port import BoardQuery, BoardRow, Unit

Document = dict[str, object]
_CHOICES_MAX = 200
_SOON_DAYS = 30  # how far off the example of a date lies


class Scene(NamedTuple):
    """The item and what its fields are made of; ``today`` in days since 1970-01-01."""

    desk: Desk
    caller: Caller
    row: BoardRow
    state: ItemState
    facts: tuple[Fact, ...]
    children: tuple[BoardRow, ...]
    mine: Ground  # by this office's profile
    theirs: Ground  # by the issuer's
    above_day: int  # the due day of the item above, 0 for none
    today: int


def fields_of(scene: Scene, form: Form) -> tuple[Document, ...]:
    """The fields of a form as the page gets them; a choice that may be left and has nothing to choose is left out."""
    found = [field_document(scene, form, field) for field in form.fields]
    draft = drafts.waiting(scene.desk, form.subject, scene.state) if form.subject else None
    if draft is not None:
        found = [_as_approved(document, draft) for document in found]
    return tuple(one for one in found if one["kind"] != "choice" or one["required"] or one["choices"])


def _as_approved(document: Document, draft: Act) -> Document:
    """What went through the chain stands in the form: the act says just that (R56, R69)."""
    due = day_text(draft.due_day)
    stands: Mapping[str, object] = {"text": draft.text, "due": due, "until": due}
    answers = {str(number): words for number, words in draft.answers}
    parts = document.get("parts")
    if document["name"] == "answer" and answers and isinstance(parts, list):
        return document | {"parts": [part | {"default": answers.get(part["key"])} for part in parts]}
    known = stands.get(str(document["name"]))
    return document | {"default": known, "example": known} if known else document


def field_document(scene: Scene, form: Form, field: Field) -> Document:
    """One field."""
    document: Document = {
        "name": field.name, "label": field.label, "kind": field.kind, "required": field.required,
        "multiple": field.multiple, "help": field.help or None, "default": None,
        "choices": [_choice(value, label) for value, label in field.choices] or None,
    }  # fmt: skip
    if field.choices and field.required:
        document["default"] = field.choices[0][0]
    if field.columns:
        document["columns"] = [{"name": name, "label": label, "kind": kind} for name, label, kind in field.columns]
    if field.pattern:
        document["pattern"] = field.pattern
    if field.columns and field.required:
        document["example"] = _example_line(scene, field)
    if field.fill:
        document |= _FILLS[field.fill](scene, form)
    return document


def _example_line(scene: Scene, field: Field) -> str:
    """A line the command takes: its date is none beyond that of the item above."""
    soon = scene.today + _SOON_DAYS
    day = day_text(min(soon, scene.above_day) if scene.above_day >= scene.today else soon)
    values = {name: day if kind == "date" else "一" for name, _label, kind in field.columns}
    return field.pattern.format(**values)


def _name(scene: Scene, code: str) -> str:
    """An office as people call it; the code of one that has no certificate yet."""
    key = scene.desk.keyring.current(code)
    return key.name if key is not None and key.name else code


def _choice(value: str, label: str) -> Document:
    return {"value": value, "label": label}


def _choices(pairs: Iterable[tuple[str, str]], default: str = "") -> Document:
    listed = [_choice(value, label) for value, label in pairs][:_CHOICES_MAX]
    return {"choices": listed, "default": default or None}


def _days(first: int = 0, last: int = 0, default: int = 0) -> Document:
    """Bounds of a date, and one within them that the command takes where any is."""
    example = default or ((first or last) and min(first + _SOON_DAYS, last or first + _SOON_DAYS)) or last
    return {"min": day_text(first), "max": day_text(last), "default": day_text(default), "example": day_text(example)}


def _past(scene: Scene, _form: Form) -> Document:
    return {"max": day_text(scene.today), "example": day_text(scene.today)}


def _own_due(scene: Scene, _form: Form) -> Document:
    due = scene.state.due_day
    return {"max": day_text(due), "example": day_text(due or scene.today + _SOON_DAYS)}


def _wanted(scene: Scene, _form: Form) -> Document:
    return _days(max(scene.state.due_day, scene.today) + 1)


def _within_above(scene: Scene, first: int) -> Document:
    """From ``first`` to the date of the item above. Where that leaves no room it is no bound of the field: the command
    is tried with a day to come, so that just this is what it says.
    """
    return _days(first, scene.above_day if scene.above_day >= first else 0)


def _granted(scene: Scene, _form: Form) -> Document:
    first, last = max(scene.state.due_day + 1, scene.today), scene.above_day
    if last < first:
        last = 0  # the superior's date leaves no room: tried all the same, so that just this is what is said
    wanted = max(scene.state.tracks.extension.wanted_day, first)
    return _days(first, last, min(wanted, last) if last else wanted) | {"required": True}


def _changed(scene: Scene, _form: Form) -> Document:
    due, me = scene.state.due_day, scene.desk.identity.code
    below = [row.due_day for row in scene.children if row.issuer == me and row.state not in DONE]
    first = max([scene.today, *below])
    return _within_above(scene, first) | ({"example": day_text(due)} if due >= first else {})


def _units(scene: Scene) -> list[tuple[str, str]]:
    return [(unit.name, unit.name) for unit in scene.desk.store.rows(Unit) if unit.active]


def _unit(scene: Scene, _form: Form) -> Document:
    units = _units(scene)
    return _choices(units) if units else {"choices": None, "example": "综合科"}


def _held(scene: Scene, _form: Form) -> Document:
    """The units that have the item in hand."""
    return _choices([(one.unit, one.unit) for one in scene.state.tracks.handlers if one.unit])


def _own_unit(scene: Scene, _form: Form) -> Document:
    units = _units(scene)
    own = scene.caller.unit if any(name == scene.caller.unit for name, _ in units) else ""
    return _choices(units, own) if units else {}


def _receivers(scene: Scene, form: Form) -> Document:
    """``exclude``: offices that have an open task of this office there already."""
    rows: Iterable[BoardRow] = scene.children
    if form.id == "reassign":
        rows = scene.desk.store.board_query(BoardQuery(parent=scene.row.parent)) if scene.row.parent else ()
    me = scene.desk.identity.code
    taken = {row.receiver for row in rows if row.issuer == me and row.state not in DONE}
    return {"exclude": sorted(taken | ({scene.row.receiver} if form.id == "reassign" else set()))}


def _percent(scene: Scene, _form: Form) -> Document:
    return {"min": 0, "max": 100, "default": scene.row.percent if scene.row.percent > 0 else None}


def _parts(pairs: Iterable[tuple[str, str]], *, required: bool, default: str = "") -> Document:
    parts = [{"key": key, "label": label, "default": default or None} for key, label in pairs]
    return {"parts": parts, "required": required and bool(parts)}


def _report_parts(scene: Scene, _form: Form) -> Document:
    reports = scene.theirs.profile.reports
    parts = reports.parts if reports is not None else ()
    return _parts(_numbered(parts), required=scene.theirs.wants_parts(scene.row.frequency))


def _answers(scene: Scene, _form: Form) -> Document:
    points = scene.state.opening.points if scene.state.opening is not None else ()
    return _parts(_numbered(points), required=scene.theirs.profile.id != DEFAULT)


def _numbered(texts: Iterable[str]) -> list[tuple[str, str]]:
    return [(str(number), text) for number, text in enumerate(texts, 1)]


def _findings(scene: Scene, _form: Form) -> Document:
    closing = scene.mine.profile.closing
    asked = [(FINDINGS[name], FINDINGS[name]) for name in closing.findings] if closing is not None else []
    return _parts(asked, required=True, default="是")


def _papers(scene: Scene, _form: Form) -> Document:
    return _parts([(label, label) for label in lacking(scene.desk, scene.state, scene.mine)], required=True)


def _open_milestones(scene: Scene, _form: Form) -> Document:
    return _choices((one.key, f"{one.key} {one.title}") for one in scene.state.tracks.milestones if not one.done_day)


def _lines(scene: Scene, below: int) -> Document:
    return _choices((one.key, f"{one.key} {one.text}") for one in scene.state.tracks.lines if one.status < below)


def _colours(scene: Scene, _form: Form) -> Document:
    return _choices((rung.colour, f"{COLOURS[rung.colour]}色督办单") for rung in scene.mine.profile.ladder)


def _must_state(scene: Scene, _form: Form) -> Document:
    """What the next slip must say by the profile, but for its date; a part that the colour chosen lacks is refused."""
    issued = {slip.colour for slip in scene.state.tracks.slips}
    rung = next((one for one in scene.mine.profile.ladder if one.colour not in issued), None)
    keys = [key for key in rung.must_state if not key.endswith("时限")] if rung is not None else []
    return _parts([(key, key) for key in keys], required=True)


def _suppliers(scene: Scene, _form: Form) -> Document:
    profile = scene.mine.profile
    listed = [(role, profile.role_label(role)) for role in profile.negative_suppliers]
    return _choices(listed) | {"required": bool(listed)}


def _into(scene: Scene, _form: Form) -> Document:
    me = scene.desk.identity.code
    rows = scene.desk.store.board_query(BoardQuery(office=me, kind="registered", subject="-", limit=_CHOICES_MAX))
    found = [row for row in rows if row.state not in TERMINAL and row.item_id != scene.row.item_id and row.issuer == me]
    return {"example": found[-1].item_id.hex() if found else None}


def _frequencies(scene: Scene, _form: Form) -> Document:
    return _choices((rule.id, rule.title) for rule in scene.mine.profile.rules if rule.cadence or rule.fixed)


def _scores(scene: Scene, _form: Form) -> Document:
    return _choices(
        (rule.id, f"{rule.title} {rule.points}分" if rule.points is not None else rule.title)
        for rule in scene.mine.profile.scores
    )


def _records(scene: Scene, author: str = "") -> Document:
    return _choices(
        (fact.record_id.hex(), f"{label_of(fact.kind)} {day_text(day_of(fact.claimed_ms))} {_name(scene, fact.author)}")
        for fact in sorted(scene.facts, key=lambda fact: -fact.claimed_ms)
        if author in ("", fact.author) and scene.state.effects.get(fact.record_id) in EFFECTIVE
    )


def _proposed(scene: Scene, _form: Form) -> Document:
    open_ = [one for one in scene.state.tracks.scores if not one.verdict]
    titles = {f"scores.{rule.id}": rule.title for rule in scene.mine.profile.scores}
    return _choices(
        (one.record_id.hex(), f"{one.points_milli / 1000:+g}分 {titles.get(one.rule.rpartition('/')[2], one.rule)}")
        for one in open_
    )


def _named(scene: Scene, _form: Form) -> Document:
    rows = [row for row in scene.children if row.state != CANCELLED]
    listed = [(row.receiver, f"{_name(scene, row.receiver)}（{state_label(row.state)}）") for row in rows]
    me = scene.state.receiver
    own = [] if scene.state.kind == "registered" else [(me, _name(scene, me))]
    return _choices(dict([*own, *listed]).items())


def _measures(scene: Scene, _form: Form) -> Document:
    return _choices((one.id, one.title) for one in scene.mine.profile.measures)


_FILLS: Mapping[str, Callable[[Scene, Form], Document]] = {
    "past": _past, "own_due": _own_due, "wanted": _wanted, "granted": _granted, "changed": _changed,
    "below_due": lambda scene, _form: _days(scene.today, scene.state.due_day),
    "return_due": lambda scene, _form: _within_above(scene, scene.today),
    "above_due": lambda scene, _form: _within_above(scene, scene.today),
    "from_today": lambda scene, _form: _days(scene.today),
    "units": _unit, "held": _held, "own_unit": _own_unit, "receivers": _receivers, "percent": _percent,
    "report_parts": _report_parts, "answers": _answers,
    "answers_maybe": lambda scene, form: _answers(scene, form) | {"required": False},
    "findings": _findings, "papers": _papers,
    "open_milestones": _open_milestones, "open_lines": lambda scene, _form: _lines(scene, OPEN + 1),
    "verified": lambda scene, _form: {"required": any(one.status == OPEN for one in scene.state.tracks.lines)},
    "uncleared": lambda scene, _form: _lines(scene, CLEARED), "colours": _colours, "into": _into,
    "must_state": _must_state, "suppliers": _suppliers,
    "stated": lambda _scene, _form: _choices((name, FACTS[name]) for name in STATED),
    "subjects": lambda _scene, _form: _choices(SUBJECTS.items()), "frequencies": _frequencies, "scores": _scores,
    "records": lambda scene, _form: _records(scene),
    "own_records": lambda scene, _form: _records(scene, scene.desk.identity.code),
    "proposed_scores": _proposed, "named": _named, "measures": _measures,
}  # fmt: skip
