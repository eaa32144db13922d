"""`doctor`: named checks of a node, each with what is wrong and the command that mends it.

Rules: a check is a pure function of `doctor_facts.Facts`; it answers 正常, 警告 (still works, will not for ever) or
故障 (a promise does not hold); one that cannot be made on a stopped node says so and is no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from node.clock import iso
from node.services.care import doctor_links
from node.services.care.doctor_check import FAULT, OK, SKIPPED, WARNING, Check, named
from node.services.care.doctor_facts import Facts, File
from node.services.mending.comeback import CLONE, cause
from node.sync.reasons import label

_DISK_WARN_BYTES, _DISK_FAULT_BYTES = 2 * 1024**3, 256 * 1024**2
_DISK_WARN_SHARE = 10  # warn below a tenth of the disk, where that is less than the bound above
_FILES_WARN = 4_096
_SQLITE_OLDEST = (3, 37)  # 2021-11: WAL reset bugs of earlier ones are mended
_BACKUP_WARN_MS, _BACKUP_FAULT_MS = 36 * 3_600_000, 7 * 86_400_000
_ZONE = "Asia/Shanghai"
_SHOWN = 5
_NOT_OPENED = "没有打开数据库"
# What is seen without the database; of all else nothing is known where it could not be opened.
_AT_THE_EDGE = frozenset({"home_mode", "key_mode", "disk", "ulimit", "database", "console", "listen", "zone"})


def check_home_mode(facts: Facts) -> Check:
    """Folders 0700, of the user who runs the node."""
    return _files(facts, "home_mode", "数据目录的属主和权限", [one for one in facts.files if one.wanted == 0o700])


def check_key_mode(facts: Facts) -> Check:
    """Secret files 0600 (faults.md P10)."""
    return _files(facts, "key_mode", "密钥文件的属主和权限", [one for one in facts.files if one.wanted == 0o600])


def _files(facts: Facts, id_: str, title: str, files: Iterable[File]) -> Check:
    wrong, fix = [], []
    for path, mode, uid, wanted in files:
        if not mode:
            wrong.append(f"{path} 不存在")
            fix.append("从备份恢复该文件")
        elif uid != facts.uid:
            wrong.append(f"{path} 属于 uid {uid}")
            fix.append(f"chown {facts.uid} '{path}'")
        elif mode != wanted:
            wrong.append(f"{path} 权限为 {mode:04o}，应为 {wanted:04o}")
            fix.append(f"chmod {wanted:o} '{path}'")
    return Check(id_, title, FAULT if wrong else OK, "；".join(wrong), "；".join(fix))


def check_disk(facts: Facts) -> Check:
    """Room to write, and a disk that takes it (faults.md D4, D6)."""
    id_, title, free = "disk", "磁盘可写和剩余空间", facts.disk_free_bytes
    fix = "清理磁盘或扩容；恢复可写后节点自动继续"
    if facts.disk_fault:
        return Check(id_, title, FAULT, f"不能写入数据目录：{facts.disk_fault}", fix)
    text = f"剩余 {free / 1024**3:.1f} GiB"
    if free < _DISK_FAULT_BYTES:
        return Check(id_, title, FAULT, text, fix)
    if free < min(_DISK_WARN_BYTES, facts.disk_bytes // _DISK_WARN_SHARE):
        return Check(id_, title, WARNING, text, fix)
    return Check(id_, title, OK, text)


def check_database(facts: Facts) -> Check:
    """The engine's own check of its file."""
    id_, title, found = "database", "数据库自检", facts.database
    if found is None:
        fix = facts.database_fix or "核对数据库；仍打不开时由备份恢复"
        return Check(id_, title, FAULT, facts.database_fault or "打不开", fix)
    if found.problems:
        text = f"{len(found.problems)} 处损坏：{'；'.join(found.problems[:_SHOWN])}"
        return Check(id_, title, FAULT, text, "dulian verify；停止节点，由备份恢复")
    return Check(id_, title, OK, f"{found.engine} {found.version} {found.checked}".rstrip())


def check_settings(facts: Facts) -> Check:
    """Settings without which a receipt would promise too much (I2, faults.md C6)."""
    id_, title = "settings", "数据库落盘设置"
    wrong = facts.database.wrong if facts.database else ()
    text = "；".join(f"{name} = {value}" for name, value in wrong)
    return Check(id_, title, FAULT if wrong else OK, text, "恢复数据库的默认设置后重启节点" if wrong else "")


