"""`item.page`: the list of items by pages, with its filters; every list page of the console asks this one question.

Rules of this file:

1. Filters, columns to sort by and page sizes are those named here, and nothing else: `normalise` refuses what it does
   not know, in Chinese, and gives back what may be stored as a saved filter.
2. A page costs what it shows, not what is held: rows are found in indexes, totals are exact up to `COUNT_MAX`, and
   what lies behind that is reached by narrowing the filter, not by leafing.
3. Whose lists are narrowed (`scope`), sees the items of the own unit, and those issued under one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from node.clock import day_of
from node.errors import InputError, StoreError
from node.items.lifecycle import STATE_LABELS
from node.items.lights import LIGHT_LABELS, SEVERITY, Light, day_number
from node.rules.profile import Profile
from node.rules.words import COLOURS, LINES
from node.services.access import scope
from node.services.matters.rulebook import Rulebook
from node.services.routine.lines import on_line
from node.services.sheets.ledger_filters import light_query
from node.services.verbs import Question
from node.services.views import truth
from node.services.views.browse import View, day_text, moment, row_document
from node.services.views.rolled import TASKS_MAX, as_of_ms, known_with, percent_of, speaks_for_tasks, tasks_under
from node.services.views.truth_rows import known_of
from node.storage import grams
from node.storage.port import BoardPage, BoardQuery, BoardRow, Reader

Document = dict[str, object]
COUNT_MAX = 10_000  # a total beyond this is said as 10,000+
PER_PAGE, PER_PAGE_MAX = 50, 200
FOUND_MAX = 1_000  # items one search for words finds
_LEVELS = 12  # of tasks issued under tasks
SEARCH_MS = 800  # then it is given up
_TEXT_CHARS_MAX = 200
_SORTS: Mapping[str, str] = {
    "new": "item_no", "number": "number", "title": "title", "state": "state", "due": "due_day",
    "updated": "updated_ms", "opened": "opened_day", "receiver": "receiver",
}  # fmt: skip
SORT_LABELS: Mapping[str, str] = {
    "new": "登记先后", "number": "登记编号", "title": "事项名称", "state": "状态", "due": "办结时限",
    "updated": "最近更新", "opened": "交办日期", "receiver": "承办单位",
}  # fmt: skip
_WORDS = ("state", "light", "office", "issuer", "kind", "text", "unit", "source", "class", "leader", "colour",
          "line", "due_from", "due_to", "parent", "sort")  # fmt: skip
_FLAGS = ("mine", "overdue", "open")
_NUMBERS = ("page", "per")
_KINDS = {"registered": "自立事项", "assignment": "交办任务"}
_EXTENSIONS = {"requested": "已申请", "granted": "已延期", "denied": "未同意", "noted": "已说明"}


class Found(NamedTuple):
    """A page of board rows; ``total`` is exact unless ``more``; ``text_more``: words fit more items than looked at."""

    rows: list[BoardRow]
    total: int
    more: bool
    text_more: bool = False


def normalise(args: Mapping[str, object]) -> dict[str, object]:
    """The filters asked for, checked and in one form: words, true flags, numbers; empty ones are left out.

    Raises:
        InputError: an unknown filter, or a value it cannot have; ``field`` names the option.
    """
    unknown = sorted(str(name) for name in args if name not in (*_WORDS, *_FLAGS, *_NUMBERS))
    if unknown:
        known = "、".join((*_WORDS, *_FLAGS, *_NUMBERS))
        raise InputError("没有这个筛选条件", field=unknown[0][:40], remedy=f"可用：{known}")
    found: dict[str, object] = {}
    for name in _WORDS:
        value = args.get(name)
        if value is not None and not isinstance(value, str):
            raise InputError("须为文字", field=f"--{name}", value=value)
        if value and value.strip():
            found[name] = _checked(name, value.strip())
    for name in _FLAGS:
        if _flag(name, args.get(name)):
            found[name] = True
    for name in _NUMBERS:
        number = _whole(name, args.get(name))
        if number:
            found[name] = number
    if found.get("overdue") and found.get("light", "red") != "red":
        raise InputError("逾期只有红灯", field="--light", value=found["light"], remedy="去掉其中一个条件")
    return found


def _checked(name: str, value: str) -> str:
    if len(value) > _TEXT_CHARS_MAX:
        raise InputError("筛选条件过长", field=f"--{name}", value=len(value), remedy=f"最多{_TEXT_CHARS_MAX}字")
    words: Mapping[str, Mapping[str, str]] = {
        "state": STATE_LABELS, "kind": _KINDS, "colour": COLOURS, "line": LINES,
        "light": {str(light): label for light, label in LIGHT_LABELS.items()},
    }  # fmt: skip
    if name in words:
        return _word(name, value, words[name])
    if name in ("due_from", "due_to"):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError as error:
            remedy = "写成 YYYY-MM-DD，如 2027-03-31"
            raise InputError("日期写法不对", field=f"--{name}", value=value, remedy=remedy) from error
    if name == "sort":
        return ("-" if value.startswith("-") else "") + _word(name, value.removeprefix("-"), SORT_LABELS)
    if name == "text" and not grams.words_of(value):
        raise InputError("没有可检索的字", field="--text", value=value, remedy="写汉字、字母或数字")
    return value


def _word(name: str, value: str, known: Mapping[str, str]) -> str:
    """A word of a closed list, given by itself or by its label."""
    found = [word for word, label in known.items() if value in (word, label)]
    if not found:
        offered = "、".join(f"{word}（{label}）" for word, label in known.items())
        raise InputError("没有这个选项", field=f"--{name}", value=value, remedy=f"可选：{offered}")
    return found[0]


def _flag(name: str, value: object) -> bool:
    if value in (None, "", False, "0", "false"):
        return False
    if value in (True, "1", "true", "on"):
        return True
    raise InputError("只能选或不选", field=f"--{name}", value=value)


def _whole(name: str, value: object) -> int:
    if value in (None, ""):
        return 0
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= len(str(COUNT_MAX))):
        raise InputError("须为正整数", field=f"--{name}", value=value)
    number = int(text)
    if name == "per" and number > PER_PAGE_MAX:
        raise InputError("每页行数过多", field="--per", value=value, remedy=f"最多{PER_PAGE_MAX}行")
    return number


def query_of(reader: Reader, view: View, filters: Mapping[str, object]) -> BoardQuery | None:
    """The query of normalised filters within what the caller may see, without words; None: the caller sees nothing."""

    def word(name: str) -> str:
        return str(filters.get(name) or "")

    profile = Rulebook(reader, view.office).profile(day_number(day_of(view.now_ms)))
    light: Light | None = next((one for one in SEVERITY if one == word("light")), None)
    light = "red" if filters.get("overdue") else light
    today = day_number(day_of(view.now_ms))
    query = BoardQuery(
        state=word("state"), receiver=word("office"), issuer=word("issuer"), kind=word("kind"), unit=word("unit"),
        subject="-",
        sources=_sources(profile, word("source")), classes=_classes(profile, word("class")), leader=word("leader"),
        colour=word("colour"), open=bool(filters.get("open")) or light in ("red", "yellow", "green"),
        due_from_day=_day(word("due_from")), due_before_day=_day(word("due_to")) + 1 if word("due_to") else 0,
        light=light_query(light, today, view.calendar) if light else None,
        sort=_SORTS[word("sort").removeprefix("-") or "new"],
        descending=word("sort").startswith("-") or not word("sort"),
    )  # fmt: skip
    query = on_line(profile, word("line"), query)
    if filters.get("mine"):
        unit = view.caller.unit if view.caller is not None else ""
        if query.receiver not in ("", view.office):
            return None
        query = query._replace(receiver=view.office, units=(unit,) if unit else (), open=True)
    if word("parent"):
        # Whoever may see an item may see what was issued under it.
        return query._replace(parent=scope.find(reader, view, word("parent")).item_id)
    return narrowed(reader, view, query)


def ordered(query: BoardQuery, sort: str) -> BoardQuery:
    """The query in the order of a checked ``sort`` (`normalise`); as it is without one."""
    column = _SORTS.get(sort.removeprefix("-"))
    return query._replace(sort=column, descending=sort.startswith("-")) if column else query


def narrowed(reader: Reader, view: View, query: BoardQuery) -> BoardQuery | None:
    """A query of items in hand within what the caller may see; None: nothing (W4)."""
    units = scope.limits(reader, view.caller)
    if units is None:
        return query
    if not units or query.receiver not in ("", view.office):
        return None
    both = [unit for unit in units if not query.units or unit in query.units]
    return query._replace(receiver=view.office, units=tuple(both)) if both else None


def find(reader: Reader, view: View, filters: Mapping[str, object], receiver: str = "") -> Found:
    """The page of these normalised filters; with ``receiver`` only what that office has in hand."""
    page, per = int(str(filters.get("page") or 1)), int(str(filters.get("per") or PER_PAGE))
    offset = (page - 1) * per
    if offset >= COUNT_MAX:
        raise InputError("只能翻看前10000件", field="--page", value=page, remedy="缩小筛选范围，或换一种排序")
    query = query_of(reader, view, filters)
    if query is None:
        return Found([], 0, more=False)
    if receiver and query.receiver not in ("", receiver):
        return Found([], 0, more=False)
    query = query._replace(receiver=receiver or query.receiver)
    text_more = False
    if filters.get("text"):
        found = search(reader, str(filters["text"]))
        text_more = len(found) > FOUND_MAX
        numbers = found[-FOUND_MAX:]
        query = query._replace(item_nos=tuple(with_above(reader, numbers) if receiver else numbers))
    rows, total = _page_of(reader, query._replace(limit=per, offset=offset))
    return Found(rows, min(total, COUNT_MAX), total > COUNT_MAX, text_more)


def _page_of(reader: Reader, query: BoardQuery) -> BoardPage:
    """The rows of a page in the query's order and how many there are in all, counted up to one beyond `COUNT_MAX`."""
    if not _undated_last(query):
        return reader.board_page(query, COUNT_MAX + 1)
    rows, dated = reader.board_page(query._replace(due_from_day=1), COUNT_MAX + 1)
    undated = query._replace(no_due=True)
    total = dated + (reader.board_count_upto(undated, COUNT_MAX + 1 - dated) if dated <= COUNT_MAX else 0)
    if len(rows) < query.limit:
        before = query.offset + len(rows) if rows else dated
        skipped = max(query.offset + len(rows) - before, 0)
        rows += reader.board_query(undated._replace(limit=query.limit - len(rows), offset=skipped))
    return BoardPage(rows, total)


