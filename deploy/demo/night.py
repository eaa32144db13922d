"""The demonstration's last scene: a night. One byte flips on a city's disk; reconciliation finds it, fetches the record
again from a neighbour, and both sides sign what they found.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

from deploy.demo.offices import Office
from deploy.demo.screen import Screen

_LINK_S = 120.0


def night(city: Office, screen: Screen) -> bool:
    """Damage one record of the city's database, reconcile; True where all was repaired and both statements agree."""
    city.stop()
    before = _payloads(city)
    place = _flip(city)
    screen.say(f"夜间：{city.name}节点停机，其数据库里一条记录的一个字节被改坏（位置 {place}）")
    found = city.json("verify")["findings"]
    screen.say(f"{city.name}核验发现 {len(found)} 处问题：{found[0]['text'] if found else '无'}")
    city.serve()
    _until(lambda: all(link["connected"] for link in city.ask("status")["links"]))
    # A node that has missed a night reconciles as soon as a neighbour is there; this asks for all of them now.
    city.json("reconcile")
    after = _payloads(city)
    repaired = all(after.get(place) == payload for place, payload in before.items())
    screen.say("坏记录已由邻居处取回，与原来逐字节相同" if repaired else "坏记录没有修复")
    _until(lambda: all(row["equal"] for row in city.ask("reconcile.history")))
    runs = city.ask("reconcile.history")
    for run in runs:
        signed = f"双方签名的对账单 {run['statement'][:12]}…、{run['statement_there'][:12]}…，内容一致"
        counts = f"比对 {run['logs']} 本日志，修复 {run['repaired']} 条，不符 {run['disputed']} 条"
        screen.say(f"{city.name}与 {run['with']} 对账{run['outcome_label']}：{counts}；{signed}")
    # Mended in the run itself, or by a scrub before it: then the statement has nothing left to count.
    return repaired and bool(runs) and not any(run["disputed"] for run in runs)


def _payloads(city: Office) -> dict[int, bytes]:
    with closing(sqlite3.connect(f"file:{city.home / 'dulian.db'}?mode=ro", uri=True)) as database:
        return dict(database.execute("SELECT place, payload FROM record").fetchall())


def _flip(city: Office) -> int:
    """Change one bit in the middle of the longest payload."""
    with closing(sqlite3.connect(city.home / "dulian.db")) as database, database:
        place, payload = database.execute(
            "SELECT place, payload FROM record ORDER BY length(payload) DESC, place LIMIT 1"
        ).fetchone()
        at = len(payload) // 2
        broken = payload[:at] + bytes((payload[at] ^ 1,)) + payload[at + 1 :]
        database.execute("UPDATE record SET payload = ? WHERE place = ?", (broken, place))
    return int(place)


def _until(happened: Any) -> None:
    deadline = time.monotonic() + _LINK_S
    while not happened():
        if time.monotonic() > deadline:
            raise SystemExit("夜间对账没有按时完成")
        time.sleep(0.2)
