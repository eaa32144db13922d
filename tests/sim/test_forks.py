"""A city tells the province one thing and the county another (B7): both get both, a proof, and an end (I5, G7)."""

import json
from typing import Any

import pytest

from node.errors import DulianError, ForbiddenError, InputError
from node.records import proof as proofs
from node.records.envelope import Envelope, open_envelope, seal
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act, Enclosure, Opening, encode
from node.services.commands import QUESTIONS
from node.services.mending.forks import FORKS_PER_LOG_MAX
from node.storage.port import Evidence, Fork
from node.sync import frames
from tests.sim.test_smoke import CITY, COUNTY, PROVINCE, run, tree
from tests.sim.world import suites
from tests.vectors.verify_alone import Bad, verify_fork

__all__ = ["tree"]


def ask(machine, verb, **args) -> Any:
    return QUESTIONS[verb](machine.store.reader(), machine.office.view(), args)


def alarms(machine, code="fork"):
    return [alarm for alarm in machine.office.alarms.standing() if alarm.code == code]


def two_faced(wire, tree_, line, kind=Kind.PROGRESS, payload=None, **fields):
    """The city writes a record on the line, and seals another one under the same number that only the county sees."""
    _, _, city, county = tree_
    office = city.office
    log = office.logs.ensure(office.author._header(kind, line).log_key)
    payload = payload or Act(text="对县区的说法")
    raw, salt = encode(payload), bytes(32)
    header = office.author._header(kind, line)._replace(**fields)
    other = seal(city.signer, header, salt, raw)
    number = max(n for (code, n) in wire.ends if code == county.code)
    # What the county answers goes to the liar beside its node, and is lost here.
    county.office.step([lambda: county.office.received(number, frames.Batch((other.envelope,)))])
    assert county.office.logs.index.get(log.log_id).head_id == other.record_id
    records = []
    wire.step(city, lambda: records.append(office.author.write(kind, line, Act(text="对省里的说法"), **fields)))
    return log, records[0], other


@pytest.fixture
def forked(tree):
    """On the line province/city/county: a task of the province at the county, about which the city says two things."""
    wire, province, city, county = tree
    task = run(province, "item.issue", title="防汛物资", to=[COUNTY])["assignments"][0]["item"]
    wire.settle()
    line = Line((PROVINCE, CITY, COUNTY))
    item = bytes.fromhex(task)
    run(city, "item.urge", item=task, text="抓紧", channel="phone")
    wire.settle()
    return (wire, province, city, county), task, two_faced(wire, tree, line, Kind.PROGRESS, item=item)


def test_every_holder_gets_both_and_the_digests_agree(forked):
    (wire, province, city, county), task, (log, mine, other) = forked
    for _ in range(3):
        wire.settle()
    for machine in (province, city, county):
        here = machine.office.logs.index.get(log.log_id)
        kept = {row.record_id for row in machine.store.rows(Fork)}
        inside = {row.record_id for row in machine.store.journal.values() if row.log_no == here.log_no}
        assert {mine.record_id, other.record_id} <= kept | inside, machine.code
        assert here.frozen
        assert alarms(machine), machine.code
        assert machine.audit()["ok"]
    assert len({machine.digests()[task] for machine in (province, city, county)}) == 1


@pytest.mark.parametrize("false", [True, False])
def test_a_superior_proves_a_fork_of_an_office_below(tree, false):
    """Where city and county were both rolled back, only the province holds the other branch; it shows what it holds."""
    wire, _, city, county = tree
    line = Line((PROVINCE, CITY, COUNTY))
    records = []
    wire.step(county, lambda: records.append(county.office.author.write(Kind.NOTICE, line, Act(text="甲"))))
    wire.settle()
    mine = records[0]
    raw, salt = encode(Act(text="乙")), bytes(32)
    other = seal(county.signer, mine.header, salt, raw) if false else mine
    number = next(n for (code, n), (to, _) in wire.ends.items() if (code, to) == (CITY, PROVINCE))
    city.office.step([lambda: city.office.received(number, frames.Batch((other.envelope,)))])
    log = city.office.logs.index.get(mine.header.log_id)
    assert (log.head_id, log.frozen) == (mine.record_id, false), "what comes from the wrong side is never appended"
    assert [row.record_id for row in city.store.rows(Fork)] == ([other.record_id] if false else [])
    assert [row.code for row in city.store.rows(Evidence, peer=PROVINCE)] == ["fork" if false else "wrong_side"]
    assert bool(alarms(city)) == false


