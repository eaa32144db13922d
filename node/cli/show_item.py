"""Items for people: the list, one item whole, and one line for each thing done. Data are the JSON of surface.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from node.cli import show_known, show_tracks
from node.cli.paper import Cell, Paper, clean, fields, moment, table, wrap
from node.cli.values import KINDS, LIGHTS
from node.items.lifecycle import STATE_LABELS

ID_CHARS_MIN = 8
# Where the terminal is too narrow: the title first, then the receiver, the number last; see `paper.table`.
GIVE, MORE = ((1, 16), (2, 8), (1, 10)), ((1, 6), (0, 12), (1, 4))
WIDE = 110  # columns from which 数据截至 is shown to the minute
NONE = "—"
LIGHT_STYLES: Mapping[str, str] = {"green": "green", "yellow": "yellow", "red": "red", "done": "blue"}
ROLES: Mapping[str, str] = {"lead": "牵头", "assist": "协办", "sole": "承办"}
EFFECTS: Mapping[str, str] = {
    "waiting": "待前件", "late": "迟到，不生效", "invalid": "无效", "superseded": "已被替代",
    "unconfirmed": "待确认", "unknown": "本版本不识别", "erased": "已清除",
}  # fmt: skip


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """The shortest prefixes, at least `ID_CHARS_MIN` long, that tell these ids apart."""
    size = ID_CHARS_MIN
    while len({one[:size] for one in ids}) < len(set(ids)):
        size += 1
    return {one: one[:size] for one in ids}


def light(row: Mapping[str, Any]) -> Cell:
    """The light as a word, coloured as itself."""
    value = str(row.get("light") or "none")
    return Cell(LIGHTS.get(value) or clean(value), LIGHT_STYLES.get(value, ""))


def state(row: Mapping[str, Any]) -> str:
    """The state as a word; an assignment that has not left its sender is 待转送."""
    if row.get("delivery") == "queued":
        return "待转送"
    value = row.get("state")
    return clean(row.get("state_label")) or STATE_LABELS.get(str(value)) or clean(value) or NONE


def due(row: Mapping[str, Any], columns: int | None = None) -> str:
    """The due date; 暂定 where it was counted before its year's calendar was known, 暂 where there is little room."""
    day = clean(row.get("due"))
    mark = "（暂定）" if columns is None or columns >= WIDE else "暂"
    return f"{day}{mark}" if day and row.get("provisional") else day


def percent(row: Mapping[str, Any]) -> str:
    """Progress, where there is any."""
    return NONE if row.get("percent") is None else f"{clean(row['percent'])}%"


def office(code: Any, name: Any = None) -> str:
    """An office: its code, with the name where the data carry one."""
    if isinstance(code, Mapping):
        return office(code.get("code"), code.get("name"))
    return f"{clean(code)} {clean(name)}".strip() or NONE


def items(data: Any, paper: Paper) -> Iterable[str]:
    """The list of items; of a moment where the data say so."""
    if isinstance(data, Mapping):
        yield from show_known.heading(data, paper)
        yield from _items(data.get("items") or [], paper)
        yield from show_known.footing(data, paper)
        return
    yield from _items(data, paper)


def _items(data: Sequence[Mapping[str, Any]], paper: Paper) -> Iterable[str]:
    if not data:
        return ["没有符合条件的事项"]
    short = short_ids([str(row.get("id", "")) for row in data])
    as_of_chars = 16 if paper.width is None or paper.width >= WIDE else 10
    rows: list[list[Cell | str]] = [
        [
            _number(row, short), clean(row.get("title")), _receiver(row), state(row), light(row),
            due(row, paper.width) or NONE, percent(row), *_known(row, data), moment(row.get("as_of"))[:as_of_chars],
        ]
        for row in data
    ]  # fmt: skip
    headers = ["登记编号", "事项", "承办单位", "状态", "灯", "时限", "进度", *_known_header(data), "数据截至"]
    return [*table(headers, rows, paper, give=GIVE, more=MORE), f"共 {len(rows)} 件"]


