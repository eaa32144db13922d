"""Widths, wrapping, tables, and text that must not move a terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.cli.paper import Cell, Paper, clean, cut, fields, groups_of_4, moment, pad, paper_of, table, width, wrap


@pytest.mark.parametrize(("text", "columns"), [
    ("", 0), ("abc", 3), ("苏州市", 6), ("ab苏", 4), ("（一）", 6), ("。", 2), ("—", 1),
    ("e\u0301", 1), ("①", 1), ("한", 2),
])  # fmt: skip
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns
    assert width(pad(text, 10)) == 10


def test_lines_break_between_characters_but_not_inside_a_number() -> None:
    assert wrap("推进城乡供水一体化", 8) == ["推进城乡", "供水一体", "化"]
    assert wrap("截至2026-12-31为止", 10) == ["截至", "2026-12-31", "为止"]
    assert wrap("a" * 7, 3) == ["aaa", "aaa", "a"]
    assert wrap("一\n二", 10) == ["一", "二"]
    assert wrap("很长也不折" * 50, None) == ["很长也不折" * 50]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(2, 40))
def test_no_line_is_too_wide_and_nothing_but_blanks_is_lost(text: str, columns: int) -> None:
    shown = clean(text)
    lines = wrap(shown, columns)
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(shown.split())


@given(st.text())
def test_foreign_text_cannot_move_a_terminal(text: str) -> None:
    assert all(char == " " or char.isprintable() or char == "\ufffd" or char.isspace() for char in clean(text))
    assert not set(clean(text)) & set("\x1b\r\n\x07\x08\x00\u202e\u2028\u200b")
    assert not set(clean(text, lines=True)) & set("\x1b\r\x07\x08\x00\u202e\u2028\u200b")


def test_clean_keeps_what_can_be_read() -> None:
    assert clean("第一段。\r\n第二段\t完", lines=True) == "第一段。\n第二段 完"
    assert clean("甲\n乙") == "甲 乙"
    assert clean(None) == ""
    assert clean(7) == "7"


def test_columns_line_up_whatever_the_width_of_their_characters() -> None:
    assert table(["编号", "事项"], [["1", "甲"], ["320000-7", "乙"]], Paper()) == [
        "编号      事项",
        "1         甲",
        "320000-7  乙",
    ]


def test_the_flexible_column_gives_way_on_a_narrow_terminal() -> None:
    lines = table(["编号", "事项", "灯"], [["7", "推进城乡供水一体化规划目标", Cell("红", "red")]], Paper(30), flex=1)
    assert lines == [
        "编号  事项                  灯",
        "7     推进城乡供水一体化规  红",
        "      划目标",
    ]
    assert max(map(width, lines)) <= 30


TEXTS = st.text(st.sampled_from("甲乙丙丁（）…—abc019/-e\u0301"), max_size=40)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), max_size=5), st.integers(24, 120), st.booleans())
def test_no_row_is_wider_than_the_terminal(rows: list[tuple[str, ...]], columns: int, flexible: bool) -> None:
    heads = ["登记编号", "事项", "承办单位", "时限"]
    lines = table(heads, rows, Paper(columns), flex=1 if flexible else None, give=((1, 10), (2, 8)), indent="  ")
    assert all(width(line) <= columns for line in lines)
    if not flexible:
        assert len(lines) == 1 + len(rows)
    if max(map(width, table(heads, rows, Paper(), indent="  "))) <= columns:
        assert lines == table(heads, rows, Paper(), indent="  ")


def test_columns_give_way_in_order_with_a_mark_where_they_were_cut() -> None:
    row = [["320000-2026-0007", "推进城乡供水一体化规划", "苏州市人民政府", "2026-12-31"]]
    heads = ["登记编号", "事项", "承办单位", "时限"]

    def shown(columns: int) -> str:
        return table(heads, row, Paper(columns), give=((1, 10), (2, 8)))[1]

    assert shown(60) == "320000-2026-0007  推进城乡供水…   苏州市人民政府  2026-12-31"
    assert shown(54) == "320000-2026-0007  推进城乡…   苏州市人民…   2026-12-31"
    assert shown(47) == "320000-2026-0007 推进城乡…  苏州市…  2026-12-31"
    assert cut("苏州市", 6) == "苏州市"
    assert cut("苏州市", 5) == "苏州…"
    assert cut("苏州市", 1) == "…"


def test_colour_is_for_terminals_only_and_beside_the_word() -> None:
    row: list[list[Cell | str]] = [["7", Cell("红", "red"), "末"]]
    assert table(["号", "灯", "终"], row, Paper(80, colour=True))[1] == "7   \x1b[31m红\x1b[0m  末"
    assert table(["号", "灯", "终"], row, Paper(80))[1] == "7   红  末"


def test_fields_leave_out_what_is_empty() -> None:
    assert fields([("单位", "甲"), ("上级", ""), ("数据目录", "乙")], Paper()) == ["单位      甲", "数据目录  乙"]


def test_a_file_is_plain_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "90")
    assert paper_of(io.StringIO()) == Paper(None, colour=False)
    assert paper_of(Terminal()) == Paper(90, colour=True)
    monkeypatch.setenv("NO_COLOR", "")
    assert paper_of(Terminal()) == Paper(90, colour=False)


def test_fingerprints_and_times_as_they_are_read() -> None:
    assert groups_of_4("0123456789abcdef" * 4) == (
        "0123 4567 89ab cdef 0123 4567 89ab cdef\n0123 4567 89ab cdef 0123 4567 89ab cdef"
    )
    assert moment("2026-11-22T03:14:05+08:00") == "2026-11-22 03:14:05"
    assert (moment(None), moment("")) == ("—", "—")
