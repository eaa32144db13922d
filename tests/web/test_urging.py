"""催办 of many at once: it reaches who has the work in hand (R16, R50)."""

from collections.abc import Iterator

import pytest

from tests.unit.offices import COUNTY
from tests.web.city import open_city
from tests.web.desk import Desk, soup


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Desk, str, list[str]]]:
    with open_city() as found:
        yield found


def test_urging_an_item_from_a_list_reaches_the_offices_that_have_its_tasks(made: tuple[Desk, str, list[str]]) -> None:
    """A 催办 on the own item would stay in this office: no other holds its line."""
    desk, item, tasks = made
    browser = desk.sign_in("王督查")
    token = browser.form("/account", "/account")["csrf"]
    page = soup(browser.send("/items/urge", {"csrf": token, "item": [item]}))
    chosen = [str(one["value"]) for one in page.select("[name=chosen]")]
    assert chosen == tasks
    assert COUNTY in page.select("main")[0].get_text()
    filled = {str(one["name"]): str(one.get("value") or "") for one in page.select("main form input[type=hidden]")}
    sent = filled | {"chosen": chosen, "text": "请抓紧", "channel": "notice"}
    assert "已催办 2 件" in browser.send("/items/urge/send", sent).text
    rows = desk.office.store.reader().board(map(bytes.fromhex, [item, *tasks]))
    urged = {row.item_id.hex(): row.urges for row in rows}
    assert urged == {item: 0, tasks[0]: 1, tasks[1]: 1}


def test_only_what_somebody_would_hear_of_is_offered_for_urging(made: tuple[Desk, str, list[str]]) -> None:
    """Neither an own item that nobody has in hand, nor one that is over; a task below is, and what stands above it."""
    desk, item, tasks = made
    alone = str(desk.do("item.register", title="尚未交办")["item"])
    over = str(desk.do("item.register", title="已撤销", to=[COUNTY], due="2027-03-31")["item"])
    desk.do("item.cancel", item=over, reason="不办了")
    browser = desk.sign_in("王督查")
    listed = browser.page("/items")
    offered = {str(one["value"]) for one in listed.select("[name=item]")}
    assert {item, *tasks} <= offered
    assert listed.select(f"a[href='/items/{alone}']")
    assert not {alone, over} & offered
    ledger = browser.page("/ledgers/all")
    assert [str(one["value"]) for one in ledger.select("[name=item]")] == [item]
    assert ledger.select(f"a[href='/items/{alone}']")
