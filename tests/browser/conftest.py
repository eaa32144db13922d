"""A real browser for tests of the console: the system's Chromium, driven by Playwright; three live nodes (issue 5)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import NAMES, launch, program
from tests.browser.offices import Offices, Person, open_offices


@pytest.fixture(scope="package")  # it ends with these tests: while it lives, an event loop runs in this thread
def browser() -> Iterator[Browser]:
    """One for all tests; each person gets a fresh profile in it."""
    found = program()
    if found is None:
        why = f"no browser ({', '.join(NAMES)}): install Debian's chromium and fonts-noto-cjk"
        if os.environ.get("CI") or os.environ.get("DULIAN_CI"):
            pytest.fail(why)  # who checks a submission must have looked
        pytest.skip(why)
    with sync_playwright() as playwright:
        opened = launch(playwright, found)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages go; DULIAN_SHOTS names a folder that stays."""
    kept = os.environ.get("DULIAN_SHOTS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def offices(browser: Browser, shots: Path) -> Iterator[Offices]:
    with open_offices(browser, shots) as opened:
        yield opened


@pytest.fixture
def people(offices: Offices) -> Iterator[dict[str, Person]]:
    """People in this test by name; whatever their browsers complained of fails it."""
    present = _Present(offices)
    yield present
    problems = {name: person.problems for name, person in present.items() if person.problems}
    for person in present.values():
        person.close()
    assert problems == {}


class _Present(dict[str, Person]):
    """Opens a browser for who is asked for first."""

    def __init__(self, offices: Offices) -> None:
        super().__init__()
        self._offices = offices

    def __missing__(self, name: str) -> Person:
        self[name] = self._offices.person(name)
        return self[name]
