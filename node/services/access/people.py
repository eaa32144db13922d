"""Accounts and units of this office: who acts, with which roles and posts, and whose items they have in hand.

Rules of this file:

1. Accounts and units are this node's own affair: rows, not records. What a leaver had in hand, with a unit or without,
   is handed over by records (内部交办), so that every holder of an item sees who has it now, and in which unit.
2. Posts (职务) are kept as abstract role ids of the profile; people write ids or labels.
3. Nothing is removed: who once acted keeps the name, a leaver is not active.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from node.errors import ForbiddenError, InputError, NotFoundError
from node.items import guards
from node.items.beside import Handler
from node.items.fold import ItemState
from node.items.lifecycle import TERMINAL
from node.items.lights import day_of
from node.items.versions import LIVES
from node.records.kinds import Channel, Kind
from node.records.limits import NAME_CHARS_MAX
from node.records.payload import Act, check_line
from node.records.track import MOVED, Track
from node.rules.profile import Profile
from node.services.access.rights import HANDLER, OPERATOR, ROLES, VIEWER
from node.services.matters.chains import profile_of
from node.services.matters.desk import Caller, Desk, act, state_of, take, take_list
from node.services.matters.handling import following
from node.services.matters.rulebook import Rulebook
from node.services.verbs import Args, Command, Question
from node.storage.port import BoardQuery, Reader, Unit, User

if TYPE_CHECKING:
    from node.services.office import Office
    from node.services.views.browse import View

_SHOWN_ITEMS = 20
_EVERY_ITEM = 2**31 - 1
_SEPARATORS = frozenset(",，、")


class Held(NamedTuple):
    """An open item that a person has in hand, and in which unit."""

    state: ItemState
    handler: Handler


def caller_of(reader: Reader, as_: str | None, os_user: str, channel: int = Channel.CLI) -> Caller:
    """Who acts: the account named with ``--as``, else the operator under the operating-system user's name.

    Raises:
        ForbiddenError: no such account, or one that is disabled.
    """
    if not as_:
        return Caller(os_user[:NAME_CHARS_MAX], channel)
    user = reader.get(User, as_)
    if user is None:
        remedy = f"请操作员增加账号：dulian user add {as_} --role 角色；已有账号见 dulian user list"
        raise ForbiddenError("没有这个账号", code="no_account", field="--as", value=as_, remedy=remedy)
    if not user.active:
        remedy = f"以本人现用的账号办理；需恢复的，请操作员启用：dulian user enable {as_}"
        raise ForbiddenError("账号已停用", code="disabled_account", field="--as", value=as_, remedy=remedy)
    return Caller(user.name, channel, _split(user.roles), _split(user.posts), user.unit, account=True)


def add_user(desk: Desk, args: Args) -> dict[str, object]:
    """A new account, or a disabled one again with what is given now."""
    name = _name(take(args, "name"), "NAME", "姓名")
    known = desk.store.get(User, name)
    if known is not None and known.active:
        remedy = f"修改用 dulian user change {name}"
        raise InputError("已有这个账号", field="NAME", value=name, remedy=remedy)
    roles = _roles(take_list(args, "role")) or (VIEWER,)
    posts, unit = _posts(profile_of(desk), take_list(args, "post")), _unit(desk.store, take(args, "unit"))
    _check_sees(desk.store, roles, unit)
    since_ms = known.since_ms if known is not None else desk.world.clock.now_ms()
    user = User(name, ",".join(roles), ",".join(posts), unit, active=True, since_ms=since_ms)
    desk.store.put([user])
    return _shown(user, profile_of(desk))


def enable_user(desk: Desk, args: Args) -> dict[str, object]:
    """A disabled account again, with the roles, posts and unit it had; a unit that has ended meanwhile is left out."""
    name = take(args, "name")
    user = desk.store.get(User, name)
    if user is None:
        raise NotFoundError("没有这个账号", field="NAME", value=name, remedy="用 dulian user list 查看")
    if user.active:
        raise InputError("账号没有停用", field="NAME", value=name, remedy=f"修改用 dulian user change {name}")
    unit = desk.store.get(Unit, user.unit) if user.unit else None
    again = replace(user, active=True, unit=user.unit if unit is not None and unit.active else "")
    desk.store.put([again])
    return _shown(again, profile_of(desk))


def change_user(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """Other roles, posts or unit; what is not given stays. ``--post -`` and ``--unit -`` take them away."""
    user = _active(desk.store, take(args, "name"), "NAME")
    roles, posts, unit = take_list(args, "role"), take_list(args, "post"), take(args, "unit")
    if not (roles or posts or unit):
        raise InputError("没有要修改的内容", field="--role", remedy="写 --role、--post 或 --unit")
    if roles:
        kept_roles = _roles(roles)
        if OPERATOR in _split(user.roles) and OPERATOR not in kept_roles:
            _not_oneself(user, caller, "不能取消本人的操作员角色", "--role")
        user = replace(user, roles=",".join(kept_roles))
    if posts:
        kept = () if posts == ("-",) else _posts(profile_of(desk), posts)
        user = replace(user, posts=",".join(kept))
    leaves = user.unit if unit == "-" else ""
    if unit:
        user = replace(user, unit="" if unit == "-" else _unit(desk.store, unit))
    if roles or unit:
        _check_sees(desk.store, _split(user.roles), user.unit, leaves)
    desk.store.put([user])
    return _shown(user, profile_of(desk))


def disable_user(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """A leaver: the account ends, the open items and the units headed go to ``handover``."""
    user = _active(desk.store, take(args, "name"), "NAME")
    _not_oneself(user, caller, "不能停用本人的账号", "NAME")
    heir = take(args, "handover")
    if heir == user.name:
        raise InputError("不能移交给本人（规则：离任须移交）", field="--handover", value=heir, remedy="写接办人的账号")
    if heir:
        _active(desk.store, heir, "--handover")
    held = held_by(desk, user.name)
    if held and not heir:
        names = "、".join(_item_name(one.state) for one in held[:_SHOWN_ITEMS])
        more = f" 等 {len(held)} 件" if len(held) > _SHOWN_ITEMS else ""
        raise InputError(
            f"名下有 {len(held)} 件未结事项：{names}{more}（规则：离任须移交）", field="NAME", value=user.name,
            remedy=f"写明接办人：dulian user disable {user.name} --handover 姓名",
        )  # fmt: skip
    profile = profile_of(desk)
    others = [one for one in desk.store.rows(User) if one.active and one.name != user.name]
    vacant = [post for post in _split(user.posts) if not any(post in _split(one.posts) for one in others)]
    for one in held:
        _hand_over(desk, one, user.name, desk.store.get(User, heir), caller)
    desk.store.put([replace(unit, head=heir) for unit in desk.store.rows(Unit) if unit.head == user.name])
    left = replace(user, active=False)
    desk.store.put([left])
    return _shown(left, profile) | {
        "handover": heir or None, "items": [_item_name(one.state) for one in held],
        "warnings": [f"职务「{profile.role_label(post)}」已无人担任，相应审批将停在该步" for post in vacant],
    }  # fmt: skip


def _not_oneself(user: User, caller: Caller, text: str, field: str) -> None:
    """Whoever takes an account away is an operator who stays: no office is without one by a slip of the hand."""
    if user.name == caller.name:
        raise InputError(
            f"{text}（规则：由另一名操作员办理）", field=field, value=user.name,
            remedy="请另一名操作员办理；只有一名的，先增加一名",
        )  # fmt: skip


def _hand_over(desk: Desk, one: Held, leaver: str, heir: User | None, caller: Caller) -> None:
    """What the leaver had goes to the heir, in the heir's own unit unless somebody else has it in hand there."""
    assert heir is not None  # noqa: S101 - asked for where something is held
    old = one.handler.unit
    taken = {one.unit for one in one.state.tracks.handlers if one.person not in ("", leaver)}
    unit = heir.unit if heir.unit and heir.unit not in taken else old
    text, followed = f"{leaver} 的事项移交 {heir.name}", following(one.state.tracks.duties, leaver, heir.name)
    payload = Act(text, unit=unit, person=heir.name, due_day=one.handler.due_day)
    if followed:
        payload = payload._replace(track=Track(duties=followed))
    written = [payload] if unit == old else [payload, Act(text, unit=old, track=Track(verdict=MOVED))]
    for said in written:
        act(desk, one.state, Kind.HANDLE, said, guards.answers(one.state, Kind.HANDLE), caller)


