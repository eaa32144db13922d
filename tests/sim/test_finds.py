"""What the simulator found, each told once by itself: a seed changes its meaning, these do not."""

from io import BytesIO
from typing import Any

import pytest

from node.errors import DulianError
from node.records.envelope import Envelope, seal
from node.records.header import decode, encode
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act, Attachment
from node.services.commands import COMMANDS
from node.services.views.browse import show_item
from node.storage.port import BlobRow, Evidence, Fork
from node.sync import frames
from tests.sim.test_smoke import CITY, COUNTY, ME, PROVINCE, enrol, run, states, tree
from tests.sim.world import certificate_of, signer_for

__all__ = ["tree"]


def command(machine, answers, verb, **args):
    office = machine.office
    return office.command(lambda: COMMANDS[verb](office, args, ME), lambda *answer: answers.append(answer))


def session_number(machine, peer):
    return machine.office.links.session_of(peer).number


def last_row(machine, **where):
    """The newest stored record of a log of this machine with this author and line."""
    (log,) = [log for log in machine.office.logs.index.author(where["author"]) if log.key.line == where["line"]]
    return machine.store.run(log.log_no, log.seq - 1, 1, 10**6)[0], log


def test_a_refused_command_behind_another_in_the_same_step_harms_nobody(tree):
    wire, root, city, _ = tree
    task = run(root, "item.issue", title="一事", to=[CITY])["assignments"][0]["item"]
    wire.settle()
    answers: list[Any] = []
    wire.step(
        city, command(city, answers, "item.sign", item=task), command(city, answers, "item.accept", item=task),
        command(city, answers, "item.report", item=task, text="进展"),
    )  # fmt: skip
    assert not city.sent[-1].closes
    for callback in city.sent[-1].after_commit:
        callback()
    assert [isinstance(error, DulianError) for _, error in answers] == [False, True, False]
    wire.settle()
    assert states(root)["一事/320500"] == "active"


def test_what_the_node_owes_is_written_before_what_a_person_does_in_the_same_step(tree):
    wire, root, city, _ = tree
    task = run(root, "item.issue", title="一事", to=[CITY])["assignments"][0]["item"]
    ((number, batch),) = [
        (number, frame) for out in root.sent for number, frame in out.frames if isinstance(frame, frames.Batch)
    ]
    wire.step(city, lambda: city.office.received(number, batch))
    city.office.project()
    assert city.office.has_followups()
    wire.step(city, command(city, [], "item.sign", item=task))
    wire.settle()
    line = Line((PROVINCE, CITY))
    log = last_row(city, author=CITY, line=line)[1]
    assert log.seq == 2
    effects = {entry["kind_label"]: entry["effect"] for entry in timeline(city, task)}
    assert effects == {"交办": "applied", "送达": "applied", "签收": "applied"}


def timeline(machine, item):
    found = show_item(machine.store, machine.office.view(), {"item": item})["timeline"]
    assert isinstance(found, list)
    return found


def test_an_attachment_of_ones_own_counts_as_present_after_a_crash_between_two_commits(tree):
    _, _, _, county = tree
    salt = bytes(32)
    added = county.blobs.add(BytesIO(b"content"), salt)
    file = Attachment(added.hash, salt, added.size_bytes, "附件.docx")
    county.office.step([command(county, [], "item.register", title="一事", attachments=[file])])
    # The row as the projection leaves it when the power fails before it was seen that the file is here.
    county.store.begin()
    county.store.put([BlobRow(added.hash, salt, added.size_bytes, present=False)])
    county.store.commit(durable=True)
    county.crash()
    county.start()
    county.office.project(force=True)
    assert county.store.get(BlobRow, added.hash).present


def test_a_payload_held_back_by_a_relay_is_not_taken_for_erased(tree):
    wire, root, city, county = tree
    run(county, "item.register", title="一事")
    task = run(root, "item.issue", title="二事", to=[COUNTY])["assignments"][0]["item"]
    wire.settle()
    row, log = last_row(city, author=COUNTY, line=Line((PROVINCE, CITY, COUNTY)))
    stripped = Envelope(row.header, row.signature, None, None)
    before = root.office.logs.record_count
    wire.step(root, lambda: root.office.received(session_number(root, CITY), frames.Batch((stripped,))))
    assert root.office.logs.record_count == before
    wire.settle()
    run(county, "item.sign", item=task)
    wire.settle()
    assert states(root)["二事/320583"] == "signed"
    assert log.seq == 2


