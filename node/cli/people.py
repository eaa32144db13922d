"""`dulian user …` and `dulian unit …`: accounts and units of this office."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, ask
from node.cli.paper import Paper, clean, table

_HEADING = "账号与机构"
# As `services.access.rights.ROLES`, which the command line does not import: it starts without the services.
ROLES: Mapping[str, str] = {
    "operator": "操作员", "supervisor": "督查人员", "leader": "领导", "handler": "承办人员", "viewer": "查阅人员",
}  # fmt: skip

User = Annotated[str, typer.Argument(metavar="NAME", help="账号，即姓名")]
UnitName = Annotated[str, typer.Argument(metavar="NAME", help="内设机构的名称")]
Role = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="角色，可重复：operator、supervisor、leader、handler、viewer"),
]
Post = Annotated[
    list[str] | None, typer.Option("--post", metavar="POST", help="职务，可重复：规则档案中岗位的名称或代号")
]
InUnit = Annotated[str | None, typer.Option("--unit", metavar="U", help="所属的内设机构")]


def add_user(
    name: User, role: Role = None, post: Post = None, unit: InUnit = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """增加账号；不写角色的只能查阅。"""
    args = {"name": name, "role": _roles(role), "post": list(post or ()), "unit": unit}
    return ask(Call(home, as_json, as_), "user.add", args, _one("已增加账号"))


def change_user(
    name: User, role: Role = None, post: Post = None, unit: InUnit = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """修改账号：写出的项全部换新，其余不变；--post - 和 --unit - 表示去掉。"""
    args = {"name": name, "role": _roles(role), "post": list(post or ()), "unit": unit}
    return ask(Call(home, as_json, as_), "user.change", args, _one("已修改账号"))


def disable_user(
    name: User,
    handover: Annotated[
        str | None, typer.Option("--handover", metavar="NAME", help="接办人的账号；名下有未结事项时必写")
    ] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """停用账号；名下的未结事项移交接办人。"""
    args = {"name": name, "handover": handover}
    return ask(Call(home, as_json, as_), "user.disable", args, _disabled, warned=True)


def enable_user(name: User, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """启用已停用的账号；角色、职务和机构照旧。"""
    return ask(Call(home, as_json, as_), "user.enable", {"name": name}, _one("已启用账号"))


def list_users(as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """列出账号及其角色、职务和内设机构。"""
    return ask(Call(home, as_json, as_), "user.list", {}, _users)


def add_unit(
    name: UnitName,
    head: Annotated[str | None, typer.Option("--head", metavar="NAME", help="负责人的账号")] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """增加内设机构，或更换其负责人。"""
    return ask(Call(home, as_json, as_), "unit.add", {"name": name, "head": head}, _one("已登记内设机构"))


def list_units(as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """列出内设机构及其负责人和人员。"""
    return ask(Call(home, as_json, as_), "unit.list", {}, _units)


def disable_unit(name: UnitName, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """停用内设机构；有人员或未结事项时不能停用。"""
    return ask(Call(home, as_json, as_), "unit.disable", {"name": name}, _one("已停用内设机构"))


def _roles(given: Sequence[str] | None) -> list[str]:
    return [str(values.choice("--role", role, ROLES)) for role in given or ()]


def _one(did: str) -> Callable[[Any, Paper], Iterable[str]]:
    return lambda data, _paper: [f"{did}：{clean(data['name'])}"]


def _disabled(data: Any, _paper: Paper) -> Iterable[str]:
    yield f"已停用账号：{clean(data['name'])}"
    if data["items"]:
        yield f"移交 {clean(data['handover'])}：{'、'.join(clean(item) for item in data['items'])}"


def _users(data: Any, paper: Paper) -> Iterable[str]:
    if not data:
        return ["没有账号"]
    rows = [
        [
            clean(row["name"]), "、".join(ROLES.get(role) or clean(role) for role in row["roles"]),
            "、".join(clean(post["label"]) for post in row["posts"]), clean(row["unit"]),
            "" if row["active"] else "已停用",
        ]
        for row in data
    ]  # fmt: skip
    return table(["账号", "角色", "职务", "内设机构", "状态"], rows, paper, flex=2)


def _units(data: Any, paper: Paper) -> Iterable[str]:
    if not data:
        return ["没有内设机构"]
    rows = [
        [
            clean(row["name"]), clean(row["head"]), "、".join(clean(name) for name in row["people"]),
            "" if row["active"] else "已停用",
        ]
        for row in data
    ]  # fmt: skip
    return table(["内设机构", "负责人", "人员", "状态"], rows, paper, flex=2)


GROUPS: Mapping[str, str] = {"user": "账号：角色、职务、所属机构。", "unit": "内设机构：没有节点的科室和部门。"}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("user", "add"): (_HEADING, add_user),
    ("user", "list"): (_HEADING, list_users),
    ("user", "change"): (_HEADING, change_user),
    ("user", "disable"): (_HEADING, disable_user),
    ("user", "enable"): (_HEADING, enable_user),
    ("unit", "add"): (_HEADING, add_unit),
    ("unit", "list"): (_HEADING, list_units),
    ("unit", "disable"): (_HEADING, disable_unit),
}
