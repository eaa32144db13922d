"""What runs beside an item, for people: 责任, 节点, 延期, 督办单, 整改, 复核, 记分 as lines of `item show`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from node.cli.paper import Paper, clean, wrap

Shown = Mapping[str, Any]


def tracks(data: Shown, paper: Paper, numbers: Mapping[str, Any]) -> Iterable[str]:
    """The part 督办情况; nothing where nothing runs beside the item. ``numbers``: 登记编号 of linked items by id."""
    known = dict(data) | {"reinspections": [numbers.get(one) or one[:12] for one in data.get("reinspections") or ()]}
    lines = [line for said in _PARTS for line in said(known)]
    if not lines:
        return
    columns = None if paper.width is None else paper.width - 2
    yield from ["", paper.paint("督办情况", "bold")]
    for line in lines:
        yield from (f"  {part}" for part in wrap(clean(line), columns))


def enclosed(one: Shown) -> str:
    """A record of a 转送: whose, which, its words; 未确认 where its signature could not be verified here."""
    who = clean(one.get("author_name")) or clean(one.get("author"))
    if not one.get("confirmed"):
        return f"转送 {who}{clean(one.get('kind_label'))}：未确认，不显示内容".replace("转送 ：", "转送：")
    files = "、".join(clean(file.get("name")) for file in one.get("attachments") or ())
    said = f"转送 {who}的{clean(one.get('kind_label'))}：{clean(one.get('text'), lines=True)}"
    return f"{said}（附件：{files}）" if files else said


def _people(data: Shown) -> Iterable[str]:
    for one in data.get("handlers") or ():
        due = f"，{one['due']}{'（暂定）' if one.get('provisional') else ''}前" if one.get("due") else ""
        yield f"内部承办：{one['unit']}{' ' + one['person'] if one.get('person') else ''}{due}"
    if chain := data.get("responsibility") or data.get("duties"):
        yield "责任链：" + "；".join(f"{one['level']} {one['name'] or '未定'}" for one in chain)


def _course(data: Shown) -> Iterable[str]:
    if data.get("unclear") is not None:
        yield f"待明确：{data['unclear']}"
    if data.get("exempt"):
        yield "已免除"
    for one in data.get("milestones") or ():
        done = f"，{one['done']}完成" if one.get("done") else ""
        yield f"节点 {one['key']}：{one['title']}（{one.get('due') or '未定'}{done}）"
    extension = data.get("extension") or {}
    if extension.get("state"):
        wanted = f"，申请延至 {extension['wanted']}" if extension.get("wanted") else ""
        yield f"延期：{extension['label']}{wanted}，申请 {extension['requests']} 次，同意 {extension['grants']} 次"


def _slips(data: Shown) -> Iterable[str]:
    for one in data.get("slips") or ():
        judged = f"，{one['justified_label']}" if one.get("justified_label") else ""
        by = one.get("author_name") or one["author"]
        to = f"发{one['to']}" if one.get("to") else ""
        yield f"{one['label']}色督办单：{by}{to}，时限 {one.get('due') or '未定'}{judged}"
        yield from (f"　{entry}" for entry in one.get("entries") or ())
        yield f"　规则 {one['rule']}"
    for one in data.get("scores") or ():
        points = f"{one['points']:+g}分" if one.get("points") else "分值待定"
        yield f"记分：{one.get('unit') or ''} {points}，{one['label']}（规则 {one['rule']}）"
    counted = (("督办令", len(data.get("orders") or ())), ("通报表扬", data.get("praises") or 0),
               ("通报批评", data.get("criticisms") or 0), ("简报", len(data.get("bulletins") or ())),
               ("专报", len(data.get("specials") or ())),
               ("预警", data.get("warnings") or 0), ("约谈", data.get("interviews") or 0))  # fmt: skip
    if any(count for _, count in counted):
        yield "、".join(f"{name} {count} 次" for name, count in counted if count)


def _review(data: Shown) -> Iterable[str]:
    for one in data.get("rectify") or ():
        yield f"整改 {one['key']}：{one['text']}（{one['unit']}，{one['leader']}，{one.get('due')}）{one['label']}"
    if data.get("findings"):
        yield "复核：" + "；".join(f"{one['question']} {'是' if one['ok'] else '否'}" for one in data["findings"])
    for one in data.get("cases") or ():
        yield f"{'附卷' if one['subject'] == 'side' else '审签件'}：{one['number'] or one['item'][:12]}"
    for one in data.get("reinspections") or ():
        yield f"回头看：{one}"
    if data.get("manifest"):
        yield "归档目录"
        yield from (f"　{entry}" for entry in data["manifest"])


_PARTS: tuple[Callable[[Shown], Iterable[str]], ...] = (_people, _course, _slips, _review)
