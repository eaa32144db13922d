"""The findings of a business date: what is said when, why, and how often.

R24, R52, R62, R80, R81, R86, R88, R90, R91, R95, R96, R105, R106, R107.
"""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.documents.calendars import seed_calendar
from node.documents.profiles import load_shipped
from node.items.beside import Slip
from node.records.kinds import Kind
from node.rules.calendar import PROVISIONAL, day_number
from node.services.routine.reminders import NO_PROGRESS_DAYS, Done, News, covered_end, slip_facts
from node.services.routine.routines import OVER, REPLACED, closings, findings
from node.storage.rows import EXEMPT, HIDDEN, BoardRow, Proposal

ME, THEM, ABOVE = "320500", "320583", "320000"
PROFILES = {name: load_shipped(name) for name in ("base-004", "jiangsu-000", "xianyang-001", "liupanshui-002",
                                                  "county-003")}  # fmt: skip
BASE = PROFILES["base-004"]
CALENDAR = seed_calendar()
TASK = bytes(31) + b"\1"


def day(text: str) -> int:
    return day_number(date.fromisoformat(text))


def task(**changes: object) -> BoardRow:
    """A task this office issued, signed and in hand, due on Friday 2026-12-18."""
    values: dict[str, object] = {
        "item_no": 1, "item_id": TASK, "parent": b"", "number": "320500-2026-0001/1", "title": "推进政务公开",
        "kind": "assignment", "issuer": ME, "receiver": THEM, "role": "sole", "path": f"{ABOVE}/{ME}/{THEM}",
        "subtree": False, "state": "signed", "due_day": day("2026-12-18"), "percent": 0, "digest": b"",
        "opened_log_no": 1, "opened_seq": 1, "updated_ms": 0, "successor": b"", "opened_day": day("2026-12-01"),
    }  # fmt: skip
    return BoardRow(**(values | changes))  # type: ignore[arg-type]


def news(*acts: tuple[Kind, str], slips: tuple[Slip, ...] = ()) -> dict[bytes, News]:
    done = tuple(Done(int(kind), day(when), bytes([at + 1]) * 32, THEM) for at, (kind, when) in enumerate(acts))
    return {TASK: News(done, slips)}


def found(when: str, *rows: BoardRow, profile: str = "base-004", office: str = ME, past: list[Proposal] | None = None,
          said: dict[bytes, News] | None = None, until: str = "") -> list[Proposal]:  # fmt: skip
    known = {(one.kind, one.item_id, one.key): one.done for one in past or []}
    return findings(day(when), rows, PROFILES[profile], CALENDAR, office=office, news=said or {}, known=known,
                    until=day(until) if until else 0)  # fmt: skip


def through(first: str, last: str, *rows: BoardRow, **more: object) -> list[Proposal]:
    """Every date in turn, each knowing what was found before."""
    past: list[Proposal] = []
    for number in range(day(first), day(last) + 1):
        when = date.fromordinal(date(1970, 1, 1).toordinal() + number).isoformat()
        past += found(when, *rows, past=past, **more)  # type: ignore[arg-type]
    return past


def on(past: list[Proposal], *kinds: str) -> list[tuple[str, str]]:
    """(kind, date) of what was found."""
    return [(one.kind, date.fromordinal(date(1970, 1, 1).toordinal() + one.day).isoformat())
            for one in past if one.kind in kinds]  # fmt: skip


DEADLINE = ("remind", "due", "overdue")


def test_reminded_three_working_days_before_on_the_day_and_overdue_weekly():
    """西安's practice, and overdue once and then weekly."""
    past = through("2026-12-01", "2027-01-02", task())
    assert on(past, *DEADLINE) == [
        ("remind", "2026-12-15"), ("due", "2026-12-18"), ("overdue", "2026-12-19"), ("overdue", "2026-12-26"),
        ("overdue", "2027-01-02"),
    ]  # fmt: skip
    assert all(one.grounds and one.item_id == TASK for one in past)
    assert "3个工作日" in next(one.text for one in past if one.kind == "remind")


