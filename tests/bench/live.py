"""Live traffic: single records of concurrent writers at a county, through its control socket, durable at both ends."""

from __future__ import annotations

import json
import os
import selectors
import socket
import time
from collections import deque
from pathlib import Path
from typing import Any

from node.wire.local_client import LENGTH, LocalClient, short_path
from tests.bench.drive import Bench, Measured, Node, forget, linked, wait_synced
from tests.bench.templates import KUNSHAN, SUZHOU

RATE_BAR = 1_000.0
WRITERS = 48
ITEMS = 480
RECORDS = 12_000
_AHEAD = 2  # requests of one writer on their way
_TITLE = "推进城镇老旧小区改造和配套设施建设"
_TEXT = "已完成摸底登记和方案评审,施工单位进场,累计完成投资一千二百六十万元,占年度计划的六成,预计提前完成节点任务。"


def measure(bench: Bench) -> list[Measured]:
    """Records/s from the first request until the parent has receipted the last record."""
    count = max(1_000, round(RECORDS * bench.scale))
    items_count = max(WRITERS, round(ITEMS * bench.scale))
    city_home, county_home = bench.home("suzhou-single"), bench.home("kunshan")
    with linked(city_home, county_home) as (city, county):
        county.ask("go")
        wait_synced(county, SUZHOU)
        items = open_items(city, county, KUNSHAN, items_count)
        before = {"city": city.ask("usage"), "county": county.ask("usage")}
        start = time.monotonic()
        answers_ms = write_all(county.home, [report(items[i % len(items)]) for i in range(count)])
        answered = time.monotonic()
        done = county.ask("receipted")
        after = {"city": city.ask("usage"), "county": county.ask("usage")}
        written = done["records"] - before["county"]["records"]
        held = after["city"]["records"] - before["city"]["records"]
        if not written == held == count:
            raise RuntimeError(f"{count} records were asked for, {written} written, {held} arrived")
    forget(city_home, county_home)
    seconds = done["at"] - start
    figures: dict[str, Any] = {
        "records": count, "writers": WRITERS, "seconds": seconds, "per_second": count / seconds,
        "answered_per_second": count / (answered - start), "answer_p50_ms": answers_ms[count // 2],
        "answer_p99_ms": answers_ms[count * 99 // 100],
    }  # fmt: skip
    for name in ("city", "county"):
        figures[f"{name}_cpu_us_per_record"] = (after[name]["cpu"] - before[name]["cpu"]) / count * 1e6
    value = f"{figures['per_second']:,.0f} 条/秒"
    name = f"实时:{WRITERS} 个并发写入者经命令通道,两端落盘"
    return [Measured(name, value, f"≥ {RATE_BAR:,.0f} 条/秒", figures["per_second"] >= RATE_BAR, figures)]


def open_items(above: Node, below: Node, code: str, count: int) -> list[str]:
    """Tasks of the lower office, issued and signed through both control sockets; returns their ids."""
    before = below.ask("usage")["records"]
    issue = ("item.issue", {"title": _TITLE, "requirement": _TEXT, "to": [code]})
    found: list[dict[str, Any]] = []
    write_all(above.home, [issue] * count, answers=found)
    items = [str(answer["assignments"][0]["item"]) for answer in found]
    below.ask("stored", records=before + 2 * count)  # the task, and its delivery by the node itself
    write_all(below.home, [("item.sign", {"item": item}) for item in items])
    below.ask("receipted")
    return items


def report(item: str) -> tuple[str, dict[str, Any]]:
    """A progress report."""
    return "item.report", {"item": item, "text": _TEXT, "percent": 40}


def write_all(
    home: Path, requests: list[tuple[str, dict[str, Any]]], answers: list[dict[str, Any]] | None = None
) -> list[float]:
    """Put requests through many kept connections of the control socket; returns the sorted waits in ms."""
    raw = deque(
        _message({"verb": verb, "args": args, "as": None, "os_user": "bench", "files": []}) for verb, args in requests
    )
    selector = selectors.DefaultSelector()
    waits: list[float] = []
    lines = [_Line(home) for _ in range(min(WRITERS, len(raw)))]
    try:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
            for _ in range(_AHEAD):
                line.send(raw)
        while len(waits) < len(requests):
            for key, _ in selector.select(30):
                for answer, wait_s in key.data.read():
                    if not answer["ok"]:
                        raise RuntimeError(answer["error"])
                    waits.append(wait_s * 1_000)
                    if answers is not None:
                        answers.append(answer["data"])
                    key.data.send(raw)
    finally:
        selector.close()
        for line in lines:
            line.socket.close()
    return sorted(waits)


class _Line:
    """One writer's connection."""

    def __init__(self, home: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(home / "run") as path:
            self.socket.connect(path)
        self._sent: deque[float] = deque()
        self._buffer = b""

    def send(self, waiting: deque[bytes]) -> None:
        if waiting:
            self._sent.append(time.monotonic())
            self.socket.sendall(waiting.popleft())

    def read(self) -> list[tuple[dict[str, Any], float]]:
        piece = self.socket.recv(65_536)
        if not piece:
            raise RuntimeError("the node closed the control socket")
        self._buffer += piece
        found = []
        while len(self._buffer) >= LENGTH.size:
            size = LENGTH.size + LENGTH.unpack(self._buffer[: LENGTH.size])[0]
            if len(self._buffer) < size:
                break
            found.append((json.loads(self._buffer[LENGTH.size : size]), time.monotonic() - self._sent.popleft()))
            self._buffer = self._buffer[size:]
        return found


def _message(body: dict[str, Any]) -> bytes:
    raw = json.dumps(body, ensure_ascii=False).encode()
    return LENGTH.pack(len(raw)) + raw


def ask_once(home: Path, verb: str, args: dict[str, Any]) -> Any:
    """One request as the command line makes it."""
    return LocalClient(home).request(verb, args).data


def pid_rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576
