"""The link machine by example: what comes in, and exactly which effects it asks for."""

import pytest

from node.records.envelope import Envelope
from node.records.line import log_id_of
from node.records.notes import Signed
from node.records.payload import KnownHead
from node.sync import effects as do
from node.sync import frames
from node.sync.heads import HeadSet, LogState
from node.sync.limits import LinkLimits
from node.sync.link import LinkMachine, Phase
from tests.property.link_sides import key_of

LIMITS = LinkLimits(window_bytes=1_000, batch_bytes_max=400, batch_records_max=3, receipt_heads_max=2)
NOW = 1_000_000


def log_of(number, seq):
    key = key_of(number)
    return LogState(number + 1, log_id_of(key), key, seq, bytes([seq]) * 32 if seq else b"", frozen=False)


def hello_of(digest, *, now_ms=NOW, **fields):
    base = frames.Hello(
        1, 1, bytes(32), "320000", bytes(32), Signed(b"", b""), bytes(32), digest, 0, b"", now_ms, 1_000, "x"
    )
    return base._replace(**fields)


def machine_with(*logs, dials=True):
    heads = HeadSet()
    for log in logs:
        heads.add(log)
    return LinkMachine(dials=dials, heads=heads, limits=LIMITS, now_ms=NOW), heads


def established(*logs, dials=True, digest=None):
    """A machine whose neighbour was accepted; with the same digest it streams."""
    machine, heads = machine_with(*logs, dials=dials)
    machine.start(hello_of(b"", version_min=0))
    machine.receive(hello_of(heads.root() if digest is None else digest), NOW)
    machine.accepted(NOW)
    return machine, heads


def told(effects):
    """Effects as words, for the tables below."""
    words = []
    for effect in effects:
        name = type(effect).__name__
        if isinstance(effect, do.Send):
            name = f"Send {type(effect.frame).__name__}"
        elif isinstance(effect, do.Close):
            name = f"Close {effect.reason} {effect.fault}".strip()
        elif isinstance(effect, do.Load):
            name = f"Load {[(log_id[0], seq) for log_id, seq in effect.wants]} {effect.bytes_max}"
        words.append(name)
    return words


def head(log, seq=None, record_id=None):
    return KnownHead(log.log_id, log.seq if seq is None else seq, log.head_id if record_id is None else record_id)


def record(size=100):
    return Envelope(b"h" * (size - 32), b"", None, b"")


def test_greeting_then_streaming_where_digests_are_equal():
    machine, heads = machine_with(log_of(1, 3))
    (sent,) = machine.start(hello_of(b""))
    assert (sent.frame.heads_digest, sent.frame.logs, sent.frame.version_max) == (heads.root(), 1, 2)
    assert told(machine.receive(hello_of(heads.root(), now_ms=NOW + 7), NOW)) == ["CheckHello"]
    found = machine.accepted(NOW)
    assert told(found) == ["Established", "InSync"]
    assert found[0].skew_ms == 7
    assert machine.phase is Phase.STREAMING
    assert machine.is_idle()
    assert machine.accepted(NOW) == []


@pytest.mark.parametrize(("dials", "expected"), [(True, ["Established", "Send Buckets"]), (False, ["Established"])])
def test_only_the_dialler_begins_the_comparison(dials, expected):
    machine, _ = machine_with(log_of(1, 3), dials=dials)
    machine.start(hello_of(b""))
    machine.receive(hello_of(bytes(32)), NOW)
    assert told(machine.accepted(NOW)) == expected
    assert machine.phase is Phase.COMPARING


def test_marks_go_up_only_where_they_differ():
    for dials, expected in ((True, ["Established", "SendMarks", "InSync"]), (False, ["Established", "InSync"])):
        machine, heads = machine_with(dials=dials)
        machine.start(hello_of(b"", marks_digest=b"a"))
        machine.receive(hello_of(heads.root(), marks_digest=b"b"), NOW)
        assert told(machine.accepted(NOW)) == expected


GREETING = [
    (hello_of(b"", version_min=3, version_max=9), ["Close version peer"]),
    (hello_of(b"", version_min=0, version_max=0), ["Close version peer"]),
    (frames.Batch(()), ["Close protocol peer"]),
    (frames.Buckets(8, ()), ["Close protocol peer"]),
    (frames.ChainRequest(), ["SendChain"]),
    (frames.Chain(()), ["LearnChain"]),
    (frames.Chain((record(),) * 13), ["Close protocol peer"]),
    (frames.Goodbye("restart"), ["Close restart"]),
]


