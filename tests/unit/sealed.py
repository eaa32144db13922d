"""Offices with keys, certificates and records for tests of the record format."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.records.envelope import Record, seal
from node.records.header import Header
from node.records.keyring import Keyring, possession_message
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act, Certificate, encode
from node.records.suite import Ed25519Sha256, Ed25519Signer, Suites, key_id_of

P, C, K, OTHER = "320000", "320500", "320583", "320200"
SUITES = Suites([Ed25519Sha256()])
NOW_MS = 1_790_000_000_000


def signer(name: str) -> Ed25519Signer:
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    return Ed25519Signer(Ed25519Sha256(), private)


FEDERATION = key_id_of(Ed25519Sha256(), signer(P).raw_key)


def header(author: str = C, line: Line | None = None, **fields: object) -> Header:
    """A header that is fine; ``fields`` replace some of it."""
    base = Header(
        FEDERATION, author, 7, line or Line((P, C)), 1, b"", NOW_MS, 0, NOW_MS, int(Kind.PROGRESS), bytes(32), 0, (),
        b"", 0, 1, 1, bytes(32), 0, bytes(32),
    )  # fmt: skip
    return base._replace(**fields)  # type: ignore[arg-type]


def chain_of(count: int, author: str = C, line: Line | None = None, **fields: object) -> list[Record]:
    """Consecutive records of one log."""
    records: list[Record] = []
    for number in range(1, count + 1):
        prev = records[-1].record_id if records else b""
        draft = header(author, line, seq=number, prev=prev, **fields)
        records.append(seal(signer(author), draft, bytes([number]) * 32, encode(Act(text=f"第 {number} 条"))))
    return records


def certificate(
    path: tuple[str, ...], *, issuer: str = "", key: Ed25519Signer | None = None, line: Line | None = None,
    **fields: object,
) -> Record:  # fmt: skip
    """The certificate of the office at the end of ``path``, as its parent (or the root itself) seals it."""
    code = path[-1]
    parent = path[-2] if len(path) > 1 else ""
    author = issuer or parent or code
    held = key or signer(code)
    possession = held.sign(possession_message(FEDERATION, code, parent, 1, held.raw_key))
    said = Certificate(code, f"{code}人民政府", "county", path, 1, held.raw_key, possession)._replace(**fields)  # type: ignore[arg-type]
    own = line or Line(path[:-1] or path, subtree=True)
    draft = header(author, own, kind=int(Kind.CERTIFICATE), item=b"")
    return seal(signer(author), draft, bytes(32), encode(said))


def keyring(*paths: tuple[str, ...]) -> Keyring:
    """A keyring that knows the root and the offices at the ends of these paths, parents first."""
    known = Keyring(SUITES, FEDERATION)
    known.learn(certificate((P,)))
    for path in paths:
        known.learn(certificate(path))
    return known


TREE = ((P, C), (P, C, K), (P, OTHER))
