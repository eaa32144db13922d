"""What waits for the core: links take turns; whoever comes back with a backlog makes nobody else wait (G12, N10)."""

import threading
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from node.services.inbox import JOBS_MAX, STEP_BYTES, Inbox

BATCH = 262_144
PUT = st.tuples(st.integers(0, 4), st.integers(0, BATCH))


def test_a_backlog_of_one_link_holds_up_no_other() -> None:
    inbox: Inbox[tuple[int, int]] = Inbox()
    for number in range(40):
        inbox.put((7, number), lane=7, size=BATCH)
    inbox.take_now()
    inbox.put((8, 0), lane=8, size=300)
    inbox.put((0, 0))
    step = inbox.take_now()
    assert step[:2] == [(0, 0), (8, 0)]
    assert len(step) <= 2 + 1 + STEP_BYTES // BATCH


def test_a_link_that_asks_now_and_then_comes_before_many_that_flood() -> None:
    inbox: Inbox[int] = Inbox()
    for _ in range(16):
        for lane in range(1, 201):
            inbox.put(lane, lane=lane, size=BATCH)
    for _ in range(150):  # all of them have had a turn by then, or wait for it
        inbox.take_now()
    inbox.put(999, lane=999, size=100)
    assert 999 in inbox.take_now()


def test_whoever_always_comes_back_at_once_starves_nobody() -> None:
    inbox: Inbox[int] = Inbox()
    for _ in range(10):
        inbox.put(1, lane=1, size=BATCH)
    taken = []
    for _ in range(20):
        inbox.put(2, lane=2, size=STEP_BYTES)
        taken += inbox.take_now()
    assert taken.count(1) == 10


@settings(max_examples=200)
@given(st.lists(st.lists(PUT, max_size=30), max_size=12))
def test_everything_comes_once_in_the_order_of_its_lane(rounds: list[list[tuple[int, int]]]) -> None:
    inbox: Inbox[tuple[int, int]] = Inbox()
    sent: dict[int, list[int]] = defaultdict(list)
    came: dict[int, list[int]] = defaultdict(list)
    count = 0

    def take() -> None:
        step = inbox.take_now()
        assert len(step) <= JOBS_MAX
        for lane, number in step:
            came[lane].append(number)

    for puts in rounds:
        for lane, size in puts:
            count += 1
            sent[lane].append(count)
            inbox.put((lane, count), lane=lane, size=size)
        take()
    while not inbox.empty():
        take()
    assert came == sent
    assert inbox.take_now() == []


def test_the_end_comes_after_what_waits() -> None:
    inbox: Inbox[int] = Inbox()
    found: list[list[int] | None] = []

    def taker() -> None:
        while True:
            found.append(inbox.take())
            if found[-1] is None:
                return

    thread = threading.Thread(target=taker)
    thread.start()
    inbox.put(1, lane=3, size=STEP_BYTES)
    inbox.put(2, lane=3, size=STEP_BYTES)
    inbox.end()
    thread.join(20)
    assert [job for step in found[:-1] for job in step or ()] == [1, 2]
    assert found[-1] is None
