"""大屏链接: shows the figures without a session for as long as it is not ended, and opens nothing else (W3, W4, W6)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.services.access import screens
from node.services.access.console_accounts import SESSION_LIFE_MS
from node.storage.port import Meta
from tests.web.city import EVIL
from tests.web.desk import Desk, open_desk, soup


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("screens")) as desk:
        desk.item(f"大屏上的事项{EVIL}")
        yield desk


def given(desk: Desk, place: str) -> str:
    browser = desk.sign_in("管理员")
    answer = browser.submit("/nodes/screens", {"place": place})
    assert answer.status_code == 200, answer.text
    return str(soup(answer).select("#link")[0].get_text()).rpartition("/wall/")[2]


def test_a_screen_outlives_every_session_and_ends_with_its_link(made: Desk) -> None:
    token = given(made, "政务大厅")
    wall = made.visitor()
    first = wall.get(f"/wall/{token}")
    assert first.status_code == 200
    assert "督查督办情况" in first.text
    assert "返回" not in first.text
    assert "<script>alert" not in first.text
    made.hands.off_ms += 2 * SESSION_LIFE_MS
    assert wall.get(f"/wall/{token}").status_code == 200
    # It is no way in: no account, no other page.
    for path in ("/", "/screen", "/statistics", "/items", "/nodes/screens"):
        assert wall.get(path).status_code == 303, path
    admin = made.sign_in("管理员")
    row = admin.page("/nodes/screens").select("table tbody tr")[0].get_text(" ")
    assert "政务大厅" in row
    assert "管理员" in row
    log = admin.page("/audit").get_text(" ")
    for word in ("给出大屏链接", "打开大屏", "大屏 政务大厅"):
        assert word in log, word
    stored = [row.name + row.value.decode() for row in made.office.store.reader().rows(Meta) if "screen/" in row.name]
    assert len(stored) == 1
    assert token not in stored[0]
    admin.send("/nodes/screens/end", admin.form("/nodes/screens", "/nodes/screens/end"))
    ended = wall.get(f"/wall/{token}")
    assert ended.status_code == 404
    assert "已停用" in ended.text
    assert "停用大屏链接" in admin.page("/audit").get_text(" ")


def test_a_place_has_one_link_and_only_operators_give_them(made: Desk) -> None:
    given(made, "三楼")
    browser = made.sign_in("管理员")
    assert "已有链接" in browser.submit("/nodes/screens", {"place": "三楼"}).text
    assert browser.submit("/nodes/screens", {"place": "  "}).status_code == 422
    assert "<img" not in browser.submit("/nodes/screens", {"place": EVIL}).text
    for name in ("王督查", "李市长", "赵承办", "孙查阅"):
        assert made.sign_in(name).get("/nodes/screens").status_code == 403
    log = made.sign_in("管理员").page("/audit").select("main")[0].get_text(" ")
    assert "无权：督查人员" in log
    assert "supervisor" not in log
    for wrong in ("x", "0" * 43, "A" * 43):
        assert made.visitor().get(f"/wall/{wrong}").status_code == 404
    assert len(screens.screens_of(made.office.store.reader())) <= screens.SCREENS_MAX


def test_a_screen_whose_link_was_ended_does_not_go_on_showing() -> None:
    script = (Path(__file__).parents[2] / "node" / "web" / "static" / "charts.js").read_text(encoding="utf-8")
    assert "answer.status === 404" in script
