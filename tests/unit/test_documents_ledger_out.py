"""The exported ledger: what Excel finds in it, and that it comes back as it went out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from node.documents.ledger_form import LedgerRow, write_ledger
from node.documents.ledger_out import Back, OutRow, read_back, write_book
from node.errors import InputError

NAMES = {"number": "登记编号", "title": "事项", "light": "时限灯", "due": "办结时限", "progress": "最近进展"}
COLUMNS = tuple(NAMES.items())
ID = "ab" * 32
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    ["=1+1", "+86", "@SUM(A1)", "-3", "😀\n第二行", " 前后 ", "_x0041_", "_x005F_x000A_", "_x0000", "a\r\nb\rc",
     "\ufffe", "0012", "1e5",
     "2026-12-31", "http://example.org", "\t", "40%", "{=A1}", "<b>&amp;"]
)  # fmt: skip


def cells(**texts: str) -> dict[str, str]:
    return dict.fromkeys(NAMES, "") | texts


def book(path: Path, *rows: OutRow) -> Path:
    write_book(path, "综合台账", "320000", 1_790_000_000_000, COLUMNS, rows)
    return path


def edit(path: Path, **by_ref: str) -> Back:
    """Open the file as Excel does, change cells, save and read it back."""
    found = openpyxl.load_workbook(path)
    for ref, value in by_ref.items():
        found.worksheets[0][ref] = value
    found.save(path)
    return read_back(path.read_bytes(), NAMES)


def test_frozen_header_filter_hidden_id_and_nothing_but_text(tmp_path: Path) -> None:
    """R94: the header is frozen and filtered, no cell is a formula, the light is a word and a fill."""
    file = book(
        tmp_path / "a.xlsx",
        OutRow(ID, "cd" * 32, "red", cells(
            number="=1+1", title="@甲", light="红（逾期）", due="2026-12-31", progress="+1",
        )),
        OutRow("ef" * 32, "cd" * 32, "none", cells(number="-2", title="乙\n丙")),
    )  # fmt: skip
    page = openpyxl.load_workbook(file).worksheets[0]
    assert page.title == "综合台账"
    assert page.freeze_panes == "D2"
    assert page.auto_filter.ref == "A1:F3"
    assert page.column_dimensions["A"].hidden
    assert [cell.value for cell in page[1]][1:] == list(NAMES.values())
    assert {cell.data_type for row in page.iter_rows() for cell in row if cell.value is not None} == {"s"}
    assert [cell.value for cell in page[2]][1:] == ["=1+1", "@甲", "红（逾期）", "2026-12-31", "+1"]
    assert page["D2"].fill.fgColor.rgb.endswith("FFC7CE")
    assert page["A2"].value.startswith(f"{ID}|cdcd")
    assert all(page.column_dimensions[letter].width >= 12 for letter in "BCDEF")


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, TEXTS)), max_size=6))
def test_whatever_the_cells_say_nothing_differs_when_it_comes_back(rows: list[dict[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        file = book(
            Path(folder) / "a.xlsx",
            *(OutRow(f"{number:064x}", "cd" * 32, "green", row) for number, row in enumerate(rows)),
        )
        back = read_back(file.read_bytes(), NAMES)
        assert back.errors == ()
        assert [(row.item, dict(row.edited)) for row in back.rows] == [(f"{n:064x}", {}) for n in range(len(rows))]
        again = edit(file)  # another program has opened and saved it
        assert (again.errors, [dict(row.edited) for row in again.rows]) == ((), [{} for _ in rows])


def test_edited_cells_sorted_rows_and_foreign_rows(tmp_path: Path) -> None:
    rows = [OutRow(f"{n:064x}", f"{n:064x}", "green", cells(title=f"事项{n}", progress="旧")) for n in (1, 2, 3)]
    file = book(tmp_path / "a.xlsx", *rows)
    back = edit(file, F2="新的进展", E4="2026-12-31", C5="新增的行")
    assert (back.office, back.exported_ms) == ("320000", 1_790_000_000_000)
    assert [(row.row, int(row.item, 16), dict(row.edited)) for row in back.rows] == [
        (2, 1, {"progress": "新的进展"}), (3, 2, {}), (4, 3, {"due": "2026-12-31"}),
    ]  # fmt: skip
    assert [(row, column) for row, column, _ in back.errors] == [(5, "标识")]
    back = edit(file, F3="=1+1")
    assert [(row, column) for row, column, _ in back.errors] == [(3, "最近进展"), (5, "标识")]


def test_what_is_no_exported_ledger_is_refused() -> None:
    with pytest.raises(InputError, match="不是导出的台账"):
        read_back(write_ledger([LedgerRow(2, "", "甲")]), NAMES)
