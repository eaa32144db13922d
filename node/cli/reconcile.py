"""`dulian reconcile`: reconcile with the neighbours now, show what earlier runs found, write the 对账单."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, ask, request, show
from node.cli.paper import Cell, Paper, clean, moment, table
from node.errors import EXIT_OK, InputError

GROUPS: Mapping[str, str] = {}
CARE = "运行与核对"
_STYLES = {"balanced": "green", "repaired": "yellow", "disputed": "red", "incomplete": "red", "settled": "green"}


def reconcile(
    action: Annotated[
        str | None,
        typer.Argument(metavar="ACTION", help="history 列出历次结果，sheet 存为可打印的对账单；不写则现在对账"),
    ] = None,
    file: Annotated[str | None, typer.Argument(metavar="FILE.xlsx", help="sheet 存为这个文件，不覆盖已有的")] = None,
    with_: Annotated[
        str | None, typer.Option("--with", metavar="CODE", help="只与这个上级或下级；不写为全部")
    ] = None,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """与上下级对账：比对、补齐、修复并双方签名；有不符时退出码为 1，有未联通时为 3。"""
    call, peer = Call(home, as_json), values.code("--with", with_) if with_ else None
    if action not in (None, "history", "sheet"):
        raise InputError("没有这个用法", field="ACTION", value=action, remedy="写 history 或 sheet，或都不写")
    if (file is not None) != (action == "sheet"):
        raise InputError("对账单须写明文件", field="FILE", remedy="写成 dulian reconcile sheet 对账单.xlsx")
    if action is None:
        return ask(call, "reconcile", {"with": peer}, _runs, long=True)
    if action == "history":
        return ask(call, "reconcile.history", {"with": peer}, _runs, long=True)
    return _sheet(call, peer, str(file))


def _sheet(call: Call, peer: str | None, name: str) -> int:
    target = Path(name)
    if target.exists():
        raise InputError("已有这个文件，不覆盖", field="FILE", value=target, remedy="换一个文件名")
    if not target.parent.is_dir():
        raise InputError("没有这个目录", field="FILE", value=target.parent, remedy="先建立目录")
    rows = request(call, "reconcile.history", {"with": peer}, long=True).data
    from node.documents.statement import write_sheet

    office = clean(rows[0].get("office")) if rows else ""
    count = write_sheet(target, f"督查事项对账单 {office}".strip(), office, rows)
    show({"file": str(target), "rows": count}, call.as_json, lambda _data, _paper: [f"已存 {count} 行：{target}"])
    return EXIT_OK


def _runs(data: Any, paper: Paper) -> Iterable[str]:
    """One line for each run."""
    if not data:
        return ["没有对账记录"]
    rows: list[list[Cell | str]] = []
    for run in data:
        outcome = str(run.get("outcome"))
        note = clean(run.get("reason")) or clean(run.get("statement"))[:16]
        counts = [clean(run.get(key)) for key in ("logs", "records_fetched", "records_sent", "repaired", "disputed")]
        word = Cell(clean(run.get("outcome_label")), _STYLES.get(outcome, ""))
        rows.append([clean(run.get("with")), moment(run.get("as_of")), word, *counts, note])
    headers = ["对方", "对账时点", "结果", "日志", "收取", "发送", "修复", "不符", "对账单"]
    return table(headers, rows, paper, give=((8, 8), (1, 10)))


COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {("", "reconcile"): (CARE, reconcile)}
