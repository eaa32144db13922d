"""Signing in and out, one-time links, the own password, drafts, the live stream."""

from __future__ import annotations

import json
from functools import partial

from starlette.responses import Response, StreamingResponse

from node.clock import iso
from node.errors import InputError
from node.services.access import console_accounts as accounts
from node.services.access.rights import HANDLER
from node.storage.port import Credential, Draft, Reader, Store, WebSession
from node.web import sessions
from node.web.forms import Field, Form
from node.web.limits import DRAFT_BYTES_MAX, DRAFTS_PER_ACCOUNT_MAX, PASSWORD_CHARS_MAX
from node.web.page import PUBLIC, SIGNED_IN, Page
from node.web.passwords import check_new
from node.web.request import WebRequest, is_local

_PASSWORD = partial(Field, kind="password", required=True, chars_max=PASSWORD_CHARS_MAX)
LOGIN = (Field("name", "姓名", required=True), _PASSWORD("password", "口令"), Field("next", "去向", "hidden"))
LINK = (_PASSWORD("password", "新口令", help="10 个字符以上，可用一句容易记的话"), _PASSWORD("again", "再输一次"))
FIRST = (Field("name", "姓名", required=True, help="操作员的真实姓名，即账号"), *LINK)
CHANGE = (_PASSWORD("old", "现用口令"), *LINK)
DRAFT = (Field("place", "位置"), Field("text", "内容", "text", chars_max=DRAFT_BYTES_MAX))
_WRONG = "姓名或口令不正确。"


# -- signing in -------------------------------------------------------------------------------------------------------


async def login_page(request: WebRequest) -> Response:
    """The form; whoever is signed in goes on."""
    back = request.query("next")["next"]
    if request.signed_in:
        return request.redirect(back or "/")
    form = await request.blank(LOGIN, next=back)
    return await _login_form(request, form, 200)


async def _login_form(request: WebRequest, form: Form, status: int) -> Response:
    known = await request.gateway.read(accounts.has_operator)
    return request.render("account/login.html", status, form=form, has_operator=known)


async def login(request: WebRequest) -> Response:
    """Weigh an attempt: the same answer whether the account exists or not (W7)."""
    form = await request.form(LOGIN)
    if not form.ok:
        return await _login_form(request, form, 422)
    name, password = str(form.values["name"]), str(form.values["password"])
    gateway, address = request.gateway, request.address
    async with request.console.signing_in:
        now_ms = gateway.now_ms()
        until_ms = await gateway.read(partial(accounts.blocked_until_ms, name=name, address=address))
        if until_ms > now_ms:
            form.error = f"尝试次数过多，请在 {-(-(until_ms - now_ms) // 1000)} 秒后再试。"
            return await _login_form(request, form, 429)
        stored = await gateway.read(partial(_stored, name=name))
        good = await request.console.passwords.verify(stored, password)
        if not good:
            await gateway.write(partial(accounts.failed, name=name, address=address, now_ms=now_ms))
    if not good:
        form.error = _WRONG
        return await _login_form(request, form, 422)
    return await _enter(request, name, str(form.values["next"]))


def _stored(reader: Reader, name: str) -> str:
    user = accounts.find_account(reader, name)
    row = reader.get(Credential, name) if user is not None else None
    return row.secret if row is not None else ""


async def _enter(request: WebRequest, name: str, back: str, flash: str = "") -> Response:
    """A session under a fresh id (W6)."""
    secret, old = accounts.new_secret(), sessions.secret_in(request.http, sessions.SESSION_COOKIE)
    begin = partial(
        accounts.begin_session, name=name, address=request.address, now_ms=request.gateway.now_ms(), secret=secret,
        old=old,
    )  # fmt: skip
    await request.gateway.write(begin)
    response = request.redirect(back if back and is_local(back) else "/", flash)
    sessions.set_cookie(request.http, response, sessions.SESSION_COOKIE, secret)
    sessions.drop_cookie(request.http, response, sessions.VISIT_COOKIE)
    request.new_visit = False
    return response


async def logout(request: WebRequest) -> Response:
    """End the session."""
    await request.form(())
    assert request.session is not None  # noqa: S101 - the page is for who is signed in
    end = partial(accounts.end_session, session=request.session, now_ms=request.gateway.now_ms())
    await request.gateway.write(end)
    response = request.redirect("/login", "已退出登录")
    sessions.drop_cookie(request.http, response, sessions.SESSION_COOKIE)
    response.headers["clear-site-data"] = '"cache"'
    return response


# -- passwords --------------------------------------------------------------------------------------------------------


async def link_page(request: WebRequest) -> Response:
    """What a one-time link is for; looking at it does not use it up."""
    token, now_ms = request.part("token"), request.gateway.now_ms()
    link = await request.gateway.read(partial(accounts.open_link, token=token, now_ms=now_ms))
    form = await request.blank(LINK if link.name else FIRST)
    return request.render("account/link.html", form=form, name=link.name)


