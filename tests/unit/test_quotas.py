"""Daily quotas: what is within is free, what is beyond waits at the quota's own pace (faults.md X5, G12)."""

from hypothesis import given
from hypothesis import strategies as st

from node.services.exchange.quotas import PAUSE_S_MAX, Quotas

FRAMES = st.lists(
    st.tuples(st.sampled_from("甲乙"), st.integers(0, 300_000), st.integers(0, 1_000), st.integers(100, 102)),
    max_size=60,
)  # fmt: skip


@given(FRAMES, st.integers(1, 2_000_000), st.integers(1, 5_000))
def test_within_it_nobody_waits_beyond_it_everybody_does_and_others_are_not_concerned(
    frames: list[tuple[str, int, int, int]], bytes_max: int, records_max: int
) -> None:
    quotas = Quotas(bytes_max, records_max)
    used: dict[str, list[int]] = {}
    today = 0
    for peer, size, records, day in frames:
        if day > today:
            today, used = day, {}
        mine = used.setdefault(peer, [0, 0])
        mine[0] += size
        mine[1] += records
        pause_s = quotas.charge(peer, size, records, day)
        over = mine[0] > bytes_max or mine[1] > records_max
        assert (peer in quotas.over()) == over
        assert 0 <= pause_s <= PAUSE_S_MAX
        assert over or pause_s == 0
        if over and (size > bytes_max / 8_640 or records > records_max / 8_640):
            assert pause_s == PAUSE_S_MAX, "ten seconds of the quota's pace or more"


@given(FRAMES)
def test_a_restart_gives_nothing_away(frames: list[tuple[str, int, int, int]]) -> None:
    before, after = Quotas(500_000, 1_000), Quotas(500_000, 1_000)
    for peer, size, records, day in frames:
        before.charge(peer, size, records, day)
    after.restore(before.state())
    assert after.state() == before.state()
    assert set(after.over()) == set(before.over())


def test_a_new_date_begins_with_nothing_used_and_a_clock_set_back_changes_nothing() -> None:
    quotas = Quotas(10, 10)
    assert quotas.charge("甲", 11, 0, 5) > 0
    assert quotas.charge("甲", 1, 0, 4) > 0
    assert quotas.charge("甲", 1, 0, 6) == 0
