"""The console's listener beyond the loopback: HTTPS always, whose certificate, which names, slow callers (W8)."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import socket
import ssl
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from node.web import limits
from node.web.serving import _bind
from tests.process.nodes import Node, free_port, until

NAME = "duban.suzhou.local"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path, "320500", "苏州市人民政府")
    made.found()
    yield made
    made.end()


def serve(node: Node, **settings: int | str) -> int:
    """The port of the console."""
    port = free_port()
    node.configure(console=f"0.0.0.0:{port}", console_hosts=NAME, **settings)
    node.serve()
    return port


def presented(port: int) -> bytes:
    """The certificate shown, as DER; nobody vouches for it here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as raw, context.wrap_socket(raw) as tls:
        found = tls.getpeercert(binary_form=True)
        assert tls.version() in ("TLSv1.2", "TLSv1.3")
    assert found is not None
    return found


class Answer(NamedTuple):
    status: int
    headers: Message
    text: str


def get(port: int, context: ssl.SSLContext | None, host: str = NAME) -> Answer:
    """The sign-in page, over a connection whose certificate is verified for ``NAME``; None: in the clear."""
    raw = socket.create_connection(("127.0.0.1", port), 10)
    with context.wrap_socket(raw, server_hostname=NAME) if context is not None else raw as channel:
        connection = http.client.HTTPConnection(NAME, port)
        connection.sock = channel
        connection.request("GET", "/login", headers={"Host": host, "Connection": "close"})
        with connection.getresponse() as answer:
            return Answer(answer.status, answer.headers, answer.read().decode())


def trusting(certificate: bytes) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ssl.DER_cert_to_PEM_cert(certificate))


def office_certificate(folder: Path, name: str, days: int = 90) -> tuple[Path, Path]:
    """A certificate as an office would bring it, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, secret = folder / "office.pem", folder / "office.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    ))  # fmt: skip
    return certificate, secret


def test_beyond_the_loopback_it_is_https_with_the_fingerprint_that_status_says(node: Node) -> None:
    port = serve(node)
    assert node.ready["console"].startswith("https://")
    certificate = presented(port)
    fingerprint = hashlib.sha256(certificate).hexdigest()
    assert node.status()["console"]["fingerprint"] == fingerprint
    assert stat.S_IMODE((node.home / "keys" / "console.pem").stat().st_mode) == 0o600
    answer = get(port, trusting(certificate))
    assert answer.status == 200
    assert "登录" in answer.text
    assert {"secure", "httponly", "samesite=strict"} <= set(answer.headers["set-cookie"].lower().split("; "))
    assert answer.headers["strict-transport-security"] is None, "nobody vouches for a made one: no way back from HSTS"
    assert get(port, trusting(certificate), "evil.example").status == 400
    with pytest.raises((http.client.HTTPException, OSError)):
        get(port, None)
    assert node.stop() == 0
    node.serve()
    assert hashlib.sha256(presented(port)).hexdigest() == fingerprint, "what a person has compared once stays"


def test_the_offices_own_certificate_is_used_and_a_wrong_pair_is_refused(node: Node, tmp_path: Path) -> None:
    certificate, key = office_certificate(tmp_path, NAME)
    port = serve(node, console_certificate=str(certificate), console_key=str(key))
    shown = presented(port)
    assert shown == ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))
    assert "max-age" in get(port, trusting(shown)).headers["strict-transport-security"]
    assert node.stop() == 0
    (tmp_path / "other").mkdir()
    other, _ = office_certificate(tmp_path / "other", NAME)
    certificate.write_bytes(other.read_bytes())
    refused = node.run("serve")
    assert refused.exit == 2
    assert "控制台的证书不能用" in refused.err
    assert "console_certificate" in refused.err


def test_who_sends_no_request_is_let_go_and_others_are_served_meanwhile(node: Node) -> None:
    port = free_port()
    node.configure(console=f"127.0.0.1:{port}")
    node.serve()
    slow = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(50)]
    for one in slow[:25]:
        one.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    started_s = time.monotonic()
    assert get(port, None, "127.0.0.1").status == 200
    for one in slow:
        one.settimeout(3 * limits.HEAD_S)
        while one.recv(4_096):
            pass  # at most a page that says the request was bad
        one.close()
    assert time.monotonic() - started_s < 3 * limits.HEAD_S


def test_pages_are_sent_at_once() -> None:
    """Found by the bench: an accepted connection that is not known as TCP waits 40 ms for an acknowledgement."""
    asked: list[int] = []

    async def story() -> None:
        def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        bound = _bind("127.0.0.1:0")
        async with await asyncio.start_server(accepted, sock=bound):
            reader, writer = await asyncio.open_connection(*bound.getsockname())
            await reader.read()
            writer.close()
            await writer.wait_closed()

    asyncio.run(story())
    assert asked == [1]


def test_a_certificate_about_to_end_is_said_by_an_alarm_status_and_doctor(node: Node, tmp_path: Path) -> None:
    """An operator hears of it a month before browsers refuse the console, and what to do."""
    certificate, key = office_certificate(tmp_path, NAME, days=20)
    serve(node, console_certificate=str(certificate), console_key=str(key))
    until(lambda: node.alarms() == {"console_certificate"}, "the alarm")
    status = node.status()
    assert "还有 19 天到期；请换发后重启节点" in status["alarms"][0]["text"]
    assert datetime.fromisoformat(status["console"]["expires"]) - datetime.now(UTC) > timedelta(19)
    [check] = [one for one in node.json("doctor", codes=(0, 1))["checks"] if one["id"] == "console"]
    assert (check["state"], check["cause"]) == ("警告", "还有 19 天到期")
    assert node.stop() == 0
    office_certificate(tmp_path, NAME)
    node.serve()
    until(lambda: not node.alarms(), "the alarm's end")