def _undated_last(query: BoardQuery) -> bool:
    """Items without a limit come after those with one, however the database counts nought."""
    return query.sort == "due_day" and not (query.descending or query.due_from_day or query.due_before_day)


def search(reader: Reader, words: str) -> list[int]:
    """Numbers of the items with these words, one more than `FOUND_MAX` at most; InputError where it takes too long."""
    try:
        return reader.search(words, FOUND_MAX + 1, SEARCH_MS)
    except StoreError as error:
        if error.code != "timeout":
            raise
        raise InputError("检索用时过长，已停止", field="--text", value=words[:50], remedy="多写几个字") from error


def with_above(reader: Reader, item_nos: Sequence[int]) -> list[int]:
    """These items and those they serve: a list of what is in hand shows words of the tasks below as its own (R94)."""
    found = dict.fromkeys(item_nos)
    query = BoardQuery(subject="-", item_nos=tuple(item_nos), limit=FOUND_MAX)
    parents = {parent for (parent,) in reader.board_columns(query, ("parent",)) if parent} if item_nos else set()
    for _ in range(_LEVELS):
        rows = reader.board(parents) if parents else []
        parents = {row.parent for row in rows if row.parent and row.item_no not in found}
        found |= dict.fromkeys(row.item_no for row in rows)
    return list(found)


