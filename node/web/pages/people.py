"""节点管理 · 账号、机构: accounts with their roles, posts and unit, one-time links, units of this office."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from node.errors import NotFoundError
from node.services.access.rights import ROLES
from node.web.forms import Field, Form
from node.web.page import Page
from node.web.pages.nodes import once_only
from node.web.request import WebRequest

NAME = Field("name", "账号", "hidden", required=True)
UNIT = (Field("name", "机构名称", required=True), Field("head", "负责人", help="负责人的账号，可不写"))
END_UNIT = (Field("name", "机构名称", "hidden", required=True),)
ONLY_NAME = (NAME,)


async def _spec(request: WebRequest, *, new: bool) -> tuple[Field, ...]:
    """The form of an account: what roles, posts and units there are."""
    rules, units = await asyncio.gather(request.ask("rules.show"), request.ask("unit.list"))
    posts = tuple((post, f"{label}") for post, label in dict(rules.get("roles", {})).items())
    own = tuple((row["name"], row["name"]) for row in units if row["active"])
    name = Field("name", "姓名", required=True, help="账号即姓名，登录时使用") if new else NAME
    return (
        name,
        Field("role", "角色", "choices", required=True, choices=tuple(ROLES.items())),
        Field("unit", "内设机构", "choice", choices=own, help="承办人员须写明：只能办理本机构承办的事项"),
        Field("post", "职务", "choices", choices=posts, help="审批流程按职务找人；没有的不选"),
    )


# -- accounts ---------------------------------------------------------------------------------------------------------


async def people(request: WebRequest) -> Response:
    """All accounts."""
    return request.render("people/list.html", rows=await request.ask("user.list"))


async def add_form(request: WebRequest) -> Response:
    """A new account."""
    return request.render("people/add.html", form=await request.blank(await _spec(request, new=True)))


async def add(request: WebRequest) -> Response:
    """Make the account, and show the link by which its owner comes in, once."""
    form = await request.form(await _spec(request, new=True))
    if form.ok and (made := await request.act(form, "user.add")) is not None:
        return await _link(request, form, str(made["name"]))
    return request.form_page("people/add.html", form)


async def _link(request: WebRequest, form: Form, name: str) -> Response:
    """The one-time link, or why there is none."""
    entry = Form((NAME,), form.csrf, values={"name": name})
    made = await once_only(request, entry, "console.link", name=name)
    if made is None:
        return request.form_page("people/linked.html", entry, made=None, name=name)
    return request.render("people/linked.html", form=entry, made=made, name=name)


async def _person(request: WebRequest, name: str) -> Mapping[str, Any]:
    for row in await request.ask("user.list"):
        if row["name"] == name:
            return dict(row)
    raise NotFoundError("没有这个账号", field="账号", value=name, remedy="在「节点管理」的「账号」中查看")


async def person(request: WebRequest) -> Response:
    """One account, to change or end."""
    return await _person_page(request, request.query("name")["name"])


async def _person_page(request: WebRequest, name: str, change: Form | None = None, end: Form | None = None) -> Response:
    row = await _person(request, name)
    spec = await _spec(request, new=False)
    heirs = [one["name"] for one in await request.ask("user.list") if one["active"] and one["name"] != name]
    posts = [post["id"] for post in row["posts"]]
    values = {"name": name, "role": row["roles"], "post": posts, "unit": row["unit"]}
    failed = change or end
    return request.render(
        "people/person.html", 422 if failed else 200, row=row,
        form=change or await request.blank(spec, **values),
        end=end or await request.blank(_end(heirs), name=name),
        link=await request.blank(ONLY_NAME, name=name), again=await request.blank(ONLY_NAME, name=name),
    )  # fmt: skip


def _end(heirs: list[str]) -> tuple[Field, ...]:
    choices = tuple((name, name) for name in heirs)
    return (NAME, Field("handover", "接办人", "choice", choices=choices, help="名下有未结事项时必选，事项移交此人"))


async def change(request: WebRequest) -> Response:
    """Other roles, posts or unit; what is not ticked is taken away."""
    form = await request.form(await _spec(request, new=False))
    name = str(form.values["name"])
    if form.ok:
        post, unit = form.values["post"] or ["-"], form.values["unit"] or "-"
        if await request.act(form, "user.change", post=post, unit=unit) is not None:
            return request.redirect("/nodes/person", flash="已修改账号", name=name)
    return await _person_page(request, name, change=form)


async def link(request: WebRequest) -> Response:
    """A new one-time link for an account."""
    form = await request.form(ONLY_NAME)
    name = str(form.values["name"])
    await _person(request, name)
    return await _link(request, form, name)


async def disable(request: WebRequest) -> Response:
    """A leaver; open items go to who takes over."""
    users = await request.ask("user.list")
    form = await request.form(_end([one["name"] for one in users if one["active"]]))
    name = str(form.values["name"])
    if form.ok and (done := await request.act(form, "user.disable")) is not None:
        said = f"已停用 {name}" + (f"，{len(done['items'])} 件事项移交 {done['handover']}" if done["items"] else "")
        return request.redirect("/nodes/people", flash="；".join([said, *map(str, done["warnings"])]))
    return await _person_page(request, name, end=form)


async def enable(request: WebRequest) -> Response:
    """An account again."""
    form = await request.form(ONLY_NAME)
    name = str(form.values["name"])
    if form.ok and await request.act(form, "user.enable") is not None:
        return request.redirect("/nodes/person", flash="已启用账号", name=name)
    return await _person_page(request, name, change=form)


# -- units ------------------------------------------------------------------------------------------------------------


async def units(request: WebRequest) -> Response:
    """All units, and a new one."""
    return await _units(request, await request.blank(UNIT))


async def _units(request: WebRequest, form: Form) -> Response:
    rows = [row | {"button": await request.blank(END_UNIT, name=row["name"])} for row in await request.ask("unit.list")]
    shown = form if len(form.spec) > 1 else await request.blank(UNIT)
    refused = "" if form is shown else form.error or "；".join(form.errors.values())
    return request.render("people/units.html", 200 if form.ok else 422, rows=rows, form=shown, refused=refused)


async def add_unit(request: WebRequest) -> Response:
    """A department without a node, or another head of one."""
    form = await request.form(UNIT)
    if form.ok and await request.act(form, "unit.add") is not None:
        return request.redirect("/nodes/units", flash="已登记内设机构")
    return await _units(request, form)


async def end_unit(request: WebRequest) -> Response:
    """End a unit without people and open items."""
    form = await request.form(END_UNIT)
    if form.ok and await request.act(form, "unit.disable") is not None:
        return request.redirect("/nodes/units", flash="已停用内设机构")
    return await _units(request, form)


PAGES = (
    Page("/nodes/people", people, "user.add"),
    Page("/nodes/people/add", add_form, "user.add"),
    Page("/nodes/people/add", add, "user.add", ("POST",)),
    Page("/nodes/person", person, "user.change"),
    Page("/nodes/person", change, "user.change", ("POST",)),
    Page("/nodes/person/link", link, "console.link", ("POST",)),
    Page("/nodes/person/disable", disable, "user.disable", ("POST",)),
    Page("/nodes/person/enable", enable, "user.enable", ("POST",)),
    Page("/nodes/units", units, "unit.add"),
    Page("/nodes/units", add_unit, "unit.add", ("POST",)),
    Page("/nodes/units/disable", end_unit, "unit.disable", ("POST",)),
)
