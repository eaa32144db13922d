"""Every check of `doctor` over gathered values: silent on a healthy node, and each fault found by its own check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from node.services.care.doctor import CHECKS, examine
from node.services.care.doctor_check import FAULT, OK, SKIPPED, WARNING
from node.services.care.doctor_facts import Backup, Certificate, Facts, File, Job, Linked, Parent
from node.services.mending.comeback import CLONE, CLONES, cause
from node.storage.inspect import Database
from node.storage.port import Alarm
from node.wire.probe import LAYERS
from tests.conftest import ROOT

NOW = 1_790_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
GIB = 1024**3
LINK = Linked("320500", "child", "synced", True, NOW, NOW - HOUR, 0, 0, "", "0.1.0", (1, 2), 0)
DATABASE = Database("sqlite", "3.45.1", (), (), "quick_check", "0002", 2)
HEALTHY = Facts(
    NOW, running=True, deep=False, office="320000", uid=7, home="h",
    files=(File("h", 0o700, 7, 0o700), File("h/keys/record.key", 0o600, 7, 0o600)),
    disk_free_bytes=50 * GIB, disk_bytes=100 * GIB, database=DATABASE, scrubbed="tail",
    certificates=(Certificate("a", NOW + 100 * DAY, True, False),), parent=Parent("10.1.1.1:7600", "", ""),
    console=Certificate("c", NOW + 31 * DAY, True, False),
    links=(LINK,), skew_ms=120, zone="Asia/Shanghai", calendar_version=3, jobs=(Job("routines", 20_000, 20_000),),
    backup=Backup("/b", NOW - HOUR), listen="127.0.0.1:7600", listening=True, files_max=65_536,
)  # fmt: skip

# (what is wrong, the check that finds it, its state)
FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"files": (File("h", 0o750, 7, 0o700),)}, "home_mode", FAULT),
    ({"files": (File("h", 0o700, 8, 0o700),)}, "home_mode", FAULT),
    ({"files": (File("k", 0o640, 7, 0o600),)}, "key_mode", FAULT),
    ({"files": (File("k", 0, 0, 0o600),)}, "key_mode", FAULT),
    ({"disk_fault": "磁盘为只读"}, "disk", FAULT),
    ({"disk_free_bytes": 100 * 1024**2}, "disk", FAULT),
    ({"disk_free_bytes": GIB}, "disk", WARNING),
    ({"files_max": 1_024}, "ulimit", WARNING),
    ({"database": None, "database_fault": "锁住"}, "database", FAULT),
    ({"database": DATABASE._replace(problems=("row 1 missing",))}, "database", FAULT),
    ({"database": DATABASE._replace(wrong=(("synchronous", "1"),))}, "settings", FAULT),
    ({"database": DATABASE._replace(version="3.34.0")}, "sqlite", WARNING),
    ({"findings": ({"code": "gap", "where": "甲", "text": "缺号"},)}, "chains", FAULT),
    ({"board_wrong": 2}, "board", FAULT),
    ({"recovering": "rollback"}, "recovering", FAULT),
    ({"blobs_missing": ("ab12",)}, "blobs", WARNING),
    ({"evidence": {"bad_signature": 3}}, "evidence", WARNING),
    ({"frozen": ("320500 第1纪元",)}, "evidence", FAULT),
    ({"parked": 1}, "evidence", WARNING),
    ({"certificates": (Certificate("a", NOW - 1, True, True),)}, "certificates", FAULT),
    ({"certificates": (Certificate("a", NOW + 100 * DAY, False, False),)}, "certificates", FAULT),
    ({"certificates": (Certificate("a", NOW + 20 * DAY, True, True),)}, "certificates", WARNING),
    ({"certificates": (Certificate("a", NOW + 3 * DAY, True, True),)}, "certificates", FAULT),
    ({"console": Certificate("c", NOW + 29 * DAY, True, False)}, "console", WARNING),
    ({"console": Certificate("c", NOW + 29 * DAY, True, True)}, "console", WARNING),
    ({"console": Certificate("c", NOW + 6 * DAY, True, False)}, "console", FAULT),
    ({"console": Certificate("c", NOW - 1, True, True)}, "console", FAULT),
    ({"console": Certificate("c", 0, False, False)}, "console", FAULT),
    ({"links": (LINK._replace(as_of_ms=NOW - 37 * HOUR),)}, "children", WARNING),
    ({"links": (LINK._replace(as_of_ms=0),)}, "children", WARNING),
    ({"links": (LINK._replace(as_of_ms=NOW - HOUR),), "fresh_ms": HOUR - 1}, "children", WARNING),
    ({"links": (LINK._replace(own_ahead=3),)}, "heads", FAULT),
    ({"skew_ms": 61_000}, "clock", WARNING),
    ({"skew_ms": -301_000}, "clock", FAULT),
    ({"links": (LINK._replace(to_send=4, oldest_unsent_ms=NOW - 2 * HOUR),)}, "outbox", WARNING),
    ({"links": (LINK._replace(quarantined="分叉"),)}, "quarantined", WARNING),
    ({"links": (LINK._replace(protocols=(1, 1)),)}, "versions", WARNING),
    ({"over_quota": ("320500",)}, "quota", WARNING),
    ({"listening": False}, "listen", FAULT),
    ({"running": False}, "listen", WARNING),
    ({"calendar_unknown_day": 20_800}, "calendar", WARNING),
    ({"profiles_missing": ("320000-2026-0001",)}, "profiles", WARNING),
    ({"jobs": (Job("routines", 19_998, 20_000),)}, "jobs", WARNING),
    ({"backup": None}, "backup", WARNING),
    ({"backup": Backup("/b", NOW - 40 * HOUR)}, "backup", WARNING),
    ({"backup": Backup("/b", NOW - 8 * DAY)}, "backup", FAULT),
    ({"pending": ("320500",)}, "pending", WARNING),
    ({"unowned": ("1",)}, "owners", WARNING),
    ({"alarms": (Alarm("fork", "x", "分叉", 0),)}, "alarms", WARNING),
    *(({"parent": Parent("10.1.1.1:7600", layer, "原因")}, "parent", FAULT) for layer in LAYERS),
]  # fmt: skip


def test_a_healthy_node_has_nothing_found() -> None:
    report = examine(HEALTHY)
    assert report.healthy, [check for check in report.checks if check.state not in (OK, SKIPPED)]
    assert not any(check.fix for check in report.checks)
    assert report.document(HEALTHY)["ok"] is True


@pytest.mark.parametrize(("wrong", "id_", "state"), FAULTS, ids=[f"{id_}-{n}" for n, (_, id_, _) in enumerate(FAULTS)])
def test_a_fault_is_found_by_its_check_alone_and_says_what_to_do(wrong: dict[str, Any], id_: str, state: str) -> None:
    facts = replace(HEALTHY, **wrong)
    checks = {check.id: check for check in examine(facts).checks}
    assert checks[id_].state == state
    assert checks[id_].cause
    assert checks[id_].fix
    others = {check.id for check in checks.values() if check.state in (WARNING, FAULT)} - {id_}
    assert others == set(), others
    assert not examine(facts).healthy


def test_the_time_zone_of_the_host_is_for_information_only() -> None:
    """Dates are of Beijing, whatever the host says (faults.md K3)."""
    report = examine(replace(HEALTHY, zone="Etc/UTC"))
    (zone,) = [check for check in report.checks if check.id == "zone"]
    assert (zone.state, report.healthy, "Etc/UTC" in zone.cause) == (OK, True, True)


def test_a_stopped_node_is_judged_by_what_can_be_seen() -> None:
    facts = replace(HEALTHY, running=False, listening=False, skew_ms=None, parent=None, links=())
    assert examine(facts).healthy


def test_of_a_database_that_was_not_opened_nothing_is_called_good() -> None:
    """An auditor read 附件齐全 正常 of a database that a newer program had made; the remedy is the refusal's own."""
    facts = replace(HEALTHY, database=None, scrubbed="", backup=None, database_fault="较新", database_fix="升级程序")
    checks = {check.id: check for check in examine(facts).checks}
    seen = {"home_mode", "key_mode", "disk", "ulimit", "console", "listen", "zone"}
    assert {id_ for id_, check in checks.items() if check.state == OK} == seen
    assert (checks["database"].state, checks["database"].cause, checks["database"].fix) == (FAULT, "较新", "升级程序")
    assert {check.state for id_, check in checks.items() if id_ not in {"database", *seen}} == {SKIPPED}


def test_every_check_has_a_fault_above_and_a_line_in_the_documentation() -> None:
    ids = {check.id for check in examine(HEALTHY).checks}
    assert len(ids) == len(CHECKS)
    assert ids - {id_ for _, id_, _ in FAULTS} == {"zone"}
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [id_ for id_ in ids if f"`{id_}`" not in text] == []


@pytest.mark.parametrize("how", sorted(CLONES))
def test_two_copies_are_called_so_however_the_other_was_heard_of(how: str) -> None:
    """R3: `doctor` and `status` do not speak of a rollback, nor of how this copy has learnt of the other."""
    found = next(check for check in examine(replace(HEALTHY, recovering=how)).checks if check.id == "recovering")
    assert (found.state, "两份节点" in found.cause, "recover --here" in found.fix) == (FAULT, True, True)
    assert cause(how) == CLONE
    assert [cause(other) for other in ("", "rollback", "fork")] == ["", "rollback", "fork"]
