"""Verbs that open items: 登记, 交办, 分解, 改派, 台账导入. See surface.md for lines and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from node.errors import ForbiddenError, InputError
from node.items import guards
from node.items.fold import ItemState
from node.items.lifecycle import DONE, TERMINAL, state_label
from node.items.lights import day_of
from node.items.versions import SEMANTIC_VERSION
from node.records.kinds import Kind
from node.records.limits import POINT_CHARS_MAX, POINTS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX
from node.records.line import CODE, Line
from node.records.payload import ROLE_NAMES, Act, Opening, check_line, check_text
from node.records.track import Milestone, Terms
from node.services.matters import chains
from node.services.matters.desk import (
    Caller,
    Desk,
    act,
    children_of,
    current,
    receiver_paths,
    take,
    take_files,
    take_list,
)  # fmt: skip
from node.services.matters.duplicates import check_new, outside_plan
from node.services.matters.terms import agree, check_decomposed, check_named, downward
from node.storage.port import Meta

Args = Mapping[str, object]


class Row(NamedTuple):
    """A matter to register, from a ledger."""

    number: str
    title: str
    requirement: str
    source: str
    due_day: int
    points: tuple[str, ...]
    responsible: str
    limit_text: str
    terms: Terms | None = None  # 备注, 牵头领导, 责任人, 时序进度


class Task(NamedTuple):
    """A task that was opened for a receiver; ``role`` as in the opening."""

    item: bytes
    number: str
    receiver: str
    role: int


def register(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """登记: an own item on the line [this office]."""
    opening = _new(desk, args, "REGISTER")
    if args.get("local"):
        opening = opening._replace(local=True)
    item, number = register_opening(desk, opening, caller)
    return {"item": item.hex(), "number": number, "title": opening.title}


def issue(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """登记并交办: the own item, and a task for each receiver."""
    to = take_list(args, "to")
    if args.get("local"):
        if to:
            raise InputError(
                "自办事项不填承办单位（规则：自办由本单位承办）", field="--to", value=",".join(to),
                remedy="去掉 --to 或 --local",
            )  # fmt: skip
        return register(desk, args, caller) | {"assignments": []}
    opening = _new(desk, args, "ASSIGN")
    chains.check_issue(desk, opening.source, opening.terms)
    _check_task(desk, opening, opening.terms.milestones if opening.terms else ())
    receivers, paths = _receivers(desk, to, take_list(args, "lead"))
    item, number = register_opening(desk, opening, caller)
    task = opening._replace(number=number, terms=downward(opening.terms))
    opened = _open_tasks(desk, task, item, receivers, paths, (), caller)
    _dispatch(desk, item, opened, caller)
    return {"item": item.hex(), "number": number, "title": opening.title, "assignments": _shown(desk, opened)}


def _new(desk: Desk, args: Args, start: str) -> Opening:
    """The opening of a matter nobody has yet, checked against those there are; what was found is kept with it (R25)."""
    opening = opening_of(desk, args, start)
    checked = check_new(desk, opening, args)
    if checked and opening.terms is not None:
        opening = opening._replace(terms=opening.terms._replace(remark=f"{opening.terms.remark}{checked}"))
    return opening


def _check_task(desk: Desk, draft: Opening, steps: Iterable[Milestone]) -> None:
    """What a task must say before it is given to another office: who answers for it (R14), its steps (R29)."""
    profile = chains.profile_of(desk)
    check_named(profile, draft.terms.duties if draft.terms else (), inside=False)
    check_decomposed(profile, draft, steps, day_of(desk.world.clock.now_ms()))


def assign(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """交办 an item of this office (registered, or received): superiors do not see the new tasks."""
    state = current(desk, take(args, "item"))
    opening = _own_open(desk, state, "交办")
    case = chains.check_ready(desk, state, "交办")
    draft = _agreed(desk, state, opening, args)
    if state.kind == "registered":
        _check_task(desk, draft, state.tracks.milestones)
    receivers, paths = _receivers(desk, take_list(args, "to"), take_list(args, "lead"))
    _check_no_second(desk, state.item_id, receivers)
    opened = _open_tasks(desk, draft, state.item_id, receivers, paths, (), caller)
    if state.kind == "registered":
        _dispatch(desk, state.item_id, opened, caller, state)
    chains.consume(desk, case, caller)
    return _answer(desk, state, opening, opened)


def decompose(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """分解 a received task: the new tasks stand on its line, extended; its superiors see them."""
    state = current(desk, take(args, "item"))
    if state.kind != "assignment":
        raise InputError(
            "自立事项不用分解（规则：分解的是上级交办的任务）", field="ITEM", remedy="用 dulian item assign 交办",
        )  # fmt: skip
    guards.check_act(state, Kind.DECOMPOSE, desk.identity.code)
    opening = _own_open(desk, state, "分解")
    case = chains.check_ready(desk, state, "分解")
    draft = _agreed(desk, state, opening, args)
    title = check_line(take(args, "title").strip() or opening.title, "--title", TITLE_CHARS_MAX)
    requirement = check_text(take(args, "requirement") or opening.text, "--requirement", TEXT_CHARS_MAX)
    points = take_list(args, "point") or opening.points
    receivers, paths = _receivers(desk, take_list(args, "to"), take_list(args, "lead"))
    _check_no_second(desk, state.item_id, receivers)
    above = state.line.path[:-1] if state.line else ()
    draft = draft._replace(
        title=title, text=requirement, points=points, attachments=take_files(args) or opening.attachments
    )
    opened = _open_tasks(desk, draft, state.item_id, receivers, paths, above, caller)
    children = tuple(task.item for task in opened)
    act(desk, state, Kind.DECOMPOSE, Act(children=children), guards.answers(state, Kind.DECOMPOSE), caller)
    chains.consume(desk, case, caller)
    return _answer(desk, state, opening, opened)


def _agreed(desk: Desk, state: ItemState, opening: Opening, args: Args) -> Opening:
    """The item's opening as its tasks are to carry it: with a date or rule of their own, never beyond its own."""
    terms = opening.terms
    if terms is not None and terms.hidden and not state.tracks.revealed:
        raise InputError(
            "隐蔽督查在公布结果前不能交办（规则：四不两直）", field="ITEM", remedy="先公布结果：dulian item reveal"
        )
    below = downward(terms)
    if state.kind != "registered":
        below = below._replace(duties=())  # of the office it came from: this one's own people are others
    asked = take(args, "due") or take(args, "rule")
    if state.due_day and not asked:
        # The date of the item holds for its tasks too.
        agreed = agree(desk, dict(args) | {"due": None}, "", below, opening.source)
        return opening._replace(source=agreed.source, terms=agreed.terms, due_day=state.due_day, predecessor=b"")
    agreed = agree(desk, args, "ASSIGN", below, opening.source)
    guards.check_due(agreed.due_day, state.due_day)
    return opening._replace(
        source=agreed.source, due_day=agreed.due_day, rule=agreed.rule, terms=agreed.terms, predecessor=b""
    )


