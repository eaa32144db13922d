"""The demo's ledger says what the document says."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

from node.documents.divisions import Divisions
from node.documents.ledger import LedgerRow, read_ledger

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "deploy" / "demo"
DOCUMENT = (ROOT / "tests" / "data" / "seed_000.txt").read_text(encoding="utf-8")


def _rows() -> tuple[LedgerRow, ...]:
    result = read_ledger((DEMO / "ledger.xlsx").read_bytes())
    assert result.errors == ()
    return result.rows


def test_enough_matters_each_with_its_own_number_and_title() -> None:
    rows = _rows()
    assert len(rows) >= 28
    assert len({row.number for row in rows}) == len(rows)
    assert len({row.title for row in rows}) == len(rows)


def test_every_wording_is_the_documents_own() -> None:
    for row in _rows():
        for wording in (row.requirement, row.limit_text, *row.points, *row.responsible.split(";")):
            assert wording in DOCUMENT, (row.number, wording)
        assert len(row.requirement) >= 15
        assert row.responsible
        assert row.source
        for point in row.points:
            assert point in row.requirement
        if row.limit_text:
            assert row.limit_text in row.requirement


def test_a_due_date_only_where_the_document_states_a_limit() -> None:
    rows = _rows()
    dated = [row for row in rows if row.due]
    assert len(dated) >= 6
    for row in dated:
        assert row.limit_text
        assert row.due is not None
        assert 2026 <= row.due.year <= 2027


def test_the_limits_of_the_reporting_rule_are_all_there() -> None:
    limits = {row.limit_text for row in _rows()}
    assert {
        "一般在30日内报告贯彻落实情况",
        "一般在每年7月15日、10月15日、1月15日前报告前一季度工作进展情况",
        "一般在30日内办结并报告办理情况",
        "一般在交办后3个月内答复建议提案人",
        "在当年办理任务完成后20日内向交办单位报告办理情况",
    } <= limits


def test_the_xlsx_is_made_from_the_csv() -> None:
    spec = importlib.util.spec_from_file_location("make_ledger", DEMO / "make_ledger.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert tuple(script.load_rows()) == _rows()


def test_the_plan_fits_the_ledger_and_the_directory() -> None:
    divisions = Divisions.load()
    with (DEMO / "plan.csv").open(encoding="utf-8", newline="") as file:
        plan = list(csv.DictReader(file))
    assert {line["序号"] for line in plan} == {row.number for row in _rows()}
    assert len({(line["序号"], line["主办市"]) for line in plan}) == len(plan)
    for line in plan:
        divisions.check_child("320000", line["主办市"])
        if line["分解县"]:
            divisions.check_child(line["主办市"], line["分解县"])
    assert {line["主办市"] for line in plan} == {"320500", "320200"}
    assert {line["分解县"] for line in plan} == {"", "320583", "320582", "320281"}
