"""Says of a trial, once, that no results were found a year after its primary completion."""

from datetime import datetime

from django.db.models import Exists, OuterRef, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from studies.models import TrialEvent, TrialRegistration, trial_states
from studies.rules import trial_dates
from studies.terms import TrialEventKind


def note(*, now: datetime) -> int:
    """An event for each trial of the field that became overdue by `now`; how many. Harmless if repeated."""
    rows = TrialRegistration.objects.current().filter(
        trial_states.overdue(timezone.localdate(now)), trial_states.of_the_field(), ~_is_told()
    )
    events = [
        TrialEvent(
            registration=row,
            kind=TrialEventKind.OVERDUE,
            field="results",
            new=row.results_due_on.isoformat(),
            why=(
                "No results found on the registry and no publication linked by "
                f"{trial_dates.words(row.results_due_on, 'day')}, a year after primary completion."
            ),
            detected_at=now,
        )
        for row in rows.only("pk", "results_due_on")
    ]
    TrialEvent.objects.bulk_create(events, ignore_conflicts=True)
    return len(events)


def _is_told() -> Exists:
    """Told already for this very day: a completion that moved makes another one."""
    day = Cast(OuterRef("results_due_on"), TextField())
    return Exists(TrialEvent.objects.filter(registration=OuterRef("pk"), kind=TrialEventKind.OVERDUE, new=day))