def rows_of(reader: Reader, query: BoardQuery, offset: int, per: int) -> list[BoardRow]:
    """The rows of a page in the query's order."""
    if not _undated_last(query):
        return reader.board_query(query._replace(limit=per, offset=offset))
    limited = query._replace(due_from_day=1)
    rows = reader.board_query(limited._replace(limit=per, offset=offset))
    if len(rows) < per:
        before = offset + len(rows) if rows else reader.board_total(limited).rows
        rest = query._replace(no_due=True, limit=per - len(rows), offset=max(offset + len(rows) - before, 0))
        rows += reader.board_query(rest)
    return rows


def page(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """`item.page`: the filters as understood, the rows with what is known of each, the total."""
    filters = normalise(args)
    found = find(reader, view, filters)
    per = int(str(filters.get("per") or PER_PAGE))
    document: Document = {
        "filters": {name: value for name, value in filters.items() if name not in _NUMBERS},
        "page": int(str(filters.get("page") or 1)), "per": per, "pages": max(-(-found.total // per), 1),
        "total": found.total, "more": found.more, "total_text": f"{found.total:,}" + "+" * found.more,
        "sort": filters.get("sort") or "-new", "asked_at": moment(view.now_ms),
        "items": documents(reader, view, found.rows),
    }  # fmt: skip
    if filters.get("text"):
        document |= {"text_more": found.text_more, "text_behind": reader.text_behind()}
    return document


def documents(reader: Reader, view: View, rows: list[BoardRow]) -> list[Document]:
    """Rows of a list as JSON: those of `item list`, with what lists are filtered by, and what their tasks have come to.

    What the office of an item has not reported itself is said as ledgers say it (`rolled`).
    """
    below = tasks_under(reader, [row.item_id for row in rows if speaks_for_tasks(row, view.office)], TASKS_MAX)
    known = known_of(reader, view, [*rows, *(task for row in rows for task in below.get(row.item_id, ()))])
    return [
        row_document(view, row) | _of_tasks(view, row, below) | {
            "known": truth.document(known_with(row, below.get(row.item_id, ()), known, view.name_of), view.name_of),
            "unit": row.unit or None,
            "source": row.source or None, "class": row.item_class or None, "leader": row.leader or None,
            "colour": row.colour or None, "colour_label": COLOURS.get(row.colour),
            "extension": row.extension or None, "extension_label": _EXTENSIONS.get(row.extension),
            "opened": day_text(row.opened_day), "digest": row.digest.hex(),
        }
        for row in rows
    ]  # fmt: skip


def _of_tasks(view: View, row: BoardRow, below: Mapping[bytes, Sequence[BoardRow]]) -> Document:
    if row.item_id not in below:
        return {}
    return {"percent": percent_of(row, below), "as_of": moment(as_of_ms(view, row, below))}


def _day(text: str) -> int:
    return day_number(date.fromisoformat(text)) if text else 0


def _sources(profile: Profile, word: str) -> tuple[str, ...]:
    """A source by id and by label: items carry what people wrote."""
    known = [one for one in profile.sources if word and word in (one.id, one.label)]
    return (known[0].id, known[0].label) if known else (word,) if word else ()


def _classes(profile: Profile, word: str) -> tuple[str, ...]:
    known = [one for one in profile.classes if word and word in (one.id, one.label)]
    return (known[0].id, known[0].label) if known else (word,) if word else ()


QUESTIONS: Mapping[str, Question] = {"item.page": page}