def check_sqlite(facts: Facts) -> Check:
    """Not an SQLite older than what this was tested with."""
    id_, title, found = "sqlite", "数据库版本", facts.database
    if found is None or found.engine != "sqlite":
        return Check(id_, title, SKIPPED if found is None else OK, f"{found.engine} {found.version}" if found else "")
    parts = tuple(int(part) for part in found.version.split(".")[:2])
    old = parts < _SQLITE_OLDEST
    return Check(id_, title, WARNING if old else OK, f"SQLite {found.version}", "升级系统的 SQLite" if old else "")


def check_chains(facts: Facts) -> Check:
    """Hashes, chains, signatures of the records held."""
    id_, title = "chains", "记录的日志链和签名"
    if not facts.scrubbed:
        return Check(id_, title, SKIPPED, _NOT_OPENED)
    if facts.findings:
        shown = "；".join(f"{one['where']} {one['text']}" for one in facts.findings[:_SHOWN])
        fix = "dulian verify；dulian reconcile 由邻居修复"
        return Check(id_, title, FAULT, f"{len(facts.findings)} 处：{shown}", fix)
    return Check(id_, title, OK, "全部" if facts.scrubbed == "all" else "各日志末段；全部核验加 --deep")


def check_board(facts: Facts) -> Check:
    """The board says what the records say (I7)."""
    wrong = facts.board_wrong
    fix = "dulian reconcile（自动重建看板）" if wrong else ""
    text = f"{wrong} 件事项与记录不符" if wrong else ""
    return Check("board", "看板与记录一致", FAULT if wrong else OK, text, fix)


def check_recovering(facts: Facts) -> Check:
    """Rolled back, and not yet recovered (faults.md R1)."""
    if not facts.recovering:
        return Check("recovering", "未处于恢复中", OK, "", "")
    if cause(facts.recovering) == CLONE:
        text = "本单位有两份节点同时运行，两份都已暂停签发"
        fix = "停止并封存其中一份，在留下的一份执行 dulian recover --here"
        return Check("recovering", "未处于恢复中", FAULT, text, fix)
    text = "本机数据曾被回退或分叉，正在取回，暂停签发"
    return Check("recovering", "未处于恢复中", FAULT, text, "保持与上下级联通；进展见 dulian status")


def check_zone(facts: Facts) -> Check:
    """For information: dates are of Beijing whatever the host says (faults.md K3)."""
    note = "" if facts.zone in (_ZONE, "CST") else "（仅供参考：期限一律按北京时间计算，不受影响）"
    return Check("zone", "主机时区", OK, f"{facts.zone or '未知'}{note}")


def check_calendar(facts: Facts) -> Check:
    """The next 400 days are arranged, or due dates there are provisional (faults.md K4)."""
    id_, title = "calendar", "工作日历覆盖今后400天"
    if not facts.calendar_unknown_day:
        return Check(id_, title, OK, f"第 {facts.calendar_version} 版")
    since = iso(facts.calendar_unknown_day * 86_400_000)[:10]
    text = f"{since} 起尚无放假安排，届时的期限为暂定"
    return Check(id_, title, WARNING, text, "国务院办公厅通知发布后，最上级执行 dulian calendar import")


def check_profiles(facts: Facts) -> Check:
    """The rules profile that each open item was opened under is here (faults.md V5)."""
    fix = "dulian reconcile；仍缺的请上级重新发布规则档案"
    return _named("profiles", "在办事项的规则档案", facts.profiles_missing, "缺少规则档案", WARNING, fix)


def check_jobs(facts: Facts) -> Check:
    """What runs once a business date has run (faults.md K6, C8)."""
    id_, title = "jobs", "定时任务"
    late = [job for job in facts.jobs if job.last_day < job.due_day]
    if not late:
        return Check(id_, title, OK, "、".join(job.name for job in facts.jobs))
    text = "；".join(
        f"{job.name} 上次运行 {iso(job.last_day * 86_400_000)[:10] if job.last_day else '无'}" for job in late
    )
    return Check(id_, title, WARNING, text, "启动节点，自动补跑；仍未运行的查看节点日志")


def check_backup(facts: Facts) -> Check:
    """A checked backup that is not old."""
    id_, title, found = "backup", "备份", facts.backup
    fix = "dulian backup 文件；每日备份设配置项 backup_folder"
    if found is None or not found.at_ms:
        return Check(id_, title, WARNING, "没有备份", fix)
    age_ms, text = facts.now_ms - found.at_ms, f"最近一次 {iso(found.at_ms)}"
    if age_ms > _BACKUP_FAULT_MS:
        return Check(id_, title, FAULT, f"{text}，已超过7天", fix)
    if age_ms > _BACKUP_WARN_MS:
        return Check(id_, title, WARNING, f"{text}，已超过36小时", fix)
    return Check(id_, title, OK, text)


