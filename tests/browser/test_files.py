"""Attachments looked at in a real browser: the policy lets its viewer work and nothing else (W9)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.browser.offices import DESKTOP, MAGNIFIED, Offices, Person
from tests.browser.test_pages import _AXE, _CLIPPED
from tests.unit.test_documents_preview import docx, para, xlsx

_OBJECTS = (
    b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>",
    b"<</Length 31>>stream\n1 0 0 rg 80 500 300 100 re f   \nendstream",
)  # fmt: skip


def pdf() -> bytes:
    """A page with a red field on it."""
    data, starts = b"%PDF-1.4\n", []
    for number, content in enumerate(_OBJECTS, 1):
        starts.append(len(data))
        data += b"%d 0 obj" % number + content + b"endobj\n"
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % start for start in starts)
    return data + table + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(data)


def test_files_are_looked_at_in_the_page(people: dict[str, Person], offices: Offices, tmp_path: Path) -> None:
    row = '<row><c t="str"><v>事项</v></c><c t="str"><v>' + "完成情况" * 40 + "</v></c></row>"
    words = para("各单位抓好落实。") * 30 + "<w:tbl><w:tr>" + f"<w:tc>{para('单位')}</w:tc>" * 12 + "</w:tr></w:tbl>"
    made = {"批复.pdf": pdf(), "台账.xlsx": xlsx(row * 120), "报告.docx": docx(words), "坏.docx": b"PK\x03\x04..."}
    files: list[str] = []
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
        files += ["--attach", str(tmp_path / name)]
    item = str(offices.province.json("item", "register", "--title", "附件预览", "--due", "2027-05-31", *files)["item"])
    person, axe = people["王督查"], (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    person.go(f"/items/{item}")
    shown = "rows => rows.map(row => [row.cells[0].textContent, row.querySelector(\"a[href$='/view']\").pathname])"
    found: dict[str, Any] = {}
    for name, path in person.page.eval_on_selector_all("#files tbody tr", shown):
        problems: list[str] = []
        for size in (DESKTOP, MAGNIFIED):
            person.page.set_viewport_size(size)
            person.go(path)
            problems += person.page.evaluate(_CLIPPED)
        if name == "批复.pdf":
            _shows_pdf(person, path)
        else:
            person.page.evaluate(axe)
            problems += person.page.evaluate(_AXE)
        person.shot(f"file-{name}")
        if problems:
            found[name] = problems
    assert found == {}, json.dumps(found, ensure_ascii=False, indent=1)


def _shows_pdf(person: Person, path: str) -> None:
    """By the browser's viewer where it has one, else by the words that offer the download."""
    inline = path.replace("/view", "/inline")
    if person.page.evaluate("navigator.pdfViewerEnabled"):
        person.page.wait_for_timeout(1500)
        assert any(frame.url.endswith(inline) for frame in person.page.frames)
        assert not person.page.get_by_text("不能直接显示").is_visible()
    else:
        person.page.get_by_text("不能直接显示").wait_for()