def test_working_days_are_the_calendars():
    """Due on 2026-10-09 after the National Day holiday: three working days before is 2026-09-29 or 30."""
    [reminded] = on(through("2026-09-20", "2026-10-08", task(due_day=day("2026-10-09"), opened_day=day("2026-09-01"))),
                    "remind")  # fmt: skip
    before = CALENDAR.add_working_days(day("2026-10-09"), -3)
    assert reminded == ("remind", date.fromordinal(date(1970, 1, 1).toordinal() + before).isoformat())
    assert before < day("2026-10-01")


def test_a_changed_limit_is_reminded_of_anew_and_a_submitted_task_is_not_at_all():
    past = through("2026-12-14", "2026-12-16", task())
    later = found("2026-12-22", task(due_day=day("2026-12-25")), past=past)
    assert on(later, *DEADLINE) == [("remind", "2026-12-22")]
    assert not on(through("2026-12-10", "2026-12-30", task(state="submitted")), *DEADLINE)


def test_an_own_item_with_the_limit_of_its_task_is_not_repeated():
    own = task(item_id=b"\2" * 32, kind="registered", receiver=ME, state="assigned", role="")
    shadowed = found("2026-12-18", own, task(parent=own.item_id))
    assert [one.item_id for one in shadowed if one.kind == "due"] == [TASK]
    alone = found("2026-12-18", own)
    assert [one.item_id for one in alone if one.kind == "due"] == [own.item_id]


@pytest.mark.parametrize("row", [
    task(subject="setup"), task(flags=EXEMPT), task(state="closed"), task(state="accepted"),
    task(issuer=ABOVE, receiver=ME, flags=HIDDEN), task(issuer=ABOVE),
])  # fmt: skip
def test_approval_cases_the_exempt_the_done_the_hidden_and_others_items_are_left_out(row: BoardRow):
    """A hidden one is its issuer's alone (R101)."""
    assert found("2026-12-30", row) == []
    assert found("2026-12-30", task(flags=HIDDEN)) != []


def test_unsigned_after_the_limit_of_the_profile():
    """Delivered on Friday: to be signed by Monday, said on Tuesday and a week later."""
    said = news((Kind.DELIVERED, "2026-12-04"))
    past = through("2026-12-04", "2026-12-15", task(state="delivered", due_day=0), said=said)
    assert on(past, "unsigned") == [("unsigned", "2026-12-08"), ("unsigned", "2026-12-15")]
    assert not found("2026-12-20", task(state="assigned", due_day=0))


def test_quarterly_reports_on_the_three_dates_of_jiangsu():
    """7月15日, 10月15日, 1月15日, for the quarter before; none on 4月15日 (R81, A13)."""
    row = task(item_class="key", due_day=0, opened_day=day("2026-01-10"))
    past = through("2026-03-20", "2026-11-15", row, profile="jiangsu-000")
    due = [one for one in past if one.kind == "report_due"]
    assert [one.key for one in due] == [
        "report.quarterly/2026-07-15", "report.quarterly/2026-07-15/late",
        "report.quarterly/2026-10-15", "report.quarterly/2026-10-15/late",
    ]  # fmt: skip
    assert all("前一季度工作进展情况" in one.grounds for one in due if not one.key.endswith("late"))
    reported = found("2026-10-14", row, profile="jiangsu-000", said=news((Kind.PROGRESS, "2026-10-08")))
    assert not on(reported, "report_due")


def test_monthly_reports_of_key_work_and_an_items_own_frequency():
    """R86, A13; the frequency of the item goes before its class."""
    row = task(item_class="key", due_day=0, opened_day=day("2026-11-01"))
    [one] = [one for one in found("2026-12-29", row, profile="liupanshui-002",
                                  said=news((Kind.PROGRESS, "2026-11-30"))) if one.kind == "report_due"]  # fmt: skip
    assert one.key == "report.monthly/2026-12-31"
    assert "按月報告" in one.grounds
    weekly = row._replace(frequency="ledger.weekly")
    kinds = {one.key.split("/")[0] for one in found("2026-12-25", weekly, profile="liupanshui-002")
             if one.kind == "report_due"}  # fmt: skip
    assert kinds == {"ledger.weekly"}
    both = task(issuer=ABOVE, receiver=ME, item_class="key", due_day=0, opened_day=day("2026-11-01"))
    assert on(found("2026-12-29", both, profile="liupanshui-002"), "report_due")


