"""Why a record or a link is refused: stable words on the wire, Chinese for people, and what the sender does then."""

from __future__ import annotations

# Reasons after which offering the same record again later makes sense.
PASSING = frozenset({"unknown_key", "future", "busy", "withheld", "quota"})

LABELS: dict[str, str] = {
    "malformed": "格式不符",
    "too_large": "超过大小上限",
    "unknown_suite": "签名算法不在允许之列",
    "payload_mismatch": "内容与记录头不符",
    "withheld": "记录内容缺失",
    "foreign_federation": "不属于本联通体系",
    "unknown_key": "签名密钥尚未认证",
    "wrong_path": "签名单位与知悉范围不符",
    "foreign_line": "知悉范围不含本单位",
    "wrong_side": "来路不对（不是从作者一侧传来）",
    "bad_signature": "签名无效",
    "bad_certificate": "证书不可采信",
    "bad_key": "公钥不安全",
    "gap": "序号不连续",
    "wrong_prev": "与已存记录不衔接",
    "fork": "同一序号出现两个不同记录",
    "frozen": "该日志已因分叉冻结",
    "future": "时间超前，到时再收",
    "far_future": "时间超前一天以上",
    "busy": "暂时繁忙",
    "quota": "超过限额，暂缓接收",
    "flood": "发送量超过约定窗口",
    "protocol": "不符合通信规程",
    "wrong_office": "对方单位与证书不符",
    "channel": "通道身份未能证实",
    "version": "通信规程版本不兼容",
    "timeout": "对方长时间无响应",
    "rejected_log": "对方拒收",
    "tls_expired": "通道证书已过期",
}


def label(reason: str) -> str:
    """Chinese words for a reason. A neighbour's own word is shown only if it is a plain word."""
    return LABELS.get(reason) or (reason if reason.isascii() and reason.isidentifier() else "未说明的原因")
