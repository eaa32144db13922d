"""Latency of one record from a county to the province over two hops, every hop durable; and its floor here."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sqlite3
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from node.clock import SystemClock
from node.wire import credentials
from tests.bench.drive import Bench, Measured, Node, forget, median, night_is_over, wait_quiet, wait_synced
from tests.bench.live import ask_once, report
from tests.bench.templates import KUNSHAN, PROVINCE, SUZHOU, point

FACTOR_BAR = 3.0
_TIMES = 200
_ITEMS = 20
_METHOD = "/bench.Floor/Echo"
_RECORD_BYTES = 560
_DAY_MS = 86_400_000
_TITLE = "加快高标准农田建设"


def measure(bench: Bench) -> list[Measured]:
    """Median time from handing a report to the county's core until the province's commit with it has returned."""
    times = max(30, round(_TIMES * bench.scale))
    found_ms = _two_hops(bench, times)
    floor_ms = _floor(bench, times)
    p50, floor = median(found_ms), median(floor_ms)
    factor = p50 / floor
    figures = {
        "records": times, "p50_ms": p50, "p90_ms": sorted(found_ms)[times * 9 // 10], "floor_p50_ms": floor,
        "floor_p90_ms": sorted(floor_ms)[times * 9 // 10], "factor": factor,
    }  # fmt: skip
    return [
        Measured(
            "时延:县 → 市 → 省,逐级落盘(中位数)", f"{p50:.1f} 毫秒 = 下限 {floor:.1f} 毫秒的 {factor:.2f} 倍",
            f"≤ {FACTOR_BAR:g} 倍", factor <= FACTOR_BAR, figures,
        )
    ]  # fmt: skip


def _two_hops(bench: Bench, times: int) -> list[float]:
    all_homes = [bench.home(name) for name in ("province", "suzhou-single", "kunshan")]
    found = []
    for home in all_homes:
        night_is_over(home)
    with Node(all_homes[0]) as province:
        point(all_homes[1], PROVINCE, province.address)
        with Node(all_homes[1]) as city:
            point(all_homes[2], SUZHOU, city.address)
            with Node(all_homes[2]) as county:
                county.ask("go")
                city.ask("go")
                wait_synced(county, SUZHOU)
                wait_synced(city, PROVINCE)
                items = _tasks(province, city, county)
                for number in range(times):
                    held = province.ask("usage")["records"]
                    province.put("committed", records=held + 1)
                    verb, args = report(items[number % len(items)])
                    start = county.ask("act", verb=verb, args=args)["from"]
                    found.append((province.answer()["at"] - start) * 1_000)
                    time.sleep(0.02)
    forget(*all_homes)
    return found


def _tasks(province: Node, city: Node, county: Node) -> list[str]:
    """Tasks of the county on the line 省-市-县: issued by the province, signed and decomposed by the city."""
    city_items, items = [], []
    expected = city.ask("usage")["records"]
    for _ in range(_ITEMS):
        issued = ask_once(province.home, "item.issue", {"title": _TITLE, "to": [SUZHOU]})
        city_items.append(issued["assignments"][0]["item"])
    city.ask("stored", records=expected + 2 * _ITEMS)
    expected = county.ask("usage")["records"]
    for item in city_items:
        ask_once(city.home, "item.sign", {"item": item})
        split = ask_once(city.home, "item.decompose", {"item": item, "to": [KUNSHAN]})
        items.append(split["assignments"][0]["item"])
    county.ask("stored", records=expected + 2 * _ITEMS)
    for item in items:
        ask_once(county.home, "item.sign", {"item": item})
    county.ask("receipted")
    city.ask("receipted")
    time.sleep(2.5)  # marks of what was written so far are on their way
    wait_quiet(province, city, county)
    return items


# -- the floor --------------------------------------------------------------------------------------------------------


def _floor(bench: Bench, times: int) -> list[float]:
    """Three durable SQLite commits of one such row and two unary mTLS calls, one after the other."""
    ca_key, ca, _ = _authority()
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_serve_floor, args=(theirs, ca_key, ca))
        process.start()
        try:
            return asyncio.run(_time_floor(Path(folder), ours.recv(), ca_key, ca, times))
        finally:
            ours.send(None)
            process.join()


async def _time_floor(folder: Path, port: int, ca_key: bytes, ca: bytes, times: int) -> list[float]:
    key = credentials.new_tls_key()
    leaf = _leaf(ca_key, ca, SUZHOU, key, server=False)
    secure = grpc.ssl_channel_credentials(credentials.to_pem(ca), key, credentials.to_pem(leaf))
    name = credentials.tls_name(PROVINCE)
    options = [("grpc.ssl_target_name_override", name), ("grpc.default_authority", name)]
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    for pragma in ("page_size=8192", "journal_mode=WAL", "wal_autocheckpoint=0", "synchronous=FULL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE record (place INTEGER PRIMARY KEY, row BLOB)")
    row, found = os.urandom(_RECORD_BYTES), []

    def commit() -> None:
        database.execute("BEGIN")
        database.execute("INSERT INTO record (row) VALUES (?)", (row,))
        database.execute("COMMIT")

    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", secure, options) as channel:
        call: Any = channel.unary_unary(_METHOD)
        await call(row)
        for _ in range(times):
            start = time.monotonic()
            commit()
            for _ in range(2):
                await call(row)
                commit()
            found.append((time.monotonic() - start) * 1_000)
            await asyncio.sleep(0.02)
    database.close()
    return found


def _serve_floor(pipe: Connection, ca_key: bytes, ca: bytes) -> None:
    asyncio.run(_serve(pipe, ca_key, ca))


async def _serve(pipe: Connection, ca_key: bytes, ca: bytes) -> None:
    async def echo(raw: bytes, _context: Any) -> bytes:
        return raw[:64]

    server = grpc.aio.server()
    method: Any = grpc.unary_unary_rpc_method_handler(echo)
    name = _METHOD.split("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name[1], {name[2]: method}),))
    key = credentials.new_tls_key()
    leaf = _leaf(ca_key, ca, PROVINCE, key, server=True)
    secure = grpc.ssl_server_credentials([(key, credentials.to_pem(leaf))], credentials.to_pem(ca), True)
    port = server.add_secure_port("127.0.0.1:0", secure)
    await server.start()
    pipe.send(port)
    await asyncio.to_thread(pipe.recv)
    await server.stop(None)


def _authority() -> tuple[bytes, bytes, int]:
    now_ms = SystemClock().now_ms()
    return (*credentials.new_link_ca(PROVINCE, now_ms), now_ms)


def _leaf(ca_key: bytes, ca: bytes, office: str, key: bytes, *, server: bool) -> bytes:
    now_ms = SystemClock().now_ms()
    return credentials.issue_tls(ca_key, ca, office, credentials.public_key_der(key), _DAY_MS, now_ms, server=server)


