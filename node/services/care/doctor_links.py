"""Checks of `doctor` that concern neighbours: links, freshness, clocks, certificates, versions, quotas."""

from __future__ import annotations

from collections.abc import Callable

from node.clock import iso
from node.services.care.doctor_check import FAULT, OK, SKIPPED, WARNING, Check, named
from node.services.care.doctor_facts import Facts, Linked
from node.sync.limits import PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN
from node.wire.probe import LAYERS

SKEW_WARN_MS, SKEW_FAULT_MS = 60_000, 300_000
_OUTBOX_WARN_MS = 3_600_000
_DAY_MS = 86_400_000
_CERTIFICATE_FAULT_MS, _CERTIFICATE_WARN_MS = 7 * _DAY_MS, 30 * _DAY_MS


def check_certificates(facts: Facts) -> Check:
    """TLS certificates are good, and their issuers signed them (faults.md P2)."""
    wrong: list[str] = []
    worst, fix = OK, "保持与上级联通，自动续期；已到期的请上级重新邀请"
    for one in facts.certificates:
        left_ms = one.expires_ms - facts.now_ms
        if not one.chain_ok:
            wrong, worst = [*wrong, f"{one.name} 不是由其签发者签发"], FAULT
        elif left_ms <= 0:
            wrong, worst = [*wrong, f"{one.name} 已于 {iso(one.expires_ms)[:10]} 到期"], FAULT
        elif one.renewal_due and left_ms < _CERTIFICATE_WARN_MS:
            late = FAULT if left_ms < _CERTIFICATE_FAULT_MS and one.renewal_due else WARNING
            wrong.append(f"{one.name} 还有 {left_ms // _DAY_MS} 天到期而未续期")
            worst = FAULT if FAULT in (worst, late) else WARNING
    return Check("certificates", "通道证书", worst, "；".join(wrong), fix if wrong else "")


def check_console(facts: Facts) -> Check:
    """The console's certificate will not end soon: browsers refuse one that has (W8)."""
    id_, title, found = "console", "控制台证书", facts.console
    if found is None:
        return Check(id_, title, SKIPPED, "控制台不用证书")
    if not found.chain_ok:
        return Check(id_, title, FAULT, f"{found.name} 读不出证书", "核对配置项 console_certificate")
    left_ms = found.expires_ms - facts.now_ms
    text = f"还有 {left_ms // _DAY_MS} 天到期" if left_ms > 0 else f"已于 {iso(found.expires_ms)[:10]} 到期"
    if left_ms >= _CERTIFICATE_WARN_MS:
        return Check(id_, title, OK, text)
    fix = "重启节点，自动换新" if found.renewal_due else "换发证书，放回原处后重启节点"
    return Check(id_, title, FAULT if left_ms < _CERTIFICATE_FAULT_MS else WARNING, text, fix)


def check_parent(facts: Facts) -> Check:
    """The parent can be reached; where not, the layer that fails (faults.md N12)."""
    id_, title, found = "parent", "联通上级", facts.parent
    if found is None:
        return Check(id_, title, OK, "没有上级")
    if not found.layer:
        return Check(id_, title, OK, found.address)
    fix = {
        "address": "核对 config.toml 的 parent 和域名解析", "tcp": "核对地址、端口和防火墙；上级是否在运行",
        "tls": "核对端口是否为督联节点；双方时钟是否准确", "identity": "核对地址是否为本单位的上级；请上级核对证书",
        "rpc": "稍后再试；仍不通时请上级查看节点日志",
    }[found.layer]  # fmt: skip
    return Check(id_, title, FAULT, f"{LAYERS[found.layer]}不通：{found.text}", fix)


def check_children(facts: Facts) -> Check:
    """Each child's data is fresh (I8, G13)."""
    id_, title = "children", "下级数据的新鲜度"
    children = [link for link in facts.links if link.role == "child"]
    late = [link for link in children if facts.now_ms - link.as_of_ms > facts.fresh_ms]
    if not late:
        return Check(id_, title, OK if children else SKIPPED, f"{len(children)} 个下级" if children else "没有下级")
    names = tuple(f"{link.office}（{_since(link)}）" for link in late)
    return Check(id_, title, WARNING, f"数据过期：{named(names)}", "电话联系该单位，查看其节点和网络")