@pytest.mark.parametrize(("frame", "expected"), GREETING)
def test_before_the_hello(frame, expected):
    machine, _ = machine_with()
    machine.start(hello_of(b""))
    assert told(machine.receive(frame, NOW)) == expected


def test_what_comes_before_the_neighbour_is_known_waits_and_is_bounded():
    machine, heads = machine_with()
    machine.start(hello_of(b""))
    machine.receive(hello_of(heads.root()), NOW)
    for number in range(64):
        assert machine.receive(frames.Ping(number), NOW) == []
    assert told(machine.accepted(NOW))[2:] == ["Send Pong"] * 64
    machine, _ = machine_with()
    machine.start(hello_of(b""))
    machine.receive(hello_of(b""), NOW)
    said = [told(machine.receive(frames.Ping(number), NOW)) for number in range(65)]
    assert said[-1] == ["Close protocol peer"]


STREAMING = [
    (frames.Ping(4), True, ["Send Pong"]),
    (frames.Pong(4, NOW), True, ["NoteClock"]),
    (frames.ChainRequest(), True, ["SendChain"]),
    (frames.Chain(()), True, []),
    (frames.Batch((record(),) * 3), True, ["Admit"]),
    (frames.Batch((record(),) * 4), True, ["Close flood peer"]),
    (frames.ReceiptFrame(Signed(b"", b"")), True, ["NoteReceipt"]),
    (frames.Marks(()), True, ["Close protocol peer"]),  # from the parent
    (frames.Marks(()), False, ["LearnMarks"]),
    (frames.BlobRequest(bytes(32), 0, 2**32 - 1), True, ["ServeBlob"]),
    (frames.BlobChunk(bytes(32), 0, b"x" * 262_145, missing=False), True, ["Close flood peer"]),
    (frames.BlobChunk(bytes(32), 0, b"x", missing=False), True, ["StoreBlob"]),
    (frames.Heads(8, (), ()), True, ["Close protocol peer"]),  # nothing is being compared
    (frames.Buckets(8, (bytes(16),) * 256), False, ["Close protocol peer"]),
    (hello_of(b""), True, ["Close protocol peer"]),
    (frames.Goodbye(""), True, ["Close goodbye"]),
    (frames.Refusal(bytes(32), 1, "gap", KnownHead(b"", 0, b""), 0), True, []),  # of a log nobody knows
]


@pytest.mark.parametrize(("frame", "dials", "expected"), STREAMING)
def test_while_streaming(frame, dials, expected):
    machine, _ = established(log_of(1, 3), dials=dials)
    assert told(machine.receive(frame, NOW)) == expected


def test_a_pieces_size_is_cut_to_the_limit():
    machine, _ = established()
    (effect,) = machine.receive(frames.BlobRequest(bytes(32), 7, 2**32 - 1), NOW)
    assert effect.request == frames.BlobRequest(bytes(32), 7, LIMITS.blob_chunk_bytes)


def test_a_comparison_step_by_step_at_the_parent():
    mine, equal = log_of(1, 3), log_of(2, 5)
    machine, heads = established(mine, equal, dials=False, digest=bytes(32))
    digests = list(heads.bucket_digests())
    digests[mine.log_id[0]] = bytes(16)
    found = machine.receive(frames.Buckets(8, tuple(digests)), NOW)
    assert told(found) == ["Send Heads", "Send Heads"]
    assert found[0].frame == frames.Heads(8, (mine.log_id[0],), (head(mine),))
    assert found[1].frame == frames.Heads(8, (), ())
    # The child holds less of it: what follows is loaded.
    assert told(machine.receive(frames.Heads(8, (mine.log_id[0],), (head(mine, 1, bytes(32)),)), NOW)) == ["InSync"]
    assert told(machine.flush()) == [f"Load {[(mine.log_id[0], 1)]} 400"]


COMPARED = [
    (2, bytes(32), 0, ["Load"]),  # the child holds less
    (3, None, 0, []),  # the same
    (3, bytes(32), 0, ["ShowFork"]),  # something else
    (9, bytes(32), 9, []),  # more: it will send
]


