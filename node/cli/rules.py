"""`dulian rules …` and `dulian calendar …`: the rules profile and the working-day calendar."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, ask, request, show
from node.cli.paper import Paper, clean, table
from node.errors import EXIT_FINDINGS, EXIT_OK, InputError

_FILE_BYTES_MAX = 512 * 1024
_HEADING = "规则与日历"
_LISTED = {
    "rules": "时限", "chains": "审批", "ladder": "督办单",
    "sources": "来源", "classes": "类别", "extensions": "延期", "scores": "记分", "measures": "处理", "quotas": "次数",
    "ledgers": "台账",
}  # fmt: skip

Profile = Annotated[
    str | None, typer.Argument(metavar="NAME", help="档案名称，如 county-003 或 county-003/2；不写时为现行档案")
]
File = Annotated[str, typer.Argument(metavar="FILE", help="规则档案文件（TOML）")]


def _packed(name: str) -> str:
    path = values.readable("FILE", name)
    size = path.stat().st_size
    if size > _FILE_BYTES_MAX:
        raise InputError("文件过大", field="FILE", value=name, remedy=f"上限 {_FILE_BYTES_MAX // 1024} KiB")
    return base64.b64encode(Path(path).read_bytes()).decode()


def list_profiles(home: o.Home = None, as_json: o.Json = False) -> int:
    """列出规则档案：随附的、本单位和上级发布的，及现行的一份。"""
    return ask(Call(home, as_json), "rules.list", {}, _listed)


def _listed(rows: Any, paper: Paper) -> Iterable[str]:
    lines = [
        ["现行" if row["in_force"] else "", row["name"], row["title"], row["office_name"], row["valid_from"]]
        for row in rows
    ]
    return table(["", "档案", "名称", "发布单位", "施行日期"], lines, paper)


def show_profile(name: Profile = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """显示一份规则档案：时限、审批、督办单、来源、类别、延期、记分、职务；逐条写明起算、效力、适用和数字。"""
    return ask(Call(home, as_json), "rules.show", {"name": name}, _shown)


def _shown(data: Any, _paper: Paper) -> Iterable[str]:
    # Profiles are read here alone: the command line starts without what reads them.
    from node.rules import said
    from node.rules.profile import Profile as Whole

    profile = Whole.model_validate(data)
    words = said.parts(profile)
    yield f"{data['id']}/{data['version']}　{data['title']}　自 {data['valid_from']} 起施行"
    for key, label in _LISTED.items():
        for one in getattr(profile, key):
            name = getattr(one, "title", "") or getattr(one, "label", "") or one.name
            what = words[key][getattr(one, "id", "") or one.colour]
            head = f"{label} {one.id}　{name}" if hasattr(one, "id") else f"{label} {name}"
            yield "　".join(part for part in (f"  {head}{f'：{what}' if what else ''}", one.sentence) if part)
    for name, what in said.settings(profile).items():
        yield f"  {name}：{what}"
    for role, title in profile.roles.items():
        yield f"  职务 {role}　{title}"


def check(file: File, home: o.Home = None, as_json: o.Json = False) -> int:
    """检查规则档案文件，逐条指出错在哪个键；不发布。"""
    reply = request(Call(home, as_json), "rules.check", {"file_base64": _packed(file)})
    show(reply.data, as_json, lambda data, _paper: data["problems"] or ["档案没有问题"])
    return EXIT_OK if reply.data["ok"] else EXIT_FINDINGS


def publish(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="规则档案文件（TOML）")] = None,
    shipped: Annotated[
        str | None, typer.Option("--shipped", metavar="NAME", help="发布随附的档案，不写 FILE，如 county-003")
    ] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """签名并发布本单位的规则档案；下级都会收到。"""
    if (file is None) == (shipped is None):
        raise InputError("FILE 与 --shipped 写一个", field="FILE", remedy="写档案文件，或用 --shipped 写随附档案名称")
    args = {"file_base64": _packed(file) if file is not None else None, "shipped": shipped}
    return ask(
        Call(home, as_json, as_), "rules.publish", args,
        lambda data, _paper: [f"已发布规则档案 {data['name']}「{data['title']}」，自 {data['valid_from']} 起施行"],
    )  # fmt: skip


def explain(item: o.Item, home: o.Home = None, as_json: o.Json = False) -> int:
    """说明办结时限的由来：依据哪条规则、文件原文、逐步推算，及历次变更。"""
    return ask(Call(home, as_json), "rules.explain", {"item": item}, _explained)


def _explained(data: Any, _paper: Paper) -> Iterable[str]:
    yield f"{data['number']}　{clean(data['title'])}"
    yield from (f"  {clean(line)}" for line in data["steps"])


def show_calendar(
    year: Annotated[str | None, typer.Option("--year", metavar="YEAR", help="年份；不写时为今年")] = None,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """显示工作日历：来源、已知年份，某年的放假日和调休上班日。"""
    return ask(Call(home, as_json), "calendar.show", {"year": values.whole("--year", year)}, _calendar)


def _calendar(data: Any, _paper: Paper) -> Iterable[str]:
    years = data["years"]
    yield f"第 {data['version']} 版　{data['source'] or '未发布'}　" + (
        f"已知 {years[0]}—{years[-1]} 年" if years else "没有已知年份"
    )
    if data["provisional"]:
        yield f"{data['year']} 年尚无安排：按周一至周五计算，时限标为暂定"
    else:
        yield f"{data['year']} 年放假（周一至周五）：{'、'.join(data['holidays'])}"
        yield f"{data['year']} 年调休上班（周末）：{'、'.join(data['working_weekends'])}"


def import_calendar(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="国务院节假日安排的表格（xlsx 或 CSV）；不写时用程序自带的")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="TEXT", help="通知的名称或文号")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查并显示变化，不发布")] = False,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """导入并发布工作日历；只由最上级单位办理。"""
    args = {"file_base64": _packed(file) if file is not None else None, "source": source, "dry_run": dry_run}
    return ask(Call(home, as_json, as_), "calendar.import", args, _imported)


def _imported(data: Any, _paper: Paper) -> Iterable[str]:
    done = "已发布" if data["record"] else "检查通过，未发布"
    yield f"{done}：工作日历第 {data['version']} 版，已知 {data['years'][0]}—{data['years'][-1]} 年"
    if data["changed_count"]:
        days = [f"{day} {to}" for day, to in zip(data["changed"], data["changed_to"], strict=True)]
        yield f"变化 {data['changed_count']} 天：{'、'.join(days)}"


def differences(home: o.Home = None, as_json: o.Json = False) -> int:
    """列出因工作日历到达而应变更的办结时限；由交办单位用 dulian item change 变更。"""
    return ask(Call(home, as_json), "calendar.differences", {}, _differences)


def _differences(rows: Any, paper: Paper) -> Iterable[str]:
    if not rows:
        return ["没有需要变更的办结时限"]
    lines = [[row["number"], clean(row["title"]), row["due"], row["new_due"], row["rule"]] for row in rows]
    return table(["登记编号", "事项", "原时限", "应为", "规则"], lines, paper)


GROUPS: Mapping[str, str] = {
    "rules": "规则档案：时限、审批流程、督办单、记分等。", "calendar": "工作日历：放假和调休。",
}  # fmt: skip
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("rules", "list"): (_HEADING, list_profiles),
    ("rules", "show"): (_HEADING, show_profile),
    ("rules", "check"): (_HEADING, check),
    ("rules", "publish"): (_HEADING, publish),
    ("rules", "explain"): (_HEADING, explain),
    ("calendar", "show"): (_HEADING, show_calendar),
    ("calendar", "import"): (_HEADING, import_calendar),
    ("calendar", "differences"): (_HEADING, differences),
}
