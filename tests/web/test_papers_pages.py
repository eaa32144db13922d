"""督办文书 in the console: one list for each kind, with proofs, as xlsx; words of others stay words (W2, W4, W11)."""

import io
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook

from node.services.views.papers import PAPERS
from tests.web.city import EVIL, inert, open_city
from tests.web.desk import Desk


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Desk, str, list[str]]]:
    with open_city() as found:
        yield found


def test_lists_are_reached_from_the_ledgers_and_lead_to_items_and_proofs(made: tuple[Desk, str, list[str]]) -> None:
    desk, _item, tasks = made
    browser = desk.sign_in("王督查")
    links = {str(one["href"]) for one in browser.page("/ledgers").select("main a")}
    for kind in PAPERS:
        assert f"/papers?kind={kind}" in links
        page = browser.page(f"/papers?kind={kind}")
        inert(page)
        assert page.select_one("nav.nav-main a[aria-current]").get_text() == "台账"
    rows = browser.page("/papers?kind=extension").select("#papers-table tbody tr")
    assert len(rows) == 1
    assert EVIL in rows[0].get_text(), "the county's own words"
    assert rows[0].select(f'a[href="/items/{tasks[0]}"]')
    proof = browser.page(str(rows[0].select('a[href*="/records/"]')[0]["href"]))
    assert "✓ 签名有效" in proof.get_text()
    assert browser.get("/papers", params={"kind": "everything"}).status_code == 422
    # The handler's unit has none of these tasks.
    assert not desk.sign_in("赵承办").page("/papers?kind=extension").select("#papers-table")


def test_a_list_is_a_file_of_text(made: tuple[Desk, str, list[str]]) -> None:
    desk, _item, _tasks = made
    answer = desk.sign_in("王督查").get("/papers/xlsx", params={"kind": "extension"})
    assert "attachment" in answer.headers["content-disposition"]
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert any(EVIL in str(cell.value) for cell in cells)


def test_pages_without_an_entry_of_their_own_stand_under_the_one_they_belong_to(
    made: tuple[Desk, str, list[str]],
) -> None:
    desk, _item, _tasks = made
    browser = desk.sign_in("管理员")
    for path, word in (("/rules", "节点管理"), ("/rules/calendar", "节点管理"), ("/problems", "统计")):
        found = [one.get_text() for one in browser.page(path).select("nav.nav-main a[aria-current]")]
        assert found == [word], path
