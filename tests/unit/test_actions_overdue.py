"""What is offered for a task that is overdue: it is when it is overdue that supervision is sought (R16, R97, R105)."""

from __future__ import annotations

from typing import Any

from node.services.matters.desk import Caller
from node.services.views.actions import item_actions
from node.services.views.browse import View
from tests.unit.offices import CITY, Offices


def test_an_overdue_task_is_still_put_on_a_list_and_what_stands_in_the_way_of_an_order_is_said() -> None:
    offices = Offices()
    own, (task,) = offices.issue(offices.province, [CITY])
    offices.later(150)

    def view() -> View:
        return offices.province.office.view()._replace(caller=Caller("王某", roles=("supervisor",)))

    def asked() -> Any:
        return item_actions(offices.province.store.reader(), view(), {"item": task})

    shown = asked()
    offered = {one["id"] for one in shown["actions"]}
    assert {"urge", "rectify", "notice.criticise"} <= offered
    (whom,) = [field for one in shown["actions"] if one["id"] == "notice.criticise" for field in one["fields"]
               if field["name"] == "to"]  # fmt: skip
    assert [(one["value"], one["label"]) for one in whom["choices"]] == [(CITY, view().name_of(CITY))]
    why = {one["id"]: one["why"] for one in shown["unavailable"]}
    for name in ("order", "change"):
        assert "新时限晚于上级事项" in why[name]
    offices.do(offices.province, "change", own, due="2027-12-31", reason="重新安排")
    assert {"order", "change"} <= {one["id"] for one in asked()["actions"]}


def test_nobody_is_urged_by_a_record_that_stays_at_home() -> None:
    """R16: on the own item of tasks below a 催办 would be read by nobody; the tasks are named."""
    offices = Offices()
    own, (task,) = offices.issue(offices.province, [CITY])
    number = offices.show(offices.province, task)["number"]
    assert number in offices.refused(offices.province, "urge", own, text="请抓紧")
    view = offices.province.office.view()._replace(caller=Caller("王某", roles=("supervisor",)))
    shown: Any = item_actions(offices.province.store.reader(), view, {"item": own})
    assert "urge" not in {one["id"] for one in shown["actions"]}
    offices.do(offices.province, "urge", task, text="请抓紧")
    assert offices.province.store.board([bytes.fromhex(task)])[0].urges == 1
