"""规则档案与工作日历: what is in force, publishing with checks and a preview, the year, the import.

Rules of this file: what is confirmed travels in the form, byte for byte as previewed; the service judges it anew.
"""

from __future__ import annotations

import asyncio
import base64
import calendar as months
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from starlette.responses import Response

from node.clock import SHANGHAI
from node.documents import profiles
from node.rules import said
from node.rules.profile import Profile
from node.web.forms import Field, Form
from node.web.page import Page
from node.web.request import WebRequest
from node.web.uploads import Upload
from node.web.wording import plain

FILE_BYTES_MAX = 512 * 1024  # as the command line takes
_PACKED_CHARS_MAX = 4 * FILE_BYTES_MAX // 3 + 4
CONFIRM = (
    Field("packed", "内容", "hidden", chars_max=_PACKED_CHARS_MAX, arg="file_base64"),
    Field("shipped", "随附的档案", "hidden"),
)
NOTICE = (
    Field("files", "节假日安排的表格（xlsx 或 CSV）", "files", help="不选文件时用程序自带的年份"),
    Field("source", "通知的名称或文号"),
)
CONFIRM_NOTICE = (CONFIRM[0], Field("source", "通知的名称或文号", "hidden"))
_KEY = re.compile(r"[A-Za-z_][\w.-]*")
_DIFFERENCES_SHOWN = 400


class Problem(NamedTuple):
    """What is wrong with a profile: the key, the line it stands on (0 = not found), what, and what to do."""

    key: str
    line: int
    text: str


class Difference(NamedTuple):
    """A value that another profile has otherwise; empty where it is missing."""

    key: str
    old: str
    new: str


# -- profiles ---------------------------------------------------------------------------------------------------------


async def listed(request: WebRequest) -> Response:
    """What is published and shipped, and the one in force."""
    return request.render("rules/list.html", rows=await request.ask("rules.list"))


async def show(request: WebRequest) -> Response:
    """One profile, readable."""
    name = request.query("name")["name"]
    document = await request.ask("rules.show", name=name)
    profile = Profile.model_validate(document)
    return request.render(
        "rules/show.html", profile=document, said=said.parts(profile), settings=said.settings(profile)
    )  # fmt: skip


async def _profile() -> tuple[Field, ...]:
    titles = await asyncio.to_thread(profiles.shipped_titles)
    return (
        Field("files", "规则档案文件（TOML）", "files", help="一个文件，至多 512 KiB"),
        Field("shipped", "或随附的档案", "choice",
              choices=tuple((name, f"{title}（{name}）") for name, title in titles.items())),
    )  # fmt: skip


async def publish_form(request: WebRequest) -> Response:
    """Which file."""
    return request.render("rules/publish.html", form=await request.blank(await _profile()), problems=[])


async def preview(request: WebRequest) -> Response:
    """What is wrong with the file, each with its key and line; else the difference to what is in force."""
    form = await request.form(await _profile())
    shipped = str(form.values["shipped"])
    problems: list[Problem] = []
    data = b""
    if form.ok and bool(form.uploads()) == bool(shipped):
        form.errors["files"] = "选一个文件，或选一份随附的档案；二者选一。"
    if form.ok and not shipped:
        data = await _one_file(form)
    if form.ok and not shipped:
        problems = await asyncio.to_thread(problems_of, data)
        if problems:
            form.error = f"档案有 {len(problems)} 处问题，没有发布。"
    if not form.ok:
        return request.form_page("rules/publish.html", form, problems=problems)
    new = await asyncio.to_thread(lambda: profiles.load_shipped(shipped) if shipped else profiles.read_profile(data))
    old = await request.ask("rules.show")
    document = new.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    confirm = await request.blank(CONFIRM, packed=base64.b64encode(data).decode(), shipped=shipped)
    found = differences(old, document)
    return request.render(
        "rules/preview.html", form=confirm, new=document, old=old, found=found[:_DIFFERENCES_SHOWN], count=len(found)
    )


async def _one_file(form: Form) -> bytes:
    """The content of the one file; what is wrong with it stands at the field."""
    files: list[Upload] = form.uploads()
    if len(files) != 1 or files[0].size_bytes > FILE_BYTES_MAX:
        form.errors["files"] = f"选一个文件，至多 {FILE_BYTES_MAX // 1024} KiB。"
        return b""
    return b"".join([piece async for piece in files[0].chunks()])


def problems_of(data: bytes) -> list[Problem]:
    """Everything wrong with a profile's text."""
    lines = data.decode("utf-8", "replace").splitlines()
    found = []
    for error in profiles.check_profile(data):
        text = "。".join(part for part in (plain(str(error.text)), plain(error.remedy)) if part)
        value = "" if error.value in (None, "") else f"（{str(error.value)[:80]}）"
        found.append(Problem(error.field, line_of(lines, error.field), text + value))
    return found


def line_of(lines: list[str], key: str) -> int:
    """The line of a TOML text (from 1) on which a key such as ``rules[2].period.n`` stands; 0 where it cannot be told.

    Tables of an array are counted by their heads ([[rules]]); within one the last part of the key is looked for.
    """
    parts = re.findall(r"[^.\[\]]+", key)
    if not parts:
        return 0
    table, at = parts[0], 0
    count = next((int(part) for part in parts[1:2] if part.isdigit()), -1)
    if count >= 0:
        heads = [number for number, line in enumerate(lines) if line.strip().startswith(f"[[{table}]]")]
        at = heads[count] if count < len(heads) else 0
    elif len(parts) > 1:
        at = next((number for number, line in enumerate(lines) if line.strip().startswith(f"[{table}")), 0)
    names = [part for part in parts if _KEY.fullmatch(part)]
    for name in reversed(names):
        for number in range(at, len(lines)):
            if number > at and lines[number].lstrip().startswith("[") and len(names) > 1:
                break
            if re.match(rf"\s*(\[\[?)?\"?{re.escape(name)}\"?\s*[=.\]]", lines[number]):
                return number + 1
    return at + 1 if at else 0


