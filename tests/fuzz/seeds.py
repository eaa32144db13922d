"""Good examples of all that comes from elsewhere: where the mutations begin. Record keys come from a seed."""

from __future__ import annotations

import datetime as dt
import io
import json
import tarfile
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory

from node.bootstrap import archive
from node.documents.calendars import FESTIVALS, seed_calendar
from node.documents.ledger import LedgerRow, Step, write_ledger
from node.records import envelope as envelopes
from node.records import header as headers
from node.records import notes, proof, statement
from node.records import payload as payloads
from node.records.envelope import Envelope, Record, seal
from node.records.header import Header
from node.records.keyring import possession_message
from node.records.kinds import Channel, Kind
from node.records.line import Line
from node.records.payload import Act, Attachment, Enclosure, KnownHead, Opening, Payload
from node.records.suite import Suites, key_id_of
from node.records.track import ChainStep, Duty, Finding, Milestone, RectifyLine, Terms, Track
from node.sync import frames
from node.wire import codec, credentials, messages
from node.wire.invitation import Invitation, encode_token
from tests.sim.suite import CheapSigner, CheapSuite

SUITE = CheapSuite()
SUITES = Suites([SUITE])
ROOT, CITY = "320000", "320500"
ROOT_KEY, CITY_KEY = CheapSigner(SUITE, b"root"), CheapSigner(SUITE, b"city")
FEDERATION = key_id_of(SUITE, ROOT_KEY.raw_key)
NOW_MS = 1_790_000_000_000
ID, SALT = bytes(range(32)), bytes(32)
HEAD = KnownHead(ID, 7, ID)
INTO = Line((ROOT,), subtree=True)
LINK = Line((ROOT, CITY))
FILE = Attachment(ID, SALT, 1_000, "附件一.pdf")


def head_of(kind: int, line: Line = LINK, author: str = CITY, seq: int = 2, **more: object) -> Header:
    """A header; `seal` fills in the rest."""
    header = Header(
        FEDERATION, author, 7, line, seq, ID if seq > 1 else b"", NOW_MS, 3, NOW_MS, kind, ID, 0, (ID, SALT), b"", 5,
        Channel.CLI, SUITE.number, ID, 0, ID,
    )  # fmt: skip
    return header._replace(**more)  # type: ignore[arg-type]


def record(payload: Payload | bytes, header: Header, signer: CheapSigner = CITY_KEY) -> Record:
    """A sealed record."""
    return seal(signer, header, SALT, payload if isinstance(payload, bytes) else payloads.encode(payload))


def certificate(code: str, key: CheapSigner, path: tuple[str, ...]) -> payloads.Certificate:
    """What a parent declares about a key."""
    parent = path[-2] if len(path) > 1 else ""
    proved = key.sign(possession_message(FEDERATION, code, parent, SUITE.number, key.raw_key))
    return payloads.Certificate(code, "某单位", "city", path, SUITE.number, key.raw_key, proved, ID, ID, SALT)


_OWN = {"item": b"", "re": ()}
ROOT_CERTIFICATE = record(
    certificate(ROOT, ROOT_KEY, (ROOT,)), head_of(Kind.CERTIFICATE, INTO, ROOT, 2, **_OWN), ROOT_KEY
)
CITY_CERTIFICATE = record(
    certificate(CITY, CITY_KEY, (ROOT, CITY)), head_of(Kind.CERTIFICATE, INTO, ROOT, 3, **_OWN), ROOT_KEY
)
PLAIN = record(Act("进展"), head_of(Kind.PROGRESS))

