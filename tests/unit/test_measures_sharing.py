"""转送: lead and assistants read each other's reports through the issuer, verified or 未确认 (R33)."""

from __future__ import annotations

from typing import Any

import pytest

from node.records.envelope import Envelope
from node.records.kinds import Kind
from node.records.payload import Enclosure
from node.services.matters.desk import current
from tests.unit.offices import COUNTY, DUE, TOWN, Offices


@pytest.fixture
def offices() -> Offices:
    return Offices()


def enclosed(offices: Offices, machine: Any, task: str) -> list[dict[str, Any]]:
    return [one for entry in offices.show(machine, task)["timeline"] for one in entry.get("enclosed", [])]


def issue(offices: Offices) -> tuple[str, str, str]:
    made = offices.do(offices.city, "issue", title="联合执法", to=[COUNTY, TOWN], lead=COUNTY, due=DUE)
    lead, assistant = (one["item"] for one in made["assignments"])
    offices.do(offices.county, "sign", lead)
    offices.do(offices.town, "sign", assistant)
    return made["item"], lead, assistant


def test_each_report_reaches_the_other_side_once(offices: Offices) -> None:
    """R33: whole, signed by its author, verified by the reader; not twice, not after a restart."""
    _, lead, assistant = issue(offices)
    offices.do(offices.town, "report", assistant, text="已清查十户", percent=40)
    [one] = enclosed(offices, offices.county, lead)
    assert one["author"] == TOWN
    assert (one["kind_label"], one["text"], one["confirmed"]) == ("进展", "[40%] 已清查十户", True)
    assert enclosed(offices, offices.town, assistant) == []
    offices.do(offices.county, "report", lead, text="牵头情况", percent=50)
    assert [one["text"] for one in enclosed(offices, offices.town, assistant)] == ["[50%] 牵头情况"]
    offices.do(offices.town, "submit", assistant, text="协办完毕")
    offices.later(1)
    offices.settle()
    assert [one["kind_label"] for one in enclosed(offices, offices.county, lead)] == ["进展", "办结报告"]
    assert len(offices.tracks(offices.county, lead)["enclosed"]) == 2
    offices.agreed()


def test_a_crash_between_report_and_enclosure_loses_nothing(offices: Offices) -> None:
    """The groups with open tasks are looked at again after a start; what was sent is not sent twice."""
    _, lead, assistant = issue(offices)
    offices.do(offices.town, "report", assistant, text="第一次")
    city = offices.city.office
    assert not city.sharing.waits
    city.sharing.scan(offices.city.store)
    assert city.sharing.waits
    before = offices.city.store.record_count()
    offices.settle()
    assert offices.city.store.record_count() == before
    assert len(enclosed(offices, offices.county, lead)) == 1


def test_offices_without_a_lead_see_nothing_of_each_other(offices: Offices) -> None:
    """分别办理: nobody assists anybody."""
    _, [county, town] = offices.issue(offices.city, [COUNTY, TOWN])
    offices.do(offices.town, "report", town, text="已清查")
    assert enclosed(offices, offices.county, county) == []


def test_what_cannot_be_verified_is_shown_as_such(offices: Offices) -> None:
    """A forged enclosure gives no words, and is said to be unconfirmed."""
    _, lead, assistant = issue(offices)
    offices.do(offices.town, "report", assistant, text="真实情况")
    office = offices.city.office

    def forge() -> None:
        state = current(office.desk, lead)
        row = next(row for row in offices.city.store.run(1, 0, 1, 1_000_000))
        forged = Envelope(row.header, b"x" * len(row.signature), row.salt, row.payload)
        broken = Envelope(b"no header", b"x", b"", b"")
        assert state.line is not None
        office.author.write(Kind.ENCLOSE, state.line, Enclosure("", "", (forged, broken)), item=state.item_id)

    offices.wire.step(offices.city, forge)
    offices.settle()
    shown = enclosed(offices, offices.county, lead)
    assert [one["confirmed"] for one in shown] == [True, False, False]
    assert [one["text"] for one in shown[1:]] == ["", ""]
