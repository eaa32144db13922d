"""办理: every action that `item.actions` offers, as one page with one form (issue 5, R16, R57)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from node.errors import NotFoundError
from node.services.views.action_forms import Form as Action
from node.web.forms import Field, Form
from node.web.gateway import SentBefore
from node.web.page import Page
from node.web.pages import item_fields as fields
from node.web.request import WebRequest

Document = Mapping[str, Any]
# Actions with a page of their own: they ask for many offices.
_ELSEWHERE = {"assign": "assign", "decompose": "decompose"}
_OFFICES_MAX = 500


async def show(request: WebRequest) -> Response:
    """The form of an action, or why it cannot be done now."""
    known, found = await _asked(request)
    name = known.id
    if name in _ELSEWHERE:
        return request.redirect(f"/items/{found['item']}/{_ELSEWHERE[name]}")
    action = _offered(found, name)
    if action is None:
        return await _not_now(request, found, name, None)
    spec = fields.fields_of(action["fields"], _offices(request, action))
    form = await request.blank(
        spec, item=found["item"], draft=_place(spec, found["item"], name), **fields.defaults_of(action["fields"])
    )
    return await _page(request, found, action, form)


async def send(request: WebRequest) -> Response:
    """Carry an action out."""
    known, found = await _asked(request)
    name, item = known.id, str(found["item"])
    action = _offered(found, name)
    spec = fields.fields_of(action["fields"], _offices(request, action)) if action is not None else ()
    # What was offered when the page was opened, and is not now: read all the same, so that nothing typed is lost.
    spec += fields.late_fields(known, await request.sent(), {one.name for one in spec})
    form = await request.form(spec, draft=_place(spec, item, name))
    done = f"已办理：{known.label}"
    try:
        if await request.gateway.answered(request.caller, form.once, form.sent):
            return request.redirect(f"/items/{item}", flash=done)
    except SentBefore as error:
        request.refuse(form, error)
    args = fields.args_of(action["fields"], form) if action is not None else {}
    if form.ok and await request.act(form, known.verb, **{**args, **known.fixed, "item": item}) is not None:
        return request.redirect(f"/items/{item}", flash=done)
    if action is None:
        return await _not_now(request, found, name, form)
    return await _page(request, found, action, form)


async def _asked(request: WebRequest) -> tuple[Action, Document]:
    """The action of the path, and what the item's actions are now; NotFoundError."""
    name = request.part("verb")
    known = fields.action_named(name)
    if known is None:
        raise NotFoundError("没有这种办理", field="办理", value=name[:40], remedy="从事项页面进入")
    return known, await request.ask("item.actions", item=request.part("item"))


def _offered(found: Document, name: str) -> Document | None:
    return next((one for one in found["actions"] if one["id"] == name and one["item"] == found["item"]), None)


def _place(spec: tuple[Field, ...], item: str, name: str) -> str:
    """The draft's place; only forms with long texts have one."""
    return f"do/{name}/{item}" if any(one.kind == "text" for one in spec) else ""


def _offices(request: WebRequest, action: Document) -> list[tuple[str, str]]:
    """The offices below this one, for fields that ask for one; empty where there are too many for a list."""
    if not any(field["kind"] == "offices" for field in action["fields"]):
        return []
    view, code = request.gateway.view(), request.gateway.office_code
    keys = view.keyring.offices() if view.keyring is not None else {}
    below = [(key.code, key.name) for key in keys.values() if code in key.path[:-1]]
    return sorted(below) if len(below) <= _OFFICES_MAX else []


async def _page(request: WebRequest, found: Document, action: Document, form: Form) -> Response:
    item = await request.ask("item.show", item=found["item"])
    tables = fields.tables_of(action["fields"])
    upload = any(one.kind == "files" for one in form.spec)
    return request.form_page(
        "items/do.html", form, item=item, action=action, tables=tables, rows=range(fields.ROWS),
        upload=upload, target=f"/items/{item['id']}/do/{action['id']}" + "/files" * upload,
        plain_fields=[one.name for one in form.spec if one.name.split(".")[0] not in tables],
    )  # fmt: skip


async def _not_now(request: WebRequest, found: Document, name: str, form: Form | None) -> Response:
    """Why an action cannot be done now, with what was typed, so that nothing is lost."""
    known = fields.action_named(name)
    assert known is not None  # noqa: S101 - asked before
    item = await request.ask("item.show", item=found["item"])
    why = next((one for one in found["unavailable"] if one["id"] == name and one["item"] == found["item"]), None)
    status = 422 if form is not None else 409
    return request.render("items/cannot.html", status, item=item, label=known.label, why=why, form=form)


PAGES = (
    Page("/items/{item}/do/{verb}", show, "item.actions"),
    Page("/items/{item}/do/{verb}", send, "item.actions", ("POST",)),
    # The same with files: a few at a time, and longer, so that who only signs waits for nobody's upload.
    Page("/items/{item}/do/{verb}/files", send, "item.actions", ("POST",), upload=True),
)
