"""What offices do in a day, and what machines and lines they have: the assumptions of docs/scale.md, in one place.

The reference is a district of the real world with 345 users and 3,880 items, taken as a year's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from random import Random
from typing import Any, NamedTuple

from node.documents.divisions import ROOT_CODE
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import REDO, SOLE, Act, Opening, Payload

ITEMS_A_YEAR = 3_880
WORKING_DAYS = 250
SHARE_TO_NODES = 0.4  # of an office's items; the rest is done inside it
PASSED_ON = (0.5, 0.3)  # a task from above is decomposed: once more below, and by that office once more
PASSED_TO = 2  # receivers of a decomposition
RECORDS_A_TASK = 12
SKIP_LEVEL = 0.05  # of own tasks: straight to an office two levels below
YEARS_HELD = 3  # what lies in the stores when the night begins
FILES_A_TASK, FILE_BYTES = 0.5, 300_000  # counted, not moved
FRAME_BYTES = 60  # TCP, IP, TLS and HTTP/2 around a frame
TLS_BYTES, TLS_TRIPS, TLS_CPU_MS = 5_000, 3, 3.0
SLOWER = 2.0  # an office's machine against this one
SYNC_MS = 5.0  # a durable commit that wrote something
# Access line of an office by level: Mbit/s in each direction, and ms to its parent (one way): least and most.
LINES = {
    "nation": (1000.0, 0, 0), "province": (100.0, 10, 30), "prefecture": (50.0, 10, 30), "county": (10.0, 15, 50),
    "township": (2.0, 25, 100),
}  # fmt: skip


class Task(NamedTuple):
    """A task on a line: who opens it, who has to do it."""

    line: Line
    issuer: str
    receiver: str


def latency_ms(code: str, level: str) -> float:
    """One way between an office and its parent: the same every time."""
    _, least, most = LINES[level]
    share = int.from_bytes(hashlib.sha256(b"line " + code.encode()).digest()[:4], "big") / 2**32
    return least + (most - least) * share


def tasks_of_a_day(random: Random, office: str, children: dict[str, list[str]], load: float) -> Iterator[Task]:
    """What one office opens at its children on a day, and what they pass on; ``load`` times the usual."""
    below = children.get(office, [])
    if not below:
        return
    own = load * (ITEMS_A_YEAR / WORKING_DAYS * SHARE_TO_NODES if office != ROOT_CODE else len(below))
    for _ in range(int(own + random.random())):
        receiver = random.choice(below)
        deeper = children.get(receiver, [])
        if deeper and random.random() < SKIP_LEVEL:
            last = random.choice(deeper)
            yield Task(Line((office, receiver, last)), office, last)
        else:
            yield from _passed(random, (office, receiver), children, 0)


def _passed(random: Random, line: tuple[str, ...], children: dict[str, list[str]], depth: int) -> Iterator[Task]:
    """A task and its decompositions: all on lines that the first issuer is on, so that it sees them."""
    yield Task(Line(line), line[-2], line[-1])
    below = children.get(line[-1], [])
    if below and depth < len(PASSED_ON) and random.random() < PASSED_ON[depth]:
        for receiver in random.sample(below, min(PASSED_TO, len(below))):
            yield from _passed(random, (*line, receiver), children, depth + 1)


Write = tuple[str, Kind, Payload, dict[str, Any]]  # author, kind, payload, options of `Author.write`
_REPORT = "已完成摸底登记和方案评审，施工单位进场，完成投资一千二百六十万元，占年度计划六成，预计提前完成节点任务。"
_DEMAND = "明确责任单位和完成时限，按月报送进展；涉及资金的附拨付凭证，涉及工程的附现场照片。"
_OPINION = "经核对现场照片、验收意见和支付凭证，所报情况属实，材料齐全，完成质量符合交办要求，同意。"


def life(task: Task, day: int, number: int) -> Generator[Write, bytes, None]:
    """The records of a task from 交办 to 销号; the id of each is sent back."""
    opening = Opening(
        title="推进城镇老旧小区改造和配套设施建设", text=_DEMAND, actor_name="张伟",
        number=f"{task.issuer}-2026-{number}", source="政府工作报告重点任务", due_day=day + 60, receiver=task.receiver,
        role=SOLE, responsible="承办单位",
    )  # fmt: skip
    up, down = task.receiver, task.issuer
    item = yield down, Kind.ASSIGN, opening, {"semantic_version": 2}
    got = yield up, Kind.DELIVERED, Act(), {"item": item, "re": (item,)}
    signed = yield up, Kind.SIGN, Act(_OPINION, "王建国"), {"item": item, "re": (item,)}
    for percent in (30, 60, 90):
        report = Act(_REPORT, "李秀英", occurred_day=day, percent=percent)
        yield up, Kind.PROGRESS, report, {"item": item, "re": (signed,)}
    yield down, Kind.URGE, Act(_DEMAND, "张伟", urge_channel="phone"), {"item": item, "re": (got,)}
    final = yield up, Kind.FINAL, Act(_REPORT, "李秀英", percent=100), {"item": item, "re": (item,)}
    back = yield down, Kind.RETURN, Act(_DEMAND, "张伟", return_mode=REDO), {"item": item, "re": (final,)}
    final = yield up, Kind.FINAL, Act(_REPORT * 2, "李秀英", percent=100), {"item": item, "re": (back,)}
    yield down, Kind.ACCEPT, Act(_OPINION, "张伟"), {"item": item, "re": (final,)}
    yield down, Kind.CLOSE, Act(_OPINION, "张伟"), {"item": item, "re": (back,)}
