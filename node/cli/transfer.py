"""Ledgers in: `dulian import`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, Render, ask
from node.cli.paper import Paper, clean, table

File = Annotated[str, typer.Argument(metavar="FILE.xlsx", help="Excel 台账；各列见 docs/import.md")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="只检查，不写入")]


def import_ledger(
    file: File, dry_run: DryRun = False, as_: o.As = None, home: o.Home = None, as_json: o.Json = False
) -> int:
    """把一份 Excel 台账逐行登记为事项；有一行不合格就都不登记。"""
    files = [("file", values.readable("FILE.xlsx", file))]
    call, render = Call(home, as_json, as_), imported(dry_run=dry_run)
    return ask(call, "import", {"dry_run": dry_run}, render, files=files, long=True)


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
        listed = table(["行", "登记编号", "事项编号"], rows, paper, give=((2, 13),), indent="  ")
        return [f"已登记 {len(items)} 件", *listed, *doubts]

    return render


def _places(found: Iterable[Mapping[str, Any]], paper: Paper) -> Iterable[str]:
    """Where in the file, and what is the matter there."""
    rows = [[clean(one.get("row")), clean(one.get("column")), clean(one.get("text"))] for one in found]
    return table(["行", "列", "原因"], rows, paper, flex=2, indent="  ")
