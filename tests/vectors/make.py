"""Golden bytes from fixed keys, salts and times. `python -m tests.vectors.make` rewrites vectors.json."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.records import notes
from node.records import payload as payloads
from node.records.envelope import BLOB_PREFIX, Record, seal
from node.records.header import Header
from node.records.keyring import possession_message
from node.records.kinds import Kind
from node.records.line import Line
from node.records.suite import Ed25519Sha256, Ed25519Signer, key_id_of
from node.sync.heads import HeadSet, LogState

FILE = Path(__file__).with_name("vectors.json")
ROOT, CITY = "320000", "320500"
NAMES = {ROOT: "江苏省人民政府", CITY: "苏州市人民政府"}
START_MS = 1_793_000_000_000
SUITE = Ed25519Sha256()


def _signer(code: str) -> Ed25519Signer:
    secret = hashlib.sha256(f"dulian test key {code}".encode()).digest()
    return Ed25519Signer(SUITE, Ed25519PrivateKey.from_private_bytes(secret))


SIGNERS = {code: _signer(code) for code in NAMES}
FEDERATION = key_id_of(SUITE, SIGNERS[ROOT].raw_key)


class Maker:
    """Seals records one after another with a fixed clock and salts."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self._heads: dict[tuple[str, int, Line], Record] = {}
        self._count = 0

    def add(self, name: str, author: str, line: Line, kind: int, payload: bytes, **fields: Any) -> Record:
        self._count += 1
        epoch = fields.pop("epoch", 7_000_000_001)
        salt = fields.pop("salt", None) or hashlib.sha256(f"salt {self._count}".encode()).digest()
        before = self._heads.get((author, epoch, line))
        at_ms = START_MS + 1_000 * self._count
        header = Header(
            FEDERATION, author, epoch, line, before.header.seq + 1 if before else 1,
            before.record_id if before else b"", at_ms, self._count % 3, at_ms - 5, kind, b"", 0, (), b"",
            self._count % 4, 2, 0, b"", 0, b"",
        )._replace(**fields)  # fmt: skip
        record = seal(SIGNERS[author], header, salt, payload)
        self._heads[author, epoch, line] = record
        self.records.append(_document(name, record))
        return record

    def certificate(self, code: str, path: tuple[str, ...]) -> Record:
        signer, parent = SIGNERS[code], path[-2] if len(path) > 1 else ""
        proof = signer.sign(possession_message(FEDERATION, code, parent, SUITE.number, signer.raw_key))
        body = payloads.encode(
            payloads.Certificate(code, NAMES[code], "province", path, SUITE.number, signer.raw_key, proof, b"\7" * 32)
        )
        line = Line(path[:-1] or path, subtree=True)
        return self.add(f"certificate of {code}", line.bottom, line, Kind.CERTIFICATE, body)

    def head_of(self, record: Record) -> payloads.KnownHead:
        return payloads.KnownHead(record.header.log_id, record.header.seq, record.record_id)


def _document(name: str, record: Record) -> dict[str, Any]:
    header, envelope = record.header, record.envelope
    return {
        "name": name, "header": envelope.header.hex(), "signature": envelope.signature.hex(),
        "salt": (envelope.salt or b"").hex(), "payload": (envelope.payload or b"").hex(),
        "record_id": record.record_id.hex(), "payload_hash": header.payload_hash.hex(), "log_id": header.log_id.hex(),
        "key_id": header.key_id.hex(), "author": header.author, "epoch": header.epoch, "seq": header.seq,
        "path": list(header.line.path), "subtree": header.line.subtree, "kind": header.kind,
    }  # fmt: skip


def make() -> dict[str, Any]:
    """The whole document."""
    maker = Maker()
    office = Line((ROOT,), subtree=True)
    maker.add("epoch of the root", ROOT, office, Kind.EPOCH, payloads.encode(payloads.Epoch(0, "init")))
    maker.certificate(ROOT, (ROOT,))
    maker.certificate(CITY, (ROOT, CITY))
    content = "落实情况报告\n".encode()
    blob_salt = hashlib.sha256(b"blob salt").digest()
    blob_hash = SUITE.hash(BLOB_PREFIX + blob_salt + content)
    file = payloads.Attachment(blob_hash, blob_salt, len(content), "落实情况报告.txt")
    opening = payloads.Opening(
        title="推进政务公开", text="按季度报告,㎡与𠮷等字照录", actor_name="张三丰", number="320000-2026-0001",
        source="重要文件", points=("公开目录", "公开时限"), due_day=20_800, attachments=(file,),
    )  # fmt: skip
    maker.add("register", ROOT, Line((ROOT,)), Kind.REGISTER, payloads.encode(opening), semantic_version=1)
    line = Line((ROOT, CITY))
    task = opening._replace(receiver=CITY, role=payloads.SOLE, number="320000-2026-0001/1")
    assign = maker.add("assign", ROOT, line, Kind.ASSIGN, payloads.encode(task), semantic_version=1)
    item = assign.record_id
    sign = maker.add(
        "sign", CITY, line, Kind.SIGN, payloads.encode(payloads.Act(actor_name="李四·阿不都")), item=item, re=(item,)
    )
    body = payloads.encode(payloads.Act(text="已完成一半", percent=50))
    salt = hashlib.sha256(b"kept salt").digest()
    report = maker.add("report", CITY, line, Kind.PROGRESS, body, item=item, re=(item, sign.record_id), salt=salt)
    again = maker.add(
        "report re-issued", CITY, line, Kind.PROGRESS, body, item=item, re=(item, sign.record_id), salt=salt,
        epoch=7_000_000_444, reissue_of=report.record_id,
    )  # fmt: skip
    maker.add("unknown kind", CITY, line, 1_234, b"\x0a\x03abc", item=item, re=(item,))
    heads = (maker.head_of(report), maker.head_of(again))
    held = HeadSet()
    for number, head in enumerate(sorted(heads), start=1):
        record = report if head == heads[0] else again
        held.add(LogState(number, head.log_id, record.header.log_key, head.seq, head.record_id, frozen=False))
    signed = {
        "receipt": notes.sign_receipt(SIGNERS[ROOT], FEDERATION, notes.Receipt(ROOT, CITY, START_MS, heads)),
        "mark": notes.sign_mark(
            SIGNERS[CITY], FEDERATION, notes.Mark(CITY, 12, START_MS, (notes.MarkView(ROOT, 2, held.root()),))
        ),
        "channel": notes.sign_channel(
            SIGNERS[CITY], FEDERATION, notes.Channel(CITY, ROOT, b"\1" * 32, b"\2" * 32)
        ),
    }
    signers = {"receipt": ROOT, "mark": CITY, "channel": CITY}
    return {
        "federation": FEDERATION.hex(),
        "keys": {
            code: {"raw": signer.raw_key.hex(), "key_id": key_id_of(SUITE, signer.raw_key).hex()}
            for code, signer in SIGNERS.items()
        },
        "records": maker.records,
        "attachment": {"salt": blob_salt.hex(), "content": content.hex(), "hash": file.hash.hex()},
        "notes": {
            name: {"signer": signers[name], "body": note.body.hex(), "signature": note.signature.hex()}
            for name, note in signed.items()
        },
        "heads": {
            "heads": [{"log_id": h.log_id.hex(), "seq": h.seq, "record_id": h.record_id.hex()} for h in heads],
            "digest": held.root().hex(),
        },
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(make(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
