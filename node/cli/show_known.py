"""What is known of an item beside 数据截至, and the views of a moment (责任倒查), for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from node.cli.paper import Cell, Paper, clean, moment, table, wrap

_STYLES: Mapping[str, str] = {"unsynced": "red", "unreported": "yellow", "idle": "yellow"}
_NONE = "—"


def word(row: Mapping[str, Any]) -> Cell:
    """The short word of a list: 未办、未报、未同步 or what was done."""
    known = row.get("known") or {}
    # In a list of a moment the reason stands below it once, not in each row.
    text = clean(known.get("label")) if known.get("state") else ""
    return Cell(text or _NONE, _STYLES.get(str(known.get("state")), ""))


def has_any(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a list has the column at all: lists of other commands do not."""
    return any(isinstance(row, Mapping) and row.get("known") for row in rows)


def whole(row: Mapping[str, Any]) -> str:
    """The answer in full: the word, where it stopped, since when nothing is known, how many tasks it concerns."""
    known = row.get("known") or {}
    parts = [clean(known.get("label"))]
    hop, below = known.get("hop") or {}, known.get("below") or {}
    if hop:
        parts.append(clean(hop.get("text")))
    if known.get("since"):
        parts.append(f"自{moment(known['since'])}起不知情况")
    if below.get("unsynced"):
        parts.append(f"下级任务{clean(below.get('tasks'))}件，未同步{clean(below['unsynced'])}件")
    return "，".join(part for part in parts if part)


def arrival(entry: Mapping[str, Any]) -> str:
    """What proves when a record was here; empty outside the views of a moment."""
    said = entry.get("arrival")
    if not isinstance(said, Mapping):
        return ""
    proof = said.get("evidence")
    if not isinstance(proof, Mapping):
        return "到达时间仅有本机记录" if not said.get("own") else "本机所写，尚无收讫为证"
    by = f"{clean(proof.get('name'))}{moment(proof.get('at'))}收讫" + ("本机的答复" if proof.get("answer") else "")
    return f"有收讫为证：{by}" + ("" if proof.get("by_then") else "（晚于所查时间）")


def heading(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    """The line above a moment's view."""
    yield paper.paint(f"本机在 {moment(data.get('as_known_at'))} 所知的情况", "bold")
    if data.get("later_records"):
        yield f"此后又收到 {clean(data['later_records'])} 条记录，未计入"


def footing(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    """What is not stored of a moment, and how much of the list was looked at."""
    if data.get("candidates") is not None:
        pages = f"第 {clean(data.get('page'))} 页，共 {clean(data.get('pages'))} 页"
        yield f"本页核对 {clean(data.get('looked_at'))} 件（本机现有 {clean(data['candidates'])} 件），{pages}"
    for text in data.get("notes") or ():
        yield from wrap(f"说明：{clean(text)}", paper.width)


def offices(data: Any, paper: Paper) -> Iterable[str]:
    """数据截至 of the offices below, the oldest first; those that are fresh only where nothing else is to be said."""
    if not isinstance(data, Mapping) or not data.get("total"):
        return
    counted = f"下级 {clean(data['total'])} 个：数据未过期 {clean(data.get('fresh'))} 个，"
    yield f"{counted}已过期 {clean(data.get('stale'))} 个，尚未同步过 {clean(data.get('never'))} 个"
    rows = [one for one in data.get("rows") or () if not one.get("fresh")]
    if rows:
        cells: list[list[Cell | str]] = [
            [
                f"{clean(one.get('office'))} {clean(one.get('name'))}", clean(one.get("above")),
                Cell(moment(one["as_of"])[:16] if one.get("as_of") else "从未", "red"),
            ]
            for one in rows
        ]  # fmt: skip
        yield from table(["单位", "上级", "数据截至"], cells, paper, give=((0, 12),), indent="  ")
