"""`python -m tests.browser.pictures`: the pictures of the README, taken anew from a running demonstration.

The six offices of `make demo` enrol and work through their ledger; then what is under way is added, and a real browser
is led to each page. Few colours keep the pictures small. With Debian's chromium-l10n the browser speaks Chinese, too.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from deploy.demo.offices import Office
from deploy.demo.rules import by_rules
from deploy.demo.run import BY_RULES, OFFICES, PERSON, ROOT, Offices, enrol, open_consoles, work
from deploy.demo.screen import Screen
from node.clock import SystemClock
from node.items.lights import day_of
from node.services.views.tracks_view import day_text
from node.wire.local_client import LocalClient
from tests.browser.chromium import launch, program
from tests.browser.offices import PASSWORD
from tests.conftest import ROOT as HERE

WIDTH = 1366
COLOURS = 128
_ARRIVES_S = 60.0
# The colours that most of a picture has, and one of each shade besides: red is rare and must stay red. Of each pixel
# the number of the nearest.
_FEWER = """async ([picture, most]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + picture;
  await image.decode();
  const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, image.width, image.height).data;
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += 4) {
    const one = pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2];
    counts.set(one, (counts.get(one) || 0) + 1);
  }
  const shades = new Map();
  const usual = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  for (const one of usual) {
    const shade = one & 0xf0f0f0, known = shades.get(shade);
    shades.set(shade, [known ? known[0] : one, (known ? known[1] : 0) + counts.get(one)]);
  }
  const rare = [...shades.values()].sort((a, b) => b[1] - a[1]).map(one => one[0]);
  const kept = [...new Set([...usual.slice(0, most / 2), ...rare])].slice(0, most);
  const apart = (a, b) => [16, 8, 0].reduce((sum, by) => sum + ((a >> by & 255) - (b >> by & 255)) ** 2, 0);
  const nearest = new Map();
  for (const one of counts.keys()) {
    let best = 0;
    kept.forEach((other, at) => { if (apart(one, other) < apart(one, kept[best])) best = at; });
    nearest.set(one, String.fromCharCode(best));
  }
  const rows = [];
  for (let at = 0; at < pixels.length; at += 4) {
    rows.push(nearest.get(pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2]));
  }
  return [image.width, image.height, kept, btoa(rows.join(""))];
}"""
SUZHOU, WUXI, KUNSHAN, ZHANGJIAGANG, JIANGYIN = "320500", "320200", "320583", "320582", "320281"


class Picture(NamedTuple):
    """One page at one office; ``ready`` does there what somebody would do first."""

    name: str
    office: str
    path: str
    height: int
    ready: Callable[[Page], object] = bool


def main() -> int:
    """Take them."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("--to", type=Path, default=HERE / "docs" / "images", help="the folder they go to")
    parser.add_argument("--browser", default=program(), help="the browser's program")
    asked = parser.parse_args()
    if asked.browser is None:
        parser.exit(2, "needs Chromium\n")
    folder = Path(tempfile.mkdtemp(prefix="dulian-pictures-"))
    offices = {code: Office(code, name, parent, folder) for code, name, parent in OFFICES}
    screen = Screen({code: office.name for code, office in offices.items()})
    try:
        enrol(offices, screen)
        open_consoles(offices, screen)
        work(offices, screen, folder)
        by_rules(offices[ROOT], offices[BY_RULES], screen)
        item = under_way(offices)
        with sync_playwright() as playwright:
            browser = launch(playwright, asked.browser)
            take(browser, offices, pictures(item), asked.to)
            browser.close()
    finally:
        for office in reversed(offices.values()):
            office.stop()
    shutil.rmtree(folder)
    return 0


def under_way(offices: Offices) -> str:
    """What stands open when the pictures are taken; returns the item that has most to show, at the province."""
    root, suzhou, wuxi = offices[ROOT], offices[SUZHOU], offices[WUXI]
    old = _issue(root, "推进城镇老旧小区改造", 60, SUZHOU, WUXI, requirement="年底前完成二百个小区的改造。")
    flood = _issue(root, "充实防汛物资储备", 30, SUZHOU, requirement="对照定额逐库清点，缺口补齐。")
    wages = _issue(root, "开展欠薪问题专项整治", 40, WUXI, requirement="在建项目全面排查，问题限时清零。")
    _issue(root, "规范行政审批中介服务", 20, SUZHOU, requirement="公布中介服务事项清单。")
    below = _handed_on(suzhou, old[SUZHOU], 45, KUNSHAN, ZHANGJIAGANG)
    _take_on(offices[KUNSHAN], below[KUNSHAN], "已开工八十二个小区，完工四十一个。", 60)
    there = offices[ZHANGJIAGANG]
    _take_on(there, below[ZHANGJIAGANG], "已完成设计和招标，两个标段待进场。", 35)
    _do(there, "item.extend", item=below[ZHANGJIAGANG], until=_day(58), reason="管线迁改须等汛期结束",
        progress="已完成设计和招标")  # fmt: skip
    _take_on(wuxi, old[WUXI], "方案已定，首批四十个小区已进场。", 20)
    _take_on(suzhou, flood[SUZHOU], "物资已清点，缺口补齐八成。", 80)
    _do(suzhou, "item.submit", item=flood[SUZHOU], text="物资储备全部到位，清单附后。")
    deeper = _handed_on(wuxi, wages[WUXI], 35, JIANGYIN)
    _take_on(offices[JIANGYIN], deeper[JIANGYIN], "排查在建项目一百二十个，发现欠薪三起，已清偿两起。", 70)
    _do(root, "item.urge", item=old[WUXI], text="请加快进场，每周报送进度。", channel="notice")
    _do(suzhou, "item.register", title="落实市政府第28次常务会议纪要", due=_day(50))
    _until(lambda: all(_percent(root, task) for task in (*below.values(), *deeper.values())))
    _until(lambda: any(row["state"] == "submitted" for row in root.ask("item.list")))
    for office in (suzhou, wuxi):
        office.json("reconcile")
    return old[SUZHOU]


