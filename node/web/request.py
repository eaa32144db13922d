"""What a handler works with: who asks, the gateway, the form, and how to answer."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from node.errors import DulianError, ForbiddenError, InputError
from node.services.matters.desk import Caller
from node.storage.port import Draft, WebSession
from node.web import forms
from node.web.forms import Field, Form
from node.web.gateway import Changed, Gateway, Said, SentBefore
from node.web.limits import FIELDS_MAX, FILES_MAX, FORM_BYTES_MAX, QUERY_CHARS_MAX
from node.web.page import Page, may
from node.web.sessions import FLASH_COOKIE, csrf_of, flash_text, set_cookie
from node.web.uploads import Upload
from node.web.wording import text_of

if TYPE_CHECKING:
    from node.web.app import Console

NOBODY = Caller("", roles=())


@dataclass(slots=True)
class WebRequest:
    """One request. ``caller`` is nobody (without roles) on public pages for who is not signed in."""

    http: Request
    page: Page
    console: Console
    secret: str = ""  # of the cookie: of the session, or of the visit before it
    session: WebSession | None = None
    caller: Caller = NOBODY
    flash: str = ""
    new_visit: bool = False  # the secret is a fresh one, to be set as a cookie

    # -- who and what -------------------------------------------------------------------------------------------------

    @property
    def gateway(self) -> Gateway:
        """The way to the node."""
        return self.console.gateway

    @property
    def signed_in(self) -> bool:
        """Whether somebody is signed in."""
        return self.session is not None

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return self.http.client.host if self.http.client is not None else ""

    @property
    def path(self) -> str:
        """The path asked for."""
        return self.http.url.path

    @property
    def said(self) -> Said:
        """Who does something, for the audit log."""
        return Said(self.caller.name, self.address)

    def part(self, name: str) -> str:
        """A part of the path (``/items/{item}``)."""
        return str(self.http.path_params[name])

    def query(self, *names: str) -> dict[str, str]:
        """The parameters behind the path; all of ``names``, empty where absent. InputError for any other one."""
        given = dict(self.http.query_params)
        if unknown := sorted(set(given) - set(names)):
            raise InputError("地址中有不认识的参数", code="unknown_field", field=unknown[0], remedy="从导航重新进入")
        if long := [name for name, value in given.items() if len(value) > QUERY_CHARS_MAX]:
            raise InputError("查询条件过长", code="unknown_field", field=long[0], remedy="写短一些")
        return {name: given.get(name, "").strip() for name in names}

    def may(self, verb: str) -> bool:
        """Whether to show the way to a verb; the service decides when it is asked."""
        return may(self.caller, verb)

    async def ask(self, verb: str, **args: object) -> Any:
        """A question by this caller: `Gateway.ask`."""
        return await self.gateway.ask(self.caller, verb, **args)

    # -- forms --------------------------------------------------------------------------------------------------------

    def csrf(self) -> str:
        """The token every form carries."""
        return csrf_of(self.secret)

    async def blank(
        self, spec: Sequence[Field], *, item: str = "", draft: str = "", **values: object
    ) -> Form:
        """A form to show: with ``values``, or what was typed before (``draft`` names the place, e.g. ``report/ID``).

        ``item`` is the id (hex) of the item it acts on: the form remembers what the person has seen of it.
        """
        form = Form(tuple(spec), self.csrf(), values={one.name: values.get(one.name, "") for one in spec})
        form.seen_item, form.draft = item, draft
        form.seen = await self.gateway.digest_of(item) if item else ""
        if draft and (found := await self._draft(draft)):
            form.restore(found)
        return form

    async def _draft(self, place: str) -> dict[str, str | list[str]]:
        name = self.caller.name
        row = await self.gateway.read(lambda reader: reader.get(Draft, name, place))
        return dict(json.loads(row.text)) if row is not None else {}

    async def form(self, spec: Sequence[Field], *, draft: str = "") -> Form:
        """What was sent, checked against ``spec``; ``form.ok`` tells whether to go on, ``form.args()`` what to do.

        Raises:
            ForbiddenError: without this session's token (code csrf).
            InputError: fields that the form does not have (code unknown_field).
        """
        given = await self.sent()
        token = next((value for name, value in given if name == forms.CSRF and isinstance(value, str)), "")
        if not self.secret or not _same(token, self.csrf()):
            if self.signed_in:
                self.http.state.stale = _stale(spec, given, self.csrf())
            raise ForbiddenError("页面已过期", code="csrf", remedy="返回上一页，刷新后再提交")
        form = forms.read(spec, given, self.csrf())
        form.draft = draft
        for upload in form.uploads():
            try:
                await upload.check()
            except InputError as error:
                named = next(name for name, group in form.files.items() if upload in group)
                form.errors[named] = text_of(error)
        return form

    async def sent(self) -> list[tuple[str, str | Upload]]:
        """The fields as they came, in their order; InputError where they cannot be read."""
        try:
            found = await self.http.form(max_files=FILES_MAX, max_fields=FIELDS_MAX, max_part_size=FORM_BYTES_MAX)
        except (HTTPException, MultiPartException, UnicodeDecodeError) as error:
            raise InputError("提交的内容无法读懂", code="unknown_field", remedy="返回页面重新填写") from error
        given: list[tuple[str, str | Upload]] = []
        for name, value in found.multi_items():
            if isinstance(value, UploadFile):
                if value.filename or value.size:
                    given.append((name, Upload(value.filename or "", value.file, value.size or 0)))
            else:
                given.append((name, value))
        if len(given) > FIELDS_MAX:
            raise InputError("栏目过多", code="unknown_field", remedy="分几次办理")
        return given

    async def act(self, form: Form, verb: str, **args: object) -> Any:
        """Carry out a command with what the form says (``form.args()`` and ``args``, which go first).

        Returns what the service answers; None where it refused: the form then says why, show it again with status 422.

        Raises:
            Changed: the item is another one than the person saw; becomes the 409 page, which keeps what was typed.
        """
        seen = (form.seen_item, form.seen) if form.seen_item else None
        forget = (self.caller.name, form.draft) if form.draft else None
        try:
            answer = await self.gateway.do(
                self.caller, verb, files=form.uploads(), once=form.once, sent=form.sent, seen=seen,
                address=self.address, forget=forget, **(form.args() | args),
            )  # fmt: skip
        except Changed as error:
            self.http.state.conflict = form
            raise error from None
        except (InputError, ForbiddenError) as error:
            if error.code in ("no_right", "disabled_account"):
                raise
            self.refuse(form, error)
            return None
        return {} if answer is None else answer

    def refuse(self, form: Form, error: DulianError) -> None:
        """Say at the form what is wrong; one that was carried out before may be sent anew, knowingly."""
        form.refuse(error)
        if isinstance(error, SentBefore):
            form.renew()

    # -- answers ------------------------------------------------------------------------------------------------------

    def render(self, template: str, status: int = 200, **context: object) -> Response:
        """A page; where htmx asks, its ``main`` block only."""
        headers = self.http.headers
        fragment = headers.get("hx-request") == "true" and "hx-history-restore-request" not in headers
        nav = [page for page in self.console.pages if page.nav and self.signed_in and page.allows(self.caller)]
        shared: dict[str, object] = {
            "request": self, "caller": self.caller, "office_name": self.gateway.office_name,
            "office_code": self.gateway.office_code, "nav": sorted(nav, key=lambda page: page.order),
            "here": self.path, "flash": self.flash, "csrf": self.csrf() if self.secret else "", "may": self.may,
        }  # fmt: skip
        text = self.console.renderer.render(template, shared | context, fragment=fragment)
        response = Response(text, status, media_type="text/html; charset=utf-8")
        response.headers["vary"] = "HX-Request"
        if self.flash and not fragment:
            response.delete_cookie(FLASH_COOKIE, path="/")
        return response

    def form_page(self, template: str, form: Form, **context: object) -> Response:
        """A form: as new, or with what is wrong (status 422)."""
        return self.render(template, 200 if form.ok else 422, form=form, **context)

    def redirect(self, path: str, flash: str = "", **query: str) -> Response:
        """303 to a path of this console (anything else becomes ``/``), with a message for the next page."""
        target = path if is_local(path) else "/"
        if query:
            target += "?" + urlencode(query)
        response = RedirectResponse(quote(target, safe="/?&=%#:,;@!$'()*+~-._"), 303)
        if flash:
            set_cookie(self.http, response, FLASH_COOKIE, flash_text(flash), 60)
        return response

    def download(self, name: str, content: AsyncIterator[bytes] | bytes, size_bytes: int = -1) -> Response:
        """A file, always as an attachment of an unspoken type (W9)."""
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
        kind = "application/octet-stream"
        if isinstance(content, bytes):
            return Response(content, headers=headers, media_type=kind)
        if size_bytes >= 0:
            headers["content-length"] = str(size_bytes)
        return StreamingResponse(content, headers=headers, media_type=kind)

    def json(self, data: object, status: int = 200) -> Response:
        """Data, for charts and scripts of our own."""
        return Response(json.dumps(data, ensure_ascii=False), status, media_type="application/json")


def _stale(spec: Sequence[Field], given: Sequence[tuple[str, str | Upload]], csrf: str) -> Form | None:
    """What came with the token of another session of the person, to be looked at and sent anew; never passwords."""
    if not spec or any(one.kind == "password" for one in spec):
        return None
    try:
        return forms.read(spec, given, csrf)
    except InputError:
        return None


def is_local(path: str) -> bool:
    """Whether a path stays within this console (W8)."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
