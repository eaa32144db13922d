"""Transitions 1-12 and 15-22 of domain.md section 3 by example, in version 2; `test_items_beside` has the others."""

import pytest

from node.items.fold import fold
from node.records.kinds import Kind
from node.records.payload import REDO
from node.records.track import (
    FAILED,
    PASSED,
    STARTED,
    Duty,
    Finding,
    Milestone,
    Terms,
    Track,
)
from tests.property.fold_facts import ANY_ONE, DUE, SERIAL, C, Item, K, P, a_hash, signed

FOUND = (Finding("情况是否查明", ok=True), Finding("整改是否到位", ok=False, text="尚欠"), Finding("群众满意", ok=True))


def accepted(path: tuple[str, ...] = (P, C), author: str = P) -> Item:
    item = signed(path, author)
    item.act(Kind.FINAL, path[-1])
    item.act(Kind.ACCEPT, author)
    return item


def closed(path: tuple[str, ...] = (P, C), author: str = P) -> Item:
    item = accepted(path, author)
    item.act(Kind.CLOSE, author)
    return item


# ---------------------------------------------------------------------------------------- set-up: 1-4


def test_1_registered_with_its_terms() -> None:
    """R3, R35, R49: source, number and what is not yet clear."""
    terms = Terms(item_class="instruction", unclear="责任单位未定", milestones=(Milestone("a", "摸底", DUE - 9),),
                  duties=(Duty("1", "张三"),))  # fmt: skip
    item = Item.own(source="领导批示", number="320000-2026-0001", terms=terms)
    state = item.state
    assert (state.state, state.kind, state.issuer, state.receiver) == ("registered", "registered", P, P)
    assert (state.tracks.unclear, state.tracks.milestones, state.tracks.duties) == (
        True, terms.milestones, terms.duties)  # fmt: skip
    assert state.tracks.dues == ((item.item_id, DUE),)
    item.act(Kind.CHANGE, P, due_day=DUE + 1)
    assert not item.state.tracks.unclear


def test_2_proposed_and_3_approved_post_by_post() -> None:
    """R40, R48: 督查室主任审核, then two posts in any order, then it stands."""
    item = Item.own()
    proposal = item.track(Kind.PROPOSE, P, steps=SERIAL)
    assert (item.state.state, item.state.tracks.in_force("approval")) == ("proposed", proposal.record_id)
    states = []
    for post, actor in (("督查室主任", 2), ("分管副县长", 3), ("政府办主任", 4)):
        item.track(Kind.APPROVE, P, post=post, actor=actor)
        states.append(item.state.state)
    assert states == ["approving", "approving", "established"]
    approval = item.state.tracks.approval
    assert [(one.step, one.post, one.actor, one.verb) for one in approval.done] == [
        (0, "督查室主任", 2, "审核"), (1, "分管副县长", 3, "审定"), (1, "政府办主任", 4, "审定")]  # fmt: skip
    assert approval.complete
    assert item.effect(item.track(Kind.APPROVE, P, post="政府办主任", actor=5)) == "invalid"


@pytest.mark.parametrize(("post", "actor", "why"), [
    ("分管副县长", 2, "wrong turn"), ("县长", 2, "no post of the chain"), ("督查室主任", 1, "by its drafter"),
    ("", 2, "no post"),
])  # fmt: skip
def test_3_what_is_no_approval(post: str, actor: int, why: str) -> None:
    """R48: each step once and in turn, nobody approves what he drafted."""
    item = Item.own()
    item.track(Kind.PROPOSE, P, steps=SERIAL)
    before = item.state
    assert item.effect(item.track(Kind.APPROVE, P, post=post, actor=actor)) == "invalid", why
    assert (item.state.state, item.state.tracks) == ("proposed", before.tracks)


def test_3_a_post_approves_once_in_its_step() -> None:
    """R69: 会签 by both, not by one twice."""
    item = Item.own()
    item.track(Kind.PROPOSE, P, steps=SERIAL)
    item.track(Kind.APPROVE, P, post="督查室主任", actor=2)
    item.track(Kind.APPROVE, P, post="政府办主任", actor=3)
    assert item.effect(item.track(Kind.APPROVE, P, post="政府办主任", actor=4)) == "invalid"
    assert item.effect(item.track(Kind.APPROVE, P, post="督查室主任", actor=2)) == "invalid"
    assert item.state.state == "approving"


