"""环节时限: 拟办, 立项, 方案, 督查通知 and 通报 are spoken of before their limit, once after it, and end when done."""

from __future__ import annotations

import pytest

from tests.sim.stories.harness import Story

COUNTY, TOWN = "410326", "410326101"


@pytest.fixture
def story() -> Story:
    """A county by seed 003 on a Monday."""
    made = Story({COUNTY: "", TOWN: COUNTY}, "2026-09-14")
    made.publish_calendar()
    made.publish(COUNTY, "county-003")
    for name, post in (("主任", "organ.head"), ("办主任", "office.head"), ("分管", "leader.supervision"),
                       ("常务", "leader.executive"), ("相关", "leader.related")):  # fmt: skip
        made.hire(COUNTY, name, post)
    made.hire(COUNTY, "承办")
    return made


def steps(story: Story, day: str = "") -> list[str]:
    """What `todo` says of steps, on a later morning."""
    if day:
        story.at(day)
    story.routine(COUNTY)
    return sorted(row["text"] for row in story.proposed(COUNTY, kind="step"))


def test_proposal_in_two_and_set_up_in_three_working_days(story: Story) -> None:
    """R48, R49, A6: both from 登记; told the working day before, then that it has passed; over when done."""
    item = story.do(COUNTY, "item.register", "承办", title="群众来信", source="handling.instruction")["item"]
    assert steps(story) == []
    assert steps(story, "2026-09-15") == ["提出拟办意见：应于2026-09-16前"]
    assert steps(story, "2026-09-16") == ["提出拟办意见：应于2026-09-16前", "领导批示正式立项查办：应于2026-09-17前"]
    assert steps(story, "2026-09-17") == [
        "提出拟办意见：应于2026-09-16前，已过期", "领导批示正式立项查办：应于2026-09-17前",
    ]  # fmt: skip
    [late] = [row for row in story.proposed(COUNTY, kind="step") if "已过期" in row["text"]]
    assert "规则county-003/1 handling.propose" in late["grounds"]
    assert "于 2 个工作日内提出拟办意见" in late["grounds"]
    story.do(COUNTY, "item.propose", "承办", item=item, text="拟转办")
    assert steps(story, "2026-09-18") == ["领导批示正式立项查办：应于2026-09-17前，已过期"]
    story.approve(COUNTY, item, "主任", "分管", "办主任")
    assert steps(story, "2026-09-21") == []
    assert story.routine(COUNTY) == []


def test_plan_in_three_announced_in_two_and_notice_in_one(story: Story) -> None:
    """R40, R41, R45: 方案 3 工作日, 督查通知 2 工作日 after its approval, 通报 1 工作日 after the 专题报告."""
    item = story.do(COUNTY, "item.register", "承办", title="会议落实", source="decision.meeting")["item"]
    assert steps(story, "2026-09-16") == ["制定督查方案：应于2026-09-17前"]
    story.do(COUNTY, "item.establish", "承办", item=item)
    story.do(COUNTY, "item.plan", "承办", item=item, text="分两组")
    assert steps(story, "2026-09-17") == []
    story.approve(COUNTY, item, "主任", "办主任", "常务")
    assert steps(story, "2026-09-18") == ["印发督查通知：应于2026-09-20前"]  # a Sunday that is worked
    story.do(COUNTY, "item.assign", "承办", item=item, to=[TOWN], due="2026-10-30")
    assert steps(story, "2026-09-20") == []
    story.case(COUNTY, "承办", "special", item, "主任", "办主任", "相关", text="专题报告")
    story.do(COUNTY, "item.special", "承办", item=item, title="专题报告")
    assert steps(story, "2026-09-21") == ["印发政府督查通报：应于2026-09-21前"]
    story.do(COUNTY, "item.notice", "承办", item=item, praise=True, text="通报表扬")
    assert steps(story, "2026-09-22") == []


def test_only_the_own_items_of_the_office_have_steps(story: Story) -> None:
    """A task that was received, an approval case and what has been declined are left alone."""
    item = story.do(COUNTY, "item.register", "承办", title="不属督查", source="handling.instruction")["item"]
    assert steps(story, "2026-09-15") != []
    story.do(COUNTY, "item.decline", "承办", item=item, reason="不属督查范围")
    assert steps(story, "2026-09-16") == []
    story.routine(TOWN)
    assert story.proposed(TOWN, kind="step") == []
