"""`item.actions`: what a person may do about an item now, with its form and the rule behind it; and what is missing.

Rules of this file:

1. An action is possible where its command, rehearsed with the fields as they are offered, comes to its first write
   (`rehearsal`). No table of its own says who may do what.
2. A field with ``vary`` offers those choices only with which the command goes through; ``with`` names the other fields
   such a choice needs, with a value that will do.
3. What is not possible is named only where it is this office's and this person's to do: what stands in its way beside
   the state (an approval, tasks below, the ladder) first, then what people look for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from node.errors import DulianError, ForbiddenError
from node.items import guards
from node.items.fold import ItemState
from node.items.lifecycle import APPROVING, PLANNING, PROPOSED, STAGE, TERMINAL
from node.items.lights import day_of
from node.items.versions import LIVES
from node.records.kinds import Kind
from node.services.access import rights, scope
from node.services.board.project import read_facts
from node.services.matters import offers
from node.services.matters.desk import Caller, take
from node.services.matters.discreet import seen
from node.services.matters.ground import ground_of
from node.services.matters.rehearsal import Stage, stage_of
from node.services.matters.slips import STATED
from node.services.views.action_fields import Document, Scene, fields_of
from node.services.views.action_forms import FORMS, Form
from node.services.views.action_rules import approval_document, rule_document
from node.services.views.browse import View
from node.storage.port import BoardQuery, BoardRow, Reader

UNAVAILABLE_MAX = 10
_OPERATOR = Caller("操作员")
_WAITING = frozenset({PROPOSED, APPROVING, PLANNING})
_NOT_MINE = frozenset({"no_right", "other_unit"})


_ANY = {"colour": "white"}  # what to try where a profile offers nothing: the command says so


class Try(NamedTuple):
    """A form as it was tried: its fields, and why it is refused (None: it is not)."""

    form: Form
    item: str
    fields: tuple[Document, ...]
    error: DulianError | None
    guarded: bool  # refused by the life cycle itself


def item_actions(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """`item.actions ITEM`: see actions in docs/commands.md for the document."""
    row = scope.find(reader, view, take(args, "item"))
    caller = view.caller or _OPERATOR
    stage = stage_of(reader, view, _own_path(view, row))
    scene = _scene(reader, view, stage, row, caller)
    tried = [_try(scene, stage, form) for form in FORMS if form.on_case or not row.subject]
    tried += [one for case in _cases(scene) for one in _on_case(reader, view, stage, case, caller)]
    possible = [one for one in tried if one.error is None]
    return {
        "item": row.item_id.hex(), "number": row.number, "state": row.state, "digest": row.digest.hex(),
        "actions": [_document(scene, one) for one in possible],
        "unavailable": [_why(scene, one) for one in _sought(scene.state, tried, possible)],
    }  # fmt: skip


def sample(field: Document) -> object:
    """A value this field takes: what stands there first, the first choice, an example of its kind; None for none."""
    kind, default = field["kind"], field["default"]
    choices, parts = field.get("choices"), field.get("parts")
    if isinstance(parts, list) and parts:
        return [f"{part['key']}={part['default'] or '已办理'}" for part in parts]
    value = default or field.get("example")
    if not value and isinstance(choices, list) and choices:
        value = choices[0]["value"]
    if not value:
        value = {"number": 1, "bool": True, "lines": None, "files": None}.get(str(kind), "办理")
    if kind == "lines" and value:
        return [value]
    return [value] if field["multiple"] and value else value


def filled(form: Form, item: str, fields: Iterable[Document], receiver: str = "") -> dict[str, object]:
    """Arguments with every required field, and those where something stands first."""
    args: dict[str, object] = {"item": item, **form.fixed}
    for field in fields:
        if field["kind"] == "files":
            continue
        if field["kind"] == "offices" and field["required"]:
            args[str(field["name"])] = [receiver]
        elif field["required"] or field["default"]:
            args[str(field["name"])] = sample(field)
    return args


def _own_path(view: View, row: BoardRow) -> tuple[str, ...]:
    key = view.keyring.current(view.office) if view.keyring is not None else None
    if key is not None:
        return key.path
    path = tuple(row.path.split("/"))
    return path[: path.index(view.office) + 1] if view.office in path else (view.office,)


def _scene(reader: Reader, view: View, stage: Stage, row: BoardRow, caller: Caller) -> Scene:
    desk = stage.desk
    state = desk.projector.state_of(row.item_id)
    above = reader.board([row.parent]) if row.parent else []
    return Scene(
        desk, caller, row, state, tuple(seen(reader, view, read_facts(reader, [row.item_id]).get(row.item_id, []))),
        tuple(desk.store.board_query(BoardQuery(parent=row.item_id))), ground_of(desk, state),
        ground_of(desk, state, row.issuer), above[0].due_day if above else 0, day_of(view.now_ms),
    )  # fmt: skip


def _cases(scene: Scene) -> list[BoardRow]:
    """Approval cases of the item that wait for somebody."""
    rows = scene.desk.store.board_query(BoardQuery(subject="*", target=scene.row.item_id))
    return [row for row in rows if row.issuer == scene.desk.identity.code and row.state not in TERMINAL]


def _on_case(reader: Reader, view: View, stage: Stage, case: BoardRow, caller: Caller) -> list[Try]:
    """What may be done about a case of the item: its item page shows it too."""
    scene = _scene(reader, view, stage, case, caller)
    wanted = ("approve", "reject") if case.state in _WAITING else ("propose", "decline")
    return [_try(scene, stage, form) for form in FORMS if form.id in wanted]


def _try(scene: Scene, stage: Stage, form: Form) -> Try:
    item = scene.row.item_id.hex()
    me, caller = scene.desk.identity.code, scene.caller
    try:
        rights.check(scene.desk.store, form.verb, caller, {"item": item, **form.fixed}, me)
    except DulianError as error:
        return Try(form, item, (), error, guarded=True)
    allowed = guards.allowed(scene.state, me)
    if form.kinds and not set(form.kinds).intersection(allowed):
        return Try(form, item, (), _refusal(scene, form.kinds[0]), guarded=True)
    fields = fields_of(scene, form)
    if any(one["kind"] == "offices" and one["required"] for one in fields) and not stage.receiver:
        return Try(form, item, fields, ForbiddenError("本单位没有下级单位"), guarded=True)
    if form.vary:
        return _vary(stage, form, item, fields, caller)
    error_ = stage.refusal(form.verb, filled(form, item, fields, stage.receiver), caller)
    return Try(form, item, fields, error_, guarded=False)


def _refusal(scene: Scene, kind: Kind) -> DulianError | None:
    try:
        guards.check_act(scene.state, kind, scene.desk.identity.code)
    except DulianError as error:
        return error
    return ForbiddenError("由系统自动办理")  # kinds that the node writes by itself


def _vary(stage: Stage, form: Form, item: str, fields: tuple[Document, ...], caller: Caller) -> Try:
    """Try each choice by itself; the first refusal stands where none goes."""
    field = next(one for one in fields if one["name"] == form.vary)
    choices = field["choices"]
    assert isinstance(choices, list)  # noqa: S101 - what `action_fields` makes
    args = filled(form, item, fields, stage.receiver)
    going: list[Document] = []
    errors: list[DulianError] = []
    for choice in choices:
        for more in _extras(form):
            error = stage.refusal(form.verb, {**args, form.vary: choice["value"], **more}, caller)
            if error is None:
                going.append(choice | ({"with": more} if more else {}))
                break
            errors.append(error)
    if not going:
        any_ = args | {form.vary: _ANY.get(form.vary, "")}
        first = errors[0] if errors else stage.refusal(form.verb, any_, caller)
        return Try(form, item, fields, _weightiest(errors) or first, guarded=not choices)
    offered = field | {"choices": going, "default": going[0]["value"] if len(going) == 1 else None}
    return Try(form, item, tuple(offered if one is field else one for one in fields), None, guarded=False)


def _extras(form: Form) -> tuple[dict[str, object], ...]:
    """What a choice may need beside itself, the least first."""
    if form.id == "slip":
        stated: list[dict[str, object]] = [{"fact": [name]} for name in STATED]
        return ({}, *stated, {"fact": list(STATED)})
    if form.id == "score":
        return ({}, {"points": "-1"}, {"points": "1"})
    return ({},)


def _weightiest(errors: list[DulianError]) -> DulianError | None:
    """Of the refusals of several choices the one that says most: an approval already under way."""
    return next((one for one in errors if "已有" in one.text), None)


def _may_come(state: ItemState, form: Form) -> bool:
    """Whether what the state forbids now is something of this kind of item, and not over already."""
    life = LIVES.get(state.semantic_version)
    rule = life.rules_of(state.kind).get(form.kinds[0]) if life is not None and form.kinds else None
    return rule is not None and STAGE.get(state.state or "", 0) <= rule.last_stage


def _sought(state: ItemState, tried: list[Try], possible: list[Try]) -> list[Try]:
    """What to name of the rest, at most `UNAVAILABLE_MAX`."""
    done = {one.form.verb for one in possible if one.item == tried[0].item}
    ours = [
        one for one in tried
        if one.error is not None and one.error.code not in _NOT_MINE
        and (not one.guarded or (one.form.sought and _may_come(state, one.form)))
        and not (one.guarded and (isinstance(one.error, ForbiddenError) or one.form.verb in done))
        and not (one.form.vary and not one.form.sought and one.error.code != "approval")
        and (one.form.sought or one.form.subject or one.error.code not in ("input", "not_found"))
    ]  # fmt: skip
    ours.sort(key=lambda one: (one.guarded, not one.form.sought))
    return ours[:UNAVAILABLE_MAX]


def _document(scene: Scene, one: Try) -> Document:
    return {
        "id": one.form.id, "verb": one.form.verb, "item": one.item, "label": one.form.label, "group": one.form.group,
        "danger": one.form.danger, "fixed": dict(one.form.fixed), "rule": rule_document(scene, one.form),
        "approval": approval_document(scene, one.form), "fields": list(one.fields),
    }  # fmt: skip


def _why(scene: Scene, one: Try) -> Document:
    assert one.error is not None  # noqa: S101 - what is not possible was refused
    offers.complete(scene.desk, one.item, one.error)
    return {
        "id": one.form.id, "verb": one.form.verb, "item": one.item, "label": one.form.label, "group": one.form.group,
        "why": one.error.text, "remedy": one.error.remedy or None, "code": one.error.code,
        "rule": rule_document(scene, one.form), "approval": approval_document(scene, one.form),
    }  # fmt: skip
