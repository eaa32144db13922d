"""Records as offices write them, made in bulk and signed for real: the tasks of a city and what its units report.

A unit and its city share one line 省-市-单位 and write one log each on it. An item takes ten records, five from each
side, among them a return for redo, so a line of n items makes two logs of 5 n records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.records import payload as payloads
from node.records.envelope import Record, seal
from node.records.header import Header
from node.records.kinds import Kind
from node.records.line import Line, LogKey
from node.records.payload import REDO, SOLE, Act, Opening, Payload
from node.records.suite import Ed25519Sha256, Ed25519Signer

RECORDS_PER_ITEM = 10
_OPEN_AT_ONCE = 5  # items of a line that run side by side
_MINUTE_MS = 60_000
_CHANNEL_CLI = 2

_TITLES = (
    "推进城镇老旧小区改造和配套设施建设", "全面推行河湖长制并完成年度水质目标", "加快高标准农田建设",
    "落实安全生产专项整治三年行动", "完善基层医疗卫生服务体系", "优化营商环境、压减行政审批时限",
)  # fmt: skip
_DEMANDS = (
    "明确责任单位和完成时限,按月报送进展;涉及资金的附拨付凭证,涉及工程的附现场照片。",
    "对照年度目标逐项分解,排出时间表,重大问题随时报告,年底前组织验收。",
    "建立工作台账,实行销号管理,未按期完成的书面说明原因和下一步措施。",
)  # fmt: skip
_REPORTS = (
    "已完成摸底登记和方案评审,施工单位进场,累计完成投资一千二百六十万元,占年度计划的六成,预计提前完成节点任务。",
    "组织专题会议三次,现场督导两次,整改问题十七个,其中十四个已销号,余下三个正在办理,责任人已逐一明确。",
    "两条支流断面水质均达到三类标准,排口整治完成九成,剩余两处因汛期推迟,已调整工期并报主管部门备案。",
    "资金已全部拨付到位,受益农户四百八十二户,已公示无异议,验收材料正在整理,下月上旬可提交。",
)  # fmt: skip
_REMARKS = (
    "所报材料缺少验收意见和资金支付凭证,未说明两处未完工的原因。请补充佐证材料后重新报送,并写明下一步措施和完成时限。",
    "经核对现场照片、验收意见和支付凭证,所报情况属实,材料齐全,完成质量符合交办要求,同意。",
    "年度目标已全部完成,群众评议满意,后续管护责任已落实到单位和个人,予以销号,材料按规定归档。",
    "经办公会研究,本事项由分管负责同志牵头,办公室负责督促落实,业务科室具体承办,本月底前报送首次进展。",
)


class Office(NamedTuple):
    """An office that signs."""

    code: str
    name: str
    epoch: int
    signer: Ed25519Signer


class Written(NamedTuple):
    """One log's records in order."""

    key: LogKey
    records: list[Record]


def signer_of(code: str) -> Ed25519Signer:
    """The same key for the same office every time."""
    seed = hashlib.sha256(f"dulian bench {code}".encode()).digest()
    return Ed25519Signer(Ed25519Sha256(), Ed25519PrivateKey.from_private_bytes(seed))


def unit_of(city: str, number: int) -> Office:
    """A unit below a city; the epoch follows from the code."""
    code = f"{city[:4]}{1 + number % 99:02d}-u{number:04d}"
    epoch = 1 + int.from_bytes(hashlib.sha256(code.encode()).digest()[:4], "big")
    return Office(code, f"第{number}承办单位", epoch, signer_of(code))


class _Pen:
    """Writes one log."""

    def __init__(self, office: Office, federation: bytes, line: Line) -> None:
        self.written = Written(LogKey(office.code, office.epoch, line), [])
        self._office = office
        self._federation = federation
        self._prev = b""

    def write(
        self, kind: Kind, payload: Payload, at_ms: int, item: bytes = b"", re: tuple[bytes, ...] = (), version: int = 0
    ) -> bytes:
        key, records = self.written
        header = Header(
            self._federation, key.author, key.epoch, key.line, len(records) + 1, self._prev, at_ms, 0, at_ms, kind,
            item, version, re, b"", 1, _CHANNEL_CLI, 0, b"", 0, b"",
        )  # fmt: skip
        salt = hashlib.sha256(b"%d" % len(records) + key.author.encode() + self._prev).digest()
        record = seal(self._office.signer, header, salt, payloads.encode(payload))
        records.append(record)
        self._prev = record.record_id
        return record.record_id


def write_line(
    path: tuple[str, ...], city: Office, unit: Office, federation: bytes, items: int, at_ms: int
) -> list[Written]:
    """The two logs of a line: what the city and the unit wrote about ``items`` tasks."""
    line = Line((*path, unit.code))
    above, below = _Pen(city, federation, line), _Pen(unit, federation, line)
    for first in range(0, items, _OPEN_AT_ONCE):
        numbers = range(first, min(first + _OPEN_AT_ONCE, items))
        running = [_item(above, below, unit, number, at_ms) for number in numbers]
        while running:
            at_ms += _MINUTE_MS
            running = [item for item in running if next(item, None) is not None]
    return [above.written, below.written]


def write_opening(path: tuple[str, ...], city: Office, unit: Office, federation: bytes, at_ms: int) -> Written:
    """A log of one record: a task just issued."""
    above = _Pen(city, federation, Line((*path, unit.code)))
    above.write(Kind.ASSIGN, _opening(unit, 0), at_ms, version=1)
    return above.written


def _item(above: _Pen, below: _Pen, unit: Office, number: int, at_ms: int) -> Iterator[bytes]:
    """The ten records of a task, one at a time."""
    day = at_ms // 86_400_000
    report = _REPORTS[number % len(_REPORTS)]
    item = above.write(Kind.ASSIGN, _opening(unit, number), at_ms, version=1)
    yield item
    last = below.write(Kind.DELIVERED, Act(), at_ms, item, (item,))
    yield last
    last = below.write(Kind.SIGN, Act(_REMARKS[3], "王建国"), at_ms, item, (item,))
    yield last
    yield below.write(Kind.PROGRESS, Act(report, "李秀英", occurred_day=day, percent=60), at_ms, item, (last,))
    yield above.write(Kind.URGE, Act(_DEMANDS[2], "张伟", urge_channel="电话"), at_ms, item, (last,))
    final = below.write(Kind.FINAL, Act(report, "李秀英", percent=100), at_ms, item, (item,))
    yield final
    back = above.write(Kind.RETURN, Act(_REMARKS[0], "张伟", return_mode=REDO), at_ms, item, (final,))
    yield back
    final = below.write(Kind.FINAL, Act(report + _REPORTS[0], "李秀英", percent=100), at_ms, item, (back,))
    yield final
    yield above.write(Kind.ACCEPT, Act(_REMARKS[1], "张伟"), at_ms, item, (final,))
    yield above.write(Kind.CLOSE, Act(_REMARKS[2], "张伟"), at_ms, item, (back,))


def _opening(unit: Office, number: int) -> Opening:
    return Opening(
        title=_TITLES[number % len(_TITLES)], text=_DEMANDS[number % len(_DEMANDS)], actor_name="张伟",
        number=f"320500-2026-{number:04d}/1", source="市政府工作报告重点任务", due_day=20_800, receiver=unit.code,
        role=SOLE, responsible=unit.name,
    )  # fmt: skip