@pytest.mark.parametrize("post", ["政府办主任", "督查室负责人"])
def test_3_one_of_several_posts_is_enough(post: str) -> None:
    """R69: 政府办主任 or 督查室负责人 审核, then 县长签发."""
    item = Item.own()
    item.track(Kind.PROPOSE, P, steps=ANY_ONE)
    item.track(Kind.APPROVE, P, post=post, actor=2)
    assert item.state.tracks.approval.step == 1
    item.track(Kind.APPROVE, P, post="县长", actor=3)
    assert item.state.state == "established"


def test_3_rejected_it_goes_back_and_is_proposed_anew() -> None:
    """R48: 不同意; approvals of the old proposal are late."""
    item = Item.own()
    old = item.track(Kind.PROPOSE, P, steps=ANY_ONE)
    item.track(Kind.APPROVE, P, post="政府办主任", actor=2)
    item.act(Kind.REJECT, P)
    assert (item.state.state, item.state.tracks.approval.rejected) == ("registered", True)
    assert item.state.tracks.in_force("approval") == b""
    item.track(Kind.PROPOSE, P, steps=ANY_ONE)
    late = item.act(Kind.APPROVE, P, re=(old.record_id,), actor=3, track=Track(post="县长"))
    assert item.effect(late) == "late"
    assert item.state.tracks.approval.done == ()


def test_3_without_a_chain_the_owner_establishes() -> None:
    """R39: 分解立项 where the profile asks for no approval."""
    item = Item.own()
    item.track(Kind.PROPOSE, P)
    item.act(Kind.ESTABLISH, P)
    assert item.state.state == "established"
    direct = Item.own()
    direct.act(Kind.ESTABLISH, P)
    assert direct.state.state == "established"


@pytest.mark.parametrize(("kind", "state"), [(Kind.DECLINE, "declined"), (Kind.MERGE, "merged")])
def test_3_declined_or_merged_it_ends(kind: Kind, state: str) -> None:
    """R2, R25: no item ends without a record; a duplicate names the one it goes into."""
    item = Item.own()
    item.act(kind, P, successor=a_hash("other") if kind == Kind.MERGE else b"")
    assert (item.state.state, item.effect(item.act(Kind.PROGRESS, P))) == (state, "late")
    assert item.state.successor == (a_hash("other") if kind == Kind.MERGE else b"")


def test_4_a_plan_is_approved_and_is_then_in_force() -> None:
    """R27, R40: ESTABLISHED → PLANNING → ESTABLISHED; the plan brings its milestones."""
    item = Item.own()
    item.act(Kind.ESTABLISH, P)
    plan = item.track(Kind.PLAN, P, steps=ANY_ONE, milestones=(Milestone("a", "摸底", DUE),))
    assert (item.state.state, item.state.tracks.plan) == ("planning", b"")
    item.track(Kind.APPROVE, P, post="督查室负责人", actor=2)
    assert item.state.state == "planning"
    item.track(Kind.APPROVE, P, post="县长", actor=3)
    assert (item.state.state, item.state.tracks.plan) == ("established", plan.record_id)
    again = item.track(Kind.PLAN, P, steps=ANY_ONE)
    item.act(Kind.REJECT, P)
    assert (item.state.state, item.state.tracks.plan) == ("established", plan.record_id)
    simple = item.track(Kind.PLAN, P)
    assert (item.state.state, item.state.tracks.plan) == ("established", simple.record_id)
    assert again.record_id != item.state.tracks.plan


# ------------------------------------------------------------------------------------ the task: 5-12, 15-22


def test_5_dispatched_6_delivered_7_signed() -> None:
    """R31, R33, R120."""
    item = Item.own()
    item.act(Kind.ESTABLISH, P)
    item.act(Kind.DISPATCH, P, children=(a_hash("task"),))
    assert (item.state.state, item.state.children) == ("assigned", (a_hash("task"),))
    task = Item()
    assert task.state.state == "assigned"
    task.act(Kind.DELIVERED, C)
    assert task.state.state == "delivered"
    task.act(Kind.SIGN, C)
    assert task.state.state == "signed"


