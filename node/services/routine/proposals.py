"""What software proposes and reminds of; a person acts or dismisses. The day's run, and the verbs `todo.…`.

Rules of this file:

1. A business date is run once: its `JobRun` is written in one transaction with its proposals, so that a crash leaves
   both or neither (faults.md C8, K6). A date is due once its hour has come in Asia/Shanghai.
2. Missed dates are run in order, at most `CATCH_UP_DAYS` back; a date that has a run is never run again, whatever the
   clock says.
3. A run writes no record: what it finds is this node's own note. A person carries a proposal out, as that person's act.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from node.errors import InputError, NotFoundError
from node.items.fold import EFFECTIVE, fold
from node.items.lights import day_of
from node.items.marks import changed_frequency
from node.records.payload import check_text
from node.services.access import scope
from node.services.board.project import read_facts
from node.services.matters.desk import Caller, Desk, parse_day, take, take_list
from node.services.matters.rulebook import Rulebook
from node.services.routine import informing
from node.services.routine.limits import limits_of
from node.services.routine.reminders import Done, News, concerns, may_be_urged, slip_facts
from node.services.routine.routines import DISMISSED, DONE_BY, KIND_LABELS, closings, ended, findings
from node.services.verbs import Args, Command, Question
from node.services.views.browse import View, day_text, moment, row_document
from node.storage.port import BoardQuery, BoardRow, JobRun, Proposal, Reader

if TYPE_CHECKING:
    from node.services.office import Office

JOB = "routines"
CATCH_UP_DAYS = 400
_KEPT_DAYS = 800  # closed proposals older than this are dropped
_ITEMS_PER_READ = 500
_ALL = 2**31 - 1
_ID_DIGITS, _ID_DIGITS_MIN = 12, 4
_HOUR_MS = 3_600_000
_URGED_BY = frozenset({"urge", "overdue", "due", "remind", "unsigned", "report_due", "limit"})


class Found(NamedTuple):
    """What a business date brings: fresh proposals, open ones that are over, closed ones to be dropped."""

    day: int
    fresh: tuple[Proposal, ...]
    closed: tuple[Proposal, ...]
    dropped: tuple[Proposal, ...]


def due_days(reader: Reader, now_ms: int, hour: int) -> list[int]:
    """The business dates to run now, in order: all since the first run that have none, on a new node the newest."""
    newest = day_of(now_ms - hour * _HOUR_MS)
    ran = {run.day for run in reader.rows(JobRun, job=JOB)}
    first = max(min(ran | {newest}), newest - CATCH_UP_DAYS + 1)
    return [day for day in range(first, newest + 1) if day not in ran]


def collect(reader: Reader, office: str, day: int, now_ms: int, until: int = 0) -> Found:
    """Everything a business date brings, from what is stored; reads only, in any thread."""
    book = Rulebook(reader, office)
    profile, calendar = book.profile(day), book.calendar()
    rows = {row.item_id: row for row in reader.board_query(BoardQuery(office=office, subject="-", limit=_ALL))}
    past = reader.rows(Proposal)
    opened = [one for one in past if not one.done]
    wanted = {one.item_id for one in opened if one.item_id}
    if day >= until:
        wanted |= {
            item_id for item_id, row in rows.items()
            if concerns(office, row) or informing.concerns(profile, office, row, now_ms)
        }  # fmt: skip
    news = read_news(reader, wanted)
    known = {(one.kind, one.item_id, one.key): one.done for one in past}
    issuers = {row.issuer: book.profile(day, row.issuer) for row in rows.values() if row.issuer != office}
    fresh = findings(
        day, rows.values(), profile, calendar, office=office, news=news, known=known, until=until, issuers=issuers
    )
    closed = closings(opened, fresh, rows, news, office, now_ms, profile=profile if day >= until else None, day=day)
    dropped = tuple(one for one in past if one.done and one.day < day - _KEPT_DAYS)
    return Found(day, tuple(fresh), tuple(closed), dropped)


def read_news(reader: Reader, item_ids: Iterable[bytes]) -> dict[bytes, News]:
    """What the records of these items say: acts with effect, and 督办单."""
    wanted, found = sorted(item_ids), {}
    for start in range(0, len(wanted), _ITEMS_PER_READ):
        for item_id, facts in read_facts(reader, wanted[start : start + _ITEMS_PER_READ]).items():
            state = fold(item_id, facts)
            acts = {
                fact.record_id: Done(fact.kind, day_of(fact.claimed_ms), fact.record_id, fact.author)
                for fact in facts if state.effects.get(fact.record_id) in EFFECTIVE
            }  # fmt: skip
            found[item_id] = News(
                tuple(acts.values()), state.tracks.slips, changed_frequency(state, facts), limits_of(state, facts)
            )
    return found


def write(desk: Desk, found: Found) -> bool:
    """Write a date's findings with its run, in the transaction that is open; False where it has run before."""
    store, now_ms = desk.store, desk.world.clock.now_ms()
    if store.get(JobRun, JOB, found.day) is not None:
        return False
    for one in found.closed:
        row = store.get(Proposal, one.kind, one.item_id, one.day, one.key)
        if row is not None and not row.done:  # a person may have been quicker
            store.put([one])
    for one in found.dropped:
        store.delete(Proposal, one.kind, one.item_id, one.day, one.key)
    store.put(list(found.fresh))
    store.put([JobRun(JOB, found.day, now_ms, len(found.fresh))])
    return True


