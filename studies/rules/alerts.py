"""When a subscription writes, what it may write about, and how often a mail is tried."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from studies.rules.news import URGENT
from studies.terms import Frequency, NewsKind

# Digests are ready when the day begins in Europe; weekly ones on Monday.
HOUR = 6
_MONDAY = 0
# A server that refuses for the moment is asked again after these spans, then no more.
RETRIES = tuple(timedelta(minutes=minutes) for minutes in (5, 30, 120, 360, 1440))
# A conversation with the server that is longer than this has lost its process.
LONGEST_CONVERSATION = timedelta(minutes=15)


def next_due(frequency: str, now: datetime) -> datetime:
    """When the next digest is written; an alert is looked for at every beat. Times are UTC."""
    if frequency == Frequency.IMMEDIATE:
        return now
    day = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    if day <= now:
        day += timedelta(days=1)
    if frequency == Frequency.WEEKLY:
        day += timedelta(days=(_MONDAY - day.weekday()) % 7)
    return day


def week_of(now: datetime) -> str:
    """The week that a word to admins is about, "2026-W48"; it begins when weekly digests are due."""
    year, week, _ = (now - timedelta(hours=HOUR)).isocalendar()
    return f"{year}-W{week:02}"


def kinds_told(frequency: str, kinds: Iterable[str]) -> list[NewsKind]:
    """Of the kinds that somebody chose, those that a subscription of this frequency writes about."""
    chosen = [kind for kind in NewsKind if kind in set(kinds)]
    return [kind for kind in chosen if kind in URGENT] if frequency == Frequency.IMMEDIATE else chosen


def next_try(n_attempts: int, now: datetime) -> datetime | None:
    """When a mail that was refused for the moment is tried again; None when it is given up."""
    return now + RETRIES[n_attempts - 1] if 0 < n_attempts <= len(RETRIES) else None


_HOW_OFTEN = {
    Frequency.IMMEDIATE: "within minutes",
    Frequency.DAILY: "once a day, when there is news,",
    Frequency.WEEKLY: "once a week, when there is news,",
}


def purpose(*, subject: str, frequency: str, kinds: Iterable[str], consent_at: datetime) -> str:
    """What a subscription is for, in the words that its owner agreed to and that every mail repeats."""
    told = kinds_told(frequency, kinds)
    named = "all kinds of news" if len(told) == len(NewsKind) else "; ".join(str(kind.label).lower() for kind in told)
    often = _HOW_OFTEN[Frequency(frequency)]
    return f"On {consent_at:%-d %B %Y} you asked to be told {often} about {subject} ({named})."
