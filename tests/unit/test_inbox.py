"""What waits for the core: links take turns; whoever comes back with a backlog makes nobody else wait (G12, N10)."""

import threading
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from node.services.inbox import ALIVE_S, JOBS_MAX, STEP_BYTES, Inbox
from node.sync.limits import DEFAULT_LIMITS

BATCH = DEFAULT_LIMITS.batch_bytes_max
PUT = st.tuples(st.integers(0, 4), st.integers(0, BATCH))


def test_a_backlog_of_one_link_holds_up_no_other() -> None:
    inbox: Inbox[tuple[int, int]] = Inbox()
    assert inbox.part_bytes == STEP_BYTES
    for number in range(40):
        inbox.put((7, number), lane=7, size=BATCH)
    inbox.take_now()
    inbox.put((8, 0), lane=8, size=300)
    inbox.put((0, 0))
    assert inbox.take_now() == [(0, 0), (8, 0)], "a batch that came whole is too much beside what is small"
    assert inbox.take_now() == [(7, 8)]
    for number in range(40):
        inbox.put((9, number), lane=9, size=inbox.part_bytes)
    inbox.put((8, 1), lane=8, size=300)
    steps = [inbox.take_now() for _ in range(3)]
    assert (8, 1) in steps[0] + steps[1], "no later than after what was begun"
    assert all(sum(lane > 8 for lane, _ in step) <= 1 for step in steps), "one part in a step"


def test_who_is_alone_gets_long_steps_again_when_the_others_have_gone() -> None:
    now_s = [0.0]
    inbox: Inbox[int] = Inbox(lambda: now_s[0])
    for number in range(60):
        inbox.put(number, lane=1, size=BATCH)
    assert len(inbox.take_now()) == STEP_BYTES // BATCH
    inbox.put(0, lane=2, size=10)
    assert [len(inbox.take_now()) for _ in range(2)] == [1, 1]
    now_s[0] += ALIVE_S + 1
    inbox.put(60, lane=1, size=BATCH)
    assert len(inbox.take_now()) == STEP_BYTES // BATCH


def test_a_link_that_asks_now_and_then_comes_before_many_that_flood() -> None:
    inbox: Inbox[int] = Inbox()
    for _ in range(16):
        for lane in range(1, 201):
            inbox.put(lane, lane=lane, size=BATCH)
    for _ in range(200):  # all of them have had a turn by then, or wait for it
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
