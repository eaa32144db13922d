"""The ground an act stands on: the profile in force, what of the item its parts are matched by, the dates above.

A refusal that comes from a rule names it, as 规则 county-003/1 chains.order; a record carries it as
``county-003/1/slip.yellow``. Acts on an item go by the profile of the office that answers for them: who asks for more
time by its issuer's, who issues a slip by its own (A19).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from node.errors import InputError, NotFoundError
from node.items.fold import ItemState
from node.items.lights import day_of
from node.records.limits import NAME_CHARS_MAX
from node.records.payload import check_line, check_text
from node.rules.calendar import date_of
from node.rules.profile import Profile
from node.services.matters.desk import Desk, take
from node.storage.port import BoardRow
from node.storage.rows import Unit, User

Args = Mapping[str, object]
_DIGITS_MIN = 4


class Ground(NamedTuple):
    """A profile in force and what an item's case is matched by in it."""

    profile: Profile
    case: dict[str, str]

    @property
    def name(self) -> str:
        """``id/version``, as records name a profile."""
        return f"{self.profile.id}/{self.profile.version}"

    def wants_parts(self, frequency: str) -> bool:
        """Whether a 进展 has to have every part of ``reports`` (R87): of such a matter, or reported by a cadence."""
        reports = self.profile.reports
        return reports is not None and (bool(frequency) or reports.applies.match(**self.case) >= 0)

    def rule(self, part: str) -> str:
        """How a record names a part."""
        return f"{self.name}/{part}"

    def refusal(self, text: str, part: str, *, field: str = "", value: object = "", remedy: str = "") -> InputError:
        """A refusal that names the rule it comes from."""
        return InputError(f"{text}（规则 {self.name} {part}）", field=field, value=value, remedy=remedy)


def today_of(desk: Desk) -> int:
    """The business date here, days since 1970-01-01."""
    return day_of(desk.world.clock.now_ms())


def ground_of(desk: Desk, state: ItemState, office: str = "") -> Ground:
    """The profile of ``office`` (default: this one) in force today, and the item's case in it."""
    profile = desk.rulebook.profile(today_of(desk), office or desk.identity.code)
    opening = state.opening
    terms = opening.terms if opening is not None else None
    source = profile.source_of(opening.source) if opening is not None else None
    item_class = profile.class_of(terms.item_class) if terms is not None else None
    return Ground(profile, {
        "source": source.id if source else (opening.source if opening else ""),
        "class_": item_class.id if item_class else (terms.item_class if terms else ""),
        "origin": terms.origin if terms else "",
        "line": (terms.work_line if terms else "") or ((source.line or "") if source else ""),
    })  # fmt: skip


def row_of(desk: Desk, item_id: bytes) -> BoardRow | None:
    """The board's row of an item, including what was appended in this very step; None where it is not known.

    Folds only where this item itself was written to: many commands share a step, and folding once for all saves most.
    """
    if item_id and desk.logs.is_fresh(item_id):
        desk.projector.run()
    rows = desk.store.board([item_id]) if item_id else []
    return rows[0] if rows else None


def answerable(desk: Desk, state: ItemState) -> tuple[str, ...]:
    """Whom a measure about the item is against: the units of this office that have it in hand, else its receiver."""
    units = tuple(dict.fromkeys(handler.unit for handler in state.tracks.handlers if handler.unit))
    return units if units and state.receiver == desk.identity.code else (state.receiver,)


def units_against(desk: Desk, state: ItemState) -> str:
    """The units of this office a measure is against, as a record names them; empty where it is against an office."""
    named = "、".join(answerable(desk, state))
    if named == state.receiver:
        return ""
    return named if len(named) <= NAME_CHARS_MAX else f"{named[: NAME_CHARS_MAX - 2]}…等"


def name_of(row: BoardRow) -> str:
    """What people call an item: its 登记编号, or the first digits of its id."""
    return row.number or row.item_id.hex()[:12]


def check_above(desk: Desk, parent: bytes, due_day: int, field: str) -> None:
    """Refuse a date beyond what the superior's record allows, saying whom to ask first (race 8)."""
    row = row_of(desk, parent)
    if row is None or not row.due_day or due_day <= row.due_day:
        return
    ask = (
        f"先向上级申请延期：dulian item extend {name_of(row)} --until {iso_day(due_day)}"
        if row.kind == "assignment" else f"先变更本单位事项：dulian item change {name_of(row)} --due 新时限"
    )  # fmt: skip
    raise InputError(
        f"新时限晚于上级事项 {name_of(row)} 的时限 {iso_day(row.due_day)}（规则：下级时限不得晚于上级时限）",
        field=field, value=iso_day(due_day), remedy=ask,
    )  # fmt: skip


def iso_day(day: int) -> str:
    """YYYY-MM-DD, empty for none."""
    return date_of(day).isoformat() if day else ""


def words(args: Args, name: str, *, required: bool = True) -> str:
    """The text of an option, checked; InputError naming the option where it is needed and not there."""
    text = check_text(take(args, name), f"--{name}")
    if required and not text.strip():
        raise InputError("内容不能为空", field=f"--{name}", remedy="写明理由或情况")
    return text


def one_line(args: Args, name: str, *, required: bool = False) -> str:
    """A name of at most 200 characters on one line."""
    text = check_line(take(args, name).strip(), f"--{name}", NAME_CHARS_MAX)
    if required and not text:
        raise InputError("不能为空", field=f"--{name}")
    return text


def check_unit(desk: Desk, unit: str, field: str = "--unit") -> str:
    """A unit of this office: one of those set up, where any are (R16); InputError names those there are."""
    if not unit:
        return unit
    known = {row.name: row for row in desk.store.rows(Unit)}
    if known and not (unit in known and known[unit].active):
        listed = "、".join(name for name, row in known.items() if row.active) or "无"
        raise InputError(
            "本单位没有这个内设机构（规则：承办机构须已登记）", field=field, value=unit,
            remedy=f"已有：{listed}；新设的先用 dulian unit add 登记",
        )  # fmt: skip
    return unit


def check_person(desk: Desk, person: str, unit: str, field: str = "--person") -> str:
    """Who is to have it in hand in a unit: nobody whose account has ended, nor somebody of another unit (R16).

    A name without an account stands for somebody who does not use the system.
    """
    user = desk.store.get(User, person) if person else None
    if user is None:
        return person
    if not user.active:
        raise InputError(
            "账号已停用（规则：承办人员须在职）", field=field, value=person,
            remedy=f"写在用的账号，见 dulian user list；需恢复的：dulian user enable {person}",
        )  # fmt: skip
    if unit and user.unit != unit and desk.store.rows(Unit):
        now = f"属于{user.unit}" if user.unit else "没有所属机构"
        raise InputError(
            f"{person} {now}，不属于{unit}（规则：承办人员须属于承办机构）", field=field, value=person,
            remedy=f"写{unit}的人员，见 dulian unit list；调动的先改：dulian user change {person} --unit {unit}",
        )  # fmt: skip
    return person


def record_named(ids: Iterable[bytes], word: str, field: str) -> bytes:
    """The one of these record ids that begins with ``word`` (at least 4 hex digits); InputError, NotFoundError."""
    lowered = word.strip().lower()
    found = [one for one in ids if len(lowered) >= _DIGITS_MIN and one.hex().startswith(lowered)]
    remedy = "写 dulian item show --json 中 record 的前几位（至少4位）"
    if not found:
        raise NotFoundError("事项没有这条记录", field=field, value=word, remedy=remedy)
    if len(found) > 1:
        raise InputError("有多条记录符合", field=field, value=word, remedy=remedy)
    return found[0]