def held_by(desk: Desk, name: str) -> list[Held]:
    """The open items of this office that a person has in hand."""
    if desk.logs.fresh:
        desk.projector.run()
    me = desk.identity.code
    found = []
    for row in desk.store.board_query(BoardQuery(office=me, limit=_EVERY_ITEM)):
        if row.receiver != me or row.state in TERMINAL:
            continue
        state = state_of(desk.store, row.item_id)
        life = LIVES.get(state.semantic_version)
        rule = life.rules_of(state.kind).get(Kind.HANDLE) if life is not None else None
        if rule is not None and state.state in rule.moves:
            found += [Held(state, handler) for handler in state.tracks.handlers if handler.person == name]
    return found


def list_users(reader: Reader, view: View, args: Args) -> list[dict[str, object]]:
    """All accounts, by name."""
    del args
    profile = Rulebook(reader, view.office).profile(day_of(view.now_ms))
    return [_shown(user, profile) for user in sorted(reader.rows(User), key=lambda user: (not user.active, user.name))]


def add_unit(desk: Desk, args: Args) -> dict[str, object]:
    """A department of this office that has no node, or a disabled one again."""
    name = _name(take(args, "name"), "NAME", "机构名称")
    known = desk.store.get(Unit, name)
    head = take(args, "head")
    if known is not None and known.active and (not head or head == known.head):
        raise InputError("已有这个内设机构", field="NAME", value=name, remedy="更换负责人时写 --head 姓名")
    if head:
        _active(desk.store, head, "--head")
    unit = Unit(name, head or (known.head if known is not None else ""), active=True)
    desk.store.put([unit])
    return _shown_unit(unit, desk.store)


