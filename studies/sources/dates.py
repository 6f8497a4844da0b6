"""Dates as bibliographic sources write them: whole days, and dates that stop at a year, season or month."""

import re
from datetime import date
from functools import lru_cache

from studies.sources.record import PartialDate

_MONTHS = {
    name: number
    for number, names in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
    for name in [names]
}
MONTHS = tuple(name.capitalize() for name in _MONTHS)
_YEAR = re.compile(r"(?<!\d)(1[4-9]\d\d|20\d\d|21\d\d)(?!\d)")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_RANGE = re.compile(r"[-–/]")


def month_number(text: str) -> int | None:
    """`Dec`, `December`, `DEC`, `12` or `012` as 12; None where it names no month."""
    text = text.strip().rstrip(".")
    if text.isascii() and text.isdigit():
        number = int(text[:4])
        return number if 1 <= number <= 12 else None
    return _MONTHS.get(text[:3].lower()) if len(text) >= 3 else None


@lru_cache(maxsize=8192)
def calendar_day(year: str | None, month: str | None, day: str | None) -> date | None:
    """The day, or None where a part is missing or impossible. PubMed writes months as names and as numbers."""
    if not (year and month and day):
        return None
    number = month_number(month)
    if number is None or not year.strip().isdecimal() or not day.strip().isdecimal():
        return None
    try:
        return date(int(year), number, int(day))
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def partial_date(raw: str) -> PartialDate | None:
    """A date in PubMed's words (`2019 Sep/Oct`, `Winter 2016`, `1995 Dec 6-20`), or None if it has no year.

    The first four-digit number is the year, the first month named the month; a range or a season is `season`.
    """
    raw = " ".join(raw.split())
    found = _YEAR.search(raw)
    if not found:
        return None
    year = int(found[1])
    rest = (raw[: found.start()] + " " + raw[found.end() :]).strip()
    words = _WORD.findall(rest)
    month = next((number for word in words if (number := month_number(word))), None)
    if not rest:
        return PartialDate(raw, year)
    if _RANGE.search(rest) or month is None:
        return PartialDate(raw, year, month, None, "season")
    day = next((int(number) for number in _NUMBER.findall(rest)), None)
    if day is None:
        return PartialDate(raw, year, month, None, "month")
    return _checked(raw, year, month, day)


@lru_cache(maxsize=8192)
def numbered_date(raw: str, year: int, month: int | None, day: int | None) -> PartialDate:
    """A date given in numbers; an impossible month or day is left out, not guessed."""
    if not month or not 1 <= month <= 12:
        return PartialDate(raw, year)
    if not day:
        return PartialDate(raw, year, month, None, "month")
    return _checked(raw, year, month, day)


def date_words(published: PartialDate) -> str:
    """The date in PubMed's words, such that `partial_date` finds the same in them: `2014 Oct 3`."""
    if partial_date(published.raw) == published:
        return published.raw
    month = MONTHS[published.month - 1] if published.month else ""
    day = str(published.day or "") if month else ""
    return " ".join(filter(None, (str(published.year), month, day)))


def _checked(raw: str, year: int, month: int, day: int) -> PartialDate:
    try:
        date(year, month, day)
    except ValueError:
        return PartialDate(raw, year, month, None, "month")
    return PartialDate(raw, year, month, day, "day")
