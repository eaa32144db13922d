"""Laws of a link: whatever the two hold and whatever happens between, in the end both hold the same."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.records.line import log_id_of
from node.records.payload import KnownHead
from node.sync import frames
from node.sync.link import Phase
from tests.property.link_sides import LIMITS, ROOM, Side, join, key_of, pair, settle, toy

SEEDS = st.integers(0, 2**32)


def fill(random: Random, sides: tuple[Side, Side], logs: int) -> None:
    """The same logs on both sides, each as far as it got."""
    for number in range(logs):
        key = key_of(number)
        lengths = [random.choice([0, 0, 1, 3, 9]), random.choice([0, 1, 1, 4, 9])]
        prev = b""
        for seq in range(1, max(lengths) + 1):
            envelope = toy(log_id_of(key), seq, prev)
            prev = envelope.signature
            for side, length in zip(sides, lengths, strict=True):
                if seq <= length:
                    side.append(key, envelope)


def check_window(side: Side) -> None:
    out = side.machine._out
    assert 0 <= out.in_flight_bytes <= LIMITS.window_bytes + LIMITS.batch_bytes_max + ROOM
    assert out.in_flight_bytes == sum(size for flight in out._under_way.values() for _, size in flight)


def agreed(one: Side, other: Side) -> bool:
    return one.snapshot() == other.snapshot() and one.heads.root() == other.heads.root()


@given(SEEDS)
def test_two_that_differ_agree_after_one_comparison(seed):
    random = Random(seed)
    child, parent = pair()
    fill(random, (child, parent), random.randrange(40))
    join(child, parent)
    settle(child, parent)
    assert agreed(child, parent)
    for side in (child, parent):
        assert side.machine.is_idle()
        assert not side.closed
        assert side.machine._out.in_flight_bytes == 0


@given(SEEDS)
@settings(max_examples=150)
def test_writing_and_breaking_in_the_middle_changes_nothing_of_that(seed):
    random = Random(seed)
    child, parent = pair()
    fill(random, (child, parent), random.randrange(12))
    join(child, parent)
    for _ in range(random.randrange(120)):
        choice = random.random()
        if choice < 0.75:
            source, target = (child, parent) if random.random() < 0.5 else (parent, child)
            if source.out:
                target.receive(source.out.popleft())
        elif choice < 0.92:
            # Even numbers are the child's to write, odd ones the parent's: a log has one author's side.
            number = random.randrange(12)
            side, mate = (child, parent) if number % 2 == 0 else (parent, child)
            if len(mate.logs.get(log_id_of(key_of(number)), [])) <= side.state(key_of(number)).seq:
                side.write(key_of(number))
        elif choice < 0.97:
            random.choice([child, parent]).tick(700)
        else:
            join(child, parent)
        check_window(child)
        check_window(parent)
    settle(child, parent)
    if not agreed(child, parent):
        # What was written while nothing was held by the other's side waits for the next comparison.
        join(child, parent)
        settle(child, parent)
    assert agreed(child, parent)


@given(SEEDS)
def test_disorder_within_a_stream_is_refused_and_sent_again(seed):
    random = Random(seed)
    child, parent = pair()
    join(child, parent)
    settle(child, parent)
    for number in range(4):
        for _ in range(random.randrange(12)):
            child.write(key_of(number))
    batches = [frame for frame in child.out if isinstance(frame, frames.Batch)]
    child.out.clear()
    random.shuffle(batches)
    for batch in batches + random.sample(batches, len(batches) // 2):
        parent.receive(batch)
    settle(child, parent)
    assert agreed(child, parent)


@given(SEEDS)
def test_a_fork_is_seen_on_both_sides_and_stops_no_other_log(seed):
    random = Random(seed)
    child, parent = pair()
    fill(random, (child, parent), 8)
    key = key_of(3)
    # Both continue the shorter of the two by words of their own.
    shorter = min(child.state(key).seq, parent.state(key).seq)
    for side in (child, parent):
        log = side.state(key)
        del side.logs[log.log_id][shorter:]
        log.seq, log.head_id = shorter, side.logs[log.log_id][-1].signature if shorter else b""
        side.heads.touch(log)
        for number in range(1 + random.randrange(3)):
            side.append(key, toy(log.log_id, log.seq + 1, log.head_id, f"{side.dials}{number}"))
    for _ in range(2):
        join(child, parent)
        settle(child, parent)
        assert not child.closed
        assert not parent.closed
    assert child.forks
    assert parent.forks
    held, shown = child.snapshot(), parent.snapshot()
    forked = log_id_of(key)
    assert {log: run for log, run in held.items() if log != forked} == {
        log: run for log, run in shown.items() if log != forked
    }


@given(SEEDS)
def test_agreement_costs_two_frames_whatever_is_held(seed):
    random = Random(seed)
    child, parent = pair()
    fill(random, (child, parent), 20)
    join(child, parent)
    settle(child, parent)
    join(child, parent)
    child.sent, parent.sent = 0, 1
    settle(child, parent)
    assert (child.sent, parent.sent) == (1, 1)
    assert child.machine.phase is parent.machine.phase is Phase.STREAMING


@given(SEEDS, st.data())
def test_whatever_a_neighbour_says_nothing_but_closing_happens(seed, data):
    random = Random(seed)
    child, parent = pair()
    fill(random, (child, parent), 5)
    join(child, parent)
    said = [*parent.out]
    settle(child, parent)
    log_ids = [log.log_id for log in child.heads]

    def head() -> KnownHead:
        return KnownHead(random.choice([*log_ids, bytes(32)]), random.randrange(12), bytes(32))

    lies: list[frames.Frame] = [
        frames.Heads(8, (random.randrange(300),), (head(),)), frames.Heads(7, (), ()),
        frames.Heads(8, (), ()), frames.Buckets(8, (bytes(16),) * 256), frames.Buckets(3, ()),
        frames.Batch(()), frames.Chain(()), frames.Ping(1),
        frames.Refusal(head().log_id, 1, random.choice(["gap", "fork", "frozen", "future", "x"]), head(), 5),
        frames.Goodbye("genug"), frames.ChainRequest(), frames.Pong(1, 2**48), frames.Marks(()),
        frames.BlobChunk(bytes(32), 0, b"x", missing=False), frames.BlobRequest(bytes(32), 0, 2**32 - 1), *said,
    ]  # fmt: skip
    victim = data.draw(st.sampled_from([child, parent]))
    for frame in data.draw(st.lists(st.sampled_from(lies), max_size=8)):
        victim.receive(frame)
        victim.tick(200)
    assert victim.closed or victim.machine.phase in (Phase.COMPARING, Phase.STREAMING)
    join(child, parent)
    settle(child, parent)
    assert agreed(child, parent)


def test_more_refusals_than_the_limit_close_the_link():
    child, parent = pair()
    join(child, parent)
    settle(child, parent)
    log = parent.state(key_of(1))
    for _ in range(LIMITS.refusals_per_minute_max + 1):
        parent.perform(parent.machine.refuse(log.log_id, 1, "bad_signature", log.head, parent.now_ms))
    assert parent.closed == "flood"
    assert parent.machine.refuse(log.log_id, 1, "bad_signature", log.head, parent.now_ms) == []


@pytest.mark.parametrize("logs", [0, 1, 300])
def test_lists_of_heads_are_split(logs):
    child, parent = pair()
    for number in range(min(logs, 199)):
        child.write(key_of(number))
    join(child, parent)
    settle(child, parent)
    assert agreed(child, parent)