def pictures(item: str) -> list[Picture]:
    """What is shown of the console."""
    return [
        Picture("workbench", SUZHOU, "/", 640),
        Picture("item", ROOT, f"/items/{item}", 1040),
        Picture("issue", ROOT, "/issue", 1010, _typed),
        Picture("links", ROOT, "/links", 768, _reconciled),
        Picture("overview", ROOT, "/overview?open=on", 640),
        Picture("statistics", ROOT, "/statistics", 900, lambda page: page.wait_for_timeout(1_000)),
    ]


def take(browser: Browser, offices: Offices, wanted: list[Picture], folder: Path) -> None:
    """Sign in at each office that is asked for, and picture its pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for code in dict.fromkeys(one.office for one in wanted):
        context = browser.new_context(locale="zh-CN", viewport={"width": WIDTH, "height": 768})
        page = context.new_page()
        page.goto(offices[code].run("console", "link", PERSON).split()[-1])
        for name in ("password", "again"):
            page.locator(f"main [name={name}]").fill(PASSWORD)
        page.locator("main form button[type=submit]").click()
        page.get_by_text("口令已设置").wait_for()
        for one in wanted:
            if one.office != code:
                continue
            page.set_viewport_size({"width": WIDTH, "height": one.height})
            page.goto(f"http://{offices[code].console}{one.path}")
            page.get_by_text("实时更新").wait_for()
            one.ready(page)
            target = folder / f"{one.name}.png"
            target.write_bytes(fewer_colours(browser, page.screenshot()))
            sys.stdout.write(f"{one.name}: {target.stat().st_size} bytes\n")
        context.close()


def fewer_colours(browser: Browser, picture: bytes) -> bytes:
    """The same picture as a PNG with a palette of `COLOURS`; the browser itself does the counting."""
    page = browser.new_page()
    width, height, kept, packed = page.evaluate(_FEWER, [base64.b64encode(picture).decode(), COLOURS])
    page.close()
    pixels = base64.b64decode(packed)
    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, len(pixels), width))
    head = struct.pack(">LLBBBBB", width, height, 8, 3, 0, 0, 0)
    palette = b"".join(one.to_bytes(3, "big") for one in kept)
    parts = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data)) for name, data in parts
    )


def _reconciled(page: Page) -> None:
    """All accounts agree: the cities' word on their counties has come as well."""
    deadline = time.monotonic() + _ARRIVES_S
    while page.get_by_text("未对账").count() or page.get_by_text("未完成").count():
        if time.monotonic() > deadline:
            raise SystemExit("not everybody has reconciled")
        page.wait_for_timeout(1_000)
        page.reload()


def _typed(page: Page) -> None:
    """Somebody fills in the form."""
    page.fill("main [name=title]", "推进城乡供水一体化")
    page.fill("main [name=requirement]", "年底前完成乡镇水厂并网，逐月报送进度。")
    page.fill("main [name=due]", _day(90))
    page.locator(f"main [name=to][value='{SUZHOU}']").check()
    page.locator(f"main [name=to][value='{WUXI}']").check()
    page.locator("main [name=title]").focus()


def _day(ahead: int) -> str:
    return str(day_text(day_of(SystemClock().now_ms()) + ahead))


def _do(office: Office, verb: str, **args: object) -> Any:
    """As the person at the console would."""
    return LocalClient(office.home).request(verb, args, as_=PERSON).data


def _issue(office: Office, title: str, days: int, *to: str, **rest: str) -> dict[str, str]:
    """Issue an item; the tasks by their offices."""
    made = _do(office, "item.issue", title=title, to=list(to), due=_day(days), **rest)
    return {task["to"]: task["item"] for task in made["assignments"]}


def _handed_on(office: Office, item: str, days: int, *to: str) -> dict[str, str]:
    """Sign a task and decompose it; the tasks below by their offices."""
    _until(lambda: _holds(office, item))
    title = office.ask("item.show", item=item)["title"]
    _do(office, "item.sign", item=item)
    made = _do(office, "item.decompose", item=item, to=list(to), title=title, due=_day(days))
    return {task["to"]: task["item"] for task in made["assignments"]}


def _take_on(office: Office, item: str, text: str, percent: int) -> None:
    """Sign a task and report on it."""
    _until(lambda: _holds(office, item))
    _do(office, "item.sign", item=item)
    _do(office, "item.report", item=item, text=text, percent=percent)


def _holds(office: Office, item: str) -> bool:
    rows: list[dict[str, Any]] = office.ask("item.list")
    return any(row["id"] == item for row in rows)


def _percent(office: Office, item: str) -> int:
    return int(office.ask("item.show", item=item)["percent"])


def _until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + _ARRIVES_S
    while not happened():
        if time.monotonic() > deadline:
            raise SystemExit("what was written did not arrive")
        time.sleep(0.2)


if __name__ == "__main__":
    raise SystemExit(main())