def test_what_was_opened_after_the_period_owes_no_report_on_it():
    row = task(item_class="key", due_day=0, opened_day=day("2026-10-02"))
    assert not on(found("2026-10-14", row, profile="jiangsu-000"), "report_due")


@given(st.integers(400, 40_000), st.sampled_from(["previous_week", "previous_month", "previous_quarter",
                                                "previous_half_year"]))  # fmt: skip
def test_a_covered_period_ended_just_before_the_present_one(number: int, covers: str):
    end = covered_end(covers, number)
    assert 0 < number - end <= {"previous_week": 7, "previous_month": 31, "previous_quarter": 92,
                                "previous_half_year": 184}[covers]  # fmt: skip
    assert covered_end(covers, end + 1) == end


def test_ledger_rounds_meetings_and_reviews_of_a_year():
    """季度对账, 半年查账, 年底交账, 周调度, 月自查, 季汇总 (R95, R96); 调度 (R88): each as often as it comes."""
    past = through("2027-01-01", "2027-12-31", profile="liupanshui-002")
    count = {rule: sum(one.key.startswith(f"{rule}/2027") for one in past) for rule in (
        "ledger.reconcile", "ledger.check", "ledger.deliver", "ledger.weekly", "ledger.monthly", "ledger.quarterly",
        "meeting.quarterly", "meeting.monthly", "meeting.weekly")}  # fmt: skip
    assert count == {
        "ledger.reconcile": 4, "ledger.check": 2, "ledger.deliver": 1, "ledger.weekly": 53, "ledger.monthly": 12,
        "ledger.quarterly": 4, "meeting.quarterly": 4, "meeting.monthly": 12, "meeting.weekly": 53,
    }  # fmt: skip
    assert all(one.item_id == b"" and "規" not in one.text and one.grounds.startswith("规则liupanshui-002/")
               for one in past)  # fmt: skip


def test_joint_inspections_the_annual_plan_and_research_topics():
    """R90 年中、年末, R24 每年年初, R62 每半年1至2个选题, R91 两代表一委员每年2次."""
    assert on(through("2027-01-01", "2027-12-31", profile="xianyang-001"), "inspection", "quota") == [
        ("inspection", "2027-05-31"), ("inspection", "2027-12-01")]  # fmt: skip
    assert on(through("2026-12-01", "2027-12-31", profile="jiangsu-000"), "plan") == [("plan", "2027-01-01")]
    planned = task(plan_year=2027, kind="registered", receiver=ME)
    assert not on(through("2027-01-01", "2027-02-10", planned, profile="jiangsu-000"), "plan")
    assert on(through("2027-01-01", "2027-12-31", profile="county-003"), "research") == [
        ("research", "2027-01-01"),
        ("research", "2027-06-01"),
        ("research", "2027-07-01"),
        ("research", "2027-12-02"),
    ]
    chosen = task(item_class="research", kind="registered", receiver=ME, opened_day=day("2027-02-01"))
    rest = through("2027-02-01", "2027-12-31", chosen, profile="county-003")
    assert on(rest, "research") == [("research", "2027-07-01"), ("research", "2027-12-02")]
    delegates = on(through("2027-01-01", "2027-12-31", profile="liupanshui-002"), "quota")
    assert [when for _, when in delegates][::2] == ["2027-01-01", "2027-07-02"]