def run_day(desk: Desk, day: int, until: int = 0) -> list[Proposal]:
    """Run one business date in the transaction that is open; what is new, nothing where the date has run before."""
    if desk.store.get(JobRun, JOB, day) is not None:
        return []
    if desk.logs.fresh:
        desk.projector.run()
    found = collect(desk.store, desk.identity.code, day, desk.world.clock.now_ms(), until)
    write(desk, found)
    return list(found.fresh)


def silent(desk: Desk) -> bool:
    """Whether this node does not know yet how things stand, or what day it is: nothing is run until it does."""
    return bool(desk.author.recovering or desk.author.skew_ms)


def number_of(one: Proposal) -> str:
    """What people call a proposal by: the same on every list, whatever else comes and goes."""
    name = "\0".join((one.kind, one.item_id.hex(), str(one.day), one.key))
    return hashlib.sha256(name.encode()).hexdigest()[:_ID_DIGITS]


def open_count(reader: Reader) -> int:
    """How many proposals are open."""
    return len(reader.rows(Proposal, done=""))


# -- verbs ------------------------------------------------------------------------------------------------------------


def _list(reader: Reader, view: View, args: Args) -> list[dict[str, object]]:
    """`todo.list`: what is open, gravest kind first, then by date; a handler's is about the own unit's items (W4)."""
    kind, day = take(args, "kind"), parse_day(args.get("day"), "--day")
    if kind and kind not in KIND_LABELS:
        remedy = "可用：" + "、".join(f"{name}（{label}）" for name, label in KIND_LABELS.items())
        raise InputError("没有这类提醒", field="--kind", value=kind, remedy=remedy)
    found = [one for one in reader.rows(Proposal, done="")
             if (not kind or one.kind == kind) and (not day or one.day == day)]  # fmt: skip
    named = reader.board({one.item_id for one in found if one.item_id})
    rows = {row.item_id: row for row in scope.visible(reader, view.office, view.caller, named)}
    found = [one for one in found if not one.item_id or one.item_id in rows]
    order = {name: place for place, name in enumerate(KIND_LABELS)}
    found.sort(key=lambda one: (order.get(one.kind, len(order)), one.day, one.item_id, one.key))
    return [_document(view, one, rows.get(one.item_id)) for one in found]


def _document(view: View, one: Proposal, row: BoardRow | None) -> dict[str, object]:
    carried = _carried_by(one, row, view.office)
    return {
        "id": number_of(one), "kind": one.kind, "kind_label": KIND_LABELS.get(one.kind, one.kind),
        "day": day_text(one.day), "text": one.text, "grounds": one.grounds, "carried_by": carried or None,
        "item": row_document(view, row) if row is not None else None,
    }  # fmt: skip


