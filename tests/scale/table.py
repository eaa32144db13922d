"""What the stages found, as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.scale.offices import LEVELS, Tree

_NAMES = {"province": "省—国家", "prefecture": "市—省", "county": "县—市（省）", "township": "乡—县"}


def table(folder: Path, tree: Tree) -> str:
    """All there is."""
    found = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))}
    nights = [one for name, one in found.items() if name == "nation" or name.startswith("province-")]
    links = sum(one["offline"]["links"] for one in nights)
    lines = [f"单位 {len(tree.level):,} 个，已逐条模拟 {links:,} 条联通（共 {len(tree.level) - 1:,} 条）"]
    for which, title in (("offline", "全天未联通，夜间一次送达并对账"), ("online", "白天联通，夜间只对账")):
        head = "级别 | 联通数 | 账平 | 字节：中位 / 99% / 最大 | 合计 MB | 秒：中位 / 99% / 最大 | 最晚（02:00 后秒）"
        lines += ["", title, head]
        for level in LEVELS[1:]:
            lines += _level(level, [one[which]["levels"][level] for one in nights if level in one[which]["levels"]])
    parents = [one for night in nights for one in night["offline"]["parents"]]
    for one in sorted(parents, key=lambda one: (-one["at_once"], -one["children"]))[:5]:
        lines.append(f"上级 {one['office']} {tree.name[one['office']]}：{json.dumps(one, ensure_ascii=False)}")
    for name in ("many", "marks", "absent", "absent-heavy", "held"):
        if name in found:
            lines.append(f"\n{name}: {json.dumps(_brief(found[name]), ensure_ascii=False)}")
    return "\n".join(lines)


def _level(level: str, ones: list[dict[str, Any]]) -> list[str]:
    if not ones:
        return []
    sizes, whole = [one["bytes"] for one in ones], [one["whole_s"] for one in ones]
    links, balanced = (sum(one[name] for one in ones) for name in ("links", "balanced"))

    def middle(column: list[dict[str, float]], name: str) -> float:
        return sum(one[name] * two["links"] for one, two in zip(column, ones, strict=True)) / links

    row = (
        f"{_NAMES[level]} | {links:,} | {balanced:,} | {middle(sizes, 'p50'):,.0f} / {middle(sizes, 'p99'):,.0f} / "
        f"{max(one['max'] for one in sizes):,} | {sum(one['sum'] for one in sizes) / 1e6:,.1f} | "
        f"{middle(whole, 'p50'):.2f} / {middle(whole, 'p99'):.2f} / {max(one['max'] for one in whole):.1f} | "
        f"{max(one['last_s'] for one in ones):,}"
    )
    return [row]


def _brief(one: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in part.items() if key != "parents"} if isinstance(part, dict) else part
        for name, part in one.items()
    }
