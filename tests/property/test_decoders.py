"""Every decoder of foreign bytes: accepted, or a refusal of ours; nothing else, in bounded time (B14, `make fuzz`)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message import Message

from node.clock import DAY_MS
from node.errors import InputError, PeerError
from node.records import header as headers
from node.records import payload as payloads
from node.records.kinds import Kind
from node.records.v1 import payloads_pb2
from node.wire import credentials
from tests.fuzz import mutate, seeds
from tests.fuzz.campaign import Finding, Tally, run_chunk
from tests.fuzz.targets import SOCKET, Target, take_cell, take_header, take_manifest, targets

REVERSED = "\u202e倒"
TARGETS = targets()
CPU_S = 0.2  # for each target: about 10 s in all


@pytest.fixture(scope="module", autouse=True)
def _loop() -> Iterator[None]:
    yield
    SOCKET.close()


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_foreign_bytes_are_accepted_or_refused(target: Target) -> None:
    tally, found = Tally(), list[Finding]()
    began = time.process_time()
    while tally.chunks == 0 or time.process_time() - began < CPU_S:
        run_chunk(target, tally, 20, found.append)
    assert [(one.what, one.data[:400]) for one in found] == []
    assert tally.inputs == tally.accepted + sum(tally.refused.values())


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_what_the_mutations_begin_with_is_good(target: Target) -> None:
    accepted = 0
    for seed in target.seeds:
        try:
            target.take(seed)
        except (PeerError, InputError):
            continue
        accepted += 1
    assert accepted


# -- what fuzzing has found -------------------------------------------------------------------------------------------


def test_a_path_of_many_townships_is_read_in_one_way_only() -> None:
    """Each 9-digit code could be read in two ways: 22 of them took 8 s, forty would have stopped the node for good."""
    raw = seeds.HEADERS[0].replace(b"\x22\x06", b"\x22\x09320583001" * 700 + b"\x22\x06", 1)
    began = time.process_time()
    with pytest.raises(PeerError, match="格式不符"):
        headers.decode(raw)
    assert time.process_time() - began < 0.5
    twelve = raw.replace(b"\x22\x09320583001" * 691, b"", 1)
    with pytest.raises(PeerError, match="格式不符"):  # a code twice
        take_header(twelve)


def _der(serial: int, office: str = seeds.CITY) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = credentials._ca_name(office)
    at = [credentials._at(seeds.NOW_MS + days * DAY_MS) for days in (-1, 30)]
    builder = x509.CertificateBuilder().issuer_name(name).subject_name(name).public_key(key.public_key())
    return (
        builder.serial_number(serial).not_valid_before(at[0]).not_valid_after(at[1])
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    )  # fmt: skip


def test_a_link_ca_whose_name_or_time_is_none_is_refused() -> None:
    """The library reads a certificate's parts only when asked: a ValueError from there was an internal error."""
    good = _der(0x1234_5678)
    credentials.check_link_ca(good, seeds.CITY, seeds.NOW_MS)
    name = f"dulian-link-ca-{seeds.CITY}".encode()
    for bad in (
        good.replace(b"\x0c" + bytes([len(name)]) + name, b"\x0c" + bytes([len(name)]) + b"\xff" + name[1:]),
        good.replace(b"\x17\x0d26", b"\x17\x0dxx"),
        good.replace(b"\x02\x04\x12\x34\x56\x78", b"\x02\x04\x92\x34\x56\x78"),
    ):
        assert bad != good
        for read in (credentials.expires_ms, credentials.public_key_of):
            with pytest.raises(PeerError, match="通道证书"):
                read(bad)
        with pytest.raises(PeerError, match="通道证书"):
            credentials.check_link_ca(bad, seeds.CITY, seeds.NOW_MS)


def test_a_manifest_of_brackets_is_no_backup() -> None:
    with pytest.raises(InputError, match="不是督联的备份"):
        take_manifest(b"[" * 100_000)


@pytest.mark.parametrize("piece", ["2026", "一", "年", "、", "牵头"])
def test_a_long_cell_is_read_once_not_once_for_each_of_its_characters(piece: str) -> None:
    """A cell of 20,000 digits took 25 s."""
    began = time.process_time()
    take_cell(("月" + piece * 20_000)[:20_000].encode())
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(("kind", "lie"), [
    (Kind.ENCLOSE, payloads_pb2.Enclosure(actor_name=REVERSED)), (Kind.PROFILE, payloads_pb2.Profile(name=REVERSED)),
    (Kind.CALENDAR, payloads_pb2.Calendar(text=REVERSED)), (Kind.EPOCH, payloads_pb2.Epoch(reason=REVERSED)),
    (Kind.STATEMENT, payloads_pb2.Statement(peer=REVERSED)),
    (Kind.CERTIFICATE, payloads_pb2.Certificate(level=REVERSED)),
])
def test_no_text_of_any_payload_deceives_the_eye(kind: Kind, lie: Message) -> None:
    """B16: names in enclosures, profiles, calendars, epochs, statements and levels were taken as they came."""
    good = payloads.encode(seeds.PAYLOADS[kind][0])
    assert payloads.decode(kind, good) is not None
    with pytest.raises(PeerError, match="格式不符"):
        payloads.decode(kind, good + lie.SerializeToString())


def test_the_walker_reads_what_protobuf_writes() -> None:
    """The oracle for doubled fields does not use the product's code, so it is checked by itself."""
    for raw in (*seeds.HEADERS, *seeds.FRAMES):
        found = mutate.fields(raw)
        assert found is not None
        assert mutate.joined(found) == raw