def disable_unit(desk: Desk, args: Args) -> dict[str, object]:
    """End a unit that has neither people nor open items."""
    name = take(args, "name")
    unit = desk.store.get(Unit, name)
    if unit is None or not unit.active:
        raise NotFoundError("没有这个内设机构", field="NAME", value=name, remedy="用 dulian unit list 查看")
    if desk.logs.fresh:
        desk.projector.run()
    people = [user.name for user in desk.store.rows(User) if user.active and user.unit == name]
    if people:
        remedy = "先调整人员：dulian user change 姓名 --unit 机构"
        raise InputError(
            f"机构中还有 {'、'.join(people[:_SHOWN_ITEMS])}（规则：无人、无未结事项的才能停用）", field="NAME",
            value=name, remedy=remedy,
        )  # fmt: skip
    rows = [
        row for row in desk.store.board_query(BoardQuery(unit=name, limit=_EVERY_ITEM))
        if name in row.unit.split("、") and row.state not in TERMINAL
    ]  # fmt: skip
    if rows:
        names = "、".join(row.number or row.item_id.hex()[:12] for row in rows[:_SHOWN_ITEMS])
        text = f"机构名下有 {len(rows)} 件未结事项：{names}（规则：无人、无未结事项的才能停用）"
        remedy = f"先办结，或改由其他机构承办：dulian item handle 登记编号 --unit 机构 --instead {name}"
        raise InputError(text, field="NAME", value=name, remedy=remedy)
    ended = replace(unit, active=False)
    desk.store.put([ended])
    return _shown_unit(ended, desk.store)


def list_units(reader: Reader, view: View, args: Args) -> list[dict[str, object]]:
    """All units, by name."""
    del view, args
    units = sorted(reader.rows(Unit), key=lambda unit: (not unit.active, unit.name))
    return [_shown_unit(unit, reader) for unit in units]


def _name(text: str, field: str, what: str) -> str:
    name = check_line(text.strip(), field, NAME_CHARS_MAX)
    if not name or name == "-" or _SEPARATORS & set(name) or name.startswith("--"):
        raise InputError(f"{what}不能为空，不能含逗号、顿号", field=field, value=text, remedy=f"写明{what}")
    return name


