"""Heads against a naive count, back-off, and admission (I1) as a table."""

import hashlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import PeerError
from node.records.line import Line, LogKey, log_id_of
from node.records.payload import KnownHead
from node.sync import reasons
from node.sync.admission import admit_log, admit_time
from node.sync.backoff import Backoff
from node.sync.heads import HeadIndex, HeadSet, LogState, digest_heads
from node.sync.limits import DEFAULT_LIMITS, LinkLimits
from tests.unit.sealed import NOW_MS, OTHER, TREE, C, K, P, chain_of, keyring


def state(number, seq):
    key = LogKey(C, number, Line((P, C)))
    return LogState(number, log_id_of(key), key, seq, bytes([seq]) * 32 if seq else b"", frozen=False)


def naive_root(logs):
    """The digest as the record format document has it."""
    buckets = [sorted(log.head for log in logs if log.seq and log.log_id[0] == number) for number in range(256)]
    digests = []
    for bucket in buckets:
        raw = b"".join(head.log_id + head.seq.to_bytes(8, "big") + head.record_id for head in bucket)
        digests.append(hashlib.sha256(b"dulian-bucket-1\0" + raw).digest())
    return hashlib.sha256(b"dulian-heads-1\0" + b"".join(digests)).digest()


@given(st.integers(0, 2**32))
def test_lazy_digests_are_what_a_naive_count_gives(seed):
    random = Random(seed)
    heads = HeadSet()
    logs: list[LogState] = []
    for number in range(1, random.randrange(2, 60)):
        if not logs or random.random() < 0.5:
            logs.append(state(number, random.randrange(3)))
            heads.add(logs[-1])
        else:
            log = random.choice(logs)
            log.seq += 1
            log.head_id = random.randbytes(32)
            heads.touch(log)
        if random.random() < 0.4:
            assert heads.root() == naive_root(logs)
    assert heads.root() == naive_root(logs)
    assert len(heads) == len(logs) == len(list(heads))
    assert all(heads.get(log.log_id) is log for log in logs)


def test_digests_do_not_depend_on_order_and_do_on_everything_else():
    one, two = KnownHead(b"a" * 32, 1, b"x" * 32), KnownHead(b"b" * 32, 2, b"y" * 32)
    assert digest_heads([one, two]) == digest_heads([two, one])
    assert len({digest_heads(heads) for heads in ((), [one], [two], [one, two], [one._replace(seq=2)])}) == 5


def test_the_index_knows_which_logs_cross_which_link():
    index = HeadIndex((P, C))
    lines = {
        1: Line((P, C)), 2: Line((C, K)), 3: Line((P, C, K)), 4: Line((C,)), 5: Line((P, C), subtree=True),
        6: Line((P,), subtree=True), 7: Line((C,), subtree=True),
    }  # fmt: skip
    early = index.link(P)
    for number, line in lines.items():
        key = LogKey(line.path[0], number, line)
        index.add(LogState(number, log_id_of(key), key, 1, bytes(32), frozen=False))
    assert {log.log_no for log in early} == {1, 3, 5, 6}
    assert {log.log_no for log in index.link(K)} == {2, 3, 5, 6, 7}
    assert {log.log_no for log in index.link("320581")} == {5, 6, 7}
    assert {log.log_no for log in index.author(P)} == {1, 3, 5, 6}
    assert index.next_no() == 8
    log = index.by_no(3)
    before = [index.link(P).root(), index.link(K).root(), index.author(P).root()]
    log.seq = 2
    index.moved(log)
    assert not set(before) & {index.link(P).root(), index.link(K).root(), index.author(P).root()}


def test_backoff_doubles_is_capped_and_forgets():
    backoff = Backoff(DEFAULT_LIMITS)
    waits = [backoff.next_ms(0.999) for _ in range(30)]
    assert waits[0] <= 1_000
    assert waits[1] > 1.9 * waits[0]
    assert max(waits) <= 120_000
    assert waits[-1] > 110_000
    backoff.alive()
    assert backoff.next_ms(0.0) == DEFAULT_LIMITS.backoff_first_ms // 2


def test_two_copies_that_displace_each_other_dial_more_and_more_slowly():
    """R3: each link is up for a moment, which is a sign of life; without slowing down neither hears of the other."""
    backoff = Backoff(DEFAULT_LIMITS)
    waits = []
    for _ in range(10):
        backoff.alive()
        backoff.ended("replaced", 1_000)
        waits.append(backoff.next_ms(0.999))
    assert waits[3] > 7 * waits[0]
    assert waits[-1] > 110_000
    backoff.alive()
    backoff.ended("shutdown", 1_000)
    assert backoff.next_ms(0.0) == DEFAULT_LIMITS.backoff_first_ms // 2