PAYLOADS: dict[int, list[Payload]] = {
    Kind.ASSIGN: [
        Opening("整治河道", "逐项落实", "张三", (FILE,), 20_000, "苏督〔2026〕1号", "省政府常务会议",
                ("第一项", "第二项"), 20_100, "base-004/1/a", CITY, 1, CITY, ID, "李四", "两个月内", ID, local=True,
                terms=Terms("重点", "base-004/1", "会议", hidden=True, subject="setup", target=ID, form="表",
                            milestones=(Milestone("1", "开工", 20_050, 20_051),), duties=(Duty("市级", "王五"),),
                            frequency="每月", remark="备注", weight=5, secrecy="内部", warn_days=5, start_day=20_000,
                            provisional=True, plan_year=2026, leader="赵六", work_line="经济")),
        Opening("短"),
    ],
    Kind.PROGRESS: [
        Act("已核对三分之一，其余月底前完成", "张三", (FILE, FILE), 20_000, 30, 20_100, 1, "phone", (ID, SALT), ID,
            ((1, "已办"), (2, "在办")), "办公室", "李四"),
        Act(),
    ],
    Kind.SLIP: [
        Act("督办", track=Track(
            ID, "leader", 1, (ChainStep(("a", "b"), "审核", any_one=True),),
                              (Finding("是否属实", ok=True, text="属实"),), "red", "base-004/1/s", 1_500, ID,
                              (Milestone("1", "开工"),), (RectifyLine("1", "整改", "办公室", "李四", 20_000, 1),),
                              "1号", ("一", "二"), (Duty("市级", "王五"),), (CITY,), "通报")),
    ],
    Kind.ENCLOSE: [Enclosure("转送", "张三", (PLAIN.envelope, ROOT_CERTIFICATE.envelope))],
    Kind.WITNESS: [Enclosure("见证", "", (PLAIN.envelope,))],
    Kind.PROFILE: [payloads.Profile("base-004", 1, 20_000, '{"id":"base-004"}', "张三")],
    Kind.CALENDAR: [payloads.Calendar(1, b'{"off":[],"on":[],"version":1,"years":[2026]}', "通知", "张三")],
    Kind.EPOCH: [payloads.Epoch(3, "restore", (HEAD, HEAD)), payloads.Epoch(0, "init")],
    Kind.CERTIFICATE: [certificate(CITY, CITY_KEY, (ROOT, CITY))],
    Kind.STATEMENT: [payloads.Statement(ROOT, b"\x08\x01")],
}  # fmt: skip

HEADERS = [
    PLAIN.envelope.header, ROOT_CERTIFICATE.envelope.header,
    record(b"", head_of(Kind.EPOCH, INTO, ROOT, 1, **_OWN), ROOT_KEY).envelope.header,
    record(b"x" * 300, head_of(
        65_535, Line((ROOT, CITY, "320583", "320583001", "320583001-a0")), seq=2**31, re=(ID,) * 64, reissue_of=ID,
        actor=2**53 - 1)).envelope.header,
    headers.encode(head_of(Kind.ASSIGN, item=b"", semantic_version=2, re=())),
]  # fmt: skip
ENVELOPES = [envelopes.to_bytes(one) for one in (
    PLAIN.envelope, ROOT_CERTIFICATE.envelope, PLAIN.envelope._replace(salt=None, payload=None))]  # fmt: skip
RESULT = statement.Result(
    ID[:16], ROOT, CITY, NOW_MS, ID, 12, 3_000, ID, 50, 1, 1, statement.Side(1, 2, 3, 4), statement.Side(5, 6, 7, 8))
RESULTS = [statement.encode_result(RESULT), statement.encode_side(RESULT.upper_side)]

RECEIPT = notes.sign_receipt(CITY_KEY, FEDERATION, notes.Receipt(CITY, ROOT, NOW_MS, (HEAD,) * 3))
MARK = notes.sign_mark(CITY_KEY, FEDERATION, notes.Mark(
    CITY, 5, NOW_MS, (notes.MarkView(ROOT, 4, ID),), notes.LinkOutcome(NOW_MS, 1, 2, 3, NOW_MS)))
CHANNEL = notes.sign_channel(CITY_KEY, FEDERATION, notes.Channel(CITY, ROOT, ID, SALT))
RENEWAL = notes.sign_renewal(CITY_KEY, FEDERATION, notes.Renewal(CITY, ID * 3, NOW_MS))

_E = (PLAIN.envelope, ROOT_CERTIFICATE.envelope)
FRAMES = [codec.encode(frame) for frame in (
    frames.Hello(1, 2, FEDERATION, CITY, ID, CHANNEL, ID, ID, 5, ID, NOW_MS, 1_000_000, "dulian 1"),
    frames.ChainRequest(), frames.Chain(_E), frames.Buckets(2, (ID[:16],) * 4), frames.Heads(4, (1, 2), (HEAD, HEAD)),
    frames.Batch((*_E, PLAIN.envelope._replace(salt=None, payload=None))), frames.ReceiptFrame(RECEIPT),
    frames.Refusal(ID, 7, "gap", HEAD, 1_000), frames.Refusal(ID, 7, "gap", KnownHead(b"", 0, b""), 0), frames.Ping(5),
    frames.Pong(5, NOW_MS), frames.Marks((MARK, MARK)), frames.BlobRequest(ID, 1_024, 65_536),
    frames.BlobChunk(ID, 1_024, b"data" * 20, missing=False), frames.Goodbye("再见"), frames.RangeRequest(ID, 3, 9),
    frames.Range(ID, 9, _E), frames.Reconcile(
        3, ID[:16], ID, SALT, 7, (ID[:16],) * 16, (1, 2), ((ID, SALT), (SALT, ID)), RESULTS[0], "busy"),
)]  # fmt: skip
MENDING = codec.encode(frames.Range(ID, 2, (PLAIN.envelope,)))

