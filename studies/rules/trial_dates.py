"""Registry dates that may stop at a month or a year: their last day, their words, when results are looked for."""

from calendar import monthrange
from datetime import date, timedelta

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
RESULTS_WITHIN = timedelta(days=365)  # of primary completion; after it "no results found" is said


def last_day(first: date, precision: str) -> date:
    """The last day of the period that begins on `first`: the lenient reading of a partial date."""
    if precision == "day":
        return first
    month = first.month if precision == "month" else 12
    return date(first.year, month, monthrange(first.year, month)[1])


def results_due(primary_completion: date | None, precision: str) -> date | None:
    """The last day on which results need not have been found yet; None without a primary completion."""
    if primary_completion is None:
        return None
    try:
        return last_day(primary_completion, precision) + RESULTS_WITHIN
    except OverflowError:
        return None


def is_moved(old: tuple[date, str], new: tuple[date, str]) -> bool:
    """Whether two dates, each with its precision, cannot be the same day told more or less exactly."""
    return last_day(*old) < new[0] or last_day(*new) < old[0]


def words(day: date | None, precision: str, kind: str = "") -> str:
    """`3 March 2027 (planned)`, `March 2027`, `2027`; empty for no date."""
    if day is None:
        return ""
    text = str(day.year)
    if precision != "year":
        text = f"{MONTHS[day.month - 1]} {text}"
    if precision == "day":
        text = f"{day.day} {text}"
    return f"{text} (planned)" if kind == "ESTIMATED" else text