def test_a_witness_is_written_once(forked):
    (wire, *machines), _, (log, *_) = forked
    for _ in range(3):
        wire.settle()
    before = [machine.store.record_count() for machine in machines]
    for machine in machines:
        machine.start()
    wire.ends.clear()
    wire.connect(machines[1])
    wire.connect(machines[2])
    wire.settle()
    assert [machine.store.record_count() for machine in machines] == before
    enclosed: list[bytes] = []
    for row in machines[0].store.journal.values():
        record = open_envelope(suites(), Envelope(row.header, row.signature, row.salt, row.payload))
        if record.header.kind == Kind.WITNESS:
            said = ask_payload(record)
            enclosed += [open_envelope(suites(), one).record_id for one in said.records]
    assert set(enclosed) >= {row.record_id for row in machines[0].store.rows(Fork)}
    assert log.frozen


def ask_payload(record) -> Enclosure:
    from node.records.payload import decode

    said = decode(record.header.kind, record.envelope.payload)
    assert isinstance(said, Enclosure)
    return said


def test_a_proof_holds_without_a_node_and_shows_no_contents(forked):
    (wire, province, *_), _, (log, mine, other) = forked
    for _ in range(3):
        wire.settle()
    found = ask(province, "fork.export", log=log.log_id.hex()[:8])
    root = bytes.fromhex(found["root"])
    assert root == province.identity.federation
    proved = proofs.verify(proofs.from_json(found["proof"]), suites(), root)
    assert set(proved.record_ids) == {mine.record_id, other.record_id}
    assert (proved.header.author, proved.header.seq) == (CITY, mine.header.seq)
    assert "说法".encode().hex() not in found["proof"]
    assert verify_fork(json.loads(found["proof"]), root) == (CITY, mine.header.seq)


