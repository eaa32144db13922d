"""Proof of a fork: two different headers of one author under one number, and why their signatures count.

Rules of this file:

1. The document (`docs/record-format.md`, "Proof of a fork") holds the headers and signatures of both records and the
   certificates root … author, whole. The contents of the two records are not in it: it discloses no matter.
2. Nothing in it is believed: the one thing a verifier brings along is the fingerprint of the root key.
3. It holds where both headers name one log and one number, differ, and are each signed by a key certified for their
   author on their line.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from node.errors import PeerError
from node.records.chain import check_signature
from node.records.envelope import Envelope, Record, open_envelope
from node.records.header import Header
from node.records.keyring import Keyring
from node.records.suite import Suites

FORMAT = "dulian-fork-proof-1"
PROOF_BYTES_MAX = 1_048_576
_CERTIFICATES_MAX = 48  # a path of 12 codes, each with a few generations of keys


class Proof(NamedTuple):
    """Both records without their contents, and the certificates root … author."""

    certificates: tuple[Envelope, ...]
    sides: tuple[Envelope, Envelope]


class Proved(NamedTuple):
    """What a proof proves: this author signed both records under this number of this log."""

    header: Header
    name: str
    record_ids: tuple[bytes, bytes]
    claimed_ms: tuple[int, int]


def to_json(proof: Proof, federation: bytes) -> str:
    """The document, canonical: keys sorted, bytes as lower-case hex."""
    document = {
        "format": FORMAT, "root": federation.hex(),
        "certificates": [
            {"header": one.header.hex(), "signature": one.signature.hex(), "salt": (one.salt or b"").hex(),
             "payload": (one.payload or b"").hex()}
            for one in proof.certificates
        ],
        "records": [{"header": side.header.hex(), "signature": side.signature.hex()} for side in proof.sides],
    }  # fmt: skip
    return json.dumps(document, sort_keys=True, indent=1) + "\n"


def from_json(text: str) -> Proof:
    """Read a document; PeerError(malformed) where it is not one."""
    try:
        if len(text) > PROOF_BYTES_MAX:
            raise ValueError("too long")
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise ValueError("format")
        certificates = tuple(
            Envelope(*(bytes.fromhex(one[name]) for name in ("header", "signature", "salt", "payload")))
            for one in document["certificates"]
        )
        left, right = (
            Envelope(bytes.fromhex(one["header"]), bytes.fromhex(one["signature"]), None, None)
            for one in document["records"]
        )
        if len(certificates) > _CERTIFICATES_MAX:
            raise ValueError("too many certificates")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PeerError("不是分叉证明文件", code="malformed", detail=str(error)) from error
    return Proof(certificates, (left, right))


def verify(proof: Proof, suites: Suites, federation: bytes) -> Proved:
    """What the proof proves to somebody who knows nothing but the fingerprint of the root key.

    Raises PeerError: whatever `Keyring.learn` and `Keyring.authorise` refuse, bad_signature, no_fork (two records that
    do not contradict each other).
    """
    keyring = Keyring(suites, federation)
    for envelope in proof.certificates:
        keyring.learn(open_envelope(suites, envelope))
    records: list[Record] = []
    for side in proof.sides:
        record = open_envelope(suites, side)
        check_signature(record, keyring.authorise(record.header).verify)
        records.append(record)
    first, second = records[0].header, records[1].header
    same_place = (first.log_id, first.seq) == (second.log_id, second.seq)
    if not same_place or proof.sides[0].header == proof.sides[1].header:
        raise PeerError("两份记录不在同一日志的同一序号，或是同一份记录，不构成分叉", code="no_fork")
    key = keyring.authorise(first)
    return Proved(first, key.name, (records[0].record_id, records[1].record_id), (first.claimed_ms, second.claimed_ms))
