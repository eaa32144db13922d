"""What a page is: a path, a handler, and the verb of `services.access.rights` that permits it. Deny by default.

`node.web.pages` says how to write one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from node.errors import LocalError
from node.services.access.rights import RIGHTS
from node.services.matters.desk import Caller

if TYPE_CHECKING:
    from node.web.request import WebRequest

# Whoever can reach the console: signing in, and nothing of the office's work but what a screen's secret link shows.
PUBLIC = "(public)"
SIGNED_IN = "(signed in)"  # every account, about itself: password, drafts, signing out
Handler = Callable[["WebRequest"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """A route. ``nav`` puts it into the navigation (in the order of ``order``) of whoever may see it.

    ``under``: the entry of the navigation it belongs to, where its path does not say so.
    """

    path: str
    handler: Handler
    verb: str
    methods: tuple[str, ...] = ("GET",)
    nav: str = ""
    order: int = 0
    upload: bool = False  # takes files: longer, larger
    stream: bool = False  # never ends (`/live`)
    under: str = ""

    def check(self) -> None:
        """LocalError for a page that nobody has permitted."""
        if self.verb not in RIGHTS and self.verb not in (PUBLIC, SIGNED_IN):
            raise LocalError(f"page {self.path} names no verb of services.access.rights: {self.verb!r}", code="page")
        if set(self.methods) - {"GET", "POST"} or not self.methods or not self.path.startswith("/"):
            raise LocalError(f"page {self.path} is not GET or POST of a path", code="page")
        if self.verb == PUBLIC and self.nav:
            raise LocalError(f"page {self.path} cannot be public and in the navigation", code="page")

    def allows(self, caller: Caller) -> bool:
        """Whether a signed-in caller's roles permit the page (an item's unit is checked by the service)."""
        return may(caller, self.verb)


def may(caller: Caller, verb: str) -> bool:
    """Whether the caller's roles permit a verb: for showing or leaving out a button. The service decides."""
    return verb in (PUBLIC, SIGNED_IN) or bool(RIGHTS.get(verb, frozenset()) & set(caller.roles))
