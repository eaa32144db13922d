"""What handlers and viewers do not learn of: papers against departments, unannounced inspections (A21, R101, R114)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from node.errors import DulianError, NotFoundError
from node.records.kinds import Kind
from node.records.payload import Attachment
from node.services.commands import QUESTIONS, attachment
from tests.sim.world import admit, found
from tests.unit.one_office import COUNTY, TOWN, Office

SECRETS = ("涉嫌失职的线索", "列入负面清单的理由", "专报所载的评价")
OUTSIDE, INSIDE = ("水一", "查阅", "两角色"), ("督查", "领导", None)
# What questions need besides the item; those that ask about the node's own state are not about items.
_EXTRA = {"statistics": {"by": "unit"}, "ledger.show": {"ledger": "all"}, "plan.show": {"year": "2026"}}
_NODE = {
    "heads", "digest", "reconcile.history", "user.list", "unit.list", "rules.list", "rules.show", "rules.check",
    "calendar.show", "calendar.differences", "console.audit", "fork.list", "fork.show", "fork.export", "plan.check",
    "ledger.list", "item.proof",
}  # fmt: skip


def _office() -> Office:
    office = Office(found(1, COUNTY, real=True))
    admit(1, office.machine, TOWN, real=True)
    office.do("unit.add", name="水务局")
    for name, roles in (("水一", ["handler"]), ("查阅", ["viewer"]), ("两角色", ["handler", "viewer"]),
                        ("督查", ["supervisor"]), ("领导", ["leader"])):  # fmt: skip
        office.do("user.add", name=name, role=roles, unit="水务局")
    return office


def _everything(office: Office, name: str | None, item: str, *, words: str = "") -> str:
    """All that this account is answered by all questions about items, as one text; refusals count as their words."""
    said = []
    for verb in sorted(QUESTIONS.keys() - _NODE):
        given = {"item": item} | _EXTRA.get(verb, {})
        for args in (given, {**given, "as_known_at": _today(office)}, {"text": words}, {"words": words}, {}):
            try:
                said.append(json.dumps(office.do(verb, as_=name, **args), ensure_ascii=False, default=str))
            except DulianError as error:
                said.append(error.text)
    return "\n".join(said)


def _today(office: Office) -> str:
    return datetime.fromtimestamp(office.machine.clock.now_ms() / 1000, UTC).date().isoformat()


def test_papers_against_a_department_are_not_shown_in_it() -> None:
    """R114, R116, A21: nowhere, by no question, and no proof and no file of them; who supervises sees them."""
    office = _office()
    item = office.do("item.register", title="水库除险")["item"]
    office.do("item.handle", item=item, unit="水务局", person="水一")
    file = Attachment(b"\x07" * 32, bytes(32), 3, "线索.txt")
    office.do("item.refer", item=item, text=SECRETS[0], to="监察机关", attachments=[file])
    office.do("item.negative", item=item, text=SECRETS[1])
    office.do("item.special", item=item, title="水库", text=SECRETS[2])
    for name in INSIDE:
        told = _everything(office, name, item)
        assert all(one in told for one in SECRETS), name
        assert "线索.txt" in told
    for name in OUTSIDE:
        told = _everything(office, name, item, words="涉嫌失职")
        assert "水库除险" in told
        assert not [one for one in (*SECRETS, "线索.txt", "问责线索", "负面清单") if one in told], name
        reader, view = office.machine.store.reader(), office.machine.office.view()
        with pytest.raises(NotFoundError):
            attachment(reader, view, {"item": item, "hash": file.hash.hex()}, office.caller(name, "root"))
        for entry in office.do("item.show", item=item)["timeline"]:
            closed = entry["kind"] in (Kind.REFER, Kind.NEGATIVE, Kind.SPECIAL)
            proof = {"item": item, "record": entry["record"]}
            assert ("没有这条记录" in office.refused("item.proof", as_=name, **proof).text if closed
                    else office.do("item.proof", as_=name, **proof)), entry  # fmt: skip
    assert not office.machine.store.reader().search("涉嫌失职", 9, 1_000)


def test_the_contents_list_of_an_item_names_no_file_against_a_department() -> None:
    """R61, R114: the list stands on the item, where its department reads it too."""
    office = _office()
    item = office.do("item.register", title="水库除险")["item"]
    office.do("item.handle", item=item, unit="水务局", person="水一")
    for verb, name in (("item.refer", "线索.txt"), ("item.report", "进展.txt")):
        file = Attachment(name.encode().rjust(32), bytes(32), 3, name)
        office.do(verb, item=item, text="一", attachments=[file])
    office.do("item.submit", item=item, text="已加固")
    for verb in ("item.accept", "item.close"):
        office.do(verb, item=item)
    listed = "\n".join(office.do("item.archive", item=item)["manifest"])
    assert "进展.txt" in listed
    assert "线索.txt" not in listed


def test_an_inspection_that_is_not_announced_does_not_exist_for_those_it_looks_at() -> None:
    """R101: no list, search, ledger, figure or page of a handler or viewer has it before its result; then all have."""
    office = _office()
    item = office.do("item.register", title="暗访水务局", hidden=True)["item"]
    office.do("item.register", title="公开事项")
    before = {name: _everything(office, name, item, words="暗访") for name in OUTSIDE}
    for name, told in before.items():
        assert "暗访水务局" not in told, name
        assert item[:12] not in told.replace(item, ""), name
        for verb in ("item.show", "item.report"):
            outside, absent = (office.refused(verb, as_=name, item=one, text="一") for one in (item, "0" * 64))
            if name != "查阅" or verb == "item.show":
                assert str(outside) == str(absent).replace("0" * 64, item), (name, verb)
    assert "暗访水务局" in _everything(office, "督查", item)
    refusal = office.refused("item.handle", item=item, unit="水务局", person="水一")
    assert "四不两直" in str(refusal)
    assert "item reveal" in str(refusal)
    office.do("item.reveal", item=item, text="发现问题")
    office.do("item.handle", item=item, unit="水务局", person="水一")
    for name in OUTSIDE:
        assert office.do("item.show", as_=name, item=item)["title"] == "暗访水务局"


def test_a_side_file_is_not_there_for_them_either() -> None:
    """R114: the file opened for notes on a task from above is no case that handlers or viewers see."""
    office = _office()
    town = admit(1, office.machine, "320583102", real=True)
    assert town.code
    issued = office.do("item.issue", title="汛前检查", to=[TOWN], due="2027-03-31")
    task = issued["assignments"][0]["item"]
    office.do("item.refer", item=task, text=SECRETS[0])
    for name in OUTSIDE:
        assert SECRETS[0] not in _everything(office, name, issued["item"])
        assert SECRETS[0] not in _everything(office, name, task)
