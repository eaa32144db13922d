"""Filters of lists take an office by name, pinyin or code, and say where none or several fit (R12)."""

from collections.abc import Iterator

import pytest

from tests.unit.offices import COUNTY
from tests.web.city import open_city
from tests.web.desk import Desk, soup

PATHS = ("/items", "/ledgers/all", "/statistics", "/problems", "/papers")


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with open_city() as (found, _item, _tasks):
        yield found


@pytest.mark.parametrize("path", PATHS)
def test_an_office_is_written_by_name(desk: Desk, path: str) -> None:
    browser, name = desk.sign_in("王督查"), desk.office.name_of(COUNTY)
    offered = [str(one["value"]) for one in browser.page(path).select("datalist#office-names option")]
    assert any(one.startswith(name) for one in offered)
    by_code = browser.page(f"{path}?office={COUNTY}")
    for text in (name, next(one for one in offered if one.startswith(name))):
        by_name = browser.page(f"{path}?office={text}")
        assert not by_name.select(".form-error")
        assert [row.get_text() for row in by_name.select("main tbody tr")] == [
            row.get_text() for row in by_code.select("main tbody tr")
        ]
    assert by_code.select("input[name=office]")[0]["value"] == next(one for one in offered if one.startswith(name))


@pytest.mark.parametrize("path", PATHS)
def test_an_office_that_is_none_or_several_is_refused_and_kept(desk: Desk, path: str) -> None:
    browser = desk.sign_in("王督查")
    for text, said in (("没有的单位", "没有这个单位"), ("镇", "个单位符合")):
        answer = browser.get(f"{path}?office={text}")
        assert answer.status_code == 422, text
        assert said in soup(answer).select(".form-error")[0].get_text()
        assert soup(answer).select("input[name=office]")[0]["value"] == text
