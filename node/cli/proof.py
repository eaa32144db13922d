"""`dulian item proof|tree|actions`: what proves a record, how an item was decomposed, what may be done about it now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import show_item, show_known
from node.cli.ask import Call, ask
from node.cli.paper import Paper, clean, fields, moment, table, wrap

_HEADING = "查阅"
_HEX_SHOWN = 16
_EFFECTS: Mapping[str, str] = {"applied": "有效", **show_item.EFFECTS}


def proof(
    item: o.Item, record: Annotated[str, typer.Argument(metavar="RECORD", help="记录：标识或前几位（至少4位）")],
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """核验事项的一条记录：签名、直至根的证书、在日志中的位置、收讫、分叉。"""
    return ask(Call(home, as_json, as_), "item.proof", {"item": item, "record": record}, _proof)


def tree(item: o.Item, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """列出事项的分解：各级单位的任务、状态、灯、进度、情况和数据截至。"""
    return ask(Call(home, as_json, as_), "item.tree", {"item": item}, _tree)


def actions(item: o.Item, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """列出本人现在可以办理什么、依据哪条规则；不能办理的缺什么。"""
    return ask(Call(home, as_json, as_), "item.actions", {"item": item}, _actions)


def _proof(data: Any, paper: Paper) -> Iterable[str]:
    signature, chain = data["signature"], data["chain"]
    says = "有效" if signature["valid"] else f"无效：{clean(signature['problem'])}"
    yield from fields([
        ("事项", " ".join(clean(data[part]) for part in ("number", "title") if data.get(part))),
        ("记录", f"{clean(data['kind_label'])}　{clean(data['record'])}"),
        ("单位", show_item.office(data["author"], data["author_name"])), ("经办", clean(data["actor"])),
        ("所记时间", moment(data["claimed_at"])), ("本机收到", moment(data["received_at"])),
        ("效力", _EFFECTS.get(str(data["effect"])) or clean(data["effect"])),
        ("签名", f"{says}（{clean(signature['suite'])}，现在核验）"), ("密钥指纹", clean(signature["fingerprint"])),
        ("日志", f"{clean(chain['log'])[:_HEX_SHOWN]} 第{chain['seq']}号，日志现有{chain['head_seq']}号"),
        ("前一记录", _previous(chain)), ("分叉", _fork(data["fork"])),
    ], paper)  # fmt: skip
    yield from _certificates(data, paper)
    yield from ["", paper.paint("收讫", "bold")]
    rows = [
        [show_item.office(one["office"], one["name"]), moment(one["at"]), f"至第{one['seq']}号",
         "有效" if one["valid"] else "无效"]
        for one in data["receipts"]
    ]  # fmt: skip
    if rows:
        yield from table(["持有单位", "收讫时间", "范围", "签名"], rows, paper, give=((0, 12),), indent="  ")
    else:
        yield "  没有其他单位对这条记录的收讫"


def _previous(chain: Mapping[str, Any]) -> str:
    if not chain["prev"]:
        return "无，是日志的第一条"
    held = "" if chain["prev_held"] else "（本机所存不相衔接）"
    return f"{clean(chain['prev'])[:_HEX_SHOWN]}{held}"


def _fork(fork: Mapping[str, Any] | None) -> str:
    if fork is None:
        return "无"
    where = f"第{fork['seq']}号起分叉" if fork["seq"] else "日志已冻结"
    which = "，本记录是分叉的一份" if fork["rival"] else "，本记录在分叉之后" if fork["after"] else "，本记录在分叉之前"
    return where + (which if fork["seq"] else "") + ("，已处置" if fork["settled"] else "")


def _certificates(data: Mapping[str, Any], paper: Paper) -> Iterator[str]:
    yield from ["", paper.paint("证书（由根到签名单位）", "bold")]
    for one in data["certificates"]:
        issuer = show_item.office(one["issuer"], one["issuer_name"])
        root = "根，与本机固定的指纹一致" if one["root"] else f"由{issuer}签发"
        says = "签名有效" if one["valid"] else "签名无效"
        since = f"自{moment(one['valid_from'])}起" if one["valid_from"] else "证书记录不在本机"
        yield f"  {show_item.office(one['office'], one['name'])}　{root}　{says}　{since}，吊销前有效"
        yield f"      指纹 {clean(one['fingerprint'])}"


def _tree(data: Any, paper: Paper) -> Iterable[str]:
    above = data["above"]
    if not above["held"]:
        yield f"交办单位 {show_item.office(above['office'], above['name'])}（其上的事项不在本机）"
    rows: list[list[Any]] = []
    for depth, node in enumerate(data["path"]):
        rows.append(_row(node, depth))
    _rows(data["tree"], len(data["path"]), rows)
    headers = ["单位和任务", "状态", "灯", "进度", "时限", "情况", "数据截至"]
    yield from table(headers, rows, paper, give=((0, 20), (5, 6), (6, 10)))
    counted = "、".join(f"{clean(one['label'])}{one['count']}件" for one in data["summary"])
    yield f"下级任务 {data['total'] - 1} 件" + (f"：{counted}" if counted else "")
    if data["rolled"]:
        yield _rolled(data["rolled"])
    if data["truncated"]:
        yield f"只列出前 {data['nodes_max']} 件，其余用 dulian item tree 下级任务 查看"
    if data["siblings"]:
        yield ""
        shown = f"{len(data['siblings'])}{'+' if data['siblings_more'] else ''}"
        yield f"同一事项的其他任务 {shown} 件"
        yield from table(headers, [_row(one, 0) for one in data["siblings"]], paper, give=((0, 20), (5, 6), (6, 10)))


def _rolled(one: Mapping[str, Any]) -> str:
    counts = f"应办 {one['due']}，已签收 {one['signed']}，在办 {one['active']}，办结 {one['accepted']}"
    more = f"销号 {one['closed']}，逾期 {one['overdue']}，退回 {one['returns']} 次，催办 {one['urges']} 次"
    return f"汇总：{counts}，{more}；进度 {one['percent']}%"


def _rows(node: Mapping[str, Any], depth: int, rows: list[list[Any]]) -> None:
    rows.append(_row(node, depth))
    for child in node["children"]:
        _rows(child, depth + 1, rows)


def _row(node: Mapping[str, Any], depth: int) -> list[Any]:
    name = "　" * depth + show_item.office(node["office"], node["office_name"])
    role = show_item.ROLES.get(str(node["role"]))
    number = clean(node["number"]) or clean(node["item"])[:12]
    return [
        f"{name} {number}{f'（{role}）' if role else ''}", show_item.state(node), show_item.light(node),
        show_item.percent(node), clean(node["due"]) or "—", show_known.word(node), moment(node["as_of"]) or "—",
    ]  # fmt: skip


def _actions(data: Any, paper: Paper) -> Iterable[str]:
    rows = [
        [clean(one["group"]), clean(one["label"]), _command(one), clean(one["rule"]["name"])] for one in data["actions"]
    ]
    if rows:
        yield from table(["类别", "可以办理", "命令", "依据"], rows, paper, give=((3, 12), (2, 20)))
    else:
        yield "现在没有可以办理的"
    if data["unavailable"]:
        yield from ["", paper.paint("现在不能办理", "bold")]
    for one in data["unavailable"]:
        yield from wrap(f"  {clean(one['label'])}：{clean(one['why'])}", paper.width)


def _command(one: Mapping[str, Any]) -> str:
    flags = "".join(f" --{name}" for name in one["fixed"])
    return f"dulian {str(one['verb']).replace('.', ' ')}{flags}"


GROUPS: Mapping[str, str] = {}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("item", "actions"): (_HEADING, actions), ("item", "proof"): (_HEADING, proof), ("item", "tree"): (_HEADING, tree),
}  # fmt: skip
