"""Seed 003 over the turn of the year: 15 工作日 counted before the calendar of 2027 is known, and 变更 when it comes.

A2, A19, R51, R125: the due date is the declaration's, 暂定 until the calendar has come; a person changes it.
"""

from __future__ import annotations

from base64 import b64encode

from tests.sim.stories.county import CITY, COUNTY, LEAD, NEAR, county
from tests.sim.stories.harness import Story

# Invented: nobody knows 2027 yet.
NOTICE = (
    ("2027-01-01", "放假", "元旦"), ("2027-01-04", "放假", "元旦"), ("2027-01-09", "上班", "元旦"),
    ("2027-02-05", "放假", "春节"), ("2027-04-05", "放假", "清明节"), ("2027-05-03", "放假", "劳动节"),
    ("2027-06-09", "放假", "端午节"), ("2027-09-15", "放假", "中秋节"), ("2027-10-01", "放假", "国庆节"),
)  # fmt: skip


def notice() -> str:
    rows = [("日期", "类型", "节日"), *NOTICE]
    return b64encode("\r\n".join(",".join(row) for row in rows).encode()).decode()


def dispatched(story: Story, title: str, office: str) -> str:
    """A 督查函 after 拟办 and 立项, with 15 工作日; the task."""
    made = story.do(COUNTY, "item.register", "承办", title=title, source="handling.other")
    story.do(COUNTY, "item.propose", "承办", item=made["item"], text="拟转办")
    story.approve(COUNTY, made["item"], "主任", "分管", "办主任")
    [task] = story.do(COUNTY, "item.assign", "承办", item=made["item"], to=[office], form="转办")["assignments"]
    story.do(office, "item.sign", item=task["item"])
    return str(task["item"])


def test_a_limit_over_the_turn_of_the_year_is_provisional_until_the_calendar_comes() -> None:
    story = county("2026-12-21")
    task = dispatched(story, "化工企业异味", LEAD)
    early = dispatched(story, "路灯不亮", NEAR)
    # 22-25, 28-31 December; then Monday to Friday as long as nobody knows better: 1, 4-8, 11 January.
    shown = story.same_everywhere(task, due="2027-01-11", light="green")
    assert shown["terms"]["provisional"] is True
    first = "办结时限：2027年1月11日（星期一）（暂定）。"
    assert first in story.do(LEAD, "rules.explain", item=task)["steps"]
    assert [one["provisional"] for one in story.ask(LEAD, "item.list") if one["id"] == task] == [True]
    story.do(NEAR, "item.submit", item=early, text="已修复")
    story.case(COUNTY, "承办", "accept", early, "主任", "分管", "办主任", "批示")
    story.do(COUNTY, "item.accept", "承办", item=early)
    story.at("2026-12-28")
    before = story.records()
    story.refused(COUNTY, "calendar.import", None, f"请 {CITY} 发布", file_base64=notice())
    assert story.records() == before
    assert story.do(CITY, "calendar.import", file_base64=notice())["version"] == 2
    for office in story.offices:
        assert story.ask(office, "calendar.show", year=2027)["provisional"] is False
    # The date stands until its issuer changes it, equally everywhere; what is done is left alone.
    story.same_everywhere(task, due="2027-01-11", light="green")
    [moved] = story.ask(COUNTY, "calendar.differences")
    assert (moved["item"], moved["due"], moved["new_due"]) == (task, "2027-01-11", "2027-01-12")
    assert moved["rule"] == "county-003/1/handling.finish"
    assert story.ask(LEAD, "calendar.differences") == []
    [proposal] = story.proposed(COUNTY, task, "calendar")
    assert "应由 2027年1月11日" in proposal["text"]
    story.refused(LEAD, "item.change", None, "变更", item=task, due="2027-01-12", reason="自行变更")
    story.do(COUNTY, "item.change", "承办", item=task, due=moved["new_due"], reason="工作日历第2版")
    shown = story.same_everywhere(task, due="2027-01-12", light="green")
    assert shown["provisional"] is False
    assert story.ask(COUNTY, "calendar.differences") == []
    # How the first date was counted, by what was known then, is still told.
    told = story.do(LEAD, "rules.explain", item=task)
    assert told["provisional"] is False
    assert first in told["steps"]
    later = [line for line in told["steps"] if "2027年1月12日" in line]
    assert [line[:8] for line in later] == ["按现行工作日历应", "变更后：2027", "现行办结时限：2"]
    story.at("2026-12-29")
    story.routine(COUNTY)
    assert story.proposed(COUNTY, task, "calendar") == []
    # Saturday 9 January is worked: four working days are left on the 7th, three on the 8th, at every node.
    story.at("2027-01-07")
    story.same_everywhere(task, light="green")
    story.at("2027-01-08")
    story.same_everywhere(task, light="yellow")
    story.at("2027-01-13")
    story.same_everywhere(task, due="2027-01-12", light="yellow")  # in principle only: never red (A14)
    late = dispatched(story, "河道垃圾", NEAR)
    assert story.same_everywhere(late, due="2027-02-03")["terms"]["provisional"] is False
    story.agreed()
