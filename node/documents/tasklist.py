"""Task lists as offices really keep them: limits in words, serial numbers; their units are read in `units`.

Pure text in, values out. What is not understood is None; the caller names row, column and value.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from datetime import date
from typing import NamedTuple

DUE_YEARS = range(2000, 2101)  # anything else is a slip of the pen

_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_DATE = re.compile(
    r"(?:(?P<year>\d{4})\s*[年./-]\s*|(?P<word>今年|本年|当年|明年|次年)\s*)?"
    r"(?:(?P<month>\d{1,2})\s*(?:[./-]\s*(?P<day>\d{1,2})(?!\d)\s*日?|月\s*(?:(?P<day2>\d{1,2})\s*[日号]|(?P<part>上旬|中旬|下旬|初|底|末)?)"
    r"|(?=$|[^\d./-]))"
    r"|(?P<half>上半年|下半年)|第?(?P<quarter>[一二三四1-4])季度"
    r"|(?P<end>年?(?:底|末|内|终))|(?P<whole>度|(?=[前内]|$)))"
)
# Bounded: without a bound a cell of nothing but digits would be looked through once for each of them.
_SPAN = r"(?:\d{1,4}|[一二两三四五六七八九十]{1,6})\s?个?(?:半)?"
_NO_DATE = re.compile(
    r"长期|持续|常态|定期|适时|及时|立即|立行|随时|即时|尽快|第一时间|每|按|根据|依据|实时|全年|贯穿|同步"
    rf"|{_SPAN}(?:日|天|周|月|年)(?:之|以)?内|{_SPAN}工作日"
)
_ORDINAL = re.compile(
    r"[(（]?(?:[一二三四五六七八九十百]{1,6}|\d{1,4}(?:[.．]\d{1,3})*)[)）]?\s*[、.．]?|[①-⑳]|第[一二三四五六七八九十百]{1,5}[项条]"
)
_LEADING = re.compile(
    r"(?:[(（](?:[一二三四五六七八九十百]{1,6}|\d{1,3})[)）]|[一二三四五六七八九十百]{1,6}、|\d{1,3}(?:[、．]|\.(?!\d))|[①-⑳])\s*"
)


class Limit(NamedTuple):
    """A limit as read: its ``day`` (None: no date follows from the words), whether the words say more than the day,
    and what somebody should look at again.
    """

    day: date | None
    worded: bool = False
    doubt: str = ""


def read_limit(text: str, year: int) -> Limit | None:
    """The limit a text says; ``year`` counts where it names none (0: such a text is not understood).

    Raises:
        ValueError: a day that does not exist, or a year that cannot be meant.
    """
    words = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    if "每" in words:
        return Limit(None, worded=True, doubt="是周期性的时限")
    days: list[date] = []
    guessed, plain = False, False
    for match in _DATE.finditer(words):
        if not match[0] or not (found := _day(match, days[-1].year if days else year)):
            continue
        day, guess = found
        days.append(day)
        guessed = guessed or (guess and len(days) == 1)
        plain = match[0] == words and bool(match["year"]) and bool(match["day"] or match["day2"])
    if days:
        doubts = [f"没有写年份，读作{days[0].year}年"] if guessed else []
        if len(days) > 1:
            doubts.append(f"写有{len(days)}个日期，办结时限取最晚的{max(days).isoformat()}")
        return Limit(max(days), not plain, "；".join(doubts))
    if _NO_DATE.search(words):
        return Limit(None, worded=True, doubt="没有写明日期")
    return None


def _day(match: re.Match[str], year: int) -> tuple[date, bool] | None:
    """The last day of what one match says, and whether its year was taken from elsewhere; None where it says none."""
    named = int(match["year"]) if match["year"] else 0
    that = named or (year + 1 if match["word"] in ("明年", "次年") else year)
    bare = not (named or match["word"] or match["month"] or match["half"] or match["quarter"])
    if bare and not (match["end"] or "").startswith("年"):
        return None
    if match["month"] and not (named or "月" in match[0]):
        return None
    if not that:
        return None
    if that not in DUE_YEARS:
        raise ValueError(f"年份{that}不合理")
    month, day = 12, 31
    if match["month"]:
        month = int(match["month"])
        if not 1 <= month <= 12:
            raise ValueError("这一天不存在")
        day = monthrange(that, month)[1]
        if match["part"] in ("上旬", "初"):
            day = 10
        elif match["part"] == "中旬":
            day = 20
        if given := match["day"] or match["day2"]:
            if not 1 <= int(given) <= monthrange(that, month)[1]:
                raise ValueError("这一天不存在")
            day = int(given)
    elif match["half"] == "上半年":
        month, day = 6, 30
    elif match["quarter"]:
        month = 3 * _QUARTERS[match["quarter"]]
        day = monthrange(that, month)[1]
    return date(that, month, day), not named


def is_ordinal(text: str) -> bool:
    """Whether a text only counts rows, like 1, （一）, 三、 or ②: no 登记编号."""
    return bool(_ORDINAL.fullmatch(unicodedata.normalize("NFC", text).strip()))


def without_ordinal(text: str) -> str:
    """A title without the serial number before it."""
    return _LEADING.sub("", text, count=1) if _LEADING.match(text) else text
