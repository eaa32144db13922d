"""Errors as pages, in Chinese: what is wrong, what to do; for a bug a reference number that stands in the log."""

from __future__ import annotations

import secrets
from typing import NamedTuple

import structlog
from starlette.requests import Request
from starlette.responses import Response

from node.errors import DulianError, ForbiddenError, InputError, NotFoundError, StoreError, UnreachableError
from node.web.forms import Form
from node.web.gateway import Changed
from node.web.render import Renderer
from node.web.wording import plain, remedy_of

_log = structlog.get_logger("web")
_BY_CODE = {
    "unknown_field": 400, "host": 400, "method": 405, "too_large": 413, "timeout": 503, "bad_file": 422, "changed": 409,
}  # fmt: skip
TITLES = {
    400: "请求有误", 401: "请先登录", 403: "无权办理", 404: "没有找到", 405: "请求有误", 409: "内容已有变化",
    413: "内容过大", 422: "填写有误", 429: "尝试过多", 500: "内部错误", 503: "暂时无法办理",
}  # fmt: skip


class Fault(NamedTuple):
    """What a page says of an error."""

    status: int
    title: str
    text: str
    remedy: str = ""
    reference: str = ""


def fault_of(error: Exception) -> Fault:
    """An error as people read it; what nobody foresaw is logged under a reference."""
    if isinstance(error, ForbiddenError | InputError | UnreachableError | StoreError):
        assert isinstance(error, DulianError)  # noqa: S101 - all of them are
        status = _BY_CODE.get(error.code) or _status_of(error)
        remedy = remedy_of(error)
        return Fault(status, TITLES[status], plain(error.text), remedy)
    reference = secrets.token_hex(4).upper()
    _log.error("web_failed", reference=reference, exc_info=error)
    text, remedy = "程序出错，本次操作没有完成", "稍后再试；仍不行时把编号告诉操作员，由其查看节点日志"
    return Fault(500, TITLES[500], text, remedy, reference)


def _status_of(error: DulianError) -> int:
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, ForbiddenError):
        return 403
    return 503 if isinstance(error, StoreError | UnreachableError) else 400


def bare_page(renderer: Renderer, request: Request, error: Exception) -> Response:
    """The page of an error for whom we know nothing about."""
    fault = fault_of(error)
    fragment = request.headers.get("hx-request") == "true"
    text = renderer.render("errors/bare.html", {"fault": fault}, fragment=fragment)
    return Response(text, fault.status, media_type="text/html; charset=utf-8")


def conflict_form(request: Request, error: Exception) -> Form | None:
    """The form that met another item than the person had seen."""
    return getattr(request.state, "conflict", None) if isinstance(error, Changed) else None


def stale_form(request: Request, error: Exception) -> Form | None:
    """The form that came with the token of a session that has ended, by who is signed in again."""
    expired = isinstance(error, ForbiddenError) and error.code == "csrf"
    return getattr(request.state, "stale", None) if expired else None
