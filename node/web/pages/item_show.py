"""事项详情: the whole process of an item on one page, each record's proof, its attachments (R9, R50, I1, I8).

Rules of this file:

1. All that is shown comes from the questions of the command line; nothing is computed here but the order of lines.
2. Attachments are the business of `item_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from node.errors import InputError
from node.rules.words import LINES, ORIGINS, STRENGTHS, SUBJECTS
from node.services.matters.cases import case_label
from node.services.views.action_forms import GROUPS
from node.web.gateway import Asking
from node.web.page import Page
from node.web.previews import kind_of
from node.web.request import WebRequest
from node.web.wording import text_of

Document = Mapping[str, Any]
EFFECTS: Mapping[str, str] = {
    "applied": "有效", "waiting": "待前件", "late": "迟到，不生效", "invalid": "无效", "superseded": "已被替代",
    "unconfirmed": "待确认", "unknown": "未识别", "erased": "已清除",
}  # fmt: skip
TREE_SHOWN = 300  # lines of the decomposition; the whole of it is 全流程


async def item(request: WebRequest) -> Response:
    """One item, or one approval case, whole."""
    word = request.part("item")
    shown, case, actions, tree, explained = await request.gateway.together(
        request.caller, lambda ask: _asked(ask, word)
    )
    lines = _flat(tree)
    return request.render(
        "items/show.html", item={**shown, **(case or {})}, case=case, groups=_grouped(actions["actions"]),
        unavailable=actions["unavailable"], lines=lines[:TREE_SHOWN], lines_left=len(lines) - TREE_SHOWN, tree=tree,
        explained=explained, timeline=list(reversed(shown["timeline"])), effects=EFFECTS, subjects=SUBJECTS,
        words={"line": LINES, "origin": ORIGINS, "strength": STRENGTHS}, case_label=case_label,
        previews=_previews(shown), present={one["hash"]: one["present"] for one in shown["attachments"]},
    )  # fmt: skip


def _asked(ask: Asking, word: str) -> tuple[Document, Document | None, Document, Document, Document]:
    """The item, as an approval case where it is one, what may be done, its tree, and why its date is the date."""
    shown = ask("item.show", item=word)
    item_id = shown["id"]
    rows = ask.reader.board([bytes.fromhex(item_id)])
    case = ask("case.show", item=item_id) if rows and rows[0].subject else None
    return shown, case, ask("item.actions", item=item_id), ask("item.tree", item=item_id), _explained(ask, item_id)


def _explained(ask: Asking, item_id: str) -> Document:
    """Why this due date. A rule that no profile here has (a case's, another office's) is said; the page stands."""
    try:
        return dict(ask("rules.explain", item=item_id))
    except InputError as error:
        return {"steps": [text_of(error)]}


def _grouped(actions: list[Document]) -> list[tuple[str, list[Document]]]:
    groups = [(name, [one for one in actions if one["group"] == name]) for name in GROUPS]
    return [(name, listed) for name, listed in groups if listed]


def _flat(tree: Document) -> list[tuple[int, Document]]:
    """The tree line by line, each with its depth; the items above come first."""
    found: list[tuple[int, Document]] = [(depth, node) for depth, node in enumerate(tree["path"])]

    def walk(node: Document, depth: int) -> None:
        found.append((depth, node))
        for child in node["children"]:
            walk(child, depth + 1)

    walk(tree["tree"], len(found))
    return found


def _previews(shown: Document) -> dict[str, bool]:
    """Of each attachment, whether it may be looked at in the page."""
    return {one["hash"]: bool(one["present"]) and kind_of(str(one["name"])) is not None for one in shown["attachments"]}


async def record(request: WebRequest) -> Response:
    """What proves one record, checked now."""
    proof = await request.ask("item.proof", item=request.part("item"), record=request.part("record"))
    return request.render("items/record.html", proof=proof, effects=EFFECTS)


PAGES = (
    Page("/items/{item}", item, "item.show"),
    Page("/items/{item}/records/{record}", record, "item.proof"),
)
