"""Cookies: the session's secret, the visit before signing in, the message for the next page.

Rules: a cookie holds a random secret and nothing else; HttpOnly, SameSite=Strict, over HTTPS Secure under a
``__Host-`` name; a form's token is derived from the secret, so that it needs no place of its own and ends with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response

SESSION_COOKIE, VISIT_COOKIE, FLASH_COOKIE = "dulian_session", "dulian_visit", "dulian_flash"
_SECRET_CHARS_MAX = 64
_FLASH_CHARS_MAX = 300


def csrf_of(secret: str) -> str:
    """The token of the forms of whoever holds this secret."""
    return hmac.new(secret.encode(), b"dulian csrf 1", hashlib.sha256).hexdigest()


def cookie_name(http: Request, name: str) -> str:
    """The name as it travels."""
    return f"__Host-{name}" if http.url.scheme == "https" else name


def secret_in(http: Request, name: str) -> str:
    """What a cookie holds; empty where it is absent or none of ours."""
    found = http.cookies.get(cookie_name(http, name), "")
    return found if len(found) <= _SECRET_CHARS_MAX and found.isascii() else ""


def set_cookie(http: Request, response: Response, name: str, value: str, age_s: int | None = None) -> None:
    """Set one of our cookies."""
    called = name if name == FLASH_COOKIE else cookie_name(http, name)
    response.set_cookie(
        called, value, max_age=age_s, path="/", httponly=True, samesite="strict", secure=http.url.scheme == "https"
    )


def drop_cookie(http: Request, response: Response, name: str) -> None:
    """Remove one of our cookies."""
    response.delete_cookie(
        cookie_name(http, name), path="/", httponly=True, samesite="strict", secure=http.url.scheme == "https"
    )


def flash_text(text: str) -> str:
    """A message for the next page, as a cookie can carry it."""
    return base64.urlsafe_b64encode(text[:_FLASH_CHARS_MAX].encode()).decode()


def flash_in(http: Request) -> str:
    """The message that came along; plain text, always escaped where it is shown."""
    try:
        return base64.urlsafe_b64decode(http.cookies.get(FLASH_COOKIE, "")[:2_000]).decode()[:_FLASH_CHARS_MAX]
    except (ValueError, binascii.Error):
        return ""
