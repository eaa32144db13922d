"""`dulian ledger list|show` and `dulian export ledger`: the ledgers of the rules in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import show_known, values
from node.cli.ask import Call, ask, request, show
from node.cli.item import KnownAt
from node.cli.paper import Cell, Paper, clean, fields, moment, table
from node.errors import InputError
from node.items.lifecycle import STATE_LABELS

_HEADING = "台账与统计"
_EXPORT_PAGE = 200
_STYLES = {"green": "green", "yellow": "yellow", "red": "red", "done": "blue"}
# On a terminal; `--json` and the exported file have every column.
_SHOWN = ("number", "title", "lead", "assist", "person", "state", "light", "due", "percent", "progress", "known")

Ledger = Annotated[str, typer.Argument(metavar="LEDGER", help="台账的代号或名称，见 dulian ledger list")]
WhichLedger = Annotated[str | None, typer.Option("--ledger", metavar="L", help="台账的代号或名称；不写为综合台账")]
Office = Annotated[str | None, typer.Option("--office", metavar="CODE", help="承办单位；不写为本单位")]
Unit = Annotated[str | None, typer.Option("--unit", metavar="U", help="承办的内设机构")]
Leader = Annotated[str | None, typer.Option("--leader", metavar="NAME", help="牵头领导")]
State = Annotated[str | None, typer.Option("--state", metavar="S", help="状态")]
Light = Annotated[str | None, typer.Option("--light", metavar="L", help="时限灯：green、yellow、red、done 或 none")]
Text = Annotated[str | None, typer.Option("--text", metavar="WORDS", help="事项名称或登记编号中的文字")]
Words = Annotated[str | None, typer.Option("--words", metavar="WORDS", help="标题、编号和正文中的词")]
Sort = Annotated[str | None, typer.Option("--sort", metavar="COLUMN", help="排序的列，如 due；前面加 - 为倒序")]
Line = Annotated[str | None, typer.Option("--line", metavar="LINE", help="工作线条，如 决策督查")]
Year = Annotated[str | None, typer.Option("--year", metavar="YEAR", help="登记的年份，如 2026")]
PageNo = Annotated[str | None, typer.Option("--page", metavar="N", help="第几页，从 1 开始")]
Per = Annotated[str | None, typer.Option("--per", metavar="N", help="每页行数，不写为 50")]


def list_ledgers(as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """列出现行规则档案的各本台账，以及登账、对账、查账、交账的情况。"""
    return ask(Call(home, as_json, as_), "ledger.list", {}, _listed)


def show_ledger(
    ledger: Ledger, office: Office = None, unit: Unit = None, leader: Leader = None, state: State = None,
    light: Light = None, text: Text = None, year: Year = None, words: Words = None, sort: Sort = None,
    page: PageNo = None, per: Per = None, line: Line = None,
    as_known_at: KnownAt = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """分页查看一本台账；或本机在某时所知的。"""
    args = _filters(office, unit, leader, state, light, text, year) | {
        "ledger": ledger, "page": values.whole("--page", page), "per": values.whole("--per", per),
        "words": words, "sort": sort, "line": line, "as_known_at": as_known_at,
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "ledger.show", args, _page, long=as_known_at is not None)


def export_ledger(
    file: Annotated[str, typer.Argument(metavar="FILE.xlsx", help="存为这个文件，不覆盖已有的")],
    ledger: WhichLedger = None, office: Office = None, unit: Unit = None, leader: Leader = None, state: State = None,
    light: Light = None, text: Text = None, year: Year = None, line: Line = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """把一本台账导出为 Excel；改过之后可用 dulian import ledger 写回。"""
    from node.documents.ledger_out import pages_of, write_book

    target = values.writable("FILE.xlsx", file)
    if target.suffix.lower() != ".xlsx":
        raise InputError("文件名应以 .xlsx 结尾", field="FILE.xlsx", value=file, remedy="写成 台账.xlsx")
    call = Call(home, as_json, as_)
    args = _filters(office, unit, leader, state, light, text, year) | {"ledger": ledger, "per": _EXPORT_PAGE}
    args["line"] = line
    first = request(call, "ledger.show", args | {"page": 1}, long=True).data
    columns = [(one["key"], one["name"]) for one in first["columns"]]
    rows = pages_of(first, lambda page: request(call, "ledger.show", {**args, "page": page}, long=True).data)
    count = write_book(target, first["title"], first["office"], first["asked_ms"], columns, rows)
    data = {"file": str(target), "ledger": first["ledger"], "title": first["title"], "rows": count}
    show(data, as_json, lambda _data, _paper: [f"已导出 {clean(first['title'])}：{count} 行，存为 {clean(target)}"])
    return 0


def _filters(
    office: str | None, unit: str | None, leader: str | None, state: str | None, light: str | None, text: str | None,
    year: str | None,
) -> dict[str, object]:  # fmt: skip
    return {
        "office": values.code("--office", office) if office is not None else None, "unit": unit, "leader": leader,
        "state": values.choice("--state", state, STATE_LABELS), "light": values.choice("--light", light, values.LIGHTS),
        "text": text, "year": values.whole("--year", year),
    }  # fmt: skip


def _listed(data: Any, paper: Paper) -> Iterable[str]:
    yield from fields([("规则档案", clean(data.get("profile")))], paper)
    rows = [
        [
            clean(one.get("ledger")), clean(one.get("title")), clean(one.get("total")),
            clean(one.get("keeper")) or "—", clean(one.get("last_entry")) or "—",
        ]
        for one in data.get("ledgers") or []
    ]
    yield from table(["代号", "台账", "件数", "保管", "最近登账"], rows, paper, give=((1, 12), (3, 8)))
    rounds = [
        [
            clean(one.get("title")), clean(one.get("state")), clean(one.get("last_due")) or "—",
            moment(one.get("checked_at"))[:10], clean(one.get("next_due")) or "—",
        ]
        for one in data.get("rounds") or []
    ]
    if rounds:
        yield ""
        headers = ["登账、对账、查账、交账", "情况", "上次应办", "上次办理", "下次"]
        yield from table(headers, rounds, paper, give=((0, 10),))


def _page(data: Any, paper: Paper) -> Iterable[str]:
    names = {one["key"]: clean(one["name"]) for one in data["columns"]}
    keys = [key for key in _SHOWN if key in names]
    then = data.get("as_known_at")
    if then:
        yield from show_known.heading(data, paper)
    pages = "" if then else f"，第 {data['page']} 页，共 {data['pages']} 页"
    yield f"{clean(data.get('title'))}：共 {data['total']} 件{pages}"
    yield from _grid(data, paper, names, keys)
    if then:
        yield from show_known.footing(data, paper)


def _grid(data: Any, paper: Paper, names: Mapping[str, str], keys: list[str]) -> Iterable[str]:
    if not data["rows"]:
        return
    rows: list[list[Cell | str]] = [
        [
            Cell(clean(row["cells"][key]), _STYLES.get(row["light"], "") if key == "light" else "") for key in keys
        ]
        for row in data["rows"]
    ]  # fmt: skip
    give = [(keys.index(key), least) for key, least in (("progress", 10), ("title", 12), ("assist", 8), ("lead", 8))]
    yield from table([names[key] for key in keys], rows, paper, give=give)


# Groups of commands with their help, and commands by path, with the heading they stand under.
GROUPS: Mapping[str, str] = {"ledger": "台账：列出和查看。", "export": "导出：台账存为 Excel 文件。"}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("ledger", "list"): (_HEADING, list_ledgers),
    ("ledger", "show"): (_HEADING, show_ledger),
    ("export", "ledger"): (_HEADING, export_ledger),
}