def test_a_proof_that_was_touched_or_is_of_another_federation_holds_for_nobody(forked):
    (wire, province, *_), _, (log, *_) = forked
    for _ in range(3):
        wire.settle()
    found = ask(province, "fork.export", log="")
    root = bytes.fromhex(found["root"])
    document = json.loads(found["proof"])
    places = [("records", 0, "header"), ("records", 1, "signature"), ("certificates", 0, "payload"),
              ("certificates", 1, "signature")]  # fmt: skip
    for part, index, name in places:
        spoiled = json.loads(found["proof"])
        raw = bytearray.fromhex(spoiled[part][index][name])
        raw[len(raw) // 2] ^= 1
        spoiled[part][index][name] = raw.hex()
        refused(spoiled, root)
    refused(document, bytes(32))
    refused({**document, "records": [document["records"][0]] * 2}, root)
    refused({**document, "certificates": document["certificates"][:-1]}, root)
    refused({**document, "format": "other"}, root)
    assert log.frozen


def refused(document, root):
    with pytest.raises(DulianError):
        proofs.verify(proofs.from_json(json.dumps(document)), suites(), root)
    with pytest.raises((Bad, ValueError, UnicodeDecodeError, IndexError)):
        verify_fork(document, root)


def test_only_the_author_settles_and_then_the_alarm_ends_everywhere(forked):
    (wire, province, city, county), task, (log, *_) = forked
    for _ in range(3):
        wire.settle()
    with pytest.raises(ForbiddenError, match=CITY):
        run(province, "fork.settle", log=log.log_id.hex())
    with pytest.raises(InputError):
        run(city, "fork.settle", log=log.log_id.hex(), keep="neither")
    epoch = city.office.author.epoch
    answer = run(city, "fork.settle", log="all")
    assert answer["epoch"] == city.office.author.epoch > epoch
    for _ in range(2):
        wire.settle()
    for machine in (province, city, county):
        assert not alarms(machine), machine.code
        [case] = ask(machine, "fork.list")
        assert case["settled"]
        machine.start()  # nor does a restart raise it again
    wire.ends.clear()
    wire.connect(city)
    wire.connect(county)
    wire.settle()
    assert not any(alarms(machine) for machine in (province, city, county))
    assert len({machine.digests()[task] for machine in (province, city, county)}) == 1
    run(city, "item.urge", item=task, text="照办", channel="phone")  # the rest goes on
    wire.settle()
    assert len({machine.digests()[task] for machine in (province, city, county)}) == 1


def test_a_false_witness_has_no_effect(tree):
    wire, province, city, county = tree
    task = run(province, "item.issue", title="防汛物资", to=[COUNTY])["assignments"][0]["item"]
    wire.settle()
    line = Line((PROVINCE, CITY, COUNTY))
    header = province.office.author._header(Kind.PROGRESS, line)._replace(item=bytes.fromhex(task))
    forged = seal(city.signer, header, bytes(32), encode(Act(text="假的"))).envelope
    elsewhere = city.office.author._header(Kind.REGISTER, Line((CITY,)))._replace(semantic_version=2)
    own_line = seal(city.signer, elsewhere, bytes(32), encode(Opening(title="别处"))).envelope
    broken = Envelope(b"\x00", b"\x01", bytes(32), b"")
    false = Enclosure("", "", (forged, own_line, broken))
    before = province.digests()
    wire.step(city, lambda: city.office.author.write(Kind.WITNESS, line, false))
    wire.settle()
    for machine in (province, county):
        assert not machine.store.rows(Fork)
        assert not alarms(machine)
        assert machine.audit()["ok"]
    assert province.digests() == before


def test_who_forks_without_end_fills_no_disk(forked):
    (wire, province, city, county), _, (log, mine, _) = forked
    for _ in range(3):
        wire.settle()
    here = county.office.logs.index.get(log.log_id)
    line, many = log.key.line, []
    for number in range(FORKS_PER_LOG_MAX + 40):
        header = mine.header._replace(hlc_count=number + 1)
        many.append(seal(city.signer, header, bytes(32), encode(Act(text=f"第{number}份"))).envelope)
    for start in range(0, len(many), 50):
        false = Enclosure("", "", tuple(many[start : start + 50]))
        wire.step(city, lambda said=false: city.office.author.write(Kind.WITNESS, line, said))
    for _ in range(3):
        wire.settle()
    for machine in (province, city, county):
        rows = machine.store.rows(Fork, log_no=machine.office.logs.index.get(log.log_id).log_no)
        assert len(rows) <= FORKS_PER_LOG_MAX
    assert here.frozen


@pytest.mark.parametrize("what", ["", "header", "signature", "record_id", "row of another place"])
@pytest.mark.parametrize("at", [2, 0])
def test_a_damaged_or_lost_row_is_no_fork(tree, what, at):
    """D1, D8: a neighbour sends again what a spoilt disk no longer knows; nobody is accused, nothing stops."""
    wire, province, city, county = tree
    task = run(province, "item.issue", title="防汛物资", to=[COUNTY])["assignments"][0]["item"]
    wire.settle()
    run(county, "item.sign", item=task)
    for text in ("一", "二", "三"):
        run(county, "item.report", item=task, text=text)
    wire.settle()
    log = max((log for log in city.office.logs.index if log.key.author == COUNTY), key=lambda log: log.seq)
    held = city.store._tables.record.held
    place = (log.log_no, at or log.seq)
    rows = [held[log.log_no, seq] for seq in range(1, log.seq + 1)]
    was = held.pop(place)
    if what == "row of another place":
        held[place] = held[log.log_no, 1]._replace(seq=place[1])
    elif what:
        raw = getattr(was, what)
        held[place] = was._replace(**{what: raw[:-1] + bytes((raw[-1] ^ 1,))})
    again = tuple(Envelope(row.header, row.signature, row.salt, row.payload) for row in rows)
    number = max(n for (code, n) in wire.ends if code == city.code)
    for part in (again, again[place[1] - 1 : place[1]]):
        city.office.step([lambda part=part: city.office.received(number, frames.Batch(part))])
    assert not city.store.rows(Fork)
    assert not log.frozen
    assert not alarms(city)
    assert not city.office.author.recovering
