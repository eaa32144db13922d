"""Texts to search: gathered while more is to come, never lost; rules read once are read again when new ones come."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Opening
from node.records.payload import Profile as ProfilePayload
from node.rules.profile import Profile
from node.services.board import texts
from node.services.board.texts import LIVE_RECORDS
from node.services.commands import carry_out
from node.services.matters.desk import Caller
from node.services.outputs import Outputs
from node.services.runner import Runner
from node.storage.port import BoardQuery, RulesRow
from tests.sim.world import Machine, found

OPERATOR = Caller("root")
WORDS = [f"{first}{second}" for first in "甲乙丙丁戊己" for second in "子丑寅卯辰巳"]


def _register(machine: Machine, title: str) -> bytes:
    answer = carry_out(machine.office, "item.register", {"title": title}, OPERATOR)
    assert isinstance(answer, dict)
    return bytes.fromhex(answer["item"])


def _flood(machine: Machine) -> None:
    for _ in range(LIVE_RECORDS + 1):
        _register(machine, "洪水")


def _found(machine: Machine, words: str) -> list[bytes]:
    reader = machine.store.reader()
    numbers = set(reader.search(words, 999, 5_000))
    return [row.item_id for row in reader.board_query(BoardQuery()) if row.item_no in numbers]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["write", "write", "gather", "gather", "show", "start", "rebuild", "quiet", "flood"]),
                max_size=14))  # fmt: skip
def test_whatever_happens_every_text_is_found_in_the_end(doings: list[str]) -> None:
    machine, items, flooded = found(5, "320000", real=False), dict[str, bytes](), False
    machine.office.project()
    for doing, word in zip(doings, WORDS, strict=False):
        office = machine.office
        if doing in ("write", "gather"):
            office.step([lambda word=word: items.__setitem__(word, _register(machine, f"关于{word}的事"))])  # type: ignore[misc]
            before = len(_found(machine, word))
            office.project(gather=doing == "gather")
            assert before == 0
            if doing == "write" and not office.projector.texts.waits:
                assert _found(machine, word) == [items[word]], "few are found as soon as they are on the board"
        elif doing == "flood" and not flooded:
            flooded = True
            office.step([lambda: _flood(machine)])
            office.project(gather=True)
        elif doing == "start":
            machine.start()
            machine.office.project()
        elif doing == "rebuild":
            machine.store.begin(durable=False)
            office.projector.rebuild()
            machine.store.commit(durable=False)
        else:
            office.project(texts=doing == "quiet")
    machine.office.project()
    while machine.office.projector.texts.waits:
        machine.office.project(texts=True)
    assert not machine.office.projector.texts.gathers
    assert machine.store.reader().text_behind() == 0
    assert {word: _found(machine, word) for word in items} == {word: [item] for word, item in items.items()}
    assert len(_found(machine, "洪水")) == (LIVE_RECORDS + 1) * flooded


@pytest.mark.parametrize("long_one", [False, True])
def test_many_logs_of_a_record_each_are_indexed_together(long_one: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One statement for all of them; a record that does not fit any more waits for the next turn, and is not lost."""
    monkeypatch.setattr(texts, "_BYTES_PER_READ", 400_000)
    machine = found(5, "320000", real=False)
    office, logs = machine.office, 40

    def write() -> None:
        for number in range(logs):
            below = f"32{number + 1:02}00"
            text = "长" * 20_000 if long_one and number % 5 == 0 else "防汛"
            for _ in range(2):
                opening = Opening("防汛", text, receiver=below, role=1)
                office.author.write(Kind.ASSIGN, Line(("320000", below)), opening, semantic_version=1)

    office.step([write])
    turns: list[int] = []
    add = machine.store.add_texts

    def counted(rows: Sequence[tuple[int, int, int, str]]) -> None:
        turns.append(len(rows))
        add(rows)

    monkeypatch.setattr(machine.store, "add_texts", counted)
    machine.office.project()
    while office.projector.texts.waits:
        office.project(texts=True)
    assert sum(turns) == 2 * logs
    assert (len(turns) == 1) is not long_one
    assert machine.store.reader().text_behind() == 0


def test_texts_are_found_while_the_core_is_never_idle() -> None:
    machine = found(6, "320000", real=False)
    ended, crashes = threading.Event(), list[BaseException]()

    def deliver(outputs: Outputs) -> None:
        for callback in outputs.after_commit:
            callback()

    runner = Runner(machine.office, deliver, crashes.append)

    def again() -> None:
        if not ended.is_set():
            for _ in range(3):  # the next step finds something waiting whatever it does
                runner.post(lambda: None)
            runner.post(again)

    runner.start()
    runner.post(again)
    runner.call(lambda: _register(machine, "关于甲子的事")).result(10)
    until = time.monotonic() + 20
    while not _found(machine, "甲子") and time.monotonic() < until:
        time.sleep(0.02)
    assert _found(machine, "甲子")
    ended.set()
    runner.stop(10)
    assert crashes == []


def test_a_profile_published_in_a_step_holds_for_what_follows_in_it() -> None:
    machine = found(7, "320000", real=False)
    office = machine.office
    desk, today = office.desk, 20_000

    def publish(version: int) -> None:
        profile: Profile = desk.rulebook.profile(today)
        text = profile.encode().decode()
        payload = ProfilePayload("base-004", version, today, text, "root")
        desk.author.write(Kind.PROFILE, desk.author.office_line, payload)

    def publish_and_look() -> None:
        for version in (1, 2):
            assert len(desk.rulebook._published(machine.code)) == version - 1
            publish(version)
            office.projector.run()
            assert len(desk.rulebook._published(machine.code)) == version
            assert desk.rulebook._published(machine.code) == machine.store.rows(RulesRow, office=machine.code)

    office.step([publish_and_look])
    office.project()
    machine.store.begin(durable=False)
    office.projector.rebuild()
    machine.store.commit(durable=False)
    assert len(desk.rulebook._published(machine.code)) == 2
