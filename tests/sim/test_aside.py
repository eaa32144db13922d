"""Slow work with attachments is done aside: the core goes on meanwhile, whatever happens to the link or the power."""

from collections.abc import Callable
from functools import partial
from io import BytesIO

import pytest

from node.records.payload import Attachment
from node.storage.port import BlobRow
from tests.sim.test_smoke import CITY, COUNTY, run, tree

__all__ = ["tree"]


class Aside:
    """A county reported with a file; the city's work on it waits here until the test lets it come back."""

    def __init__(self, wire, city, county):
        self.wire, self.city, self.county = wire, city, county
        self.waiting: list[Callable[[], None]] = []
        city.blobs.post = self.waiting.append
        self.task = run(city, "item.issue", title="有附件", to=[COUNTY])["assignments"][0]["item"]
        wire.settle()
        run(county, "item.sign", item=self.task)
        added = county.blobs.add(BytesIO(bytes(range(250)) * 20), bytes(32))
        self.hash = added.hash
        files = [Attachment(added.hash, added.salt, added.size_bytes, "附件.docx")]
        run(county, "item.report", item=self.task, text="见附件", attachments=files)
        wire.settle()

    def come_back(self):
        """What was done aside is heard of in the core."""
        [event] = self.waiting
        self.waiting.clear()
        self.wire.step(self.city, event)
        self.wire.settle()

    @property
    def present(self) -> bool:
        return self.city.store.get(BlobRow, self.hash).present

    def lose_link(self):
        for machine, peer in ((self.city, COUNTY), (self.county, CITY)):
            links = machine.office.links
            machine.office.step([partial(links.lost, links.session_of(peer).number)])


@pytest.fixture
def aside(tree):
    wire, _, city, county = tree
    return Aside(wire, city, county)


def test_the_core_goes_on_while_a_file_is_opened_and_finished(aside):
    for step in ("opening", "finishing"):
        assert len(aside.waiting) == 1, step
        assert not aside.present, step
        run(aside.city, "item.register", title=step)
        run(aside.county, "item.report", item=aside.task, text=step)
        aside.wire.settle()
        assert len(aside.waiting) == 1, step
        aside.come_back()
    assert aside.present
    assert aside.waiting == []


def test_a_link_lost_while_a_file_is_opened(aside):
    aside.lose_link()
    aside.wire.connect(aside.county)
    assert len(aside.waiting) == 2  # of the old link and of the new one
    old, new = aside.waiting
    aside.waiting.clear()
    aside.wire.step(aside.city, old)
    aside.wire.settle()
    assert aside.waiting == []
    aside.waiting.append(new)
    aside.come_back()
    aside.come_back()
    assert aside.present
    assert aside.city.office.alarms.standing() == []


def test_a_link_lost_while_a_file_is_finished(aside):
    aside.come_back()
    aside.lose_link()
    aside.come_back()
    assert aside.present
    assert aside.city.office.alarms.standing() == []


def test_a_crash_before_the_core_heard_that_a_file_is_whole(aside):
    aside.come_back()
    assert aside.waiting
    assert aside.city.blobs.present(aside.hash)
    aside.city.crash()
    aside.waiting.clear()
    aside.city.start()
    assert not aside.present
    aside.city.office.project(force=True)
    assert aside.present