def test_5_an_office_takes_it_on_itself_and_hands_it_to_a_unit() -> None:
    """R16, R50: 自办; a unit named again gets another person."""
    item = Item.own()
    item.track(Kind.HANDLE, P, unit="督查一科", person="李四", duties=(Duty("1", "李四"), Duty("2", "科长")))
    item.track(Kind.HANDLE, P, unit="督查二科", person="王五")
    item.track(Kind.HANDLE, P, unit="督查一科", person="赵六", due_day=DUE, duties=(Duty("1", "赵六"),))
    state = item.state
    assert [(one.unit, one.person, one.due_day) for one in state.tracks.handlers] == [
        ("督查一科", "赵六", DUE), ("督查二科", "王五", 0)]  # fmt: skip
    assert (state.state, state.tracks.duties) == ("assigned", (Duty("1", "赵六"), Duty("2", "科长")))


def test_8_refused_and_insisted_on() -> None:
    item = Item()
    item.act(Kind.REFUSE, C)
    assert item.state.state == "refused"
    item.act(Kind.INSIST, P)
    assert item.state.state == "delivered"


def test_9_decomposed_10_progress_milestones_evidence() -> None:
    """R14, R29, R30: a milestone is known by its key; what is said later adds."""
    item = signed()
    item.act(Kind.DECOMPOSE, C, children=(a_hash("below"),))
    item.act(Kind.PROGRESS, C, percent=40)
    assert (item.state.state, item.state.percent) == ("active", 40)
    item.track(Kind.MILESTONE, P, milestones=(Milestone("a", "摸底", DUE - 5), Milestone("b", "整改", DUE)))
    item.track(Kind.MILESTONE, C, milestones=(Milestone("a", done_day=DUE - 6),))
    assert item.state.tracks.milestones == (Milestone("a", "摸底", DUE - 5, DUE - 6), Milestone("b", "整改", DUE))
    assert item.effect(item.act(Kind.EVIDENCE, C)) == "applied"


def test_11_urged_by_the_issuer_12_warned_by_its_own_leader() -> None:
    """R52, R89: an urge is the issuer's, a warning the receiver's own."""
    item = signed()
    item.act(Kind.URGE, P, urge_channel="phone")
    item.act(Kind.WARN, C)
    assert (item.state.counters.urges, item.state.tracks.warnings) == (1, 1)
    assert item.effect(item.act(Kind.WARN, P)) == "invalid"


def test_15_submitted_16_returned_15_again_17_accepted() -> None:
    """R54: 重办 with a new limit, which the history keeps."""
    item = signed()
    item.act(Kind.FINAL, C)
    returned = item.act(Kind.RETURN, P, return_mode=REDO, due_day=DUE + 7)
    state = item.state
    assert (state.state, state.due_day, state.counters.returns) == ("returned", DUE + 7, 1)
    assert state.tracks.dues == ((item.item_id, DUE), (returned.record_id, DUE + 7))
    item.act(Kind.FINAL, C)
    item.act(Kind.ACCEPT, P)
    assert (item.state.state, item.state.percent) == ("accepted", 100)


@pytest.mark.parametrize(("verdict", "state"), [(STARTED, "verifying"), (PASSED, "completed"), (FAILED, "verifying")])
@pytest.mark.parametrize("before", [[], [STARTED], [FAILED]])
def test_18_verified_on_the_spot(before: list[int], verdict: int, state: str) -> None:
    """R46, R97, R99: three findings; only what passed is complete."""
    item = accepted()
    for earlier in before:
        item.track(Kind.VERIFY, P, verdict=earlier)
    item.track(Kind.VERIFY, P, verdict=verdict, findings=FOUND)
    assert (item.state.state, item.state.tracks.findings) == (state, FOUND)
    assert item.effect(item.track(Kind.VERIFY, P, verdict=9)) in ("invalid", "late")
    assert item.state.state == state


