"""The county of seed 003: its offices, its people in their posts, its calendar and rules."""

from __future__ import annotations

from typing import Any

from tests.sim.stories.harness import Story

CITY, COUNTY, LEAD, NEAR, FAR = "410300", "410326", "410326-mzj", "410326100", "410326101"
TREE = {CITY: "", COUNTY: CITY, LEAD: COUNTY, NEAR: COUNTY, FAR: COUNTY}
POSTS = {
    "主任": ("organ.head",), "办主任": ("office.head",), "分管": ("leader.supervision",),
    "常务": ("leader.executive",), "县长": ("leader.head",), "批示": ("leader.instructing",),
    "事项分管": ("leader.matter",), "副主任": ("office.deputy",), "相关": ("leader.related",),
}  # fmt: skip


def county(start: str) -> Story:
    """The tree with the calendar of 2026, the county's rules and its people."""
    story = Story(TREE, start)
    story.publish_calendar()
    story.publish(COUNTY, "county-003")
    for name, posts in POSTS.items():
        story.hire(COUNTY, name, *posts)
    story.hire(COUNTY, "承办")
    return story


def course_of(story: Story, item: str) -> list[tuple[str, str]]:
    """(kind, business date) of every record of an item, in order."""
    entries: list[dict[str, Any]] = story.show(COUNTY, item)["timeline"]
    return [(entry["kind_label"], entry["recorded_at"][:10]) for entry in entries]


def steps_told(story: Story, item: str) -> list[str]:
    """What the daily routine of the county says of the steps of an own item (环节时限)."""
    story.routine(COUNTY)
    return [one["text"] for one in story.proposed(COUNTY, item, "step")]