async def use_link(request: WebRequest) -> Response:
    """Set the password, and enter."""
    gateway, token, now_ms = request.gateway, request.part("token"), request.gateway.now_ms()
    link = await gateway.read(partial(accounts.open_link, token=token, now_ms=now_ms))
    form = await request.form(LINK if link.name else FIRST)
    name = link.name or str(form.values["name"])
    if form.ok:
        try:
            check_new(str(form.values["password"]), str(form.values["again"]), name)
            secret = await request.console.passwords.hash(str(form.values["password"]))
            use = partial(
                accounts.use_link, token=token, name=name, secret=secret, now_ms=now_ms, address=request.address
            )
            user = await gateway.write(use)
        except InputError as error:
            if error.field == "链接":
                raise
            form.refuse(error)
        else:
            return await _enter(request, user.name, "/", "口令已设置")
    return request.form_page("account/link.html", form, name=link.name)


async def me(request: WebRequest) -> Response:
    """Who I am here."""
    return _me(request, await request.blank(CHANGE))


def _me(request: WebRequest, form: Form) -> Response:
    assert request.session is not None  # noqa: S101 - the page is for who is signed in
    return request.form_page("account/me.html", form, since=iso(request.session.made_ms))


async def change_password(request: WebRequest) -> Response:
    """Another password: all other sessions end."""
    form = await request.form(CHANGE)
    name, gateway = request.caller.name, request.gateway
    if form.ok:
        async with request.console.signing_in:
            stored = await gateway.read(partial(_stored, name=name))
            good = await request.console.passwords.verify(stored, str(form.values["old"]))
        if not good:
            form.errors["old"] = "现用口令不正确。"
    if form.ok:
        try:
            check_new(str(form.values["password"]), str(form.values["again"]), name)
        except InputError as error:
            form.refuse(error)
    if not form.ok:
        return _me(request, form)
    secret, now_ms = await request.console.passwords.hash(str(form.values["password"])), gateway.now_ms()
    await gateway.write(partial(accounts.set_secret, name=name, secret=secret, now_ms=now_ms))
    await gateway.note(request.said, "console.password", name)
    return await _enter(request, name, "/account", "口令已修改，其他已登录的地方已退出")


# -- drafts and the stream --------------------------------------------------------------------------------------------


async def save_draft(request: WebRequest) -> Response:
    """What is being typed; an empty text forgets it."""
    form = await request.form(DRAFT)
    place, text = str(form.values["place"]), str(form.values["text"])
    if not form.ok or not place or not _is_draft(text):
        return request.json({"ok": False}, 422)
    row = Draft(request.caller.name, place, text, request.gateway.now_ms())
    await request.gateway.write(partial(_keep_draft, row=row))
    return request.json({"ok": True})


def _is_draft(text: str) -> bool:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and all(
        isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
        for value in found.values()
    )


def _keep_draft(store: Store, row: Draft) -> None:
    if not row.text or row.text == "{}":
        store.delete(Draft, row.name, row.place)
        return
    mine = sorted(store.rows(Draft, name=row.name), key=lambda one: one.at_ms)
    for old in mine[: max(0, len(mine) - DRAFTS_PER_ACCOUNT_MAX + 1)]:
        store.delete(Draft, old.name, old.place)
    store.put([row])


async def live(request: WebRequest) -> Response:
    """What changed, as it changes."""
    session = request.session
    assert session is not None  # noqa: S101 - the page is for who is signed in
    hub = request.console.hub
    stream = hub.open(session.digest, with_ids=set(request.caller.roles) != {HANDLER})
    if stream is None:
        return Response("打开的页面过多。", 503, media_type="text/plain; charset=utf-8")

    async def alive() -> bool:
        now_ms = request.gateway.now_ms()
        return await request.gateway.read(partial(_alive, secret=request.secret, now_ms=now_ms))

    return StreamingResponse(
        hub.events(stream, alive), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
    )


def _alive(reader: Reader, secret: str, now_ms: int) -> bool:
    session: WebSession | None = accounts.session_of(reader, secret, now_ms)
    return session is not None and accounts.find_account(reader, session.name) is not None


PAGES = (
    Page("/login", login_page, PUBLIC),
    Page("/login", login, PUBLIC, ("POST",)),
    Page("/link/{token}", link_page, PUBLIC),
    Page("/link/{token}", use_link, PUBLIC, ("POST",)),
    Page("/logout", logout, SIGNED_IN, ("POST",)),
    Page("/account", me, SIGNED_IN),
    Page("/account", change_password, SIGNED_IN, ("POST",)),
    Page("/drafts", save_draft, SIGNED_IN, ("POST",)),
    Page("/live", live, SIGNED_IN, stream=True),
)
