"""`item.proof`: what proves one record of an item, checked at the moment of asking (R1, I1; evidence for a person).

Rules of this file:

1. The signature is checked again, with the key its header names; so is each certificate on the way to the pinned root.
2. A certificate holds from its record on; it has no end of its own (revocation is a record, too).
3. Receipts are those neighbours gave us for the record's log: each says that its holder had the record durably. Only
   the newest of each neighbour is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from node.clock import iso
from node.errors import InputError, NotFoundError, PeerError
from node.items.fold import fold
from node.records import notes
from node.records.chain import check_signature
from node.records.envelope import Envelope, Record, open_envelope
from node.records.header import Header, decode
from node.records.keyring import Key, Keyring
from node.records.kinds import Kind, label_of
from node.services.access import scope
from node.services.board.project import read_facts
from node.services.exchange.trust import load_chain
from node.services.matters.desk import take
from node.services.matters.discreet import seen
from node.services.matters.ground import record_named
from node.services.mending.fork_cases import cases
from node.services.views.browse import View
from node.services.views.tracks_view import text_of
from node.storage.port import Ack, Actor, Fork, LogRow, Reader, ReceiptRow, RecordRow
from node.sync.reasons import label as reason_label

Document = dict[str, object]
_PAGE, _PAGE_BYTES = 1_000, 4_194_304


def item_proof(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """`item.proof ITEM RECORD`: the record's header, signature, certificates, place in its log, receipts and forks."""
    row = scope.find(reader, view, take(args, "item"))
    facts = {fact.record_id: fact for fact in read_facts(reader, [row.item_id]).get(row.item_id, [])}
    told = {fact.record_id for fact in seen(reader, view, facts.values())}
    if not take(args, "record").strip():
        raise InputError("没有写明记录", field="RECORD", remedy="写记录标识的前几位，见 dulian item show --json")
    record_id = record_named(told, take(args, "record"), "RECORD")
    fact = facts[record_id]
    stored, log = _stored(reader, row.item_id, record_id)
    header = decode(stored.header)
    keyring = view.keyring
    if keyring is None:
        raise NotFoundError("本机没有证书，不能核验", field="RECORD")
    record, problem = _verified(keyring, stored)
    actors = {actor.number: actor.name for actor in reader.rows(Actor)}
    name = fact.payload.actor_name if fact.payload is not None else ""
    return {
        "item": row.item_id.hex(), "number": row.number, "title": row.title, "record": record_id.hex(),
        "kind": header.kind, "kind_label": label_of(header.kind), "author": header.author,
        "author_name": view.name_of(header.author),
        "actor": name or (actors.get(header.actor) if header.author == view.office else None) or None,
        "text": text_of(fact.payload, fact.kind),
        "effect": fold(row.item_id, facts.values()).effects.get(record_id, "waiting"),
        "claimed_at": iso(header.claimed_ms), "received_at": iso(stored.received_ms),
        "own": header.author == view.office, "erased": stored.payload is None,
        "header": _header(header),
        "signature": {
            "valid": not problem, "problem": problem or None, "fingerprint": header.key_id.hex(),
            "suite": keyring.suites.get(header.suite).name if record is not None else str(header.suite),
            "bytes": stored.signature.hex(),
        },
        "root": keyring.federation.hex(), "certificates": _certificates(reader, view, keyring, header),
        "chain": _chain(reader, log, header, stored),
        "receipts": list(_receipts(reader, view, keyring, log, header, record_id)),
        "fork": _fork(reader, log, header, record_id),
    }  # fmt: skip


def _stored(reader: Reader, item_id: bytes, record_id: bytes) -> tuple[RecordRow | Fork, LogRow]:
    """The record as it is kept, in its log or as the other side of a fork."""
    logs = {log.log_no: log for log in reader.logs()}
    numbers = reader.item_numbers([item_id])
    places = reader.item_places(numbers.values()).get(numbers.get(item_id, 0), [])
    for row in reader.records_at(places):
        if row.record_id == record_id:
            return row, logs[row.log_no]
    for fork in reader.rows(Fork):
        if fork.record_id == record_id:
            return fork, logs[fork.log_no]
    raise NotFoundError("事项没有这条记录", field="RECORD", value=record_id.hex()[:16])


def _verified(keyring: Keyring, stored: RecordRow | Fork) -> tuple[Record | None, str]:
    """The record read from its bytes, and what is wrong with it; empty where its signature holds now."""
    try:
        record = open_envelope(
            keyring.suites, Envelope(stored.header, stored.signature, stored.salt, stored.payload)
        )
        check_signature(record, keyring.authorise(record.header).verify)
    except PeerError as error:
        return None, reason_label(error.code)
    if record.record_id != stored.record_id:
        return None, "记录的标识与内容不符"
    return record, ""


def _header(header: Header) -> Document:
    line = header.line
    return {
        "federation": header.federation.hex(), "epoch": header.epoch,
        "line": {"path": list(line.path), "top": line.top, "bottom": line.bottom, "subtree": line.subtree},
        "seq": header.seq, "prev": header.prev.hex() or None, "clock": [header.hlc_ms, header.hlc_count],
        "re": [one.hex() for one in header.re], "reissue_of": header.reissue_of.hex() or None,
        "actor": header.actor, "channel": header.channel, "semantic_version": header.semantic_version,
        "payload_hash": header.payload_hash.hex(), "payload_bytes": header.payload_bytes,
    }  # fmt: skip


