"""The demonstration's second scene: work by rules. A due date by rule, a refused short cut, a white slip, more time."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from deploy.demo.offices import Office
from deploy.demo.screen import Screen
from node.errors import DulianError

RULES = Path(__file__).resolve().parent / "rules.toml"
_ARRIVES_S = 90.0


def by_rules(root: Office, city: Office, screen: Screen) -> None:
    """Publish rules, assign by one, slip in the wrong and in the right order, ask for more time and grant it."""
    root.run("rules", "publish", str(RULES))
    screen.say("江苏省签名发布规则档案 jiangsu-demo/1，各级节点都会收到")
    made = root.ask("item.issue", title="专项督办：简政放权事项下放不到位问题", to=[city.code], rule="special.finish",
                    requirement="逐项核对下放清单，明确承接单位")  # fmt: skip
    task = made["assignments"][0]["item"]
    for line in root.ask("rules.explain", item=task)["steps"]:
        screen.say(f"　　{line}")
    _until(lambda: _holds(city, task))
    city.ask("item.sign", item=task)
    _until(lambda: root.ask("item.show", item=task)["state"] == "signed")
    due = date.fromisoformat(root.ask("item.show", item=task)["due"])
    try:
        root.ask("item.slip", item=task, colour="yellow", text="限期整改", due=due.isoformat())
    except DulianError as error:
        screen.say(f"江苏省想直接发黄色督办单，被拒绝：{error.text}")
    else:
        raise SystemExit("跳过白色督办单没有被拒绝")
    root.ask("item.slip", item=task, colour="white", text="一周来没有进展，请按要求推进", due=due.isoformat(),
             fact=["进展缓慢"], state=["整改标准=下放事项逐项对账、全部承接到位"])  # fmt: skip
    screen.say(f"江苏省向{city.name}发出白色专项督办单，以示提醒")
    _until(lambda: bool(city.ask("item.show", item=task)["tracks"]["slips"]))
    later = due + timedelta(days=14)
    city.ask("item.justify", item=task, text="部分事项须待国务院文件明确")
    city.ask("item.report", item=task, text="已核对三分之二，其余须延期", percent=60)
    city.ask("item.extend", item=task, until=later.isoformat(), reason="部分事项须待国务院文件明确",
             progress="已核对三分之二")  # fmt: skip
    screen.say(f"{city.name}说明理由、报告进展，申请延期至 {later}")
    _until(lambda: root.ask("item.show", item=task)["tracks"]["extension"]["state"] == "requested")
    try:
        root.ask("item.grant", item=task)
    except DulianError as error:
        screen.say(f"江苏省想径直同意，被拒绝：{error.text}")
    else:
        raise SystemExit("下级时限晚于上级没有被拒绝")
    root.ask("item.change", item=made["item"], due=later.isoformat(), reason="随任务延期")
    root.ask("item.grant", item=task)
    _until(lambda: city.ask("item.show", item=task)["due"] == later.isoformat())
    screen.say(f"江苏省同意延期；{city.name}与江苏省的办结时限同为 {later}，督办单颜色同为白")
    city.ask("item.submit", item=task, text="下放清单已全部落实")
    _until(lambda: root.ask("item.show", item=task)["state"] == "submitted")
    root.ask("item.accept", item=task)
    root.ask("item.close", item=task)
    root.ask("item.close", item=made["item"])


def _holds(office: Office, item: str) -> bool:
    rows: list[dict[str, Any]] = office.ask("item.list")
    return any(row["id"] == item for row in rows)


def _until(happened: Any) -> None:
    deadline = time.monotonic() + _ARRIVES_S
    while not happened():
        if time.monotonic() > deadline:
            raise SystemExit("记录没有按时到达")
        time.sleep(0.1)
