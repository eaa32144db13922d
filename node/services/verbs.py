"""What a verb of the command socket is, and what each area of work exports: its commands and its questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from node.services.matters.desk import Caller
from node.storage.port import Reader

if TYPE_CHECKING:
    from node.services.office import Office
    from node.services.views.browse import View

Args = Mapping[str, object]
Command = Callable[["Office", Args, Caller], object]
Question = Callable[[Reader, "View", Args], object]