def _certificates(reader: Reader, view: View, keyring: Keyring, header: Header) -> list[Document]:
    """The certificates from the pinned root to the key that signed, each checked with the key above it."""
    found: list[Document] = []
    key = keyring.key(header.key_id, header.author)
    while key is not None and len(found) < len(header.line.path) + 32:
        record = _certificate(reader, keyring, key)
        above = keyring.key(record.header.key_id, record.header.author) if record is not None else None
        root = len(key.path) == 1
        found.insert(0, {
            "office": key.code, "name": key.name, "issuer": key.path[-2] if not root else key.code,
            "issuer_name": view.name_of(key.path[-2] if not root else key.code), "path": list(key.path),
            "fingerprint": key.key_id.hex(), "record": key.record_id.hex(),
            "valid_from": iso(record.header.claimed_ms) if record is not None else None, "valid_to": None,
            "valid": _holds(keyring, record, root=root), "root": root and key.key_id == keyring.federation,
        })  # fmt: skip
        key = None if root else above
    return found


def _holds(keyring: Keyring, record: Record | None, *, root: bool) -> bool:
    if record is None:
        return False
    try:
        key = keyring.authorise(record.header)
        check_signature(record, key.verify)
    except PeerError:
        return False
    return not root or key.key_id == keyring.federation


def _certificate(reader: Reader, keyring: Keyring, key: Key) -> Record | None:
    """The record of a certificate: of this office's own chain, else in the office log of who issued it."""
    for envelope in (*load_chain(reader), *_office_envelopes(reader, key)):
        try:
            record = open_envelope(keyring.suites, envelope)
        except PeerError:
            continue
        if record.record_id == key.record_id:
            return record
    return None


def _office_envelopes(reader: Reader, key: Key) -> Iterator[Envelope]:
    line = key.path if len(key.path) == 1 else key.path[:-1]
    for log in reader.logs():
        if log.key.author != line[-1] or log.key.line.path != line or not log.key.line.subtree:
            continue
        after = 0
        while rows := reader.run(log.log_no, after, _PAGE, _PAGE_BYTES):
            for row in rows:
                if row.record_id == key.record_id:
                    yield Envelope(row.header, row.signature, row.salt, row.payload)
            after = rows[-1].seq
    for fork in reader.rows(Fork):
        if decode(fork.header).kind == Kind.CERTIFICATE:
            yield Envelope(fork.header, fork.signature, fork.salt, fork.payload)


def _chain(reader: Reader, log: LogRow, header: Header, stored: RecordRow | Fork) -> Document:
    """Where it stands in its log, and whether what stands before and after it fits."""
    around = {row.seq: row for row in reader.records_at([(log.log_no, header.seq - 1), (log.log_no, header.seq + 1)])}
    before, after = around.get(header.seq - 1), around.get(header.seq + 1)
    here = isinstance(stored, RecordRow)
    return {
        "log": log.log_id.hex(), "epoch": log.key.epoch, "seq": header.seq, "prev": header.prev.hex() or None,
        "prev_held": before is not None and before.record_id == header.prev if header.seq > 1 else None,
        "next_held": decode(after.header).prev == stored.record_id if here and after is not None else None,
        "head_seq": log.head_seq, "head": log.head_id.hex(), "branch": "here" if here else "other",
    }  # fmt: skip


def _receipts(
    reader: Reader, view: View, keyring: Keyring, log: LogRow, header: Header, record_id: bytes
) -> Iterator[Document]:
    for ack in reader.rows(Ack, log_no=log.log_no):
        receipt = reader.get(ReceiptRow, ack.receipt_no)
        if receipt is None or ack.seq < header.seq:
            continue
        signed = notes.Signed(receipt.body, receipt.signature)
        valid, head_id = _receipt_head(keyring, signed, log)
        yield {
            "office": ack.peer, "name": view.name_of(ack.peer), "at": iso(receipt.at_ms), "seq": ack.seq,
            "head": head_id.hex() or None, "valid": valid, "itself": head_id == record_id,
        }  # fmt: skip


def _receipt_head(keyring: Keyring, signed: notes.Signed, log: LogRow) -> tuple[bool, bytes]:
    """Whether its holder's signature holds now, and the record up to which it has the log."""
    try:
        receipt = notes.open_receipt(keyring, signed)
    except PeerError:
        return False, b""
    heads = [head.record_id for head in receipt.heads if head.log_id == log.log_id]
    return bool(heads), heads[0] if heads else b""


def _fork(reader: Reader, log: LogRow, header: Header, record_id: bytes) -> Document | None:
    """The fork of the record's log, None where it has none: from which number on, and whether this record is in it."""
    case = next((one for one in cases(reader) if one.log.log_no == log.log_no), None)
    if case is None:
        return {"frozen": True, "seq": None, "settled": False, "rival": False, "after": False} if log.frozen else None
    rivals = {row.record_id for row in case.rivals}
    return {
        "frozen": log.frozen, "seq": case.seq, "settled": case.settled, "rival": record_id in rivals,
        "after": header.seq >= case.seq,
    }  # fmt: skip
