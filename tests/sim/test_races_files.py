"""Race 6 of domain.md section 3, the files: what the old receiver of a task attached goes to the new one."""

from io import BytesIO

import pytest

from node.records.payload import Attachment
from node.services.views.browse import attachment_of
from tests.sim.test_races import SECOND, Race, given
from tests.sim.test_smoke import run
from tests.sim.world import Machine


@pytest.fixture
def race() -> Race:
    return Race()


def test_race_6_the_files_go_with_the_work(race: Race) -> None:
    """What the old receiver attached, also while cut off, is at the new one whole and can be fetched; nobody else's."""
    own, task = race.issue(race.city, race.county)
    before, after = file(race.county, "台账.xlsx"), file(race.county, "照片.jpg")
    run(race.county, "item.report", item=task, text="已完成三成", attachments=[before])
    race.settle()
    race.part(race.county)
    made = run(race.city, "item.reassign", item=task, to=[SECOND], reason="改由该县承办")
    successor = made["assignments"][0]["item"]
    run(race.county, "item.attach", item=task, attachments=[after])
    race.settle()
    assert race.second.blobs.present(before.hash), "the city has it already"
    assert not race.second.blobs.present(after.hash)
    race.heal(race.county)
    for machine in (race.city, race.second):
        shown = race.show(machine, successor)
        here = {(one["name"], one["present"]) for one in shown["attachments"]}
        assert here == {("台账.xlsx", True), ("照片.jpg", True)}
        assert [[one["name"] for one in given_["attachments"]] for given_ in given(race, machine, successor)] == [
            ["台账.xlsx"], ["照片.jpg"],
        ]  # fmt: skip
    blob, name = attachment_of(
        race.second.store.reader(), race.second.office.view(), {"item": successor, "hash": after.hash.hex()[:12]}
    )
    assert (blob.hash, name) == (after.hash, "照片.jpg")
    assert not race.province.blobs.whole, "above the city's own matter nobody has either"
    assert own in race.city.digests()
    race.agree()


def file(machine: Machine, name: str) -> Attachment:
    """A file at an office, as its socket took it in."""
    added = machine.blobs.add(BytesIO(name.encode() * 1_000), name.encode().ljust(32, b"\0")[:32])
    return Attachment(added.hash, added.salt, added.size_bytes, name)
