"""Freshness marks of many offices: a relay passes them on at a bounded pace, the newest of each, all in turn (I8)."""

from node.records import notes
from node.services.exchange.marks import PASSED_AT_ONCE, PASSED_PER_S
from tests.sim.world import admit, found

COUNT = PASSED_AT_ONCE + 40


def test_a_relay_passes_on_at_a_bounded_pace_and_passes_over_nobody() -> None:
    nation = found(5, "000000", real=False)
    province = admit(5, nation, "320000", real=False)
    codes = [f"32{1 + number // 90:02}{1 + number % 90:02}" for number in range(COUNT)]
    children = [admit(5, province, code, real=False) for code in codes]
    federation, marks = province.identity.federation, province.office.marks

    def learned(number: int) -> list[tuple[str, int]]:
        """What one step passes on in which every child's mark of this number comes in; 0 = none comes."""
        passed: list[tuple[str, int]] = []

        def event() -> None:
            for child in children if number else ():
                mark = notes.Mark(child.code, number, province.clock.now_ms(), ())
                marks.learn(child.code, (notes.sign_mark(child.signer, federation, mark),))
            marks.weigh_advanced(set())
            opened = [notes.open_mark(province.office.keyring, note) for note in marks.outbox]
            passed.extend((mark.office, mark.number) for mark in opened)

        province.office.step([event])
        return passed

    first = learned(1)
    assert len(first) == PASSED_AT_ONCE  # a small tree's never wait
    held_back = {child.code for child in children} - {office for office, _ in first}
    second: list[tuple[str, int]] = learned(2)  # in the same moment: no room
    assert second == []
    for _ in range(COUNT // PASSED_PER_S):
        province.clock.time.ms += 1_000
        at_once = learned(0)
        assert len(at_once) <= PASSED_PER_S
        second += at_once
    # Who waited longest comes first, with what is newest of it; nobody's is lost, nobody's comes twice.
    assert {office for office, _ in second[: len(held_back)]} == held_back
    assert sorted(second) == sorted((child.code, 2) for child in children)
    assert learned(0) == []


def test_the_top_passes_nothing_on() -> None:
    nation = found(5, "000000", real=False)
    province = admit(5, nation, "320000", real=False)
    mark = notes.sign_mark(province.signer, nation.identity.federation, notes.Mark(province.code, 1, 1, ()))
    nation.office.step([lambda: nation.office.marks.learn(province.code, (mark,))])
    assert nation.office.marks._waiting == {}
