"""The console as an ASGI application: routes, who may take them, errors.

Rules of this file:

1. Deny by default: a page names the verb that permits it, or it is not served (`Page.check`); who is not signed in
   gets to the public pages only.
2. The session is looked up anew for every request: a disabled account or an ended session counts from the next one on.
3. No error reaches a browser as anything but a page of ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from node.bootstrap.control import Control
from node.errors import DulianError, ForbiddenError, InputError, NotFoundError
from node.records.kinds import Channel
from node.services.access import console_accounts as accounts
from node.services.access.people import caller_of
from node.services.access.rights import ROLES
from node.services.matters.desk import Caller
from node.services.office import Office
from node.services.views.office_finder import Finder
from node.storage.port import Reader, Store, WebSession
from node.web import failures, pages, sessions
from node.web.answers import Answers
from node.web.assets import Assets
from node.web.forms import CSRF, OWN
from node.web.gateway import Gateway
from node.web.kept import Kept
from node.web.limits import FORM_BYTES_MAX
from node.web.live import Hub
from node.web.page import PUBLIC, SIGNED_IN, Page
from node.web.passwords import Passwords
from node.web.render import Renderer
from node.web.request import NOBODY, WebRequest, is_local
from node.web.security import Gate, Guard

LIVE_HEADER = "x-dulian-live"  # a request of the page itself, which does not keep a session alive


class Options(NamedTuple):
    """What an installation says. ``hosts``: names it answers to."""

    hosts: frozenset[str] = frozenset()
    upload_bytes_max: int = 500 * 1_048_576
    hsts: bool = False


@dataclass(slots=True)
class Console:
    """The parts of the console that live as long as it."""

    gateway: Gateway
    renderer: Renderer
    assets: Assets
    pages: Sequence[Page]
    passwords: Passwords = field(default_factory=Passwords)
    hub: Hub = field(default_factory=Hub)
    signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)  # attempts are weighed one after the other
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)  # office files are looked at one after the other
    kept: Kept = field(default_factory=Kept)
    answers: Answers = field(default_factory=Answers)

    @property
    def finder(self) -> Finder:
        """The offices a task may go to."""
        return self.gateway.finder

    async def answer(self, page: Page, http: Request) -> Response:
        """One request for a page."""
        request = WebRequest(http, page, self)
        started_s = time.monotonic()
        try:
            response = await self._answer(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a page that says so
            response = await self._failed(request, error)
        finally:
            await http.close()  # uploaded files rest on the disk until then
            if not page.stream:
                self.gateway.took(page.path, time.monotonic() - started_s)
        if request.new_visit:
            sessions.set_cookie(http, response, sessions.VISIT_COOKIE, request.secret)
        return response

    async def _answer(self, request: WebRequest) -> Response:
        await self._recognise(request)
        page = request.page
        if page.verb != PUBLIC and not request.signed_in:
            return await self._sign_in_first(request)
        if page.verb != PUBLIC and not page.allows(request.caller):
            held = "、".join(ROLES.get(role, role) for role in request.caller.roles) or "无"
            await self.gateway.note(request.said, page.verb, request.path, f"无权：{held}")
            raise ForbiddenError("您的角色不能打开此页", code="no_right", remedy="需要时请操作员增加角色")
        return await page.handler(request)

    async def _recognise(self, request: WebRequest) -> None:
        """Who asks, by the cookie."""
        http, now_ms = request.http, self.gateway.now_ms()
        secret = sessions.secret_in(http, sessions.SESSION_COOKIE)
        found = await self.gateway.read(partial(_known, secret=secret, now_ms=now_ms)) if secret else None
        request.flash = sessions.flash_in(http)
        if found is not None:
            request.secret, (request.session, request.caller) = secret, found
            if now_ms - found[0].seen_ms > accounts.SEEN_STEP_MS and LIVE_HEADER not in http.headers:
                await self.gateway.write(partial(_touch, session=found[0], now_ms=now_ms))
            return
        request.caller = NOBODY
        if request.page.verb == PUBLIC:
            request.secret = sessions.secret_in(http, sessions.VISIT_COOKIE)
            request.new_visit = not request.secret
            request.secret = request.secret or accounts.new_secret()

    async def _sign_in_first(self, request: WebRequest) -> Response:
        http = request.http
        if http.method == "GET" and "hx-request" not in http.headers and not request.page.stream:
            query = f"?{http.url.query}" if http.url.query else ""
            back = request.path + query
            return request.redirect("/login", **({"next": back} if is_local(back) and back != "/" else {}))
        if http.method == "POST" and "hx-request" not in http.headers:
            return request.render("errors/signin.html", 401, kept=await self._typed(request), own=OWN)
        response = Response("登录已失效，请重新登录。", 401, media_type="text/plain; charset=utf-8")
        if http.headers.get("hx-request") == "true" and LIVE_HEADER not in http.headers:
            response.headers["hx-redirect"] = "/login"
        return response

    async def _typed(self, request: WebRequest) -> list[tuple[str, str]]:
        """What somebody sent whose session has ended, so that it is not lost; never what only signs in."""
        length = request.http.headers.get("content-length", "")
        if request.page.verb == SIGNED_IN or not length.isdecimal() or int(length) > FORM_BYTES_MAX:
            return []  # nobody's large uploads are read
        try:
            given = await request.sent()
        except InputError:
            return []
        return [(name, value) for name, value in given if isinstance(value, str) and value and name != CSRF]

    async def _failed(self, request: WebRequest, error: Exception) -> Response:
        fault = failures.fault_of(error)
        form = failures.conflict_form(request.http, error)
        if fault.status in (400, 403) and isinstance(error, DulianError) and error.code in ("csrf", "unknown_field"):
            await self.gateway.note(request.said, "console.refused", request.path, error.text)
        try:
            if form is not None:
                form.seen, form.once = await self.gateway.digest_of(form.seen_item), accounts.new_secret()
                return request.render("errors/conflict.html", 409, fault=fault, form=form)
            if (stale := failures.stale_form(request.http, error)) is not None:
                return request.render("errors/stale.html", 403, fault=fault, form=stale)
            return request.render("errors/page.html", fault.status, fault=fault)
        except Exception as again:  # noqa: BLE001 - a fault in the layout itself
            return failures.bare_page(self.renderer, request.http, again)


def _known(reader: Reader, secret: str, now_ms: int) -> tuple[WebSession, Caller] | None:
    session = accounts.session_of(reader, secret, now_ms)
    if session is None:
        return None
    try:
        return session, caller_of(reader, session.name, "", Channel.CONSOLE)
    except (ForbiddenError, NotFoundError):
        return None  # disabled since


def _touch(store: Store, session: WebSession, now_ms: int) -> None:
    if store.get(WebSession, session.digest) is not None:
        store.put([WebSession(session.digest, session.name, session.made_ms, now_ms, session.address)])


async def _nowhere(request: WebRequest) -> Response:
    del request
    raise NotFoundError("没有这个页面", remedy="从导航重新进入")


def make_console(control: Control, office: Office, found: Sequence[Page] | None = None) -> Console:
    """The console's parts; LocalError for a page without permission."""
    every = tuple(found) if found is not None else pages.all_pages()
    for page in every:
        page.check()
    assets = Assets()
    return Console(Gateway(control, office), Renderer(assets), assets, every)


def create_app(console: Console, options: Options) -> ASGIApp:
    """The application."""
    routes = [Route(page.path, partial(console.answer, page), methods=list(page.methods)) for page in console.pages]

    async def static(http: Request) -> Response:
        return console.assets.serve(http)

    async def icon(http: Request) -> Response:
        del http
        return Response("", 204)

    missing = Page("/{path:path}", _nowhere, PUBLIC, ("GET", "POST"))
    everything = [
        Route("/static/{hash}/{name:path}", static), Route("/favicon.ico", icon), *routes,
        Route("/{path:path}", partial(console.answer, missing), methods=["GET", "POST"]),
    ]  # fmt: skip
    by_path = [(route, page) for route, page in zip(routes, console.pages, strict=True)]

    def marked(path: str, name: str) -> bool:
        return any(getattr(page, name) and route.path_regex.match(path) for route, page in by_path)

    gate = Gate(
        options.hosts, options.upload_bytes_max, options.hsts, partial(marked, name="upload"),
        partial(marked, name="stream"),
    )  # fmt: skip
    return Guard(Starlette(routes=everything), gate, partial(failures.bare_page, console.renderer))
