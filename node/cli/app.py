"""The command `dulian`: all commands under their names and headings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from node import __version__
from node.cli import (
    approvals,
    backup,
    console,
    doctor,
    forks,
    item,
    later,
    ledgers,
    measures,
    node,
    opening,
    overview,
    people,
    planning,
    proof,
    proposals,
    reconcile,
    rules,
    transfer,
)
from node.cli.usage import MISSING, PROGRAM, DulianCommand, DulianGroup, MissingCommand

SETUP, CARE, WORK, VIEWS, RULES, PEOPLE = (
    "建立与入网", "运行与核对", "督查事项", "台账与统计", "规则与日历", "账号与机构",
)  # fmt: skip
_PANELS = {
    "alarm": CARE, "fork": CARE, "case": WORK, "plan": WORK, "ledger": VIEWS, "export": VIEWS, "rules": RULES,
    "calendar": RULES, "user": PEOPLE, "unit": PEOPLE, "console": PEOPLE,
}  # fmt: skip
_AREAS = (
    doctor, reconcile, approvals, measures, planning, ledgers, overview, proposals, rules, people,
    console, backup, forks, proof,
)
ABOUT = """督联：省、市、县督查事项的签名记录联合体。

选项都写在子命令之后。时间为北京时间，日期写成 2026-12-31。
退出码：0 完成，1 检查发现问题，2 输入有误（没有写入），3 节点联系不上，4 没有权限，70 内部错误。"""


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="显示版本")
    ] = False,
) -> None:
    """Carry the options of `dulian` itself."""


def _group(text: str) -> typer.Typer:
    return typer.Typer(
        cls=DulianGroup, help=text, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )  # fmt: skip


def _add(group: typer.Typer, name: str, command: Callable[..., int], panel: str) -> None:
    group.command(name, cls=DulianCommand, rich_help_panel=panel)(command)


def build_app(only: str = "") -> typer.Typer:
    """The whole command line; or just one of its first commands, for a process that stays (`serve`: 3 MB)."""
    app, items = _group(ABOUT), _group("督查事项：登记、交办、签收、分解、报告、审核、销号。")
    app.callback(help=ABOUT)(_root)
    setup: dict[str, Callable[..., int]] = {
        "init": node.init, "invite": node.invite, "join": node.join, "pending": node.pending, "approve": node.approve,
    }  # fmt: skip
    care: dict[str, Callable[..., int]] = {
        "serve": node.serve, "status": node.status, "verify": node.verify, "heads": node.heads, "digest": node.digest,
    }  # fmt: skip
    for panel, commands in ((SETUP, setup), (CARE, care)):
        for name, command in commands.items():
            if only in ("", name):
                _add(app, name, command, panel)
    if only:
        return app
    app.add_typer(items, name="item", rich_help_panel=WORK)
    _add(app, "import", transfer.import_ledger, WORK)
    _add_items(items)
    groups = {"": app, "item": items}
    for area in _AREAS:
        for name, text in area.GROUPS.items():
            groups[name] = _group(text)
            app.add_typer(groups[name], name=name, rich_help_panel=_PANELS[name])
        for (group_name, name), (panel, command) in area.COMMANDS.items():
            _add(groups[group_name], name, command, panel)
    _add_later(app, groups)
    return app


def _add_items(items: typer.Typer) -> None:
    panels: dict[str, dict[str, Callable[..., int]]] = {
        "交办": {"issue": opening.issue, "register": opening.register, "assign": opening.assign,
                 "reassign": item.reassign, "insist": item.insist, "urge": item.urge},
        "承办": {"sign": item.sign, "refuse": item.refuse, "decompose": opening.decompose, "report": item.report,
                 "submit": item.submit},
        "审核": {"return": item.give_back, "accept": item.accept, "close": item.close, "cancel": item.cancel},
        "查阅": {"list": item.list_items, "show": item.show_one, "attach": item.attach_file, "fetch": item.fetch},
    }  # fmt: skip
    for panel, commands in panels.items():
        for name, command in commands.items():
            _add(items, name, command, panel)


def _add_later(app: typer.Typer, groups: dict[str, typer.Typer]) -> None:
    for path, text in later.LATER.items():
        group_name, _, name = path.rpartition(" ")
        if group_name not in groups:
            groups[group_name] = _group(later.GROUPS[group_name] + later.SUFFIX)
            app.add_typer(groups[group_name], name=group_name, rich_help_panel=MISSING)
        command = groups[group_name].command(
            name, cls=MissingCommand, rich_help_panel=MISSING, help=text + later.SUFFIX
        )
        command(later.refuse)
