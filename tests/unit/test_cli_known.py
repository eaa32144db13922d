"""What is known beside 数据截至, and a moment's view, as people read it (I8)."""

from typing import Any

import pytest

from node.cli import show_item, show_known
from node.cli.paper import Paper, width
from tests.unit.test_cli_show import PLAIN, row, text

HOP = {"from": "320500", "to": "320583", "reason": "silent", "text": "苏州市至昆山市中断"}
SILENT = {"state": "unsynced", "label": "未同步", "hop": HOP, "since": "2026-11-20T03:14:05+08:00"}
IDLE = {"state": "idle", "label": "未办", "hop": None, "since": None}
NOT_KEPT = {"state": None, "label": "当时的新鲜度未保存", "hop": None, "since": None}


def moment_of(**more: Any) -> dict[str, Any]:
    return {"as_known_at": "2026-11-20T08:00:00+08:00", "notes": ["当时的新鲜度未保存"]} | more


def test_lists_have_a_short_word_before_the_time() -> None:
    listed = text(show_item.items([row("1", known=SILENT), row("2", known=IDLE), row("3")], PLAIN)).splitlines()
    assert listed[0].split()[-2:] == ["情况", "数据截至"]
    assert [line.split()[-3] for line in listed[1:4]] == ["未同步", "未办", "—"]


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 132])
def test_they_fit_the_terminal(columns: int) -> None:
    rows = [row("1", title="推进城乡供水一体化" * 9, known=SILENT), row("2", known=IDLE)]
    listed = list(show_item.items(rows, Paper(columns)))
    shown = list(show_item.item(rows[0] | {"children": rows}, Paper(columns)))
    assert len(listed) == 1 + len(rows) + 1
    assert max(map(width, [*listed, *shown])) <= columns
    if columns >= 80:
        assert "未同步" in listed[1]


def test_one_item_says_where_it_stopped_and_since_when() -> None:
    below = SILENT | {"below": {"tasks": 3, "unsynced": 2}}
    assert show_known.whole({"known": below}) == (
        "未同步，苏州市至昆山市中断，自2026-11-20 03:14:05起不知情况，下级任务3件，未同步2件"
    )
    assert show_known.whole({"known": IDLE}) == "未办"
    assert show_known.whole({}) == ""
    shown = text(show_item.item(row("1", known=SILENT, children=[row("2", known=IDLE)]), PLAIN))
    assert "情况      未同步，苏州市至昆山市中断" in shown
    assert shown.splitlines()[-1].split()[-3:] == ["未办", "2026-11-22", "03:14"]


def test_a_moment_says_what_it_rests_on() -> None:
    data = moment_of(items=[row("1", known=NOT_KEPT, as_of=None)], candidates=700, looked_at=500, page=1, pages=2)
    shown = text(show_item.items(data, PLAIN)).splitlines()
    assert shown[0] == "本机在 2026-11-20 08:00:00 所知的情况"
    assert shown[-2:] == ["本页核对 500 件（本机现有 700 件），第 1 页，共 2 页", "说明：当时的新鲜度未保存"]
    assert "没有符合条件的事项" in text(show_item.items(moment_of(items=[]), PLAIN))


def test_each_record_says_what_proves_its_arrival() -> None:
    proof = {"office": "320500", "name": "苏州市", "at": "2026-11-20T07:59:00+08:00", "by_then": True, "answer": None}
    said = {
        "有收讫为证：苏州市2026-11-20 07:59:00收讫": {"own": False, "evidence": proof},
        "有收讫为证：苏州市2026-11-20 07:59:00收讫本机的答复（晚于所查时间）": {
            "own": False, "evidence": proof | {"by_then": False, "answer": "ab"},
        },
        "到达时间仅有本机记录": {"own": False, "evidence": None},
        "本机所写，尚无收讫为证": {"own": True, "evidence": None},
    }  # fmt: skip
    for words, arrival in said.items():
        assert show_known.arrival({"arrival": arrival}) == words
    assert show_known.arrival({}) == ""


def test_offices_below_whose_data_are_old_are_named() -> None:
    rows = [
        {"office": "320500", "name": "苏州市", "above": "320000", "as_of": None, "fresh": False},
        {"office": "320583", "name": "昆山市", "above": "320500", "as_of": "2026-11-20T03:14:05+08:00", "fresh": False},
        {
            "office": "320582",
            "name": "张家港市",
            "above": "320500",
            "as_of": "2026-11-22T03:14:05+08:00",
            "fresh": True,
        },
    ]
    told = text(show_known.offices({"total": 3, "fresh": 1, "stale": 1, "never": 1, "rows": rows}, PLAIN))
    assert told.splitlines()[0] == "下级 3 个：数据未过期 1 个，已过期 1 个，尚未同步过 1 个"
    assert "从未" in told
    assert "2026-11-20 03:14" in told
    assert "张家港市" not in told
    assert text(show_known.offices({"total": 0}, PLAIN)) == ""
