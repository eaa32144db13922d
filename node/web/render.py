"""Templates: one strict environment; everything is escaped, everything unknown is an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from node.clock import SHANGHAI, iso
from node.items.lifecycle import state_label
from node.items.lights import LIGHT_LABELS, Light
from node.services.access.rights import ROLES
from node.web.assets import Assets
from node.web.uploads import ACCEPT
from node.web.wording import plain

TEMPLATES = Path(__file__).resolve().parent / "templates"
# light: (word, shape); the shape tells them apart without colour.
_SHAPES: Mapping[Light, str] = {"green": "●", "yellow": "▲", "red": "■", "done": "✓", "none": "○"}
LIGHTS: Mapping[str, tuple[str, str]] = {light: (LIGHT_LABELS[light], shape) for light, shape in _SHAPES.items()}
COLOURS: Mapping[str, str] = {"white": "白", "yellow": "黄", "red": "红", "blue": "蓝", "orange": "橙"}


_OF_DICTS = frozenset(dir(dict))


class _Environment(Environment):
    """Looks for a key of a mapping at once, where Jinja first fails to find an attribute: a page does so a thousand
    times. What it finds is the same.
    """

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``obj.attribute`` of a template."""
        if type(obj) is dict and attribute in obj and attribute not in _OF_DICTS:
            return obj[attribute]
        return super().getattr(obj, attribute)


class Renderer:
    """Makes pages of templates."""

    def __init__(self, assets: Assets) -> None:
        """``assets`` know under which address a static file is served."""
        self._environment = _Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        self._environment.globals |= {"static": assets.address, "lights": LIGHTS, "roles": ROLES, "accept": ACCEPT}
        self._environment.filters |= {
            "moment": moment, "clock": clock, "day": day, "light": light_word, "state": state_label, "plain": plain,
            "short": short,
        }  # fmt: skip

    def render(self, template: str, context: Mapping[str, object], *, fragment: bool = False) -> str:
        """A page, or its block ``main`` alone: templates extend ``layout``."""
        layout = "fragment.html" if fragment else "base.html"
        return self._environment.get_template(template).render({"layout": layout} | dict(context))


def moment(value: Any, *, seconds: bool = False) -> str:
    """An ISO time as 2026-11-22 09:05, with ``seconds`` 09:05:31; a dash for none."""
    if not value:
        return "—"
    try:
        at = datetime.fromisoformat(str(value)).astimezone(SHANGHAI)
    except ValueError:
        return str(value)
    return at.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def clock(at_ms: int) -> str:
    """Milliseconds since 1970 as 2026-11-22 09:05."""
    return moment(iso(at_ms))


def day(value: Any) -> str:
    """A date; a dash for none."""
    return str(value)[:10] if value else "—"


def light_word(value: Any) -> str:
    """The word of a light."""
    return LIGHTS.get(str(value), (str(value), ""))[0]


def short(value: Any, chars: int = 12) -> str:
    """The first characters of a hash."""
    return str(value)[:chars]
