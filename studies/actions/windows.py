"""From which day on a scheduled run asks: it never leaves a gap behind the last success."""

from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from studies.models import Search, SearchRun
from studies.terms import FindingResult, RunKind

# The kinds whose source can be asked for what is new or changed since a day.
DATED = (RunKind.SEARCH, RunKind.TRIALS)
# However careful the windows are, everything is asked for again so often: what left the search is seen only then.
WHOLE_EVERY = timedelta(days=30)


def since(search: Search, now: datetime) -> date | None:
    """The first day a scheduled run has to ask for; None means everything the query finds."""
    if search.kind not in DATED:
        return None
    runs = successes(search.kind, search.query, search.use)
    if not runs.filter(since=None, finished_at__gt=now - WHOLE_EVERY).exists():
        return None
    return first_day(runs.first(), search.overlap_days)


def first_day(last: SearchRun, overlap_days: int) -> date:
    """The last success minus the overlap; a day at least, since the sources' days end later than ours."""
    return (last.started_at - timedelta(days=max(1, overlap_days))).date()


def successes(kind: str, asked: str, use: str, limit: int | None = None) -> QuerySet[SearchRun]:
    """Finished runs of the same question, as wide, the newest first. Another question begins anew."""
    return SearchRun.objects.successes(kind=kind, asked=asked, use=use, limit=limit).order_by("-started_at")


def owed(run: SearchRun) -> list[str]:
    """What the last success of the same question was promised and did not get: no window would ask for it again."""
    unmet = (FindingResult.VANISHED, FindingResult.REJECTED)
    last = successes(run.kind, run.asked, run.use, run.limit).first()
    return list(last.findings.filter(result__in=unmet).values_list("identifier", flat=True)) if last else []
