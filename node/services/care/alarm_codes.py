"""Every code of an alarm: what it is called and how it ends. Each has a section of this name in deploy/RUNBOOK.md.

A test compares this table with the codes raised anywhere in the program, and with the sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Known(NamedTuple):
    """``ends``: when it ends; ``by_hand``: `dulian alarm ack` may end it, after somebody has looked into it."""

    title: str
    ends: str
    by_hand: bool = False


_LOOKED_INTO = "查明处置后执行 dulian alarm ack"

ALARMS: Mapping[str, Known] = {
    "attachment": Known(
        "附件取不到或内容不符", "附件取到且内容相符后自动结束；确已无处可取的，执行 dulian alarm ack", by_hand=True
    ),
    "backup_failed": Known("每日备份未成", "下一次备份成功后自动结束"),
    "bad_record": Known("存储的记录验签不过", _LOOKED_INTO, by_hand=True),
    "clone": Known("同一单位有两份节点在运行", "选定一份并开始新纪元后自动结束"),
    "clock_skew": Known("时钟与上级相差过大", "校时并与上级联通后自动结束"),
    "console_certificate": Known("控制台证书将到期", "换新证书、重启节点后自动结束"),
    "damaged": Known("记录损坏或缺失，正在取回", "取回后自动结束"),
    "digest_differs": Known("记录相同而事项摘要不同", "下一次对账相符后自动结束"),
    "enrol": Known("邀请令牌被重复使用", "邀请到期或批准后自动结束"),
    "followup": Known("应自动办理的事项未能办理", _LOOKED_INTO, by_hand=True),
    "fork": Known("同一序号签发了两份记录", "该单位处置完毕（dulian fork settle）后自动结束"),
    "internal": Known("内部错误", _LOOKED_INTO, by_hand=True),
    "link_fault": Known("联通中断", "与该单位重新联通后自动结束；不再联通的，执行 dulian alarm ack", by_hand=True),
    "log_lost": Known("日志登记丢失，已重建", _LOOKED_INTO, by_hand=True),
    "new_key": Known("下级换用新密钥", "核对指纹并批准后自动结束"),
    "no_replica": Known("损坏的记录没有可用副本", "由备份恢复、或邻居补齐后自动结束"),
    "pending": Known("有单位申请入网", "批准或邀请到期后自动结束"),
    "poison": Known("事项无法汇总", _LOOKED_INTO, by_hand=True),
    "projection": Known("看板未能更新", "看板重新赶上后自动结束"),
    "quota": Known("超过日限额，已限流", "次日（北京时间）自动结束"),
    "quota_logs": Known("日志数超过限额", "调高限额后自动结束"),
    "reconcile": Known("对账不符", "下一次对账相符后自动结束"),
    "recovered": Known("已从回退中恢复", "24小时后自动结束"),
    "rejected_log": Known("记录被拒收", _LOOKED_INTO, by_hand=True),
    "restored": Known("由备份恢复，尚未问遍上下级", "与全部上下级联通一次后自动结束"),
    "rolled_back": Known("数据曾被回退", "取回完毕后自动结束"),
    "stale": Known("下级数据过期", "数据更新后自动结束"),
    "store": Known("数据库不能写入", "恢复可写后自动结束（至多10秒）"),
    "tls_renewal": Known("通道证书续期未成", "续期成功后自动结束"),
    "two_parents": Known("一个单位被多个上级认证", _LOOKED_INTO, by_hand=True),
}
