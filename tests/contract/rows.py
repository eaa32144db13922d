"""Rows for the tests of stores, with every byte and more than ASCII in them."""

from __future__ import annotations

from typing import Any

from node.records.line import Line, LogKey, log_id_of
from node.storage import port
from node.storage.port import BoardRow, LogRow, RecordRow

ALL_BYTES = bytes(range(256))
CHINESE = "关于加快推进“放管服”改革的督查事项\t第一行\n第二行 𠮷"


def log_row(log_no: int, *path: str, subtree: bool = False, **rest: Any) -> LogRow:
    codes = path or ("320000", "320500")
    key = LogKey(codes[-1], log_no * 7 + 2**62, Line(codes, subtree))
    return LogRow(log_no, log_id_of(key), key, **rest)


def record_row(log_no: int, seq: int, **rest: Any) -> RecordRow:
    mark = log_no.to_bytes(4, "big") + seq.to_bytes(4, "big")
    row = RecordRow(log_no, seq, mark * 4, b"header" + ALL_BYTES + mark, b"signed" + mark, b"s" * 32, b"payload", 2**47)
    return row._replace(**rest)


def item_id(number: int) -> bytes:
    """Ids that share beginnings: 0x10, 0x11 … in their first byte."""
    return bytes([16 + number]) + number.to_bytes(31, "little")


def board_row(item_no: int, **rest: Any) -> BoardRow:
    row = BoardRow(
        item_no=item_no, item_id=item_id(item_no), parent=b"", number=f"苏督〔2014〕{item_no}号", title=CHINESE,
        kind="assignment", issuer="320000", receiver="320500", role="lead", path="320000/320500", subtree=False,
        state="active", due_day=20_000 + item_no, percent=40, digest=ALL_BYTES[:32], opened_log_no=1,
        opened_seq=item_no, updated_ms=2**47, successor=b"",
    )
    return row._replace(**rest)


SMALL_ROWS: list[port.SmallRow] = [
    port.Meta("名称", ALL_BYTES), port.Meta("a", b""), port.Meta("B", b"\0"), port.Meta("b", b"x"),
    port.Peer("320500", "child", "", ALL_BYTES, 1, 2, "", 2**47),
    port.Peer("320000", "parent", "h:1", b"", 0, 0, "原因", 0),
    port.Ack("320500", 2, 5, 1), port.Ack("320500", 1, 2**32 - 1, 1), port.Ack("320000", 10, 1, 2),
    port.ReceiptRow(2, "320500", 5, ALL_BYTES, b"sig"), port.ReceiptRow(10, "320500", 5, b"", b"sig"),
    port.MarkRow("320500", 3, 4, b"body", b"sig", 0),
    port.Evidence(1, "320500", 5, "gap", CHINESE, ALL_BYTES),
    port.Fork(1, 2, b"id2", b"h", b"s", b"salt", ALL_BYTES, 9), port.Fork(1, 2, b"id1", b"h", b"s", b"salt", b"", 9),
    port.Alarm("fork", "320500", CHINESE, 1), port.Alarm("clock", "", "", 2),
    port.Invite(1, "320582", "张家港市", b"key", b"cert", 5, True, 0),
    port.Invite(2, "320583", "昆山市", b"", b"", 5, False, 1),
    port.Pending("320583", ALL_BYTES, b"f", "waiting", 1, b""),
    port.TlsCert("320583", b"\xff" * 32, 1, 0), port.TlsCert("320583", b"\0" * 32, 1, 0),
    port.User("王某", "supervisor", "office.director", "督查室", True, 2**47), port.User("a", "", "", "", False, 0),
    port.Unit("督查室", "王某", True), port.Unit("综合科", "", False),
    port.JobRun("remind", 20_000, 2**47, 3), port.JobRun("remind", 20_001, 0, 0),
    port.Proposal("slip", ALL_BYTES[:32], 20_000, "黄", CHINESE, "超期", "", 0),
    port.Proposal("slip", b"", 20_000, "", "", "", "dismissed", 2**47),
    port.RulesRow("320000", 1, "jiangsu-000", 20_000, ALL_BYTES[:32], CHINESE),
    port.RulesRow("320000", 10, "jiangsu-000", 20_001, ALL_BYTES[:32], ""),
    port.RulesRow("320000", 1, "county-003", 0, ALL_BYTES[:32], "", 2**60 + 4095),
    port.CalendarRow("320000", 2026, ALL_BYTES[:32], ALL_BYTES, "国务院办公厅通知"),
    port.Credential("王某", "$argon2id$x", 2**47), port.Credential("a", "", 0),
    port.WebSession(ALL_BYTES[:32], "王某", 1, 2**47, "10.1.2.3"), port.WebSession(b"\1" * 32, "a", 0, 0, ""),
    port.LoginFailure("account:王某", 3, 2**47, 2**47 + 1), port.OneTimeLink(ALL_BYTES[:32], "", 2**47, 0),
    port.OnceKey(ALL_BYTES[:32], 2**47, "item.register", CHINESE), port.Draft("王某", "report/1", CHINESE, 1),
    port.Draft("王某", "report/10", "", 2), port.SavedFilter("王某", "/items", CHINESE, "state=signed", 1),
    port.WebAudit(2, 2**47, "王某", "::1", "item.sign", CHINESE, "", ALL_BYTES[:32]),
    port.WebAudit(10, 0, "", "", "login", "", "refused", b""), port.ReadNotice("王某", "n1", 1),
    port.Actor(2**53 - 1, "王某"), port.Actor(7, "李某"),
    port.BlobRow(b"\x80", b"salt", 2**31, True), port.BlobRow(b"\x01", b"salt", 0, False),
    port.BlobRef(b"\x80", 2, 1), port.BlobRef(b"\x80", 1, 2), port.BlobRef(b"\x01", 9, 9),
]  # fmt: skip


def fill_log(store: port.Store, log_no: int, count: int, **rest: Any) -> list[RecordRow]:
    """A log with ``count`` records, committed."""
    rows = [record_row(log_no, seq) for seq in range(1, count + 1)]
    store.begin()
    store.add_logs([log_row(log_no, **rest)])
    store.append(rows, [(log_no, count, rows[-1].record_id)])
    store.commit(durable=True)
    return rows


def fill_board(store: port.Store, *rows: BoardRow) -> None:
    store.begin()
    store.add_items([(row.item_no, row.item_id) for row in rows])
    store.save_board(rows)
    store.commit(durable=True)