def _since(link: Linked) -> str:
    return f"数据截至 {iso(link.as_of_ms)[:16]}" if link.as_of_ms else "从未同步"


def check_heads(facts: Facts) -> Check:
    """No neighbour holds records of this office that this node lacks (amnesia)."""
    ahead = [f"{link.office} 多 {link.own_ahead} 条" for link in facts.links if link.own_ahead]
    fix = "保持联通，自动取回；勿手工改动数据库" if ahead else ""
    text = "邻居持有本机缺失的本单位记录：" + "、".join(ahead) if ahead else ""
    state = FAULT if ahead else OK if facts.running else SKIPPED
    return Check("heads", "邻居持有的本单位记录不多于本机", state, text, fix)


def check_clock(facts: Facts) -> Check:
    """Not off against the parent (faults.md K1)."""
    id_, title, skew_ms = "clock", "与上级的时钟偏差", facts.skew_ms
    if skew_ms is None:
        return Check(id_, title, SKIPPED, "未与上级联通")
    text, fix = f"相差 {abs(skew_ms) / 1000:.1f} 秒", "校准本机时间，如 timedatectl set-ntp true"
    if abs(skew_ms) > SKEW_FAULT_MS:
        return Check(id_, title, FAULT, f"{text}，已暂停签发", fix)
    return Check(id_, title, WARNING, text, fix) if abs(skew_ms) > SKEW_WARN_MS else Check(id_, title, OK, text)


def check_outbox(facts: Facts) -> Check:
    """Nothing has waited long to be taken by a neighbour."""
    late = [
        f"{link.office} {link.to_send} 条，最早 {iso(link.oldest_unsent_ms)[:16]}" for link in facts.links
        if link.oldest_unsent_ms and facts.now_ms - link.oldest_unsent_ms > _OUTBOX_WARN_MS
    ]
    text = "待发超过1小时：" + "；".join(late) if late else ""
    fix = "dulian status；恢复与对方的联通后自动补发" if late else ""
    return Check("outbox", "待发记录", WARNING if late else OK, text, fix)


def check_quarantined(facts: Facts) -> Check:
    """No neighbour is set apart."""
    apart = [f"{link.office}：{link.quarantined}" for link in facts.links if link.quarantined]
    fix = "按 RUNBOOK 查明后解除" if apart else ""
    return Check("quarantined", "没有被隔离的单位", WARNING if apart else OK, "；".join(apart), fix)


def check_versions(facts: Facts) -> Check:
    """This program and its neighbours speak a common version (faults.md V1-V4)."""
    foreign, mine = [], (PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX)
    for link in facts.links:
        if link.protocols not in ((0, 0), mine):
            low, high = link.protocols
            foreign.append(f"{link.office} 规程 {low}–{high}（程序 {link.software}）")
    schema = f"数据库结构 {facts.database.schema}" if facts.database else ""
    if foreign:
        text = f"本机规程 {mine[0]}–{mine[1]}，{named(tuple(foreign))}"
        return Check("versions", "结构和通信规程版本", WARNING, text, "安排版本较低的一方升级")
    return Check("versions", "结构和通信规程版本", OK, f"规程 {mine[0]}–{mine[1]}，{schema}")


def check_quota(facts: Facts) -> Check:
    """No neighbour sends so much that it is slowed down (faults.md X5)."""
    fix = "查明原因；确需更多的，调高 peer_mib_per_day 或 peer_records_per_day" if facts.over_quota else ""
    text = f"限流中：{named(facts.over_quota)}" if facts.over_quota else ""
    return Check("quota", "各单位用量未超限额", WARNING if facts.over_quota else OK, text, fix)


CHECKS: tuple[Callable[[Facts], Check], ...] = (
    check_certificates, check_console, check_parent, check_children, check_heads, check_clock, check_outbox,
    check_quarantined, check_versions, check_quota,
)  # fmt: skip
