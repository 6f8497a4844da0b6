"""Records looked at again, oldest first, and full texts that have become available: what is due, then the fetch."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from studies.actions import fetching
from studies.models import Finding, Report, SearchRun
from studies.terms import FindingResult, RunKind

# A schedule fires a little earlier or later each time: half a day is not waited for.
_GRACE = timedelta(hours=12)
WEEK, MONTH = timedelta(days=7) - _GRACE, timedelta(days=30) - _GRACE
CLOSED_FOR = timedelta(days=90)  # an article that PMC kept closed may have come out of its embargo
AT_ONCE = 500  # full texts of one run: they are large, and PMC asks to be used gently

Step = Callable[[int], AbstractContextManager[SearchRun]]
Progress = Callable[[SearchRun], None]


def records(run: SearchRun, *, step: Step, on_progress: Progress, now: datetime | None = None) -> None:
    """Fetch again what is due; differences become events, silence is noted (see catalogue, vanishing)."""
    if run.planned_at is None:
        with step(run.pk) as run:
            _list(run, due(now or timezone.now()), "pmid")
    fetching.fetch(run, step=step, on_progress=on_progress)


def full_texts(run: SearchRun, *, step: Step, on_progress: Progress, now: datetime | None = None) -> None:
    """Fetch the articles of reports that have gained a PMCID; the licence decides what of them is kept."""
    if run.planned_at is None:
        with step(run.pk) as run:
            _list(run, without_text(now or timezone.now())[: run.limit or AT_ONCE], "pmcid")
    fetching.fetch(run, step=step, on_progress=on_progress)


def due(now: datetime) -> QuerySet[Report]:
    """Reports whose record is to be asked for again, the one unseen for longest first."""
    weekly = Q(study__check_weekly=True, checked_at__lte=now - WEEK)
    is_due = Q(checked_at=None) | Q(checked_at__lte=now - MONTH) | weekly
    reports = Report.objects.filter(is_due, pmid__isnull=False)
    return reports.order_by(F("checked_at").asc(nulls_first=True), "pk")


def without_text(now: datetime) -> QuerySet[Report]:
    """Reports with a PMCID of which PMC has not been asked yet, or not lately."""
    lately = Finding.objects.filter(run__kind=RunKind.FULL_TEXT, run__created_at__gt=now - CLOSED_FOR)
    asked = lately.exclude(result=FindingResult.PENDING)
    closed = Q(full_text__has_body=False, full_text__fetched_at__lte=now - CLOSED_FOR)
    reports = Report.objects.filter(Q(full_text=None) | closed, pmcid__isnull=False)
    return reports.exclude(pmcid__in=asked.values("identifier")).order_by("pk")


def _list(run: SearchRun, reports: QuerySet[Report], name: str) -> None:
    """Write the run's list of work, one finding a report."""
    rows = list(reports.values_list("pk", name))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO studies_finding (run_id, position, identifier, report_id, result, reason)"
            " SELECT %s, place, name, report, 'pending', ''"
            " FROM unnest(%s::text[], %s::bigint[]) WITH ORDINALITY AS due(name, report, place)",
            [run.pk, [str(name) for _, name in rows], [pk for pk, _ in rows]],
        )
    run.n_found = len(rows)
    run.planned_at = run.touched_at = timezone.now()
    run.save(update_fields=["n_found", "planned_at", "touched_at"])
