"""A verifier written from docs/record-format.md alone: nothing of this project is imported."""

from __future__ import annotations

import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CODE = re.compile(r"[0-9]{6}([0-9]{3})?(-[a-z0-9]{1,16})?\Z")
SINGULAR = {1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21}
PREFIXES = {"receipt": b"dulian-receipt-1\0", "mark": b"dulian-mark-1\0", "channel": b"dulian-channel-1\0"}


class Bad(Exception):
    """Not acceptable, and why."""


def length(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big")


def varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(raw) or shift > 63:
            raise Bad("varint")
        value |= (raw[at] & 0x7F) << shift
        at += 1
        if raw[at - 1] < 0x80:
            return value, at
        shift += 7


def fields(raw: bytes) -> dict[int, list[Any]]:
    """Top-level fields of a protobuf message: numbers as ints, the rest as bytes."""
    found: dict[int, list[Any]] = {}
    at = 0
    while at < len(raw):
        tag, at = varint(raw, at)
        value: Any
        if tag & 7 == 0:
            value, at = varint(raw, at)
        elif tag & 7 == 2:
            size, at = varint(raw, at)
            if at + size > len(raw):
                raise Bad("truncated")
            value, at = raw[at : at + size], at + size
        else:
            raise Bad("wire type")
        found.setdefault(tag >> 3, []).append(value)
    return found


def one(found: dict[int, list[Any]], number: int, default: Any) -> Any:
    return found.get(number, [default])[-1]


def read_header(raw: bytes) -> dict[str, Any]:
    found = fields(raw)
    if len(raw) > 8_192 or any(len(found[number]) > 1 for number in SINGULAR & found.keys()):
        raise Bad("too long, or a singular field twice")
    header = {
        "federation": one(found, 1, b""), "author": one(found, 2, b"").decode(), "epoch": one(found, 3, 0),
        "path": [code.decode() for code in found.get(4, [])], "subtree": bool(one(found, 5, 0)),
        "seq": one(found, 6, 0),
        "prev": one(found, 7, b""), "kind": one(found, 11, 0), "item": one(found, 12, b""), "opens": one(found, 13, 0),
        "re": found.get(14, []), "suite": one(found, 18, 0), "key_id": one(found, 19, b""),
        "payload_bytes": one(found, 20, 0), "payload_hash": one(found, 21, b""),
    }  # fmt: skip
    sound = (
        0 < header["epoch"] < 2**63 and 0 < header["seq"] < 2**32 and header["suite"] == 1
        and 0 < header["kind"] < 2**16
        and len(header["federation"]) == len(header["key_id"]) == len(header["payload_hash"]) == 32
        and len(header["prev"]) == (0 if header["seq"] == 1 else 32) and header["author"] in header["path"]
        and 1 <= len(header["path"]) <= 12 and len(set(header["path"])) == len(header["path"])
        and all(CODE.match(code) for code in header["path"]) and len(header["re"]) <= 64
        and all(len(answered) == 32 for answered in header["re"]) and not (header["item"] and header["opens"])
    )  # fmt: skip
    if not sound:
        raise Bad("a bound is broken")
    return header


def signed(raw_key: bytes, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(raw_key).verify(signature, message)
    except InvalidSignature as error:
        raise Bad("signature") from error


def log_id(header: dict[str, Any]) -> bytes:
    author = header["author"].encode()
    data = b"dulian-log-1\0" + length(author) + author + header["epoch"].to_bytes(8, "big")
    data += len(header["path"]).to_bytes(4, "big")
    for code in header["path"]:
        data += length(code.encode()) + code.encode()
    return sha256(data + (b"\1" if header["subtree"] else b"\0")).digest()


class Verifier:
    """Holds the keys certified so far, from the pinned root down."""

    def __init__(self, federation: bytes) -> None:
        self.federation = federation
        self.keys: dict[bytes, tuple[bytes, list[str]]] = {}  # key id → raw key, certified path
        self.heads: dict[bytes, tuple[int, bytes]] = {}

    def record(self, header_raw: bytes, signature: bytes, salt: bytes, payload: bytes) -> bytes:
        """Verify a record (and learn the key of a certificate); returns its id."""
        header = read_header(header_raw)
        if header["federation"] != self.federation:
            raise Bad("federation")
        if len(payload) != header["payload_bytes"]:
            raise Bad("payload length")
        if sha256(b"dulian-payload-1\0" + salt + payload).digest() != header["payload_hash"]:
            raise Bad("payload hash")
        certificate = self.certificate(header, payload) if header["kind"] == 201 else None
        if header["key_id"] not in self.keys:
            raise Bad("unknown key")
        raw_key, path = self.keys[header["key_id"]]
        upto = header["path"][: header["path"].index(header["author"]) + 1]
        if path[-len(upto) :] != upto:
            raise Bad("path")
        signed(raw_key, signature, b"dulian-record-1\0" + header_raw)
        if certificate is not None:
            self.keys[certificate[0]] = (certificate[1], certificate[2])
        return self.identify(header, header_raw, signature)

    def pin(self, header_raw: bytes, signature: bytes, payload: bytes) -> None:
        """Learn the root's key from its own certificate, if this record is that."""
        header = read_header(header_raw)
        if header["kind"] != 201 or len(header["path"]) != 1 or header["key_id"] != self.federation:
            return
        key_id, raw_key, path = self.certificate(header, payload)
        if len(path) == 1:
            signed(raw_key, signature, b"dulian-record-1\0" + header_raw)
            self.keys[key_id] = (raw_key, path)

    def identify(self, header: dict[str, Any], raw: bytes, signature: bytes) -> bytes:
        """The id, after checking the place in the log."""
        found = sha256(b"dulian-id-1\0" + length(raw) + raw + length(signature) + signature).digest()
        seq, head = self.heads.get(log_id(header), (0, b""))
        if header["seq"] != seq + 1 or header["prev"] != head:
            raise Bad("chain")
        self.heads[log_id(header)] = (header["seq"], found)
        return found

    def certificate(self, header: dict[str, Any], payload: bytes) -> tuple[bytes, bytes, list[str]]:
        """(key id, raw key, path) of a certificate whose proof of possession holds."""
        found = fields(payload)
        code, suite, raw_key = one(found, 10, b""), one(found, 14, 0), one(found, 15, b"")
        path = [step.decode() for step in found.get(13, [])]
        root = len(path) == 1
        parts = [self.federation, code, b"" if root else header["author"].encode(), suite.to_bytes(4, "big"), raw_key]
        signed(raw_key, one(found, 16, b""), b"dulian-enrol-1\0" + b"".join(length(part) + part for part in parts))
        key_id = sha256(suite.to_bytes(4, "big") + raw_key).digest()
        if path[-1] != code.decode() or header["path"] != (path if root else path[:-1]) or not header["subtree"]:
            raise Bad("certificate path")
        if header["author"] != header["path"][-1] or (root and key_id != self.federation):
            raise Bad("certificate author")
        return key_id, raw_key, path


def verify_fork(proof: dict[str, Any], root: bytes) -> tuple[str, int]:
    """Verify a proof of a fork; returns author and number. Raises Bad."""
    if proof["format"] != "dulian-fork-proof-1" or len(proof["records"]) != 2:
        raise Bad("format")
    verifier = Verifier(root)
    for one in proof["certificates"]:
        parts = (bytes.fromhex(one[name]) for name in ("header", "signature", "salt", "payload"))
        raw, signature, salt, payload = parts
        verifier.pin(raw, signature, payload)
        verifier.heads[log_id(read_header(raw))] = before(read_header(raw))
        verifier.record(raw, signature, salt, payload)
    places = []
    for one in proof["records"]:
        raw, signature = bytes.fromhex(one["header"]), bytes.fromhex(one["signature"])
        header = read_header(raw)
        if header["federation"] != root or header["key_id"] not in verifier.keys:
            raise Bad("unknown key")
        raw_key, path = verifier.keys[header["key_id"]]
        upto = header["path"][: header["path"].index(header["author"]) + 1]
        if path[-len(upto) :] != upto:
            raise Bad("path")
        signed(raw_key, signature, b"dulian-record-1\0" + raw)
        places.append((log_id(header), header["author"], header["seq"]))
    if places[0] != places[1] or proof["records"][0]["header"] == proof["records"][1]["header"]:
        raise Bad("no fork")
    return places[0][1], places[0][2]


def before(header: dict[str, Any]) -> tuple[int, bytes]:
    """What a record follows: a certificate stands alone in a proof, its place in its log does not matter there."""
    return header["seq"] - 1, header["prev"]


def verify(vectors: dict[str, Any]) -> int:
    """Verify every vector; returns how many records there were. Raises Bad."""
    verifier = Verifier(bytes.fromhex(vectors["federation"]))
    parts = ("header", "signature", "salt", "payload")
    for vector in vectors["records"]:
        raw, signature, _, payload = (bytes.fromhex(vector[name]) for name in parts)
        verifier.pin(raw, signature, payload)
    for vector in vectors["records"]:
        raw, signature, salt, payload = (bytes.fromhex(vector[name]) for name in parts)
        if verifier.record(raw, signature, salt, payload).hex() != vector["record_id"]:
            raise Bad(f"record id of {vector['name']}")
        header = read_header(raw)
        if log_id(header).hex() != vector["log_id"] or header["author"] != vector["author"]:
            raise Bad(f"log id of {vector['name']}")
    for name, note in vectors["notes"].items():
        raw_key = bytes.fromhex(vectors["keys"][note["signer"]]["raw"])
        signed(raw_key, bytes.fromhex(note["signature"]), PREFIXES[name] + bytes.fromhex(note["body"]))
    blob = {name: bytes.fromhex(value) for name, value in vectors["attachment"].items()}
    if sha256(b"dulian-blob-1\0" + blob["salt"] + blob["content"]).digest() != blob["hash"]:
        raise Bad("attachment")
    buckets: list[list[bytes]] = [[] for _ in range(256)]
    for head in vectors["heads"]["heads"]:
        log = bytes.fromhex(head["log_id"])
        buckets[log[0]].append(log + head["seq"].to_bytes(8, "big") + bytes.fromhex(head["record_id"]))
    digests = [sha256(b"dulian-bucket-1\0" + b"".join(sorted(bucket))).digest() for bucket in buckets]
    if sha256(b"dulian-heads-1\0" + b"".join(digests)).hexdigest() != vectors["heads"]["digest"]:
        raise Bad("digest of heads")
    return len(vectors["records"])


if __name__ == "__main__" and len(sys.argv) > 2:  # FILE FINGERPRINT: a proof of a fork
    fork = verify_fork(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), bytes.fromhex(sys.argv[2]))
    sys.stdout.write(f"{fork[0]} signed two different records under number {fork[1]}\n")
elif __name__ == "__main__":
    count = verify(json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8")))
    sys.stdout.write(f"{count} records verified\n")