def test_a_stolen_code_diverts_no_task(tree):
    wire, root, city, _ = tree
    sibling = "320200"
    thief = signer_for(sibling, 99, real=True)
    said = certificate_of(city, PROVINCE)._replace(
        code=sibling, path=(PROVINCE, CITY, sibling), raw_key=thief.raw_key, possession=city.possession(sibling, thief)
    )

    def steal():
        city.office.author.write(Kind.CERTIFICATE, city.office.author.office_line, said)

    wire.step(city, steal)
    wire.settle()
    run(root, "invite", code=sibling, name="无锡市人民政府", ttl="24h")
    enrol(root, sibling)
    assert root.office.keyring.current(sibling).path == (PROVINCE, sibling)
    task = run(root, "item.issue", title="一事", to=[sibling])["assignments"][0]
    wire.settle()
    assert states(city) == {}
    assert task["to"] == sibling
    assert any(alarm.code == "two_parents" for alarm in root.office.alarms.standing())


def forked(wire, root, city):
    """The city's log to the province, continued by two different records; the province saw the other one first."""
    row, log = last_row(city, author=CITY, line=Line((PROVINCE, CITY), subtree=True))
    header = decode(row.header)._replace(seq=log.seq + 1, prev=log.head_id, kind=int(Kind.NOTICE))
    other = seal(city.signer, header, bytes(32), b"")
    wire.step(root, lambda: root.office.received(session_number(root, CITY), frames.Batch((other.envelope,))))
    root.sent.clear()
    return log, other


def test_an_author_learns_that_its_log_was_forked_and_goes_on_in_a_new_epoch(tree):
    wire, root, city, county = tree
    epoch = city.office.author.epoch
    _, other = forked(wire, root, city)
    line = Line((PROVINCE, CITY), subtree=True)
    for number in range(2):
        wire.step(city, lambda text=f"通报{number}": city.office.author.write(Kind.NOTICE, line, Act(text=text)))
    wire.settle()
    wire.settle()
    for machine in (root, city):
        assert machine.store.rows(Fork), machine.code
        assert machine.office.logs.index.get(other.header.log_id).frozen
        assert any(alarm.code == "fork" for alarm in machine.office.alarms.standing())
        assert machine.audit()["ok"]
    assert city.office.author.epoch > epoch
    assert not city.office.author.recovering
    task = run(root, "item.issue", title="一事", to=[COUNTY])["assignments"][0]["item"]
    wire.settle()
    run(county, "item.sign", item=task)
    wire.settle()
    assert states(root)["一事/320583"] == "signed"


def test_an_altered_header_is_kept_as_evidence_and_stops_no_other_log(tree):
    wire, root, city, _ = tree
    row, _ = last_row(city, author=CITY, line=Line((PROVINCE, CITY), subtree=True))
    changed = encode(decode(row.header)._replace(claimed_ms=1))
    bad = Envelope(changed, row.signature, row.salt, row.payload)
    wire.step(root, lambda: root.office.received(session_number(root, CITY), frames.Batch((bad,))))
    assert [found.code for found in root.store.rows(Evidence, peer=CITY)] == ["bad_signature"]
    assert not root.store.rows(Fork)
    run(city, "item.register", title="一事")
    wire.settle()
    assert root.office.links.session_of(CITY) is not None


@pytest.mark.parametrize("ahead_ms", [5_000, 30_000])
def test_data_of_a_child_whose_clock_is_ahead_is_not_shown_as_newer_than_now(tree, ahead_ms):
    wire, root, city, _ = tree
    city.clock.off_ms = ahead_ms
    wire.settle()
    assert 0 < root.office.marks.as_of_ms(CITY) <= root.clock.now_ms()