@pytest.mark.parametrize(("seq", "record_id", "behind", "expected"), COMPARED)
def test_what_one_head_of_a_comparison_leads_to(seq, record_id, behind, expected):
    log = log_of(1, 3)
    machine, _ = established(log, dials=False, digest=bytes(32))
    machine.receive(frames.Buckets(8, (bytes(16),) * 256), NOW)
    every = tuple(range(256))
    found = machine.receive(frames.Heads(8, every, (head(log, seq, record_id),)), NOW)
    shown = [word for word in told(found) + told(machine.flush()) if word != "InSync"]
    assert [word.split()[0] for word in shown] == expected
    assert machine.behind.get(log.log_id, 0) == behind


BROKEN = [
    frames.Heads(7, (), ()), frames.Heads(8, (256,), ()), frames.Heads(8, (1, 1), ()),
    frames.Heads(8, (), (KnownHead(bytes(32), 1, bytes(32)),)),
    frames.Heads(8, (0,), (KnownHead(bytes(32), 1, bytes(32)),) * 2),
]  # fmt: skip


@pytest.mark.parametrize("frame", BROKEN)
@pytest.mark.parametrize("dials", [True, False])
def test_lists_of_heads_that_break_the_protocol(frame, dials):
    machine, _ = established(log_of(1, 3), dials=dials, digest=bytes(32))
    if not dials:
        machine.receive(frames.Buckets(8, (bytes(16),) * 256), NOW)
    assert told(machine.receive(frame, NOW)) == ["Close protocol peer"]


def test_a_bucket_is_listed_once():
    machine, _ = established(log_of(1, 3), digest=bytes(32))
    assert told(machine.receive(frames.Heads(8, (4,), ()), NOW)) == ["Send Heads"]
    assert told(machine.receive(frames.Heads(8, (4,), ()), NOW)) == ["Close protocol peer"]


def test_claims_without_end_fill_no_memory():
    machine, _ = machine_with()
    machine._limits = LIMITS._replace(behind_logs_max=3)
    machine.start(hello_of(b""))
    machine.receive(hello_of(bytes(32)), NOW)
    machine.accepted(NOW)
    claims = tuple(KnownHead(bytes([0]) + bytes([n]) * 31, 5, bytes(32)) for n in range(1, 50))
    machine.receive(frames.Heads(8, (0,), claims), NOW)
    assert len(machine.behind) == 3


def test_the_window_holds_back_until_receipts_come():
    log = log_of(1, 0)
    machine, heads = established(log)
    for seq in range(1, 40):
        log.seq, log.head_id = seq, bytes([seq]) * 32
        machine.log_advanced(log, seq - 1, from_this_peer=False)
    heads.touch(log)
    sent = 0
    for _ in range(20):
        found = machine.flush()
        if not found:
            break
        assert told(machine.loaded([(log.log_id, [record(), record(), record()], sent + 3)], NOW)) == ["Send Batch"]
        sent += 3
    assert sent == 12  # of 100 bytes each, in a window of 1,000: the last batch may stand over
    machine.receipted([head(log, 6, bytes(32))], NOW)
    assert told(machine.flush()) == [f"Load {[(log.log_id[0], 12)]} 400"]


def test_one_receipt_for_all_that_one_step_stored():
    logs = [log_of(number, 2) for number in range(3)]
    machine, _ = established(*logs)
    for log in logs:
        machine.log_advanced(log, 1, from_this_peer=True)
    found = machine.flush()
    assert told(found) == ["GiveReceipt", "GiveReceipt"]  # two heads at most in each
    assert sorted(head for effect in found for head in effect.heads) == sorted(log.head for log in logs)
    assert machine.flush() == []


def test_a_receipt_again_is_for_no_more_than_was_sent_again():
    log = log_of(1, 9)
    machine, _ = established(log)
    machine.held_already(head(log, 4, b"4" * 32))
    machine.held_already(head(log, 3, b"3" * 32))
    (receipt,) = machine.flush()
    assert receipt.heads == (KnownHead(log.log_id, 4, b"4" * 32),)