def test_18_what_failed_is_returned_or_closed_all_the_same() -> None:
    """R54, R97."""
    item = accepted()
    item.track(Kind.VERIFY, P, verdict=FAILED)
    item.act(Kind.PROGRESS, C, percent=10)
    assert (item.state.percent, item.state.state) == (100, "verifying")
    item.act(Kind.RETURN, P, due_day=DUE + 3)
    assert (item.state.state, item.state.submission) == ("returned", b"")
    other = accepted()
    other.track(Kind.VERIFY, P, verdict=FAILED)
    other.act(Kind.CLOSE, P)
    assert other.state.state == "closed"


@pytest.mark.parametrize("own", [False, True])
def test_19_completed_and_closed_20_archived(own: bool) -> None:
    """R47, R61, R97: the manifest is kept; what is archived is not archived again."""
    item = accepted()
    if own:
        item = Item.own()
        for kind in (Kind.PROGRESS, Kind.FINAL, Kind.ACCEPT):
            item.act(kind, P)
    item.act(Kind.COMPLETE, P)
    assert item.state.state == "completed"
    assert item.effect(item.act(Kind.ARCHIVE, P)) == "invalid"
    item.act(Kind.CLOSE, P)
    assert item.state.state == "closed"
    item.track(Kind.ARCHIVE, P, entries=("批示件", "查办报告 2 份"))
    assert (item.state.state, item.state.tracks.manifest) == ("archived", ("批示件", "查办报告 2 份"))
    assert item.effect(item.track(Kind.ARCHIVE, P, entries=())) == "late"


@pytest.mark.parametrize("archive", [False, True])
@pytest.mark.parametrize("verdict", [PASSED, FAILED])
def test_21_looked_at_again_from_closed_and_archived(verdict: int, archive: bool) -> None:
    """R98: any office above; a new item does the looking; afterwards it is closed."""
    item = closed((P, C, K), C)
    if archive:
        item.track(Kind.ARCHIVE, C)
    for number, office in enumerate((P, C)):  # each its own
        item.track(Kind.REINSPECT, office, successor=a_hash("again", number))
    assert (item.state.state, item.state.tracks.reinspections) == (
        "reinspecting", (a_hash("again", 0), a_hash("again", 1)))  # fmt: skip
    assert item.effect(item.track(Kind.REINSPECT, K)) == "invalid"
    item.track(Kind.REINSPECT, P, verdict=verdict)
    assert item.state.state == "closed"
    # The other office concludes what is concluded.
    assert item.effect(item.track(Kind.REINSPECT, C, verdict=PASSED)) == "late"


def test_21_not_before_it_is_closed() -> None:
    item = accepted()
    assert item.effect(item.track(Kind.REINSPECT, P)) == "invalid"


@pytest.mark.parametrize("state", ["assigned", "refused", "active", "submitted", "verifying", "completed"])
def test_22_cancelled_from_any_open_state(state: str) -> None:
    item = {"assigned": Item, "refused": Item, "active": signed, "submitted": signed}.get(state, accepted)()
    {"refused": lambda: item.act(Kind.REFUSE, C), "active": lambda: item.act(Kind.PROGRESS, C),
     "submitted": lambda: item.act(Kind.FINAL, C), "verifying": lambda: item.track(Kind.VERIFY, P),
     "completed": lambda: item.act(Kind.COMPLETE, P)}.get(state, lambda: None)()  # fmt: skip
    assert item.state.state == state
    item.act(Kind.CANCEL, P)
    assert item.state.state == "cancelled"
    assert item.effect(item.act(Kind.NOTICE, P)) == "late"


def test_what_is_erased_beside_is_gone_and_the_state_moves_as_before() -> None:
    """清除: verdicts, dates and posts are payload."""
    item = accepted()
    for kind in (Kind.VERIFY, Kind.CLOSE, Kind.ARCHIVE, Kind.REINSPECT):
        item.track(kind, P, entries=("目录",))
    item.track(Kind.SCORE, P, points_milli=5)
    erased = [item.facts[0], *(fact._replace(payload=None, body="erased") for fact in item.facts[1:])]
    state = fold(item.item_id, erased)
    assert (state.state, set(state.effects.values())) == ("reinspecting", {"applied", "erased"})
    assert (state.tracks.manifest, state.tracks.scores) == ((), ())
