"""帮助: every word of the product has its entry; ? links lead somewhere; the first task checks itself off (R125)."""

import re
from pathlib import Path

import node.web
from node.cli.show_item import EFFECTS
from node.items import fold
from node.items.lifecycle import STATE_LABELS
from node.items.lights import LIGHT_LABELS
from node.rules.words import COLOURS
from node.services.access.rights import ROLES
from node.services.care.alarm_codes import ALARMS
from node.services.mending.statements import LABELS as OUTCOMES
from node.services.views.truth import LABELS as KNOWN
from node.web.pages import help_words as said
from node.web.pages.links import STATES
from node.web.wording import plain
from tests.web.desk import PEOPLE, Desk

TEMPLATES = Path(node.web.__file__).parent / "templates"
_HELP = re.compile(r"ui\.help\(\"([a-z-]+)\"|href=\"/help#([a-z-]+)\"")


def test_every_word_of_the_product_has_its_entry_and_no_other() -> None:
    for texts, labels in (
        (said.STATES, STATE_LABELS), (said.LIGHTS, LIGHT_LABELS), (said.COLOURS, COLOURS), (said.KNOWN, KNOWN),
        (said.LINKS, STATES), (said.OUTCOMES, OUTCOMES), (said.ROLES, ROLES),
    ):  # fmt: skip
        assert set(texts) == set(labels)
        assert all(len(text) > 4 for text in texts.values())
    assert set(said.EFFECTS) == {fold.APPLIED, *EFFECTS}
    for name, word in EFFECTS.items():
        assert said.EFFECTS[name][0] in (word, "未识别"), name


def test_the_page_has_them_all_and_every_question_mark_leads_there(desk: Desk) -> None:
    page = desk.sign_in("孙查阅").page("/help")
    anchors = {str(tag["id"]) for tag in page.select("[id]")}
    text = page.get_text()
    for label in (*STATE_LABELS.values(), *LIGHT_LABELS.values(), *KNOWN.values(), *ROLES.values(), "无效", "未识别"):
        assert label in text, label
    assert {f"alarm-{code}" for code in ALARMS} <= anchors
    assert all(plain(known.ends) in text and known.title in text for known in ALARMS.values())
    for template in TEMPLATES.rglob("*.html"):
        for match in _HELP.finditer(template.read_text("utf-8")):
            assert (match[1] or match[2]) in anchors, (template.name, match[0])


def test_the_first_task_by_role_checks_itself_off(desk: Desk) -> None:
    for name, (role, _) in PEOPLE.items():
        guide = desk.sign_in(name).page("/help").select_one("#first")
        assert guide is not None
        assert [head.get_text() for head in guide.select("h3")] == [ROLES[role]]
        assert guide.select("ol.steps li a"), role
    before = desk.sign_in("王督查").page("/help").select("#first li.done-step")
    desk.item("第一件事项")
    after = desk.sign_in("王督查").page("/help").select("#first li.done-step")
    assert len(after) > len(before)
    paths = {page.path for page in desk.console.pages}
    for name in PEOPLE:
        browser = desk.sign_in(name)
        for link in browser.page("/help").select("#first li a"):
            assert link["href"] in paths
            assert browser.get(str(link["href"])).status_code == 200, (name, link["href"])