REFUSED = [
    # reason, held, wait, effects, is it sent again at once?
    ("gap", 2, 0, ["ReportRefusal"], True),
    ("future", 2, 5_000, ["ReportRefusal"], False),
    ("bad_signature", 2, 0, ["ReportRefusal"], False),
    ("wrong_prev", 2, 0, ["ReportRefusal", "ShowFork"], False),
    ("fork", 2, 0, ["ReportRefusal", "ShowFork"], False),
    ("frozen", 2, 0, ["ReportRefusal", "ShowFork"], False),
    ("fork", 0, 0, ["ReportRefusal"], False),
]


@pytest.mark.parametrize(("reason", "held", "wait_ms", "expected", "again"), REFUSED)
def test_what_a_refusal_leads_to(reason, held, wait_ms, expected, again):
    log = log_of(1, 5)
    machine, _ = established(log)
    refusal = frames.Refusal(log.log_id, 3, reason, head(log, held, bytes(32) if held else b""), wait_ms)
    assert told(machine.receive(refusal, NOW)) == expected
    assert told(machine.flush()) == ([f"Load {[(log.log_id[0], held)]} 400"] if again else [])
    machine.tick(NOW + wait_ms + 1_000)
    assert bool(machine.flush()) == bool(wait_ms)


def test_a_gap_is_reported_once_until_the_log_moves():
    log = log_of(1, 5)
    machine, _ = established(log)
    assert told(machine.refuse(log.log_id, 9, "gap", log.head, NOW)) == ["Send Refusal"]
    assert machine.refuse(log.log_id, 10, "gap", log.head, NOW) == []
    log.seq = 6
    machine.log_advanced(log, 5, from_this_peer=True)
    assert told(machine.refuse(log.log_id, 11, "gap", log.head, NOW)) == ["Send Refusal"]


def test_passing_reasons_say_when_to_try_again():
    log = log_of(1, 5)
    machine, _ = established(log)
    wait = {}
    for reason in ("unknown_key", "future", "far_future", "bad_signature"):
        (sent,) = machine.refuse(log.log_id, 9, reason, log.head, NOW)
        wait[reason] = sent.frame.retry_after_ms
    assert wait == {"unknown_key": 60_000, "future": 60_000, "far_future": 3_600_000, "bad_signature": 0}


def test_a_forked_log_is_shown_once_and_never_offered_again():
    log = log_of(1, 5)
    machine, _ = established(log)
    assert told(machine.dispute(log, 4)) == ["ShowFork"]
    assert machine.dispute(log, 4) == []
    log.seq = 6
    machine.log_advanced(log, 5, from_this_peer=False)
    machine.receive(frames.Refusal(log.log_id, 6, "future", head(log, 4, bytes(32)), 1_000), NOW)
    machine.tick(NOW + 5_000)
    assert machine.flush() == []
    assert not machine.wants_more()


def test_draining_says_goodbye_after_the_receipts():
    log = log_of(1, 2)
    machine, _ = established(log)
    machine.log_advanced(log, 1, from_this_peer=True)
    assert told(machine.drain("shutdown")) == ["GiveReceipt", "Send Goodbye", "Close shutdown"]
    assert machine.drain("shutdown") == machine.flush() == machine.tick(NOW) == []
    machine.lost()
    assert machine.phase is Phase.CLOSED


def test_certificates_go_before_everything_else():
    office, task = log_of(0, 2), log_of(1, 2)
    assert office.key.line.subtree
    machine, _ = established(task, office)
    for log in (task, office):
        machine.log_advanced(log, 0, from_this_peer=False)
    (load,) = machine.flush()
    assert [log_id for log_id, _ in load.wants] == [office.log_id, task.log_id]


def test_a_log_the_store_does_not_have_is_dropped_from_the_queue():
    log = log_of(1, 2)
    machine, _ = established(log)
    machine.log_advanced(log, 0, from_this_peer=False)
    machine.flush()
    assert machine.loaded([(log.log_id, [], 0)], NOW) == []
    assert not machine.wants_more()
    assert machine.is_idle()


def test_a_receipt_that_was_lost_is_asked_for_with_the_last_record():
    held, behind = log_of(1, 3), log_of(2, 5)
    machine, _ = established(held, behind)
    machine.offer_last(held)
    machine.offer_last(log_of(3, 0))  # nothing in it: nothing to receipt
    (load,) = machine.flush()
    assert load.wants == ((held.log_id, 2),)