def _flat(value: object, key: str = "") -> dict[str, str]:
    """Every leaf by its path; entries of a list go by their id where they have one."""
    if isinstance(value, Mapping):
        pairs = [(str(name), part) for name, part in value.items()]
    elif isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        pairs = [(str(part.get("id") or part.get("name") or number), part) for number, part in enumerate(value)]
    else:
        return {key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}
    return {path: text for name, part in pairs for path, text in _flat(part, f"{key}.{name}" if key else name).items()}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """What the new profile says otherwise, by key."""
    left, right = _flat(old), _flat(new)
    keys = [*right, *(key for key in left if key not in right)]
    return [Difference(key, left.get(key, ""), right.get(key, "")) for key in keys if left.get(key) != right.get(key)]


async def publish(request: WebRequest) -> Response:
    """Sign what was previewed."""
    form = await request.form(CONFIRM)
    if form.ok and (done := await request.act(form, "rules.publish")) is not None:
        return request.redirect("/rules", flash=f"已发布规则档案 {done['name']}，自 {done['valid_from']} 起施行")
    again = await request.blank(await _profile())
    again.error = form.error or "；".join(form.errors.values())
    return request.form_page("rules/publish.html", again, problems=[])


# -- the calendar -----------------------------------------------------------------------------------------------------


class Day(NamedTuple):
    """A day of the year's view: its number, ``off``, ``on``, ``rest`` (a weekend) or nothing."""

    number: int
    kind: str


def year_view(year: int, off: frozenset[str], on: frozenset[str]) -> list[list[list[Day | None]]]:
    """Twelve months of weeks from Monday."""
    def day(month: int, number: int, place: int) -> Day | None:
        if not number:
            return None
        text = date(year, month, number).isoformat()
        kind = "off" if text in off else "on" if text in on else "rest" if place >= months.SATURDAY else ""
        return Day(number, kind)

    return [
        [[day(month, number, place) for place, number in enumerate(week)]
         for week in months.Calendar().monthdayscalendar(year, month)]
        for month in range(1, 13)
    ]  # fmt: skip


async def calendar(request: WebRequest) -> Response:
    """A year of the calendar in force, and the due dates it moves."""
    text = request.query("year")["year"]
    now = datetime.fromtimestamp(request.gateway.now_ms() / 1000, SHANGHAI)
    year = int(text) if text.isascii() and text.isdigit() and 2000 <= int(text[:6]) < 2100 else now.year
    found, moved = await asyncio.gather(request.ask("calendar.show", year=year), request.ask("calendar.differences"))
    view = year_view(year, frozenset(found["holidays"]), frozenset(found["working_weekends"]))
    return request.render("rules/calendar.html", calendar=found, year=view, moved=moved)


async def import_form(request: WebRequest) -> Response:
    """The yearly notice."""
    return request.render("rules/import.html", form=await request.blank(NOTICE))


async def import_preview(request: WebRequest) -> Response:
    """What the notice changes; nothing is published yet."""
    form = await request.form(NOTICE)
    data = await _one_file(form) if form.ok and form.uploads() else b""
    if form.ok:
        packed = base64.b64encode(data).decode()
        source = str(form.values["source"])
        probe = Form(CONFIRM_NOTICE, form.csrf, values={"packed": packed, "source": source}, once="")
        found = await request.act(probe, "calendar.import", dry_run=True)
        if found is not None:
            confirm = await request.blank(CONFIRM_NOTICE, packed=packed, source=source)
            return request.render("rules/import_preview.html", form=confirm, found=found)
        form.error = probe.error or "；".join(probe.errors.values())
    return request.form_page("rules/import.html", form)


async def import_publish(request: WebRequest) -> Response:
    """Publish what was previewed."""
    form = await request.form(CONFIRM_NOTICE)
    if form.ok and (done := await request.act(form, "calendar.import")) is not None:
        # The year the notice is about, so that it is seen at once.
        year = {"year": done["changed"][-1][:4]} if done["changed"] else {}
        return request.redirect("/rules/calendar", flash=f"已发布工作日历第 {done['version']} 版", **year)
    again = await request.blank(NOTICE)
    again.error = form.error or "；".join(form.errors.values())
    return request.form_page("rules/import.html", again)


PAGES = (
    Page("/rules", listed, "rules.list", under="节点管理"),
    Page("/rules/show", show, "rules.show", under="节点管理"),
    Page("/rules/publish", publish_form, "rules.publish", under="节点管理"),
    Page("/rules/preview", preview, "rules.publish", ("POST",), upload=True, under="节点管理"),
    Page("/rules/publish", publish, "rules.publish", ("POST",), under="节点管理"),
    Page("/rules/calendar", calendar, "calendar.show", under="节点管理"),
    Page("/rules/calendar/import", import_form, "calendar.import", under="节点管理"),
    Page("/rules/calendar/preview", import_preview, "calendar.import", ("POST",), upload=True, under="节点管理"),
    Page("/rules/calendar/import", import_publish, "calendar.import", ("POST",), under="节点管理"),
)
