"""`dulian item proof|tree|actions` as people read them."""

from __future__ import annotations

from typing import Any

from node.cli import proof as page
from node.cli.paper import Paper, width
from node.services.commands import inquire
from node.services.matters.desk import Caller
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, DUE, TOWN, Offices

ME = Caller("值班员")


def _read(machine: Machine, verb: str, render: Any, columns: int | None = None, **args: str) -> str:
    data = inquire(machine.store.reader(), machine.office.view(), verb, args, ME)
    lines = list(render(data, Paper(columns)))
    assert columns is None or all(width(line) <= columns for line in lines if "指纹" not in line)
    return "\n".join(lines)


def test_the_three_views_say_in_words_what_the_json_says() -> None:
    offices = Offices()
    own, (task,) = offices.issue(offices.province, [CITY])
    made = offices.do(offices.city, "decompose", task, title="分工", to=[COUNTY, TOWN], lead=[COUNTY], due=DUE)
    text = _read(offices.province, "item.tree", page._tree, item=own)
    assert "下级任务 3 件：已送达2件、办理中1件" in text
    assert "（牵头）" in text
    assert text.index(CITY) < text.index(COUNTY) < text.index(TOWN)
    leaf = _read(offices.county, "item.tree", page._tree, item=made["assignments"][0]["item"])
    assert leaf.startswith(f"交办单位 {CITY}")
    assert "其上的事项不在本机" in leaf
    text = _read(offices.province, "item.proof", page._proof, item=task, record=task)
    assert "有效（" in text
    assert "根，与本机固定的指纹一致" in text
    assert "收讫时间" in text
    text = _read(offices.city, "item.actions", page._actions, 100, item=task)
    assert "进展填报" in text
    assert "dulian item report" in text
    assert "下级任务未结" in text.replace("\n", "").replace(" ", "")
