"""`item.proof`: signature, certificates, place in the log, receipts and forks of one record, checked when asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from node.errors import InputError, NotFoundError
from node.services.commands import inquire
from node.services.matters.desk import Caller
from node.services.views import proofs
from node.storage.port import ReceiptRow
from tests.sim.test_smoke import Wire, run
from tests.sim.world import Machine, admit, found

PROVINCE, CITY, COUNTY = "320000", "320500", "320583"
ME = Caller("值班员")


def ask(machine: Machine, item: str, record: str) -> dict[str, Any]:
    answer = inquire(
        machine.store.reader(), machine.office.view(), "item.proof", {"item": item, "record": record}, ME
    )
    assert isinstance(answer, dict)
    return answer


def _federation() -> tuple[list[Machine], str]:
    """省, 市 and 县 with real keys; a task of the province's for the county, signed and reported."""
    province = found(5, PROVINCE, real=True)
    city = admit(5, province, CITY, real=True)
    county = admit(5, city, COUNTY, real=True)
    wire = Wire(province, city, county)
    for child in (city, county):
        wire.connect(child)
    wire.settle()
    item = run(province, "item.issue", title="推进", to=[COUNTY], due="2026-12-31")["assignments"][0]["item"]
    wire.settle()
    for verb, words in (("sign", {}), ("report", {"text": "已开工"})):
        run(county, f"item.{verb}", item=item, **words)
        wire.settle()
    return [province, city, county], item


def _records(machine: Machine, item: str) -> list[dict[str, Any]]:
    shown = inquire(machine.store.reader(), machine.office.view(), "item.show", {"item": item}, ME)
    assert isinstance(shown, dict)
    timeline: list[dict[str, Any]] = shown["timeline"]
    return timeline


def test_every_record_of_an_item_is_proved_alike_at_every_office_that_holds_it() -> None:
    """I1: signature and certificates hold from the pinned root down; only what each office received differs."""
    machines, item = _federation()
    seen: dict[str, Any] = {}
    for machine in machines:
        for entry in _records(machine, item):
            one = ask(machine, item, entry["record"][:12])
            assert one["signature"]["valid"]
            assert one["signature"]["problem"] is None
            assert one["fork"] is None
            path = [part["office"] for part in one["certificates"]]
            assert path == [PROVINCE, CITY, COUNTY][: path.index(one["author"]) + 1]
            parts = one["certificates"]
            assert all(part["valid"] and part["valid_from"] and part["valid_to"] is None for part in parts)
            assert [part["root"] for part in one["certificates"]] == [True] + [False] * (len(path) - 1)
            assert one["certificates"][0]["fingerprint"] == one["root"] == one["header"]["federation"]
            assert one["certificates"][-1]["fingerprint"] == one["signature"]["fingerprint"]
            assert one["chain"]["prev_held"] is (True if one["chain"]["seq"] > 1 else None)
            same = {key: one[key] for key in ("header", "signature", "root", "certificates", "kind_label", "author")}
            assert seen.setdefault(entry["record"], same) == same
    assert len(seen) == 4


def test_receipts_name_who_held_the_record_and_are_checked_again() -> None:
    machines, item = _federation()
    province = machines[0]
    opening = ask(province, item, item)
    (receipt,) = opening["receipts"]
    assert receipt["office"] == CITY
    assert receipt["valid"]
    assert receipt["seq"] >= opening["chain"]["seq"]
    store = province.store
    rows = store.rows(ReceiptRow)
    store.begin()
    store.put([replace(row, signature=bytes(64)) for row in rows])
    store.commit(durable=True)
    assert [one["valid"] for one in ask(province, item, item)["receipts"]] == [False]


def test_a_record_whose_bytes_were_changed_on_the_disk_is_not_proved() -> None:
    machines, item = _federation()
    county = machines[2]
    record = next(one["record"] for one in _records(county, item) if one["kind_label"] == "进展")
    reader, view = county.store.reader(), county.office.view()._replace(caller=ME)
    assert proofs.item_proof(reader, view, {"item": item, "record": record})["signature"] == ask(
        county, item, record
    )["signature"]
    damaged: Any = Rotten(reader, bytes.fromhex(record))
    shown: Any = proofs.item_proof(damaged, view, {"item": item, "record": record})
    assert shown["signature"]["valid"] is False
    assert shown["signature"]["problem"]


class Rotten:
    """A reader whose disk has lost a bit of one record's signature."""

    def __init__(self, reader: Any, record_id: bytes) -> None:
        self._reader, self._record_id = reader, record_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def records_at(self, places: Any) -> list[Any]:
        return [
            row._replace(signature=bytes([row.signature[0] ^ 1]) + row.signature[1:])
            if row.record_id == self._record_id else row
            for row in self._reader.records_at(places)
        ]


def test_a_record_of_another_item_or_none_is_refused() -> None:
    machines, item = _federation()
    other = run(machines[0], "item.register", title="别的")["item"]
    machines[0].office.project()
    for record, error in ((other, InputError), ("", InputError), ("zz", InputError)):
        with pytest.raises(error):
            ask(machines[0], item, record)
    with pytest.raises(NotFoundError):
        ask(machines[0], "0" * 64, item)
