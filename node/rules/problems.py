"""What is wrong with a profile, in Chinese: the path of the key, its value, what to do.

pydantic's English is translated by its stable error types; a type that is not in the table keeps its English text after
a Chinese beginning, so nothing is ever left without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from node.errors import InputError

PROBLEMS_MAX = 50

_TEXTS: dict[str, tuple[str, str]] = {
    "missing": ("缺少这一项", "补上这一项"),
    "extra_forbidden": ("没有这一项", "删去，或核对拼写"),
    "literal_error": ("不在可用的词之中", "改为{expected}之一"),
    "string_type": ("应为文字", "加引号"),
    "string_too_short": ("文字是空的", "写明内容"),
    "string_too_long": ("文字过长", "缩短到{max_length}字以内"),
    "string_pattern_mismatch": ("写法不对", "按此式样：{pattern}"),
    "int_type": ("应为整数", "写整数，不加引号"),
    "bool_type": ("应为true或false", "写true或false，不加引号"),
    "tuple_type": ("应为列表", "写成[…]"),
    "too_short": ("列表太短", "至少{min_length}项"),
    "too_long": ("列表太长", "至多{max_length}项"),
    "greater_than_equal": ("数字太小", "不小于{ge}"),
    "less_than_equal": ("数字太大", "不大于{le}"),
    "decimal_parsing": ("应为数字", "写成如-0.3"),
    "decimal_type": ("应为数字", "写成如-0.3"),
    "decimal_max_places": ("小数位数过多", "至多{decimal_places}位"),
    "date_type": ("应为日期", "写成2026-01-01，不加引号"),
    "date_from_datetime_parsing": ("应为日期", "写成2026-01-01，不加引号"),
    "date_from_datetime_inexact": ("应为日期，不带时间", "写成2026-01-01，不加引号"),
    "model_type": ("应为一组键和值", "写成{{键 = 值}}或单独一节"),
    "model_attributes_type": ("应为一组键和值", "写成{{键 = 值}}或单独一节"),
    "dict_type": ("应为一组键和值", "写成{{键 = 值}}或单独一节"),
}


def key_path(loc: Iterable[int | str]) -> str:
    """``('rules', 3, 'period', 'unit')`` as people write it: ``rules[3].period.unit``."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def problems_of(error: ValidationError, data: Mapping[str, Any]) -> tuple[InputError, ...]:
    """One error each, at most `PROBLEMS_MAX`."""
    details = error.errors(include_url=False)
    deeper = {detail["loc"][:end] for detail in details for end in range(len(detail["loc"]))}
    # A list whose only entry is wrong counts as too short besides; that would say the same thing twice.
    kept = [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in deeper]
    return tuple(_problem(detail, data) for detail in kept[:PROBLEMS_MAX])


def _problem(detail: ErrorDetails, data: Mapping[str, Any]) -> InputError:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        text, _, remedy = str(context["error"]).partition("；")
    else:
        text, remedy = _TEXTS.get(kind, (f"内容不对（{detail['msg']}）", "对照说明改正"))
        remedy = remedy.format(**{key: _listed(given) for key, given in context.items()})
    value = "" if kind in {"missing", "model_type"} else detail["input"]
    if isinstance(value, Mapping):
        value = "、".join(str(key) for key in value)
    path = key_path(detail["loc"])
    return InputError(
        text + _named(detail["loc"], data), code="profile", field=path or "规则档案", value=value,
        remedy=remedy or "对照说明改正",
    )  # fmt: skip


def _listed(given: object) -> str:
    """Pydantic names the words of a choice as ``'a', 'b' or 'c'``."""
    return str(given).replace("' or '", "', '").replace("'", "").replace(", ", "、")


def _named(loc: tuple[int | str, ...], data: Mapping[str, Any]) -> str:
    """The id of the entry the path runs through: a number in brackets is hard to count out in a file."""
    if len(loc) < 2 or not isinstance(loc[1], int):
        return ""
    entries = data.get(str(loc[0]))
    entry = entries[loc[1]] if isinstance(entries, list | tuple) and loc[1] < len(entries) else None
    name = entry.get("id") if isinstance(entry, Mapping) else None
    return f"（所在条目：{name}）" if isinstance(name, str) and name else ""
