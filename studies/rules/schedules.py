"""When a search runs by itself: cron expressions, their words and their instants, and the pauses after a failure."""

from datetime import UTC, datetime, timedelta

from celery.schedules import ParseException, crontab

BY_HAND, DAILY, WEEKLY, MONTHLY = "", "0 3 * * *", "0 3 * * 1", "0 3 1 * *"
PRESETS = (BY_HAND, DAILY, WEEKLY, MONTHLY)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# An outage of minutes should cost minutes; one of a day should not bring hundreds of attempts.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=10), timedelta(hours=3)
# What fails for a week needs a person.
PERSISTENCE = timedelta(days=7)


class BadSchedule(ValueError):
    """The schedule is not a cron expression, or it names no instant."""


def next_run(schedule: str, after: datetime) -> datetime | None:
    """The first instant after `after` that the cron expression names (UTC); None for a search run by hand only."""
    parts = schedule.split()
    if not parts:
        return None
    if len(parts) != 5:
        raise BadSchedule(f"“{schedule}” is not a cron expression of five fields: minute hour day month weekday.")
    try:
        cron = crontab.from_string(" ".join(parts))
        cron.nowfun = lambda: after
        cron.tz = UTC
        return after + cron.remaining_estimate(after)
    except (ParseException, ValueError, TypeError) as error:
        raise BadSchedule(f"“{schedule}” is not a cron expression ({str(error).rstrip('.')}).") from None
    except (RuntimeError, OverflowError):
        raise BadSchedule(f"“{schedule}” names a day that never comes.") from None


def next_runs(schedule: str, after: datetime, n: int = 5) -> list[datetime]:
    """The next instants the cron expression names; none for a search run by hand only."""
    found: list[datetime] = []
    while len(found) < n and (following := next_run(schedule, found[-1] if found else after)):
        found.append(following)
    return found


def retry_at(now: datetime, *, n_failures: int, since: datetime) -> datetime | None:
    """When a run that was asked for at `since` and has failed so often in a row is tried again; None: no more."""
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(n_failures - 1, 10))
    return now + pause if now + pause < since + PERSISTENCE else None


def in_words(schedule: str) -> str:
    """A cron expression as people say it, in UTC; one of an unusual shape is shown as it stands."""
    if not schedule.strip():
        return "By hand only"
    parts = schedule.split()
    if len(parts) != 5 or not (parts[0].isdigit() and parts[1].isdigit()):
        return f"Schedule {schedule}"
    minute, hour, day, month, weekday = parts
    at = f"at {int(hour):02d}:{int(minute):02d} UTC"
    match (day, month, weekday):
        case ("*", "*", "*"):
            return f"Daily {at}"
        case ("*", "*", one) if one.isdigit() and int(one) < len(_DAYS):
            return f"Every {_DAYS[int(one)]} {at}"
        case (one, "*", "*") if one.isdigit():
            return f"Monthly on day {int(one)} {at}"
    return f"Schedule {schedule}"
