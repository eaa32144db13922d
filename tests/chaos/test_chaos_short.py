"""The short version of `make chaos`: the same tree, storms, scenes and checks, every class of fault once at least."""

from __future__ import annotations

import json

import pytest

from tests.chaos.campaign import Plan, campaign
from tests.chaos.points import ALL, SCENE_POINTS

SHORT = Plan(2, 11, 25.0, ("restore", "clone"), pace=0.6, disks=1)


@pytest.mark.timeout(600)  # about a minute on an idle machine; others may share it
def test_whatever_dies_nothing_acknowledged_is_lost_and_all_agree() -> None:
    """C1, C3, D4-D6, N7, R1, R3 and a killed database server (faults.md), over real processes."""
    told: list[str] = []
    found = campaign(7, SHORT, told.append)
    assert found["breaches"] == [], json.dumps(found, ensure_ascii=False, indent=1)
    kills, faults = found["kills"], found["faults"]
    assert sum(kills.values()) >= 15, kills
    assert kills["point"] >= 2, kills
    assert kills["random"] >= 2, kills
    assert set(found["points"]) <= set(ALL)
    assert set(found["points"]) & set(SCENE_POINTS), "a restore was killed"
    assert {"restored_from_old_backup", "cloned"} <= set(faults), faults
    assert any(name.startswith("link_") for name in faults), faults
    assert any(name.startswith("disk_") for name in faults), faults
    assert any(name.startswith("database_") for name in faults if name != "database_kills"), faults
    assert found["figures"]["checks"] == 2
    assert found["figures"]["acknowledged"] > 30
