"""The logs of a neighbour are found without a look at every log: the same as a look at every one finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.records.line import Line, LogKey, log_id_of
from node.sync.heads import HeadIndex, HeadSet, LogState

ROOT, ME, SISTER = "320000", "320500", "320200"
CHILDREN = ("320581", "320582", "320583")
TOWN = "320583101"
BRANCHES = ((ROOT, ME, CHILDREN[2], TOWN), (ROOT, ME, CHILDREN[0]), (ROOT, SISTER), (ROOT, ME, CHILDREN[1], TOWN))
PARTS = sorted({path[i:j] for path in BRANCHES for i in range(len(path)) for j in range(i + 1, len(path) + 1)})
lines = st.builds(Line, st.sampled_from(PARTS), st.booleans())
# None: a question in between, so that some sets are there when a log is added, and some are not.
steps = st.lists(st.none() | st.tuples(lines, st.integers(1, 9)), max_size=40)


@given(steps, st.sampled_from(((ROOT, ME), (ME,), (ROOT,), (ROOT, ME, CHILDREN[2]))))
def test_a_links_logs_are_those_whose_line_holds_both_ends(
    steps: list[tuple[Line, int] | None], path: tuple[str, ...]
) -> None:
    index = HeadIndex(path)
    parent = path[-2] if len(path) > 1 else ""
    peers = {parent, ROOT, ME, *CHILDREN, TOWN, "320999"} - {"", path[-1]}

    def check(asked: set[str]) -> None:
        for peer in asked:
            upper, lower = (path[:-1], path[-1]) if peer == parent else (path, peer)
            wanted = {log.log_id: log.seq for log in index if log.key.line.crosses(upper, lower)}
            assert {log.log_id: log.seq for log in index.link(peer)} == wanted
            anew = HeadSet()
            for log in index.link(peer):
                anew.add(log)
            assert index.link(peer).root() == anew.root()  # nothing that moved is stale

    for number, step in enumerate(steps, start=1):
        if step is None:
            check(set(sorted(peers)[: number % 4]))
            continue
        line, epoch = step
        key = LogKey(line.path[-1], epoch, line)
        log = index.get(log_id_of(key))
        if log is None:
            log = LogState(number, log_id_of(key), key, 1, bytes(32), frozen=False)
            index.add(log)
        else:
            log.seq += 1
            index.moved(log)
    check(peers)
