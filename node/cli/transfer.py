"""Ledgers and task lists in: `dulian import`, and an edited ledger back: `dulian import ledger`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, Render, ask
from node.cli.paper import Paper, clean, table
from node.errors import InputError

Words = Annotated[
    list[str],
    typer.Argument(metavar="[ledger] FILE.xlsx", help="任务清单，见 docs/import.md；前写 ledger 的是改过的导出台账"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="只检查，不写入")]
PastDue = Annotated[bool, typer.Option("--past-due", help="接续历史台账：办结时限已过的也登记，即为逾期")]
Apply = Annotated[bool, typer.Option("--apply", help="把改过的台账写入；不写时只列出不同之处")]


def import_ledger(
    words: Words, dry_run: DryRun = False, apply: Apply = False, past_due: PastDue = False,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """把任务清单逐行登记为事项，有一行不合格就都不登记；或把改过的导出台账（import ledger）写回。"""
    edited = len(words) == 2 and words[0] == "ledger"
    if not edited and len(words) != 1:
        remedy = "写 dulian import FILE.xlsx，或 dulian import ledger FILE.xlsx"
        raise InputError("只导入一个文件", field="FILE.xlsx", value=" ".join(words), remedy=remedy)
    files = [("file", values.readable("FILE.xlsx", words[-1]))]
    call = Call(home, as_json, as_)
    if edited:
        if past_due:
            raise InputError("--past-due 只用于导入任务清单", field="--past-due", remedy="去掉 --past-due")
        if dry_run and apply:
            raise InputError("--dry-run 与 --apply 只写一个", field="--apply", remedy="只看不同之处的不写 --apply")
        return ask(call, "ledger.import", {"apply": apply}, returned(apply=apply), files=files, long=True)
    if apply:
        raise InputError("--apply 只用于 import ledger", field="--apply", remedy="去掉 --apply，或写 import ledger")
    args = {"dry_run": dry_run, "past_due": past_due or None}
    return ask(call, "import", args, imported(dry_run=dry_run), files=files, long=True)


def imported(*, dry_run: bool) -> Render:
    """What was registered, or every bad row with its column and reason; below, what is to be looked at again."""

    def render(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
        errors, warnings = data.get("errors") or [], data.get("warnings") or []
        doubts = [f"请核对：{len(warnings)} 处", *_places(warnings, paper)] if warnings else []
        if errors:
            return [f"没有登记：{len(errors)} 处不合格", *_places(errors, paper), *doubts]
        items = data.get("items") or []
        if dry_run:
            return [f"检查通过：{clean(data.get('rows', len(items)))} 行可以登记；没有写入", *doubts]
        rows = [[clean(one.get("row")), clean(one.get("number")) or "—", clean(one.get("item"))] for one in items]
        listed = table(["行", "登记编号", "标识"], rows, paper, give=((2, 13),), indent="  ")
        return [f"已登记 {len(items)} 件", *listed, *doubts]

    return render


def returned(*, apply: bool) -> Render:
    """The differences of an edited ledger, what stands against them, and what was written."""

    def render(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
        found, errors = data.get("differences") or [], data.get("errors") or []
        rows = [
            [
                clean(one.get("row")), clean(one.get("number")), clean(one.get("column")), clean(one.get("old")) or "—",
                clean(one.get("new")), clean(one.get("kind_label")),
            ]
            for one in found
        ]  # fmt: skip
        headers = ["行", "登记编号", "列", "原值", "新值", "写入的记录"]
        listed = table(headers, rows, paper, give=((3, 8), (4, 8), (1, 10)), indent="  ") if rows else []
        head = f"不同之处：{len(found)} 处" if found else "没有不同之处"
        if errors:
            return [head, *listed, f"没有写入：{len(errors)} 处不能写", *_places(errors, paper)]
        written = data.get("written") or []
        if data.get("applied"):
            return [head, *listed, f"已写入 {len(written)} 条记录"]
        return [head, *listed, *(["没有写入；核对后加 --apply 写入"] if found and not apply else [])]

    return render


def _places(found: Iterable[Mapping[str, Any]], paper: Paper) -> Iterable[str]:
    """Where in the file, and what is the matter there."""
    rows = [[clean(one.get("row")), clean(one.get("column")), clean(one.get("text"))] for one in found]
    return table(["行", "列", "原因"], rows, paper, flex=2, indent="  ")