def _carried_by(one: Proposal, row: BoardRow | None, office: str) -> str:
    """The verb that carries a proposal out, empty where there is none."""
    if row is None or not may_be_urged(office, row):
        return ""
    return "item.slip" if one.kind == "slip" else "item.urge" if one.kind in _URGED_BY else ""


def _named(desk: Desk, word: str) -> Proposal:
    """The open proposal with this number or a unique beginning of it."""
    wanted = word.strip().lower()
    found = [one for one in desk.store.rows(Proposal, done="") if number_of(one).startswith(wanted)]
    if len(wanted) < _ID_DIGITS_MIN or not found:
        remedy = f"用 dulian todo 查看编号，至少写前{_ID_DIGITS_MIN}位；已处理的不能再处理"
        raise NotFoundError("没有这条未处理的提醒", field="N", value=word, remedy=remedy)
    if len(found) > 1:
        remedy = "、".join(number_of(one) for one in found[:5])
        raise InputError("有多条提醒符合", field="N", value=word, remedy=f"多写几位：{remedy}")
    return found[0]


def _done(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`todo.done`: seen to, or with ``dismiss`` not followed, for a reason that is kept."""
    desk = office.desk
    words = take_list(args, "n")
    if not words:
        raise InputError("缺少提醒的编号", field="N", remedy="用 dulian todo 查看编号")
    dismiss, reason = bool(args.get("dismiss")), check_text(take(args, "reason"), "--reason").strip()
    if dismiss and not reason:
        raise InputError("不采纳要说明理由", field="--reason", remedy="写 --reason 理由")
    named = [_named(desk, word) for word in words]
    said = f"{DISMISSED if dismiss else DONE_BY}:{caller.name}:{reason}"
    now_ms = desk.world.clock.now_ms()
    desk.store.put([ended(one, said, now_ms) for one in named])
    return {"done": [number_of(one) for one in named], "dismissed": dismiss, "at": moment(now_ms)}


def _carry(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`todo.carry`: the proposal as this person's own act, a 催办 or a 督办单; the item's rules check it."""
    from node.services.commands import COMMANDS as VERBS  # noqa: PLC0415 - what joins this area to the others
    from node.services.commands import carry_out  # noqa: PLC0415

    desk, word = office.desk, take(args, "n")
    one = _named(desk, word)
    rows = desk.store.board([one.item_id]) if one.item_id else []
    verb = _carried_by(one, rows[0] if rows else None, desk.identity.code)
    if not verb:
        remedy = "办完后用 dulian todo done 标记；需要进展、报结的，用 dulian item report、submit"
        raise InputError("这条提醒不能直接转为催办或督办单", field="N", value=word, remedy=remedy)
    if verb not in VERBS:
        remedy = "先以 dulian item urge 催办，或用 dulian todo done 标记"
        raise InputError("本版本不能由提醒发督办单", field="N", value=word, remedy=remedy)
    text = take(args, "text") or f"{one.text.removeprefix('建议')}。{one.grounds}"
    given: dict[str, object] = {name: value for name, value in args.items() if name != "n"}
    given |= {"item": one.item_id.hex(), "text": text}
    if verb == "item.slip":
        given |= {"colour": one.key.partition("/")[0], "fact": _stated(desk, one)}
    answer = carry_out(office, verb, given, caller)
    assert isinstance(answer, Mapping)  # noqa: S101 - what the verbs of items answer
    now_ms = desk.world.clock.now_ms()
    desk.store.put([ended(one, str(answer.get("record", DONE_BY)), now_ms)])
    return {**answer, "proposal": number_of(one), "verb": verb}


def _stated(desk: Desk, one: Proposal) -> list[str]:
    """What of the grounds a person states by carrying the proposal out: 进展缓慢 is no count but a judgement."""
    row, news = desk.store.board([one.item_id])[0], read_news(desk.store, [one.item_id])
    facts = slip_facts(row, news.get(one.item_id, News()), day_of(desk.world.clock.now_ms()))
    return ["slow_progress"] if "slow_progress" in facts and "no_progress" not in facts else []


COMMANDS: Mapping[str, Command] = {"todo.done": _done, "todo.carry": _carry}
QUESTIONS: Mapping[str, Question] = {"todo.list": _list}
