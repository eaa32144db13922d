"""Whom a result is sent to afterwards: proposed once, closed by a person (R72, R77, R86)."""

from __future__ import annotations

from datetime import datetime

from node.clock import SHANGHAI
from node.records.kinds import Kind
from node.services.routine.informing import concerns
from node.services.routine.routines import REPLACED, closings
from tests.sim.test_smoke import COUNTY, run
from tests.unit.test_proposals import Desk
from tests.unit.test_routines import ME, PROFILES, TASK, day, found, news, on, task, through

ORDER = task(state="accepted", work_line="order")


def test_a_result_is_to_be_sent_on_once_by_the_chain_that_fits_best() -> None:
    """R72: 县长、常务副县长、分管副县长、办主任, after the feedback on an order was accepted, and nobody else's."""
    accepted = news((Kind.FINAL, "2026-12-09"), (Kind.ACCEPT, "2026-12-10"))
    past = through("2026-12-08", "2026-12-31", ORDER, profile="county-003", said=accepted)
    [one] = [one for one in past if one.kind == "inform"]
    assert one.day == day("2026-12-10")
    assert one.text == (
        "县长督办令反馈汇总（2026-12-10）：报送、抄送县长、常务副县长、所督办事项的分管副县长、县政府办主任"
    )
    assert "规则county-003/1 chains.accept.order" in one.grounds
    assert "经县政府督查室汇总后向县长" in one.grounds
    assert not on(found("2026-12-20", ORDER, profile="county-003", said=accepted), "inform")  # old news
    assert not on(found("2026-12-10", ORDER, profile="base-004", said=accepted), "inform")
    plain = ORDER._replace(work_line="handling")
    assert not on(found("2026-12-10", plain, profile="county-003", said=accepted), "inform")
    # A person closes it; a newer report takes the place of an older one.
    row = task(item_class="key", state="active")
    [old] = [one for one in found("2026-12-10", row, profile="liupanshui-002", said=news((Kind.PROGRESS, "2026-12-10")))
             if one.kind == "inform"]  # fmt: skip
    assert "报送、抄送政府分管领导、秘书长（办公室主任）、政府主要领导" in old.text
    assert closings([old], [], {TASK: ORDER}, accepted, ME, 7) == []
    more = news((Kind.PROGRESS, "2026-12-10"), (Kind.PROGRESS, "2026-12-12"))
    [new] = [one for one in found("2026-12-12", row, profile="liupanshui-002", said=more) if one.kind == "inform"]
    assert [one.done for one in closings([old], [new], {TASK: row}, more, ME, 7)] == [REPLACED]


def test_only_what_changed_lately_is_looked_at() -> None:
    now_ms = int(datetime(2026, 12, 10, 8, tzinfo=SHANGHAI).timestamp() * 1000)
    fresh = ORDER._replace(updated_ms=now_ms - 86_400_000)
    for row, profile, seen in ((fresh, "county-003", True), (ORDER, "county-003", False), (fresh, "base-004", False),
                               (fresh._replace(subject="side"), "county-003", False),
                               (fresh._replace(flags=4), "county-003", False)):  # fmt: skip
        assert concerns(PROFILES[profile], ME, row, now_ms) == seen


def test_todo_done_closes_it() -> None:
    """R86: a monthly report that came in is to be sent on; a person says it was, and it is not proposed again."""
    desk = Desk()
    run(desk.city, "rules.publish", shipped="liupanshui-002")
    made = run(desk.city, "item.issue", title="重点工作", to=[COUNTY], due="2027-06-30", **{"class": "key"})
    desk.wire.settle()
    item = str(made["assignments"][0]["item"])
    run(desk.county, "item.sign", item=item)
    parts = ["1=完成三项", "2=缺资金", "3=追加预算"]
    run(desk.county, "item.report", item=item, text="十一月情况", percent=30, part=parts)
    [told] = [row for row in desk.go("2026-11-23T08:00:00") if row["kind"] == "inform"]
    assert (told["kind_label"], told["item"]["id"], told["carried_by"]) == ("报送抄送", item, None)
    run(desk.city, "todo.done", n=[told["id"]], reason="已报送")
    for when in ("2026-11-24T08:00:00", "2026-11-25T08:00:00"):
        assert "inform" not in {row["kind"] for row in desk.go(when)}
