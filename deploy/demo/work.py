"""What the people of each office do in the demonstration: sign, decompose, report, submit, return, accept, close."""

from __future__ import annotations

import csv
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from deploy.demo.offices import Office
from node.errors import DulianError, UnreachableError

_PAUSE_S = 0.15
_PER_ROUND = 6  # acts per round, so that the picture moves everywhere at once

Plan = dict[tuple[str, str], str]  # (number of the matter, city) → county, "" where the city keeps it


def read_plan(path: Path) -> tuple[dict[str, list[str]], Plan]:
    """The cities each matter is issued to, and the county each city decomposes it to."""
    cities: dict[str, list[str]] = defaultdict(list)
    plan: Plan = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cities[row["序号"]].append(row["主办市"])
            plan[row["序号"], row["主办市"]] = row["分解县"]
    return dict(cities), plan


class Desk(threading.Thread):
    """One office at work until told to stop. What it decides depends only on what its own node shows it."""

    def __init__(self, office: Office, plan: Plan, attachment: Path, stopping: threading.Event) -> None:
        """``attachment`` is sent with every county's report."""
        super().__init__(name=office.code, daemon=True)
        self.office = office
        self.failure: BaseException | None = None
        self.returned_once = False
        self._plan = plan
        self._attachment = attachment
        self._stopping = stopping

    def run(self) -> None:
        """Work in rounds."""
        while not self._stopping.is_set():
            try:
                self._round(self.office.ask("item.list"))
            except UnreachableError:
                # The node was killed on purpose. What was asked last may have been done: look again.
                time.sleep(_PAUSE_S)
            except DulianError as error:
                self.failure = error
                return
            time.sleep(_PAUSE_S)

    def _round(self, items: list[dict[str, Any]]) -> None:
        me = self.office.code
        below: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in items:
            if item["parent"]:
                below[item["parent"]].append(item)
        done = 0
        for item in items:
            if item["receiver"] == me and item["kind"] == "assignment":
                done += self._as_receiver(item, below[item["id"]])
            elif item["issuer"] == me:
                done += self._as_issuer(item, below[item["id"]])
            if done >= _PER_ROUND:
                return

    def _as_receiver(self, item: dict[str, Any], children: list[dict[str, Any]]) -> bool:
        ask, key, state = self.office.ask, item["id"], item["state"]
        matter = item["number"].split("/")[0]
        county = self._plan.get((matter, self.office.code), "")
        if state in ("assigned", "delivered"):
            ask("item.sign", item=key)
        elif state == "signed" and county and not children:
            ask("item.decompose", item=key, to=[county], title=item["title"])
        elif state == "signed" and not children:
            text = f"{self.office.name}已制定落实方案，明确责任单位和完成时限。"
            ask("item.report", [("attach", self._attachment)], item=key, text=text, percent=60)
        elif state == "active" and all(child["state"] in ("accepted", "closed") for child in children):
            ask("item.submit", item=key, text=f"{self.office.name}已按要求落实，现报结。")
        elif state == "returned":
            ask("item.report", item=key, text="已按退回意见补充情况。", percent=90)
        else:
            return False
        return True

    def _as_issuer(self, item: dict[str, Any], children: list[dict[str, Any]]) -> bool:
        ask, key, state = self.office.ask, item["id"], item["state"]
        if state == "submitted":
            if not self.returned_once and not self.office.parent:
                self.returned_once = True
                ask("item.return", item=key, reason="报告未写明群众满意情况，请重办。", mode="redo")
            else:
                ask("item.accept", item=key, text="审核通过。")
        elif state == "accepted" or (
            item["kind"] == "registered" and state == "assigned" and children
            and all(child["state"] == "closed" for child in children)
        ):  # fmt: skip
            ask("item.close", item=key)
        else:
            return False
        return True