def _active(reader: Reader, name: str, field: str) -> User:
    user = reader.get(User, name)
    if user is None:
        raise NotFoundError("没有这个账号", field=field, value=name, remedy="用 dulian user list 查看")
    if not user.active:
        remedy = f"写在用的账号，见 dulian user list；需恢复的：dulian user enable {name}"
        raise InputError("账号已停用", field=field, value=name, remedy=remedy)
    return user


def _roles(given: Sequence[str]) -> tuple[str, ...]:
    """Account roles by id or label, each once."""
    by_label = {label: role for role, label in ROLES.items()}
    found = []
    for word in given:
        role = word if word in ROLES else by_label.get(word, "")
        if not role:
            known = "、".join(f"{role}（{label}）" for role, label in ROLES.items())
            raise InputError("没有这个角色", field="--role", value=word, remedy=f"可选：{known}")
        found.append(role)
    return tuple(dict.fromkeys(found))


def _posts(profile: Profile, given: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(post_of(profile, word) for word in given))


def post_of(profile: Profile, word: str) -> str:
    """A post by id or by what the profile calls it; InputError where the profile has none, or several of that name."""
    if word in profile.roles:
        return word
    found = [post for post, label in profile.roles.items() if label == word]
    if len(found) == 1:
        return found[0]
    if found:
        text, remedy = "有几个职务叫这个名称", f"写代号：{'、'.join(found)}"
    else:
        known = "、".join(f"{post}（{label}）" for post, label in profile.roles.items())
        text, remedy = f"规则档案 {profile.id}/{profile.version} 没有这个职务", f"可选：{known}"
    raise InputError(text, field="--post", value=word, remedy=remedy)


def _unit(reader: Reader, name: str) -> str:
    if not name:
        return ""
    unit = reader.get(Unit, name)
    if unit is None or not unit.active:
        remedy = f"先增加：dulian unit add {name}；已有的见 dulian unit list"
        raise NotFoundError("没有这个内设机构", field="--unit", value=name, remedy=remedy)
    return name


def _check_sees(reader: Reader, roles: Sequence[str], unit: str, leaves: str = "") -> None:
    """Refuse who works in a unit's name without one: where there are units, such an account sees no item (W4).

    The last unit may be left (``leaves``), so that it can be ended.
    """
    units = [one.name for one in reader.rows(Unit) if one.active and one.name != leaves]
    if set(roles) == {HANDLER} and units and not unit:
        more = f"等 {len(units)} 个" if len(units) > _SHOWN_ITEMS else ""
        raise InputError(
            "承办人员须写明内设机构，否则看不到任何事项（规则：承办人员办理本机构承办的事项）", field="--unit",
            remedy=f"写 --unit 机构，可选：{'、'.join(sorted(units)[:_SHOWN_ITEMS])}{more}",
        )  # fmt: skip


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _shown(user: User, profile: Profile) -> dict[str, object]:
    posts = [{"id": post, "label": profile.role_label(post)} for post in _split(user.posts)]
    return {
        "name": user.name, "roles": list(_split(user.roles)), "posts": posts, "unit": user.unit, "active": user.active
    }  # fmt: skip


def _shown_unit(unit: Unit, reader: Reader) -> dict[str, object]:
    people = sorted(user.name for user in reader.rows(User) if user.active and user.unit == unit.name)
    return {"name": unit.name, "head": unit.head, "active": unit.active, "people": people}


def _item_name(state: ItemState) -> str:
    opening = state.opening
    return opening.number if opening is not None and opening.number else state.item_id.hex()[:12]


def _disable(office: Office, args: Args, caller: Caller) -> object:
    return disable_user(office.desk, args, caller)


COMMANDS: Mapping[str, Command] = {
    "user.add": lambda office, args, _caller: add_user(office.desk, args),
    "user.change": lambda office, args, caller: change_user(office.desk, args, caller),
    "user.disable": _disable,
    "user.enable": lambda office, args, _caller: enable_user(office.desk, args),
    "unit.add": lambda office, args, _caller: add_unit(office.desk, args),
    "unit.disable": lambda office, args, _caller: disable_unit(office.desk, args),
}
QUESTIONS: Mapping[str, Question] = {"user.list": list_users, "unit.list": list_units}