def reassign(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """改派: the task ends here and goes on as a new item of another receiver."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.REASSIGN, desk.identity.code)
    to = take_list(args, "to")
    if len(to) != 1:
        raise InputError(
            "改派只能给一个单位（规则：一件任务一个承办单位）", field="--to", value=",".join(to),
            remedy="填写一个单位代码",
        )  # fmt: skip
    if to[0] == state.receiver:
        raise InputError(
            "新旧承办单位相同（规则：改派给另一个单位）", field="--to", value=to[0], remedy="填写另一个单位",
        )  # fmt: skip
    opening = state.opening
    if opening is None or state.line is None:
        raise InputError("事项内容已清除，不能改派（规则：清除后不再办理）", field="ITEM",
                         remedy="需要继续的另行登记：dulian item register")  # fmt: skip
    _, paths = _receivers(desk, to, ())
    role = opening.role
    _check_no_second(desk, opening.parent, [(to[0], role)])
    above = state.line.path[: state.line.path.index(desk.identity.code)]
    draft = opening._replace(due_day=state.due_day, predecessor=state.item_id)
    opened = _open_tasks(desk, draft, opening.parent, [(to[0], role)], paths, above, caller)
    successor = opened[0].item
    payload = Act(text=take(args, "reason"), successor=successor)
    act(desk, state, Kind.REASSIGN, payload, guards.answers(state, Kind.REASSIGN), caller)
    return _answer(desk, state, opening, opened)


def _answer(desk: Desk, state: ItemState, opening: Opening, opened: Sequence[Task]) -> dict[str, object]:
    return {
        "item": state.item_id.hex(), "number": opening.number, "title": opening.title,
        "assignments": _shown(desk, opened),
    }  # fmt: skip


def import_rows(desk: Desk, rows: Sequence[Row], caller: Caller) -> list[tuple[str, str]]:
    """Register every row, all in one transaction; returns (item id, number) for each."""
    found = []
    for row in rows:
        opening = Opening(
            title=row.title, text=row.requirement, number=row.number, source=row.source, points=row.points,
            due_day=row.due_day, responsible=row.responsible, limit_text=row.limit_text, terms=row.terms,
        )  # fmt: skip
        item, number = register_opening(desk, opening, caller)
        found.append((item.hex(), number))
    return found


def number_taken(desk: Desk, number: str) -> bool:
    """Whether this office has an own item with this 登记编号."""
    return any(row.issuer == desk.identity.code for row in desk.store.board_by_number(number))


def opening_of(desk: Desk, args: Args, start: str) -> Opening:
    """The opening from the options, each checked before anything is written; ``start`` as in `terms.agree`."""
    title = check_line(take(args, "title").strip(), "--title", TITLE_CHARS_MAX)
    if not title:
        raise InputError("事项名称不能为空", field="--title", remedy="写明事项名称")
    points = take_list(args, "point")
    if len(points) > POINTS_MAX:
        raise InputError(f"分项要求超过 {POINTS_MAX} 条", field="--point", remedy="分成几个事项")
    if outside_plan(desk, args, title):
        args = dict(args) | {"line": "offplan"}
    agreed = agree(desk, args, start)
    return Opening(
        title=title,
        text=check_text(take(args, "requirement"), "--requirement", TEXT_CHARS_MAX),
        source=agreed.source,
        points=tuple(check_text(point, "--point", POINT_CHARS_MAX) for point in points),
        due_day=agreed.due_day,
        rule=agreed.rule,
        terms=agreed.terms,
        attachments=take_files(args),
    )


def register_opening(desk: Desk, opening: Opening, caller: Caller) -> tuple[bytes, str]:
    """Write the opening of an own item; returns its id and 登记编号."""
    number = opening.number or _next_number(desk)
    full = opening._replace(number=number, actor_name=caller.name)
    record = desk.author.write(
        Kind.REGISTER, Line((desk.identity.code,)), full, semantic_version=SEMANTIC_VERSION, actor=caller.name,
        channel=caller.channel,
    )  # fmt: skip
    return record.record_id, number


def _next_number(desk: Desk) -> str:
    """登记编号: office, year and a running number, e.g. 320000-2026-0007; never one that an item or a task has."""
    year = date.fromordinal(date(1970, 1, 1).toordinal() + day_of(desk.world.clock.now_ms())).year
    name = f"number:{year}"
    saved = desk.store.get(Meta, name)
    number, begins = int(saved.value) + 1 if saved else 1, f"{desk.identity.code}-{year}-"
    # After a loss the counter may lie behind what came back from neighbours: of an own item that is its tasks.
    while any(desk.store.board_by_number(f"{begins}{number:04d}{task}") for task in ("", "/1")):
        number += 1
    desk.store.put([Meta(name, b"%d" % number)])
    return f"{begins}{number:04d}"


def _receivers(
    desk: Desk, to: tuple[str, ...], lead: tuple[str, ...]
) -> tuple[tuple[tuple[str, int], ...], dict[str, tuple[str, ...]]]:
    """Receivers with their roles and ancestries; InputError where one is unknown or not below this office."""
    for code in to:
        if not CODE.match(code):
            raise InputError("不是单位代码", field="--to", value=code, remedy="写6位或9位数字，部门再加 -名称")
    paths = receiver_paths(desk, to)
    return guards.check_receivers(desk.identity.code, to, lead, paths), paths


def _own_open(desk: Desk, state: ItemState, verb: str) -> Opening:
    """The opening of an item this office has to do and that is still open."""
    if state.receiver != desk.identity.code:
        raise ForbiddenError(
            f"只有承办单位能{verb}（规则：各负其责）", field="ITEM", remedy=f"该任务由 {state.receiver} 承办",
        )  # fmt: skip
    if state.state in DONE or state.state in TERMINAL:
        raise InputError(f"事项已办结或撤销，不能{verb}（规则：{verb}须在办结之前）", field="ITEM",
                         remedy="问题未解决的回头看：dulian item reinspect，或另行登记")  # fmt: skip
    if state.kind == "assignment" and state.state in ("assigned", "delivered", "refused"):
        raise InputError(
            f"任务尚未签收，不能{verb}（规则：先签收，后办理）", field="ITEM",
            remedy="先签收：dulian item sign 登记编号",
        )  # fmt: skip
    if state.opening is None:
        raise InputError(f"事项内容已清除，不能{verb}（规则：清除后不再办理）", field="ITEM",
                         remedy="需要继续的另行登记：dulian item register")  # fmt: skip
    return state.opening


def _check_no_second(desk: Desk, parent: bytes, receivers: Sequence[tuple[str, int]]) -> None:
    """Refuse a receiver that already has an open task of this office under the item: two would be one work twice."""
    me = desk.identity.code
    codes = {code for code, _ in receivers}
    for row in children_of(desk, parent):
        if row.issuer == me and row.receiver in codes and row.state not in DONE:
            name = row.number or row.item_id.hex()[:12]
            raise InputError(
                f"该单位在此事项下已有未结任务 {name}（标识 {row.item_id.hex()[:12]}，{state_label(row.state)}）"
                "（规则：同一事项不重复交办）", field="--to", value=row.receiver,
                remedy=f"沿用原任务，有新要求的用 dulian item urge；确需另交的，先撤销：dulian item cancel {name}",
            )  # fmt: skip


def _open_tasks(
    desk: Desk, draft: Opening, parent: bytes, receivers: Sequence[tuple[str, int]],
    paths: Mapping[str, tuple[str, ...]], above: tuple[str, ...], caller: Caller,
) -> list[Task]:  # fmt: skip
    """Write an ASSIGN for each receiver; ``above`` are the codes of the line above this office."""
    me = desk.identity.code
    lead = next((code for code, role in receivers if ROLE_NAMES[role] == "lead"), "")
    existing = len([row for row in children_of(desk, parent) if row.issuer == me])
    # A re-assigned task is numbered beside the one it continues.
    prefix = draft.number.rsplit("/", 1)[0] if draft.predecessor else draft.number
    opened = []
    for index, (code, role) in enumerate(receivers, start=existing + 1):
        path = paths[code]
        line = Line((*above, *path[path.index(me) :]))
        number = f"{prefix}/{index}"
        task = draft._replace(
            number=number, receiver=code, role=role, lead=lead, parent=parent, local=False,
            actor_name=caller.name,
        )
        record = desk.author.write(
            Kind.ASSIGN, line, task, semantic_version=SEMANTIC_VERSION, actor=caller.name, channel=caller.channel
        )
        opened.append(Task(record.record_id, number, code, role))
    return opened


def _dispatch(
    desk: Desk, item: bytes, opened: Sequence[Task], caller: Caller, state: ItemState | None = None
) -> None:
    """Note on the own item which tasks were issued under it."""
    re = guards.answers(state, Kind.DISPATCH) if state else (item,)
    payload = Act(children=tuple(task.item for task in opened), actor_name=caller.name)
    desk.author.write(
        Kind.DISPATCH, Line((desk.identity.code,)), payload, item=item, re=re, actor=caller.name, channel=caller.channel
    )


def _shown(desk: Desk, opened: Sequence[Task]) -> list[dict[str, str]]:
    shown = []
    for task in opened:
        key = desk.keyring.current(task.receiver)
        role = ROLE_NAMES[task.role]
        name = key.name if key else ""
        shown.append(
            {"item": task.item.hex(), "number": task.number, "to": task.receiver, "name": name, "role": role}
        )
    return shown