def test_urging_is_proposed_after_silence_and_after_a_missed_report_and_not_twice():
    """R52: grounds say what and since when; after an urge seven days pass."""
    quiet = task(due_day=0, state="active")
    said = news((Kind.SIGN, "2026-12-01"), (Kind.PROGRESS, "2026-12-03"))
    past = through("2026-12-04", "2027-02-28", quiet, said=said)
    assert on(past, "urge") == [("urge", "2027-01-03"), ("urge", "2027-02-01")]
    first = next(one for one in past if one.kind == "urge")
    assert "自2026-12-03起31日没有进展" in first.grounds
    assert "尚未催办" in first.grounds
    late = task(state="active")
    assert on(found("2026-12-19", late), "urge") == [("urge", "2026-12-19")]
    assert not on(found("2026-12-20", late, said=news((Kind.URGE, "2026-12-19"))), "urge")
    assert on(found("2026-12-26", late, said=news((Kind.URGE, "2026-12-19"))), "urge")
    monthly = task(item_class="key", due_day=0, state="active", opened_day=day("2026-11-01"))
    missed = found("2026-12-02", monthly, profile="liupanshui-002", said=news((Kind.SIGN, "2026-11-20")))
    assert "2026-11-30应报" in next(one.grounds for one in missed if one.kind == "urge")


def slip(colour: str, due: str, justified: str = "") -> Slip:
    return Slip(b"s" * 32, colour, day(due), "", (), ME, justified)


def slipped(when: str, row: BoardRow, said: dict[bytes, News]) -> list[str]:
    return [one.key.split("/")[0] for one in found(when, row, profile="xianyang-001", said=said) if one.kind == "slip"]


def test_the_ladder_of_xianyang_is_proposed_step_by_step():
    """White on no progress, yellow after white unmet and without reasons, red on 屡督不动 (R105-R107, A15)."""
    row = task(due_day=day("2027-06-30"), state="active")
    signed = news((Kind.SIGN, "2026-12-02"))
    assert slipped("2027-01-01", row, signed) == []
    assert slipped("2027-01-02", row, signed) == ["white"]
    acts = ((Kind.SIGN, "2026-12-02"), (Kind.SLIP, "2027-01-05"))
    white = news(*acts, slips=(slip("white", "2027-01-15"),))
    assert slipped("2027-01-15", row, white) == []
    assert slipped("2027-01-16", row, white) == []
    assert on(found("2027-01-16", row, profile="xianyang-001", said=white), "judge") == [("judge", "2027-01-16")]
    judged = news(*acts, slips=(slip("white", "2027-01-15", "unjustified"),))
    assert slipped("2027-01-16", row, judged) == ["yellow"]
    for reasons in ("given", "justified"):
        assert slipped("2027-01-16", row, news(*acts, slips=(slip("white", "2027-01-15", reasons),))) == []
    yellow = (slip("white", "2027-01-15"), slip("yellow", "2027-01-30", "unjustified"))
    more = news(*acts, (Kind.SLIP, "2027-01-17"), slips=yellow)
    assert slipped("2027-01-31", row, more) == ["red"]
    moved = news(*acts, (Kind.SLIP, "2027-01-17"), (Kind.PROGRESS, "2027-01-20"), slips=yellow)
    assert slipped("2027-01-31", row, moved) == []
    assert slipped("2027-01-02", row._replace(extension="requested"), signed) == []


def test_a_slip_names_its_grounds_and_is_only_for_the_issuer():
    row = task(state="active", opened_day=day("2026-11-01"))
    [one] = [one for one in found("2026-12-19", row, profile="xianyang-001") if one.kind == "slip"]
    assert one.text == "建议发白色专项督办单"
    assert "时间已过100%，进度0%" in one.grounds
    assert "首次专项催办" in one.grounds
    mine = row._replace(issuer=ABOVE, receiver=ME)
    assert not on(found("2026-12-19", mine, profile="xianyang-001"), "slip", "urge")
    assert not on(found("2026-12-19", row, profile="base-004"), "slip")


@given(st.integers(0, 100), st.integers(0, 400))
def test_slow_is_less_than_half_of_the_time_that_has_gone(percent: int, gone: int):
    row = task(opened_day=day("2026-01-01"), due_day=day("2026-01-01") + 200, percent=percent)
    facts = slip_facts(row, News(), row.opened_day + gone)
    assert ("slow_progress" in facts) == (gone >= 100 and 2 * percent * 200 < 100 * min(gone, 200))
    assert ("no_progress" in facts) == (gone > NO_PROGRESS_DAYS)


