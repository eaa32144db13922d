"""未办、未报、未同步 (I8, G13, B8): the table, and that data older than the limit never say anything of today."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.items.lifecycle import DONE, STATE_LABELS
from node.services.views.truth import FRESH_MS, Hop, Known, Place, Task, document, of

NOW = 1_790_000_000_000
FRESH, OLD = NOW - 60_000, NOW - FRESH_MS - 1
ME, CITY, COUNTY = "320000", "320500", "320583"


def way(city: int, county: int) -> tuple[Place, ...]:
    return Place(CITY, city), Place(COUNTY, county)


CASES: dict[str, tuple[dict[str, Any], str, str, Hop | None]] = {
    "fresh, nothing done": ({"state": "signed"}, "idle", "未办", None),
    "fresh, only delivered": ({"state": "delivered"}, "idle", "未办", None),
    "fresh, at work": ({"state": "active"}, "done", "已报", None),
    "fresh, a report missed": ({"state": "active", "late": True}, "unreported", "未报", None),
    "fresh, returned and nothing since": ({"state": "returned", "changed_ms": FRESH}, "unreported", "未报", None),
    "returned just now": ({"state": "returned", "changed_ms": NOW}, "done", "已报", None),
    "fresh, reported as finished": ({"state": "submitted"}, "done", "已报结", None),
    "fresh, refused": ({"state": "refused"}, "done", "已退签", None),
    "not sent": ({"state": "assigned", "queued": True}, "unsynced", "未同步", Hop(ME, CITY, "queued")),
    "sent, not arrived": ({"state": "assigned"}, "unsynced", "未同步", Hop(CITY, COUNTY, "undelivered")),
    "the city's own order": ({"state": "assigned", "source": CITY}, "unsynced", "未同步",
                             Hop(CITY, COUNTY, "undelivered")),
    "a state of tomorrow": ({"state": "dreaming"}, "unsynced", "未同步", None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_while_the_data_are_fresh(name: str) -> None:
    given_, state, label, hop = CASES[name]
    found = of(Task(ME, below=way(FRESH, FRESH), **given_), NOW, FRESH_MS)
    assert (found.state, found.label, found.hop) == (state, label, hop)


@pytest.mark.parametrize("state", sorted(set(STATE_LABELS) - DONE))
def test_stale_data_say_where_it_stopped(state: str) -> None:
    for marks, hop in (
        (way(FRESH, OLD), Hop(CITY, COUNTY, "silent")),
        (way(OLD, OLD - 5), Hop(ME, CITY, "silent")),
        (way(OLD + 60_000, OLD), Hop(ME, CITY, "silent")),  # the city's own mark is not over the limit yet
        (way(FRESH, 0), Hop(CITY, COUNTY, "never")),
        (way(0, 0), Hop(ME, CITY, "never")),
    ):
        found = of(Task(ME, state, below=marks), NOW, FRESH_MS)
        assert (found.state, found.hop, found.since_ms) == ("unsynced", hop, marks[-1].as_of_ms)


def test_what_is_over_is_known_and_what_comes_from_above_is_not() -> None:
    for state in DONE:
        assert of(Task(ME, state, below=way(0, 0)), NOW, FRESH_MS) == Known("done", "已了结")
    assert of(Task(COUNTY, "active", above=CITY), NOW, FRESH_MS).hop == Hop(CITY, COUNTY, "above")


def test_the_documents_say_it_in_words() -> None:
    found = document(
        of(Task(ME, "active", below=way(FRESH, OLD)), NOW, FRESH_MS), {CITY: "苏州", COUNTY: "昆山"}.__getitem__
    )
    assert found["label"] == "未同步"
    assert found["hop"] == {"from": CITY, "to": COUNTY, "reason": "silent", "text": "苏州至昆山中断"}
    assert str(found["since"]) < "2027"
    assert document(Known("idle", "未办"), str) == {"state": "idle", "label": "未办", "hop": None, "since": None}


times = st.one_of(st.just(0), st.integers(NOW - 3 * FRESH_MS, NOW + FRESH_MS))
tasks = st.builds(
    Task, st.just(ME), st.sampled_from([*STATE_LABELS, "", "x"]), st.sampled_from(["assignment", "registered"]),
    st.lists(st.builds(Place, st.sampled_from("ABCD"), times), max_size=4, unique_by=lambda one: one.office).map(tuple),
    st.sampled_from(["", "E"]),
    st.sampled_from(["", "A"]), st.booleans(), times, st.booleans(),
)  # fmt: skip


@given(tasks, st.integers(1, 3 * FRESH_MS))
def test_stale_data_never_say_that_nothing_was_done(task: Task, limit_ms: int) -> None:
    """I8, G13: whatever marks and receipts there are."""
    found = of(task, NOW, limit_ms)
    if task.below and NOW - task.below[-1].as_of_ms > limit_ms and task.state not in DONE:
        assert found.state == "unsynced"
        assert found.hop is not None
    if task.below and task.queued and task.state not in DONE:
        assert found.state == "unsynced"
    if found.state in ("idle", "unreported"):
        assert not task.above
        assert not task.below or NOW - task.below[-1].as_of_ms <= limit_ms
    if found.hop is not None and found.hop.why in ("silent", "never"):
        stopped = next(place for place in task.below if place.office == found.hop.to)
        assert NOW - stopped.as_of_ms > limit_ms // 2
    assert (found.state == "unsynced") == (found.label == "未同步")


@given(tasks, st.integers(1, FRESH_MS), st.integers(0, FRESH_MS))
def test_time_alone_takes_knowledge_away_and_never_adds_any(task: Task, limit_ms: int, passed_ms: int) -> None:
    if of(task, NOW, limit_ms).state == "unsynced":
        assert of(task, NOW + passed_ms, limit_ms).state == "unsynced"