def check_evidence(facts: Facts) -> Check:
    """What was refused in the last 24 hours, and frozen logs."""
    id_, title = "evidence", "被拒的记录和冻结的日志"
    said = [f"{label(code)} {count} 次" for code, count in sorted(facts.evidence.items())]
    if facts.frozen:
        text = "；".join([f"{'、'.join(facts.frozen[:_SHOWN])} 的日志因分叉冻结", *said])
        return Check(id_, title, FAULT, text, "按 RUNBOOK 的 fork 一节处置")
    if facts.parked:
        said.append(f"{facts.parked} 本日志被对方拒收，暂停发送")
    return Check(id_, title, WARNING if said else OK, "；".join(said), "dulian status；查明是哪个单位" if said else "")


def check_blobs(facts: Facts) -> Check:
    """Attachments that records name are here (faults.md D7, R7)."""
    fix = "保持与上下级联通，自动重新获取；dulian reconcile"
    return _named("blobs", "附件齐全", facts.blobs_missing, "缺少附件", WARNING, fix)


def check_listen(facts: Facts) -> Check:
    """Children can reach us: somebody listens at the port, and that is us."""
    id_, title = "listen", "监听端口"
    if facts.listening is None:
        return Check(id_, title, SKIPPED, facts.listen)
    if facts.listening == facts.running:
        return Check(id_, title, OK, facts.listen if facts.running else f"{facts.listen} 空闲")
    if facts.running:
        return Check(id_, title, FAULT, f"{facts.listen} 没有应答", "核对 listen 配置和防火墙，重启节点")
    return Check(id_, title, WARNING, f"{facts.listen} 被其他程序占用", "停止占用端口的程序，或改 listen 配置")


def check_ulimit(facts: Facts) -> Check:
    """Enough descriptors for the children."""
    low = facts.files_max < _FILES_WARN
    fix = "systemd 单元中设 LimitNOFILE=65536 后重启" if low else ""
    return Check("ulimit", "可打开的文件数", WARNING if low else OK, str(facts.files_max), fix)


def check_pending(facts: Facts) -> Check:
    """Nobody waits at the door."""
    fix = "电话核对指纹后执行 dulian approve 单位代码"
    return _named("pending", "入网申请", facts.pending, "等待批准", WARNING, fix)


def check_owners(facts: Facts) -> Check:
    """Every open item of this office has a unit (负责人缺失)."""
    fix = "dulian item handle 事项 --unit 机构"
    return _named("owners", "在办事项有承办机构", facts.unowned, "尚未交内设机构承办", WARNING, fix)


def check_alarms(facts: Facts) -> Check:
    """No alarm stands."""
    if not facts.alarms:
        return Check("alarms", "告警", OK)
    text = "；".join(f"[{alarm.code}] {alarm.text}" for alarm in facts.alarms[:_SHOWN])
    more = f"；共 {len(facts.alarms)} 条" if len(facts.alarms) > _SHOWN else ""
    return Check("alarms", "告警", WARNING, text + more, "按安装目录里 RUNBOOK.md 同名章节处置")


def _named(id_: str, title: str, names: tuple[str, ...], what: str, state: str, fix: str) -> Check:
    return Check(id_, title, state, f"{what}：{named(names)}", fix) if names else Check(id_, title, OK)


CHECKS: tuple[Callable[[Facts], Check], ...] = (
    check_home_mode, check_key_mode, check_disk, check_ulimit, check_database, check_settings, check_sqlite,
    check_chains, check_board, check_recovering, check_blobs, check_evidence, *doctor_links.CHECKS, check_listen,
    check_zone, check_calendar, check_profiles, check_jobs, check_backup, check_pending, check_owners, check_alarms,
)  # fmt: skip


class Report(NamedTuple):
    """All checks of a node."""

    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """Nothing found."""
        return all(check.state in (OK, SKIPPED) for check in self.checks)

    def document(self, facts: Facts) -> dict[str, object]:
        """The JSON document of `doctor`."""
        return {
            "ok": self.healthy, "office": facts.office, "running": facts.running, "deep": facts.deep,
            "checks": [check._asdict() for check in self.checks],
        }  # fmt: skip


def examine(facts: Facts) -> Report:
    """All checks, in their order; what stands in a database that could not be opened is 未查, never 正常."""
    made = (check(facts) for check in CHECKS)
    if facts.database is not None:
        return Report(tuple(made))
    return Report(tuple(
        one if one.id in _AT_THE_EDGE else Check(one.id, one.title, SKIPPED, _NOT_OPENED) for one in made
    ))  # fmt: skip