@given(st.integers(0, 900), st.integers(0, 60), st.sampled_from(sorted(PROFILES)))
def test_the_same_day_twice_finds_nothing_new(start: int, later: int, name: str):
    """One for each (kind, item, day, key), whatever was missed between."""
    number = day("2026-01-01") + start
    rows = [task(item_class="key", state="active", opened_day=number - 40, due_day=number + 20)]
    first = findings(number, rows, PROFILES[name], PROVISIONAL, office=ME)
    known = {(one.kind, one.item_id, one.key): "" for one in first}
    assert len(known) == len(first)
    assert findings(number, rows, PROFILES[name], PROVISIONAL, office=ME, known=known) == []
    after = findings(number + later, rows, PROFILES[name], PROVISIONAL, office=ME, known=known)
    assert not known.keys() & {(one.kind, one.item_id, one.key) for one in after}


def test_missed_dates_collapse_into_the_newest():
    """Forty days down: of each rule of the office one, of each item only how it stands now."""
    first, last, past = day("2027-03-01"), day("2027-04-09"), list[Proposal]()
    row = task(due_day=day("2027-03-10"), opened_day=day("2027-02-01"), state="active")
    for number in range(first, last + 1):
        known = {(one.kind, one.item_id, one.key): one.done for one in past}
        past += findings(number, [row], PROFILES["liupanshui-002"], CALENDAR, office=ME, known=known, until=last)
    of_office = [one.key.split("/")[0] for one in past if not one.item_id and one.kind != "quota"]
    assert len(of_office) == len(set(of_office))
    assert {"ledger.weekly", "ledger.monthly"} < set(of_office)
    assert {one.day for one in past if one.item_id} == {last}
    assert on(past, *DEADLINE) == [("overdue", "2027-04-09")]


def test_acts_end_what_they_fulfil_and_the_rest_ends_when_it_is_pointless():
    """An act of the same day or later counts; its record is named."""
    rows, late = {TASK: task(state="active")}, found("2026-12-19", task(state="active"))
    urged = news((Kind.URGE, "2026-12-20"))
    ended = {one.kind: one.done for one in closings(late, [], rows, urged, ME, 7)}
    assert ended == {"urge": (b"\1" * 32).hex()}
    submitted = closings(late, [], {TASK: task(state="submitted")}, news((Kind.FINAL, "2026-12-20")), ME, 7)
    assert {one.kind for one in submitted} == {"urge", "overdue"}
    closed = closings(late, [], {TASK: task(state="closed")}, {}, ME, 7)
    assert {one.done for one in closed} == {OVER}
    assert len(closed) == len(late)
    assert closed[0].done_ms == 7
    moved = closings(late, [], {TASK: task(state="active", due_day=day("2027-01-31"))}, {}, ME, 7)
    assert [one.kind for one in moved] == ["overdue"]
    newer = found("2026-12-26", task(state="active"), past=late)
    assert {one.kind: one.done for one in closings(late, newer, rows, {}, ME, 7)}["overdue"] == REPLACED
    assert closings(late, [], rows, {}, ME, 7) == []


def test_a_unit_of_the_office_is_urged_like_anybody_else():
    """A department without a node reports and is urged; the office does not urge itself."""
    own = task(kind="registered", receiver=ME, state="assigned", role="", due_day=day("2026-12-10"))
    assert not on(found("2026-12-11", own), "urge")
    assert on(found("2026-12-11", own._replace(unit="综合科")), "urge") == [("urge", "2026-12-11")]


def test_a_slip_whose_grounds_have_gone_is_proposed_no_longer():
    row = task(due_day=day("2027-06-30"), state="active")
    past = [one for one in found("2027-01-02", row, profile="xianyang-001") if one.kind == "slip"]
    xianyang = PROFILES["xianyang-001"]
    for said, done in ((news((Kind.SIGN, "2026-12-01")), []), (news((Kind.PROGRESS, "2027-01-02")), [OVER])):
        closed = closings(past, [], {TASK: row}, said, ME, 7, profile=xianyang, day=day("2027-01-03"))
        assert [one.done for one in closed] == done
