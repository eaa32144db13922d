"""The registry of record kinds: number, Chinese label, shape of payload. Numbers are never reused.

Ranges: 1-99 life cycle of items, 100-199 side tracks, 200-299 office and federation, 300-399 neighbours, 400-999
reserved, 1000-1999 local extensions. A kind that is not here is stored, relayed and shown as 未识别 (I3).
"""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """Kinds this release knows by name; the same numbers as in record.proto (a test compares them)."""

    REGISTER = 1
    PROPOSE = 2
    APPROVE = 3
    REJECT = 4
    PLAN = 5
    DISPATCH = 6
    ESTABLISH = 7
    DECLINE = 8
    MERGE = 9
    ASSIGN = 10
    DELIVERED = 11
    SIGN = 12
    REFUSE = 13
    INSIST = 14
    REASSIGN = 15
    DECOMPOSE = 16
    PROGRESS = 17
    MILESTONE = 18
    EVIDENCE = 19
    URGE = 20
    WARN = 21
    EXT_REQUEST = 22
    EXT_DECISION = 23
    CHANGE = 24
    FINAL = 25
    RETURN = 26
    ACCEPT = 27
    VERIFY = 28
    COMPLETE = 29
    CLOSE = 30
    ARCHIVE = 31
    CANCEL = 32
    REINSPECT = 33
    EXEMPT = 34
    TAKE_OVER = 35
    HANDLE = 36
    CORRECT = 37
    SLIP = 100
    JUSTIFY = 101
    JUSTIFY_DECISION = 102
    ORDER = 103
    RECTIFY = 104
    NOTICE = 105
    BULLETIN = 106
    SPECIAL = 107
    INTERVIEW = 108
    REFER = 109
    NEGATIVE = 110
    SCORE = 111
    ENCLOSE = 112
    WITNESS = 113
    ERASE = 114
    EPOCH = 200
    CERTIFICATE = 201
    REVOCATION = 202
    PROFILE = 203
    CALENDAR = 204
    OFFICE_CHANGE = 205
    STATEMENT = 300


class Channel(IntEnum):
    """How a record was written; the same numbers as in record.proto."""

    NODE = 1
    CLI = 2
    CONSOLE = 3
    IMPORT = 4
    JOB = 5


LABELS: dict[int, str] = {
    1: "登记", 2: "拟办", 3: "审批", 4: "不同意", 5: "方案", 6: "交办登记", 7: "立项", 8: "不立项", 9: "并案",
    10: "交办", 11: "送达", 12: "签收", 13: "退签", 14: "坚持交办", 15: "改派", 16: "分解", 17: "进展", 18: "节点",
    19: "附件", 20: "催办", 21: "预警", 22: "延期申请", 23: "延期批复", 24: "变更", 25: "办结报告", 26: "退回",
    27: "审核通过", 28: "复核", 29: "办结", 30: "销号", 31: "归档", 32: "撤销", 33: "回头看", 34: "免除", 35: "接管",
    36: "内部交办", 37: "更正",
    100: "督办单", 101: "说明理由", 102: "理由认定", 103: "督办令", 104: "整改清单", 105: "通报", 106: "简报",
    107: "专报", 108: "约谈", 109: "问责线索", 110: "负面清单", 111: "考核记分", 112: "转送", 113: "见证", 114: "清除",
    200: "新纪元", 201: "证书", 202: "吊销", 203: "规则档案", 204: "工作日历", 205: "机构变更",
    300: "对账单",
}  # fmt: skip

OPENING_KINDS = frozenset({1, 10})
# Verified one by one on arrival, never vouched for: what they say decides what else is believed.
EVIDENCE_KINDS = frozenset({112, 113, 114, 200, 201, 202, 205, 300})


def label_of(kind: int) -> str:
    """Chinese name of a kind, 未识别 where this release does not know it."""
    return LABELS.get(kind, "未识别")
