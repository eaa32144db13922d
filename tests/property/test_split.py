"""Batches in parts: the same records in the same order; what breaks a limit stays whole (G12)."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from node.records.envelope import Envelope, bytes_of
from node.sync.frames import Batch, Ping, split, weight
from node.sync.limits import LinkLimits

LIMITS = LinkLimits(batch_records_max=20, frame_bytes_max=2_000)
ENVELOPES = st.lists(
    st.builds(Envelope, st.binary(max_size=60), st.binary(max_size=64), st.just(bytes(16)), st.binary(max_size=200)),
    max_size=24,
)


@given(ENVELOPES, st.integers(1, 1_500))
def test_parts_are_the_batch_one_after_another(records: list[Envelope], part_bytes: int) -> None:
    batch = Batch(tuple(records))
    parts = split(batch, part_bytes, LIMITS)
    assert [one for part in parts if isinstance(part, Batch) for one in part.records] == records
    refused = len(records) > LIMITS.batch_records_max or bytes_of(records) > 2 * LIMITS.frame_bytes_max
    if refused or weight(batch) <= part_bytes:
        assert parts == [batch]
    else:
        batches = [part for part in parts if isinstance(part, Batch)]
        assert len(batches) == len(parts)
        assert all(weight(part) <= part_bytes or len(part.records) == 1 for part in batches)
        assert all(weight(one) + next_.records[0].size_bytes > part_bytes for one, next_ in pairwise(batches))


def test_other_frames_are_left_alone() -> None:
    assert split(Ping(7), 1, LIMITS) == [Ping(7)]
