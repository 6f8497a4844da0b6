"""Says of a trial, once, that no results were found a year after its primary completion."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from studies.models import TrialEvent, TrialLink, TrialRegistration
from studies.rules import trial_dates
from studies.terms import TrialEventKind


def note(*, now: datetime) -> int:
    """An event for each trial that became overdue by `now`; how many there are. Harmless if repeated."""
    rows = overdue(now).exclude(_has_event()).only("pk", "results_due_on", "primary_completion_on")
    events = [
        TrialEvent(
            registration=row,
            kind=TrialEventKind.OVERDUE,
            field="results",
            new=row.results_due_on.isoformat(),
            why=(
                f"No results found on the registry and no publication linked by "
                f"{trial_dates.words(row.results_due_on, 'day')}, a year after primary completion."
            ),
            detected_at=now,
        )
        for row in rows
    ]
    TrialEvent.objects.bulk_create(events, ignore_conflicts=True)
    return len(events)


def overdue(now: datetime) -> QuerySet[TrialRegistration]:
    """Trials of the field without results and without a linked publication, more than a year after completion."""
    links = TrialLink.objects.standing().filter(registration=OuterRef("pk"))
    return TrialRegistration.objects.current().filter(
        ~Exists(links),
        ~Q(source=""),
        results_due_on__lt=timezone.localdate(now),
        has_results=False,
        results_posted_on=None,
        found_at__isnull=False,
    )


def _has_event() -> Exists:
    """Told already for this very day: a completion that moved is another one."""
    day = Cast(OuterRef("results_due_on"), TextField())
    return Exists(TrialEvent.objects.filter(registration=OuterRef("pk"), kind=TrialEventKind.OVERDUE, new=day))