_TLS_KEY = credentials.new_tls_key()
TLS_KEY = credentials.public_key_der(_TLS_KEY)
CA_KEY, CA = credentials.new_link_ca(CITY, NOW_MS)
LEAF = credentials.issue_tls(CA_KEY, CA, CITY, TLS_KEY, 86_400_000, NOW_MS, server=True)
X509 = [CA, LEAF, TLS_KEY, credentials.to_pem(CA)]

JOIN = messages.write_join_request(messages.JoinRequest(
    CITY, SUITE.number, CITY_KEY.raw_key, SALT, TLS_KEY, RENEWAL, CA))
JOINED = messages.write_join_reply(messages.JoinReply(messages.JoinState.ADMITTED, "已批准", _E, LEAF))
RENEW = messages.write_renew_request(messages.RenewRequest(RENEWAL))
RENEWED = messages.write_renew_reply(LEAF)
INVITATION = Invitation(CITY, "苏州市人民政府", (ROOT,), "127.0.0.1:8443", FEDERATION, CA, ID, NOW_MS + 86_400_000)
TOKENS = [encode_token(INVITATION).encode(), encode_token(INVITATION._replace(recover=True)).encode()]

_RIVAL = record(Act("别的说法"), head_of(Kind.PROGRESS))
PROOFS = [proof.to_json(proof.Proof(
    (ROOT_CERTIFICATE.envelope, CITY_CERTIFICATE.envelope), (PLAIN.envelope, _RIVAL.envelope)), FEDERATION).encode()]

REQUESTS = [json.dumps(body, ensure_ascii=False).encode() for body in (
    {"verb": "item.issue", "args": {"title": "整治", "to": [CITY], "points": []}, "as": "张三", "os_user": "ops",
     "files": [{"field": "attach", "name": "a.pdf", "size_bytes": 3}, {"field": "b", "name": "b", "size_bytes": 0}]},
    {"verb": "status", "args": {}},
)]  # fmt: skip


def _festivals() -> bytes:
    rows = ["日期,类型,节日"]
    rows += [f"2027-{month:02}-01,放假,{name}" for month, name in enumerate(FESTIVALS, 1)]
    return "\n".join([*rows, "2027年2月6日,上班,春节"]).encode()


NOTICES = [_festivals(), _festivals().decode().encode("gb18030")]
LEDGERS = [
    write_ledger([
        LedgerRow(2, "1", "甲", "要求", "来源", dt.date(2026, 12, 31), ("一", "二"), "办公室", "月底前", "备注", "王五",
                  "李四", (Step("开工", dt.date(2026, 6, 1)), Step("完工"))), LedgerRow(3, "2", "乙")]),
    write_ledger([LedgerRow(row, str(row), f"事项{row}") for row in range(2, 40)]),
]  # fmt: skip
CELLS = [one.encode() for one in (
    "2026年12月底前", "今年6月中旬", "每季度末", "长期", "第三季度", "上半年", "12月5日前完成，明年3月初验收",
    "2026-02-28",
    "牵头单位：市发展改革委；配合单位：市财政局、市工业和信息化局", "市教育局（牵头），市卫生健康委等部门",
    "（一）加快建设", "1.2 推进",
    "①核查\n②整改", "各县（市、区）人民政府",
)]  # fmt: skip


def backup() -> bytes:
    """A small backup, plain."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "db").write_bytes(b"SQLite format 3\0" * 8)
        (folder / "config").write_text('office = "320500"\n')
        members = [("config.toml", folder / "config"), ("dulian.db", folder / "db"), ("keys/tls.pem", folder / "db")]
        archive.write_backup(folder / "b", members, {"office": CITY, "made_ms": NOW_MS}, [])
        return (folder / "b").read_bytes()


def backup_with(manifest: bytes) -> bytes:
    """A backup that holds nothing but this manifest."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo(archive.MANIFEST)
        entry.size = len(manifest)
        tar.addfile(entry, io.BytesIO(manifest))
    return target.getvalue()


MANIFESTS = [json.dumps({"format": archive.FORMAT, "office": CITY, "made_ms": NOW_MS, "files": []}).encode(),
             json.dumps({"format": archive.FORMAT, "files": [{"name": "dulian.db", "size": 3}]}).encode()]


def envelope_of(raw_payload: bytes, kind: int) -> Envelope:
    """Bytes as the payload of a well-sealed certificate record of the root."""
    return record(raw_payload, head_of(kind, INTO, ROOT, 4, **_OWN), ROOT_KEY).envelope


INVITATION_BODY = b64decode(TOKENS[0].partition(b".")[2] + b"==", altchars=b"-_")[:-4]
CALENDARS = [
    seed_calendar().encode(),
    b'{"off":["2026-01-01"],"on":["2026-01-04"],"version":1,"years":[2026]}',
]