def _known(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[Cell]:
    return [show_known.word(row)] if show_known.has_any(rows) else []


def _known_header(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return ["情况"] if show_known.has_any(rows) else []


def _number(row: Mapping[str, Any], short: Mapping[str, str]) -> str:
    return clean(row.get("number")) or clean(short[str(row.get("id", ""))])


def item(data: Any, paper: Paper) -> Iterable[str]:
    """One item whole: header, requirement, children, attachments, timeline; of a moment where the data say so."""
    if data.get("as_known_at"):
        yield from show_known.heading(data, paper)
    shown = light(data)
    lamp = "" if shown.text == NONE else paper.paint(shown.text, shown.style)
    opener = "登记单位" if data.get("kind") == "registered" else "交办单位"
    head = [
        ("事项", clean(data.get("title"))), ("登记编号", clean(data.get("number"))), ("标识", clean(data.get("id"))),
        ("类别", KINDS.get(str(data.get("kind"))) or clean(data.get("kind"))),
        ("来源", clean(data.get("source_label") or data.get("source"))), ("事项类别", clean(data.get("class_label"))),
        (opener, office(data.get("issuer"), data.get("issuer_name"))),
        ("承办单位", office(data.get("receiver"), data.get("receiver_name"))),
        ("分工", ROLES.get(str(data.get("role")), "")),
        ("责任单位（原文）", clean(data.get("responsible"))), ("时限（原文）", clean(data.get("limit_text"))),
        ("上级事项", _linked(data, "parent")), ("前一事项", _linked(data, "predecessor")),
        ("后一事项", _linked(data, "successor")), ("知悉范围", _line(data.get("line"))),
        ("状态", state(data)), ("办结时限", due(data) or _inside(data)), ("灯", lamp),
        ("进度", percent(data)), ("情况", show_known.whole(data)), ("数据截至", moment(data.get("as_of"))),
        ("更新时间", moment(data.get("updated_at"))),
    ]  # fmt: skip
    yield from fields(head, paper)
    columns = None if paper.width is None else paper.width - 2
    if data.get("requirement"):
        yield from ["", paper.paint("工作要求", "bold")]
        yield from (f"  {line}" for line in wrap(clean(data["requirement"], lines=True), columns))
    if data.get("points"):
        yield from ["", paper.paint("分项要求", "bold")]
        for number, point in enumerate(data["points"], 1):
            text = clean(point.get("text") if isinstance(point, Mapping) else point)
            yield from (f"  {line}" for line in wrap(f"{number}. {text}", columns))
    beside = dict(data.get("tracks") or {}) | {"responsibility": data.get("responsibility")}
    yield from show_tracks.tracks(beside, paper, data.get("numbers") or {})
    yield from _children(data.get("children") or [], paper)
    yield from _attachments(data.get("attachments") or [], paper)
    yield from _timeline(data.get("timeline") or [], paper)
    yield from show_known.footing(data, paper)


def _inside(data: Mapping[str, Any]) -> str:
    """未定, and by when the units are to be done where that is known."""
    handlers = (data.get("tracks") or {}).get("handlers") or ()
    dated = "、".join(f"{clean(one['unit'])} {due(one)}" for one in handlers if one.get("due"))
    return f"未定（内部时限：{dated}）" if dated else "未定"


def _receiver(row: Mapping[str, Any]) -> str:
    """In tables: the name, or the code where there is none, and the part in the matter where others have one too."""
    role = ROLES[str(row["role"])] if row.get("role") in {"lead", "assist"} else ""
    return (clean(row.get("receiver_name")) or office(row.get("receiver"))) + (f"（{role}）" if role else "")


def _linked(data: Mapping[str, Any], which: str) -> str:
    """An item linked to this one: its 登记编号, its id only where this node does not know more."""
    linked = str(data.get(which) or "")
    return clean((data.get("numbers") or {}).get(linked) or linked)


def _line(line: Any) -> str:
    if not isinstance(line, Mapping):
        return ""
    return " → ".join(map(clean, line.get("path") or [])) + (" 及以下" if line.get("subtree") else "")


def _children(children: Sequence[Any], paper: Paper) -> Iterable[str]:
    rows = [child for child in children if isinstance(child, Mapping)]
    if not rows:
        # Bare ids are all there is of children this node may not read.
        return ["", paper.paint("分解", "bold"), *(f"  {clean(child)}" for child in children)] if children else []
    short = short_ids([str(row.get("id", "")) for row in rows])
    cells: list[list[Cell | str]] = [
        [
            _number(row, short), clean(row.get("title")), _receiver(row), state(row), light(row),
            due(row, paper.width) or NONE, percent(row), *_known(row, rows),
            *([moment(row.get("as_of"))[:16]] if show_known.has_any(rows) else []),
        ]
        for row in rows
    ]  # fmt: skip
    headers = ["登记编号", "任务", "承办单位", "状态", "灯", "时限", "进度", *_known_header(rows)]
    headers += ["数据截至"] if show_known.has_any(rows) else []
    listed = table(headers, cells, paper, give=GIVE, more=MORE, indent="  ")
    return ["", paper.paint(f"分解（{len(rows)}件）", "bold"), *listed]


def _attachments(attachments: Sequence[Mapping[str, Any]], paper: Paper) -> Iterable[str]:
    if not attachments:
        return []
    rows = []
    for one in attachments:
        present = "已到" if one.get("present") else "未到" if one.get("present") is not None else NONE
        rows.append([clean(one.get("name")), size(one.get("size")), present, clean(one.get("hash"))])
    headers = ["文件", "大小", "内容", "散列值"]
    return ["", paper.paint("附件", "bold"), *table(headers, rows, paper, give=((3, 16), (0, 16)), indent="  ")]


def size(value: Any) -> str:
    """Bytes in a unit people read."""
    if not isinstance(value, int):
        return NONE
    amount, unit = float(value), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def _timeline(timeline: Sequence[Mapping[str, Any]], paper: Paper) -> Iterable[str]:
    if not timeline:
        return
    yield from ["", paper.paint("经过", "bold")]
    for entry in timeline:
        effect = str(entry.get("effect") or "applied")
        mark = "" if effect == "applied" else f"  [{EFFECTS.get(effect) or clean(effect)}]"
        author = clean(entry.get("author_name")) or office(entry.get("author"))
        who = " ".join(part for part in (author, clean(entry.get("actor"))) if part)
        what = clean(entry.get("kind_label")) or clean(entry.get("kind"))
        received = clean(entry.get("received_at"))
        arrived = f"  收到 {moment(received)}" if received and received != clean(entry.get("recorded_at")) else ""
        yield f"  {moment(entry.get('recorded_at'))}  {what}  {who}{paper.paint(mark, 'grey') if mark else ''}{arrived}"
        if proof := show_known.arrival(entry):
            yield f"      {paper.paint(proof, 'grey')}"
        if entry.get("text"):
            columns = None if paper.width is None else paper.width - 6
            yield from (f"      {line}" for line in wrap(clean(entry["text"], lines=True), columns))
        for one in entry.get("enclosed") or ():
            columns = None if paper.width is None else paper.width - 6
            yield from (f"      {line}" for line in wrap(show_tracks.enclosed(one), columns))


# ------------------------------------------------------------------------------------------------ what was just done


def _name(data: Mapping[str, Any]) -> str:
    """What people know an item by; its id only where there is nothing else."""
    return " ".join(clean(data[part]) for part in ("number", "title") if data.get(part)) or clean(data.get("item"))


def done(did: str) -> Callable[[Any, Paper], Iterable[str]]:
    """One line: what was done, to which item, and its state now where the node says it."""

    def render(data: Any, _paper: Paper) -> Iterable[str]:
        if not isinstance(data, Mapping):
            return [did]
        now = f"  状态：{state(data)}" if data.get("state") or data.get("state_label") else ""
        name = _name(data)
        return [f"{did}：{name}{now}" if name else f"{did}{now}"]

    return render


def handled(data: Any, paper: Paper) -> Iterable[str]:
    """内部交办: the item, and by when the unit is to be done."""
    yield from done("已内部交办")(data, paper)
    if data.get("due"):
        yield f"  内部时限：{due(data)}" + (f"（规则 {clean(data['rule'])}）" if data.get("rule") else "")


def issued(did: str) -> Callable[[Any, Paper], Iterable[str]]:
    """What was opened: the item, and each receiver's task with its id."""

    def render(data: Any, paper: Paper) -> Iterable[str]:
        rows = [
            [
                clean(one.get("number")) or clean(one.get("item")), office(one.get("to"), one.get("name")),
                ROLES.get(str(one.get("role"))) or NONE,
            ]
            for one in data.get("assignments") or []
        ]
        headers = ["登记编号", "承办单位", "分工"]
        listed = table(headers, rows, paper, give=((1, 12),), indent="  ") if rows else []
        absent = [clean(one.get("to")) for one in data.get("assignments") or [] if one.get("name") == ""]
        note = f"尚未入网：{'、'.join(absent)}。任务由本节点保存，入网后自动送达；代码写错的请撤销"
        return [f"{did}：{_name(data)}", *listed, *(wrap(note, paper.width) if absent else [])]

    return render


def attached(data: Any, _paper: Paper) -> Iterable[str]:
    """The attachment's hash, by which `fetch` gets it back."""
    found = [clean(one) for one in data.get("attachments") or ()] if isinstance(data, Mapping) else []
    return [f"已附上文件，散列值 {'、'.join(found)}" if found else "已附上文件"]


def fetched(file: str) -> Callable[[Any, Paper], Iterable[str]]:
    """Where the attachment was put."""
    return lambda _data, _paper: [f"已存为 {clean(file)}"]
