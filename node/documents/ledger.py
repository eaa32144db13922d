"""The ledger's xlsx form read: what ``dulian import`` takes, from the form of `ledger_form` to real task lists.

The columns and what is tolerated are documented in ``docs/import.md``. Reading reports every bad row with its row
number, column and reason, not just the first; whether anything is imported then is the caller's decision.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field
from typing import NamedTuple

from node.documents.ledger_form import (
    BY_NAME,
    COLUMNS,
    INPUTS,
    TITLE,
    Column,
    LedgerError,
    LedgerResult,
    LedgerRow,
    Step,
    write_ledger,
)
from node.documents.ledger_grid import Header, Line, lines_of
from node.documents.tasklist import DUE_YEARS, is_ordinal, read_limit, without_ordinal
from node.documents.text import hidden_character, name_of, quoted
from node.documents.units import is_marked, read_units
from node.documents.workbook import Cell, read_sheet
from node.errors import InputError
from node.records.limits import NAME_CHARS_MAX, POINT_CHARS_MAX, POINTS_MAX, TITLE_CHARS_MAX

__all__ = ["COLUMNS", "LedgerError", "LedgerResult", "LedgerRow", "Step", "read_ledger", "write_ledger"]

SHEET_NAME = "台账"
_DATE_HINT = "应为日期，如 2026-12-31、2026年12月底前；没有日期的写 长期、每季度末 等"
_STEP_DATE_FIRST = re.compile(r"(\d{4}-\d{2}-\d{2}) (.+)")


class _Refusal(NamedTuple):
    """Why a cell is not accepted."""

    text: str


@dataclass(slots=True)
class Findings:
    """Collects errors, at most one for each place, so that one mistake is not told twice; and what is doubtful."""

    errors: dict[tuple[int, str], LedgerError] = field(default_factory=dict)
    doubts: dict[tuple[int, str], LedgerError] = field(default_factory=dict)

    def add(self, row: int, column: str, text: str) -> None:
        """Something is wrong."""
        self.errors.setdefault((row, column), LedgerError(row, column, text))

    def doubt(self, row: int, column: str, text: str) -> None:
        """Something is to be looked at again."""
        self.doubts.setdefault((row, column), LedgerError(row, column, text))

    @staticmethod
    def in_order(found: dict[tuple[int, str], LedgerError]) -> tuple[LedgerError, ...]:
        """By row."""
        return tuple(sorted(found.values(), key=lambda one: one.row))


def read_ledger(data: bytes, today: dt.date | None = None) -> LedgerResult:
    """Read a ledger or task list from the bytes of an xlsx file.

    A date without a year gets the year in the title above the header, else that of ``today``.

    Raises:
        InputError: the file as a whole cannot be read: not xlsx, damaged, encrypted, too large, without a header.
    """
    findings = Findings()
    header, lines = lines_of(read_sheet(data, SHEET_NAME), findings)
    year = header.year or (today.year if today else 0)
    rows: list[LedgerRow] = []
    first_use: dict[str, int] = {}
    if "title" in header.places:
        for line in lines:
            reader = _Reader(line, header, findings, year)
            row = reader.read(first_use)
            if row is not None:
                rows.append(row)
    if not rows and not findings.errors:
        raise InputError("表头下面没有数据", field="文件", remedy="从表头的下一行起，每行填写一个事项")
    bad = {error.row for error in findings.errors.values()}
    return LedgerResult(
        tuple(row for row in rows if row.row not in bad), Findings.in_order(findings.errors),
        Findings.in_order(findings.doubts),
    )  # fmt: skip


class _Reader:
    """Reads one row."""

    def __init__(self, line: Line, header: Header, findings: Findings, year: int) -> None:
        self._line = line
        self._header = header
        self._findings = findings
        self._year = year
        self._texts: dict[str, str] = {}
        self._due: dt.date | None = None

    def read(self, first_use: dict[str, int]) -> LedgerRow | None:
        """The row; None if anything in it is wrong, which is then among the findings."""
        line, findings, before = self._line, self._findings, len(self._findings.errors)
        for place, cell in line.cells.items():
            if place not in self._header.names:
                findings.add(line.number, cell.ref, f"{cell.ref}：这一列没有表头却有内容；请补上表头或删除内容")
        for column in (*COLUMNS, *INPUTS):
            found = line.cells.get(self._header.places.get(column.key, 0))
            if found is not None:
                self._take(column, found)
        texts = self._texts
        title = self._title(texts)
        points = tuple(part.strip() for part in texts.get("points", "").split("\n") if part.strip())
        if refusal := _check_points(points):
            self._wrong("points", refusal)
        number = self._number(texts, first_use)
        schedule = self._schedule(texts.get("schedule", ""))
        responsible = self._responsible(texts)
        remark = self._remark(texts)
        requirement = texts.get("requirement", "")
        if measures := texts.get("measures", ""):
            requirement = f"{requirement}\n工作措施：{measures}" if requirement else measures
        if len(findings.errors) > before:
            return None
        return LedgerRow(
            row=line.number, number=number, title=title, requirement=requirement, source=texts.get("source", ""),
            due=self._due, points=points, responsible=responsible, limit_text=texts.get("limit_text", ""),
            remark=remark, leader=texts.get("leader", ""), person=texts.get("person", ""), schedule=schedule,
        )  # fmt: skip

    def _name(self, key: str) -> str:
        place = self._header.places.get(key)
        return key if place is None else self._header.names[place]

    def _wrong(self, key: str, text: str) -> None:
        self._findings.add(self._line.number, self._name(key), text)

    def _doubt(self, key: str, text: str) -> None:
        self._findings.doubt(self._line.number, self._name(key), text)

    def _take(self, column: Column, cell: Cell) -> None:
        """Read a cell into the texts, or note why not."""
        if column.key in ("ordinal", "number") and cell.kind == "formula":
            self._doubt(column.key, f"{cell.ref}：是公式，没有读取；编号由系统给出")
            return
        outcome = self._limit(cell) if column.key == "due" else _read_text(cell, column)
        if isinstance(outcome, _Refusal):
            self._wrong(column.key, f"{cell.ref}：{outcome.text}")
        elif column.key != "due":
            self._texts[column.key] = outcome
        elif outcome and outcome not in self._texts.get("limit_text", ""):
            self._texts["limit_text"] = outcome

    def _limit(self, cell: Cell) -> str | _Refusal:
        """The due date of a cell, kept; returns the words that say more than a date."""
        if cell.kind == "date":
            value = cell.value
            if isinstance(value, dt.datetime):
                if value.time() != dt.time():
                    return _Refusal("含有时刻；只填日期")
                value = value.date()
            if not isinstance(value, dt.date):
                return _Refusal(_DATE_HINT)
            if value.year not in DUE_YEARS:
                return _Refusal(f"年份{value.year}不合理")
            self._due = value
            return ""
        if cell.kind == "number":
            return _Refusal(f"是数字{cell.value}，不是日期；{_DATE_HINT}")
        if cell.kind != "text":
            return _Refusal(_UNFIT[cell.kind] if cell.kind in {"formula", "error"} else _DATE_HINT)
        text = _read_text(cell, BY_NAME["办结时限"])
        if isinstance(text, _Refusal):
            return text
        try:
            limit = read_limit(text, self._year)
        except ValueError as error:
            return _Refusal(f"“{quoted(text)}”{error}")
        if limit is None:
            return _Refusal(f"“{quoted(text)}”看不出时限；{_DATE_HINT}")
        self._due = limit.day
        if limit.doubt:
            kept = "" if limit.day else "，办结时限留空，原话记入时限依据"
            self._doubt("due", f"“{quoted(text)}”{limit.doubt}{kept}")
        return text if limit.worded else ""

    def _title(self, texts: dict[str, str]) -> str:
        title = without_ordinal(texts.get("title", "")).strip()
        place = self._header.places["title"]
        if not title:
            if "title" in texts or place not in self._line.cells:
                self._wrong("title", "事项名称没有填写")
            return ""
        if len(title) <= TITLE_CHARS_MAX:
            return title
        if texts.get("requirement"):
            self._wrong("title", f"有{len(title)}个字，超过上限{TITLE_CHARS_MAX}个")
            return ""
        texts["requirement"] = title
        first = re.split(r"[。；;]", title)[0]
        if len(first) > TITLE_CHARS_MAX:
            self._wrong("title", f"有{len(title)}个字，超过上限{TITLE_CHARS_MAX}个；请另列工作要求")
            return ""
        self._doubt("title", f"有{len(title)}个字，取第一句为事项名称，全文记入工作要求")
        return first

    def _number(self, texts: dict[str, str], first_use: dict[str, int]) -> str:
        key = "number" if texts.get("number") else "ordinal"
        number = texts.get(key, "")
        if not number or (key == "ordinal" and is_ordinal(number)):
            return ""  # it counts the rows of this list, no more
        if self._line.shared(self._header.places[key]):
            number = f"{number}-{self._line.share(self._header.places[key])}"
        if first_use.setdefault(number, self._line.number) != self._line.number:
            self._wrong(key, f"“{quoted(number)}”与第{first_use[number]}行重复")
        return number

    def _responsible(self, texts: dict[str, str]) -> str:
        """The units exactly as written; under 牵头单位 and 配合单位 with that mark, unless the cell says who leads."""
        parts = [texts["responsible"]] if texts.get("responsible") else []
        if parts and self._header.both:
            parts = self._by_lines(parts[0])
        if lead := texts.get("lead"):
            parts.append(lead if is_marked(lead) else f"牵头：{lead}")
        if assist := texts.get("assist"):
            parts.append(f"配合：{assist}")
        joined = "\n".join(parts)
        if len(joined) > BY_NAME["责任单位"].chars_max:
            self._wrong("responsible", "责任单位、牵头单位、配合单位合计超过上限1000字")
        leads = [unit.name for unit in read_units(joined) if unit.role == "lead"]
        if len(leads) > 1:
            self._doubt("lead" if texts.get("lead") else "responsible", f"牵头单位有{len(leads)}个：{'、'.join(leads)}")
        return joined

    def _by_lines(self, text: str) -> list[str]:
        """Under 牵头单位⏎配合单位 the first line leads, those below assist, unless the cell itself marks them."""
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if any(unit.role for unit in read_units(text)):
            return [text]
        if len(lines) < 2:
            self._doubt("responsible", f"“{quoted(text)}”只有一行，看不出谁牵头谁配合；请分两行写")
            return [text]
        below = "\n".join(lines[1:])
        return [f"牵头：{lines[0]}", f"配合：{below}"]

    def _schedule(self, text: str) -> tuple[Step, ...]:
        steps = []
        for part in text.split("\n"):
            words, day = part.strip(), None
            if not words:
                continue
            if first := _STEP_DATE_FIRST.fullmatch(words):
                words, day = first[2], dt.date.fromisoformat(first[1])
            else:
                try:
                    limit = read_limit(words, self._year)
                except ValueError as error:
                    self._wrong("schedule", f"“{quoted(words)}”{error}")
                    continue
                day = limit.day if limit else None
            if len(words) > NAME_CHARS_MAX:
                self._wrong("schedule", f"一个节点有{len(words)}个字，超过上限{NAME_CHARS_MAX}个；请分行写")
            steps.append(Step(words, day))
        if len(steps) > POINTS_MAX:
            self._wrong("schedule", f"节点有{len(steps)}个，超过上限{POINTS_MAX}个")
        return tuple(steps)

    def _remark(self, texts: dict[str, str]) -> str:
        """备注, and after it what stands in columns this form does not know: nothing is dropped."""
        parts = [texts["remark"]] if texts.get("remark") else []
        if self._line.section:
            parts.append(f"类别：{self._line.section}")
        for place, name in self._header.others.items():
            cell = self._line.cells.get(place)
            if cell is None:
                continue
            text = _read_text(cell, BY_NAME["备注"], dates=True)
            if isinstance(text, _Refusal):
                self._findings.add(self._line.number, name, f"{cell.ref}：{text.text}")
            elif text:
                parts.append(f"{name}：{text}")
        remark = "\n".join(parts)
        if len(remark) > BY_NAME["备注"].chars_max:
            self._wrong("remark", f"备注连同其他列有{len(remark)}个字，超过上限{BY_NAME['备注'].chars_max}个")
        return remark


_UNFIT = {
    "formula": "是公式；请复制后“选择性粘贴”为数值",
    "error": "是错误值；请改正",
    "bool": "是逻辑值；应为文字",
    "date": "是日期；应为文字",
    "other": "是时间等其他类型；应为文字",
}


def _read_text(cell: Cell, column: Column, *, dates: bool = False) -> str | _Refusal:
    """Read a text cell; whole numbers typed as numbers are taken as Excel shows them."""
    if cell.kind == "number" and isinstance(cell.value, int | float):
        whole = isinstance(cell.value, int) or cell.value.is_integer()
        return str(int(cell.value)) if whole else str(cell.value)
    if dates and cell.kind == "date" and isinstance(cell.value, dt.date):
        return cell.value.isoformat()[:10]
    if cell.kind != "text":
        return _Refusal(_UNFIT[cell.kind])
    text = unicodedata.normalize("NFC", str(cell.value)).strip()  # as records hold it
    if not column.multiline and column.key != "number":
        # Lines inside a narrow cell are how it was broken, not what it says.
        joint = "" if column is TITLE else "、"
        text = joint.join(part.strip() for part in text.split("\n") if part.strip())
    if char := hidden_character(text, multiline=column.multiline):
        return _Refusal(f"含有不允许的字符{name_of(char)}；请删除后重新输入")
    if len(text) > column.chars_max and column is not TITLE:
        return _Refusal(f"有{len(text)}个字，超过上限{column.chars_max}个")
    return text


def _check_points(points: tuple[str, ...]) -> str:
    if len(points) > POINTS_MAX:
        return f"分项要求有{len(points)}条，超过上限{POINTS_MAX}条"
    for place, point in enumerate(points, start=1):
        if len(point) > POINT_CHARS_MAX:
            return f"第{place}条分项要求有{len(point)}个字，超过上限{POINT_CHARS_MAX}个"
    return ""
