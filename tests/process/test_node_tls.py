"""Channels of real nodes: certificates that renew themselves, an expired one refused, nobody heard without one."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
import ssl
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest

from node.bootstrap.homes import read_keys, split_pair
from node.errors import DulianError
from node.records import notes
from node.wire import client, credentials, messages
from node.wire.server import LINK, OFFICE
from tests.process.nodes import Node, agree, until

LIFE_S = 15
GENERATIONS = 2


class Pair(NamedTuple):
    """A province whose certificates live `LIFE_S` seconds, and a city."""

    province: Node
    city: Node


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="dulian-tls-"))
    nodes = Pair(Node(folder, "320000", "江苏省人民政府"), Node(folder, "320500", "苏州市人民政府"))
    try:
        nodes.province.found()
        nodes.province.configure(tls_lifetime_s=LIFE_S, keepalive_s=1, retry_max_s=1)
        nodes.province.serve()
        nodes.city.enter(nodes.province)
        nodes.city.configure(tls_lifetime_s=LIFE_S, keepalive_s=1, retry_max_s=1)
        nodes.city.serve()
        until(lambda: nodes.city.link("320000")["state"] == "synced", "in sync")
        yield nodes
    finally:
        for node in nodes:
            node.end()
        shutil.rmtree(folder)


def certificate(node: Node) -> bytes:
    return split_pair((node.home / "keys" / "tls.pem").read_bytes())[1]


def life(der: bytes) -> tuple[int, int]:
    found = credentials.expires_ms(der)
    return found - LIFE_S * 1000, found


def test_certificates_renew_at_two_thirds_while_records_flow(pair: Pair):
    """Several generations; the reports written all the while all arrive, and every key file stays 0600."""
    province, city = pair
    task = province.json("item", "issue", "--title", "续期", "--to", city.code)["assignments"][0]["item"]
    city.await_state(task, "delivered")
    city.json("item", "sign", task)
    stopping = threading.Event()
    written: list[int] = []

    def write() -> None:
        while not stopping.wait(0.05):
            city.ask("item.report", item=task, text=f"进展{len(written)}", percent=len(written) % 101)
            written.append(len(written))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    seen = [(certificate(city), now_ms())]
    deadline = time.monotonic() + (GENERATIONS + 2) * LIFE_S
    while len(seen) <= GENERATIONS and time.monotonic() < deadline:
        newest = certificate(city)
        if newest != seen[-1][0]:
            seen.append((newest, now_ms()))
        time.sleep(0.05)
    stopping.set()
    writer.join(10)
    assert len(seen) == GENERATIONS + 1
    for (old, _), (_, renewed_ms) in pairwise(seen):
        issued_ms, expires_ms = life(old)
        # At two thirds of its life (it begins an eighth before it was issued), a second or two of the clock apart.
        assert issued_ms + LIFE_S * 1000 * 0.4 < renewed_ms < expires_ms
    assert (city.home / "keys" / "tls.pem").stat().st_mode & 0o777 == 0o600
    until(lambda: province.show(task)["counters"]["reports"] == len(written), "all reports have arrived")
    until(lambda: not province.alarms() and not city.alarms(), "no alarm")
    assert len([line for line in city.log_lines() if line["event"] == "tls_renewed"]) >= GENERATIONS
    agree(pair)
    # The replaced certificates are worth nothing, though the last but one may not have expired.
    for old, _ in seen[:-1]:
        assert dial(province, old_pair(city, old), "Exchange") is not grpc.StatusCode.OK


def old_pair(node: Node, old: bytes) -> tuple[bytes, bytes]:
    """A replaced certificate with whatever key is at hand: refused for one reason or the other."""
    key = split_pair((node.home / "keys" / "tls.pem").read_bytes())[0]
    return key, credentials.to_pem(old)


def dial(parent: Node, pair: tuple[bytes, bytes] | None, method: str) -> grpc.StatusCode:
    """Call a method as a client with this key and certificate would; the status."""
    ca = credentials.to_pem(split_pair((parent.home / "keys" / "link-ca.pem").read_bytes())[1])
    key, chain = pair or (None, None)
    name = credentials.tls_name(parent.code)
    with grpc.secure_channel(
        parent.address, grpc.ssl_channel_credentials(ca, key, chain),
        options=[("grpc.ssl_target_name_override", name), ("grpc.default_authority", name)],
    ) as channel:
        try:
            if method == "Exchange":
                list(channel.stream_stream(f"/{LINK}/Exchange")(iter([]), timeout=5))
            else:
                unary(channel, method)(b"", timeout=5)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def unary(channel: Any, method: str) -> Any:
    return channel.unary_unary(f"/{OFFICE}/{method}")


def test_nobody_is_heard_without_a_certificate_of_this_parent(pair: Pair):
    province, city = pair
    with socket.create_connection(("127.0.0.1", province.port), 5) as plain:
        plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        plain.settimeout(15)
        assert b"\x00\x00\x00\x04" not in plain.recv(64)[:4]  # no HTTP/2 settings: TLS or nothing
    with grpc.insecure_channel(province.address) as channel, pytest.raises(grpc.RpcError):
        unary(channel, "Join")(b"", timeout=5)
    for method in ("Exchange", "Renew", "Join"):
        assert dial(province, None, method) is grpc.StatusCode.UNAVAILABLE
    # A certificate of another CA (the city's own) with its right key.
    ca_key, ca = split_pair((city.home / "keys" / "link-ca.pem").read_bytes())
    key = credentials.new_tls_key()
    stranger = credentials.issue_tls(ca_key, ca, "320500", credentials.public_key_der(key), 60_000, now_ms(),
                                     server=False)  # fmt: skip
    assert dial(province, (key, credentials.to_pem(stranger)), "Exchange") is grpc.StatusCode.UNAVAILABLE


def test_tls_before_1_2_is_refused(pair: Pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", pair.province.port), 5) as raw, pytest.raises(OSError):  # noqa: SIM117
        with context.wrap_socket(raw):
            pass


def test_a_child_that_renews_without_end_fills_no_table(pair: Pair):
    province, city = pair
    federation = bytes.fromhex(province.status()["federation"])
    signer = read_keys(city.home).signer
    ca = split_pair((province.home / "keys" / "link-ca.pem").read_bytes())[1]
    key, current = split_pair((city.home / "keys" / "tls.pem").read_bytes())
    parent = client.Parent(province.address, province.code, ca, key, current)

    async def renew(over: client.Parent) -> client.Parent:
        new_key = credentials.new_tls_key()
        renewal = notes.Renewal(city.code, credentials.public_key_der(new_key), now_ms())
        note = notes.sign_renewal(signer, federation, renewal)
        answer = await client.renew(over, messages.RenewRequest(note))
        assert credentials.office_of(answer) == city.code
        return over._replace(key_pem=new_key, certificate=answer)

    async def story() -> None:
        for _ in range(12):  # the answers are lost
            await renew(parent)
        held = await renew(parent)  # this one arrives; nothing else is done with it than to ask again (seed 3186)
        for _ in range(12):
            await renew(held)

    asyncio.run(story())
    with closing(sqlite3.connect(f"file:{province.home}/dulian.db?mode=ro", uri=True)) as database:
        [(held,)] = database.execute("SELECT count(*) FROM tls_cert WHERE office = ?", (city.code,)).fetchall()
    assert held <= 5
    until(lambda: city.link("320000")["state"] == "synced", "in sync")


def test_a_certificate_that_expired_on_a_live_channel_ends_it(pair: Pair):
    """The city cannot keep a new one: the channel, open all the time, ends with the certificate, and says so."""
    province, city = pair
    until(lambda: city.link("320000")["state"] == "synced", "in sync")
    keys = city.home / "keys"
    tls = keys / "tls.pem"
    before = tls.read_bytes()
    tls.unlink()
    tls.mkdir()  # renaming a file over a folder fails
    (tls / "in the way").touch()
    try:
        expires_ms = credentials.expires_ms(split_pair(before)[1])
        until(lambda: "tls_renewal" in city.alarms(), "the city says that it cannot renew")
        assert province.link(city.code)["connected"] is True
        until(lambda: now_ms() > expires_ms, "its time is over")
        until(lambda: not province.link(city.code)["connected"], "the parent ends it", 5)
        assert city.process.poll() is None
        assert city.link("320000")["connected"] is False
        assert "tls_renewal" in city.alarms()
        with pytest.raises(DulianError):
            city.ask("item.show", item="ffff")  # it answers all the same
    finally:
        (tls / "in the way").unlink()
        tls.rmdir()
        tls.write_bytes(before)
        tls.chmod(0o600)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