def test_a_copy_whose_link_is_taken_away_seldom_calls_at_once_and_one_that_rests_calls_seldom():
    """R3: the copy that was not chosen is left switched on; the chosen one was without a link half of the time."""
    backoff = Backoff(DEFAULT_LIMITS)
    for _ in range(10):
        backoff.ended("replaced", 1_000)
    assert backoff.next_ms(0.0) > 50_000
    assert backoff.displaced
    for jitter in (0.0, 0.999):
        backoff.alive()
        backoff.ended("replaced", backoff.rest_ms(jitter))
        assert backoff.next_ms(0.999) <= 2 * DEFAULT_LIMITS.backoff_first_ms
        assert 300_000 <= backoff.rest_ms(jitter) <= 600_000
    backoff.chosen()
    assert not backoff.displaced
    assert backoff.next_ms(0.0) == DEFAULT_LIMITS.backoff_first_ms // 2
    slow = Backoff(DEFAULT_LIMITS._replace(backoff_max_ms=3_600_000))
    slow.ended("replaced", slow.rest_ms(0.0))
    assert slow.next_ms(0.999) <= 2 * DEFAULT_LIMITS.backoff_first_ms


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 60))
def test_jitter_stays_between_half_and_the_whole(jitter, failures):
    backoff = Backoff(LinkLimits(backoff_first_ms=500, backoff_max_ms=120_000))
    for _ in range(failures):
        backoff.next_ms(0.5)
    bound = min(500 * 2 ** min(failures, 20), 120_000)
    assert bound // 2 <= backoff.next_ms(jitter) <= bound


MINE = (P, C)
TABLE = [
    # author, line, from, refused because
    (P, Line((P, C)), P, ""),
    (P, Line((P, C, K)), P, ""),
    (P, Line((P,), subtree=True), P, ""),
    (K, Line((C, K)), K, ""),
    (K, Line((P, C, K)), K, ""),
    (C, Line((P, C)), P, ""),  # our own, from any neighbour on its line
    (C, Line((C, K)), K, ""),
    (C, Line((P, C, K)), K, ""),
    (K, Line((C, K)), P, "foreign_line"),  # the parent is not on it
    (P, Line((P, OTHER)), P, "foreign_line"),
    (OTHER, Line((P, OTHER)), P, "foreign_line"),
    (P, Line((P, C)), K, "foreign_line"),  # the child is not on it
    (P, Line((P, C, K)), K, "wrong_side"),  # from below what was written above
    (P, Line((P,), subtree=True), K, "wrong_side"),
    (K, Line((P, C, K)), P, "wrong_side"),
    (C, Line((C,)), K, "foreign_line"),
    (K, Line((K,)), K, "foreign_line"),
]


@pytest.mark.parametrize(("author", "line", "peer", "reason"), TABLE)
def test_admission_by_the_header_alone(author, line, peer, reason):
    header = chain_of(1, author, line)[0].header
    known = keyring(*TREE)
    if not reason:
        assert admit_log(header, MINE, peer, known).code == author
        return
    with pytest.raises(PeerError) as caught:
        admit_log(header, MINE, peer, known)
    assert caught.value.code == reason
    assert reason in reasons.LABELS


def test_an_author_without_certificate_is_unknown_yet():
    with pytest.raises(PeerError) as caught:
        admit_log(chain_of(1, K, Line((C, K)))[0].header, MINE, K, keyring((P, C)))
    assert caught.value.code == "unknown_key"
    assert caught.value.code in reasons.PASSING


@pytest.mark.parametrize(
    ("ahead_ms", "reason"),
    [(-(2**40), ""), (0, ""), (300_000, ""), (300_001, "future"), (86_400_000, "future"), (86_400_001, "far_future")],
)
def test_records_from_the_future(ahead_ms, reason):
    header = chain_of(1, hlc_ms=NOW_MS + ahead_ms)[0].header
    if not reason:
        admit_time(header, NOW_MS, DEFAULT_LIMITS)
        return
    with pytest.raises(PeerError) as caught:
        admit_time(header, NOW_MS, DEFAULT_LIMITS)
    assert caught.value.code == reason


def test_a_neighbours_own_word_for_a_reason_is_shown_only_if_it_is_plain():
    assert reasons.label("gap") == "序号不连续"
    assert reasons.label("newer_reason") == "newer_reason"
    for word in ("\0", "a b", "重复", "<b>", ""):
        assert reasons.label(word) == "未说明的原因"
    assert all(len(word) <= 32 for word in reasons.LABELS)
    assert all(word in reasons.LABELS for word in reasons.PASSING)
