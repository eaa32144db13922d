"""The city of seed 002 with its counties, bureau and town, for the stories of 六盘水府发〔2016〕7号."""

from __future__ import annotations

from tests.sim.stories.harness import Story

CITY, COUNTY, OTHER, BUREAU, TOWN = "520200", "520221", "520222", "520200-fgw", "520221101"
TREE = {CITY: "", COUNTY: CITY, OTHER: CITY, BUREAU: CITY, TOWN: COUNTY}
RULES = "规则 liupanshui-002/1"
LEVELS = (
    "政府部门工作人员", "科（股）室负责人", "部门分管负责同志", "部门主要负责同志", "政府分管领导", "政府主要领导",
)  # fmt: skip
LEADERS = ["政府分管领导=王副市长", "政府主要领导=李市长"]
PARTS = ["1=完成三成，做法是分片包干", "2=征地滞后", "3=请市自然资源局协调"]


def city(start: str) -> Story:
    """City, county and bureau go by the document; the town has the default."""
    story = Story(TREE, start)
    story.publish_calendar()
    for office in (CITY, COUNTY, BUREAU):
        story.publish(office, "liupanshui-002")
    story.hire(CITY, "市长", "leader.head")
    story.hire(CITY, "分管副市长", "leader.matter")
    story.hire(CITY, "督查员")
    return story


def sign(story: Story, made: dict[str, object]) -> list[str]:
    """Everybody signs what was assigned; the tasks."""
    tasks = []
    for one in made["assignments"]:  # type: ignore[attr-defined]
        story.do(one["to"], "item.sign", item=one["item"])
        tasks.append(str(one["item"]))
    return tasks


def close(story: Story, issuer: str, task: str) -> None:
    """复核确认 and only then 销号 (R97)."""
    story.do(issuer, "item.accept", item=task)
    story.refused(issuer, "item.close", says=f"{RULES} closing", item=task)
    story.do(issuer, "item.verify", item=task, passed=True)
    story.do(issuer, "item.close", item=task)
