"""Searches and their runs as people handle them: save, pause, delete, start, resume, cancel."""

from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.utils import timezone

from studies.actions import pacing, trial_runs
from studies.models import AuditEvent, Search, SearchRun
from studies.models.search import OPEN_STATES
from studies.rules.schedules import BadSchedule, next_run
from studies.terms import FindingResult, RunKind, RunState

__all__ = ["AlreadyRunning", "BadSchedule", "NotPossible", "next_run"]


class Counted(Protocol):
    """What a source answers to "how many would this find?"."""

    count: int
    translation: str
    warnings: list[str]


# Which sources can say how many records a query would find.
COUNTERS: dict[str, Callable[[str], Counted]] = {
    RunKind.SEARCH: lambda query: pacing.ncbi(somebody_waits=True).count(query),
    RunKind.TRIALS: trial_runs.preview,
}


class AlreadyRunning(Exception):
    """The search has a run that has not ended."""

    def __init__(self, run: SearchRun) -> None:
        super().__init__(f"“{run.search}” is being run already (since {run.created_at:%d %b %H:%M} UTC).")
        self.run = run


class NotPossible(Exception):
    """The run's state does not allow what was asked; the message is a sentence for people."""


@transaction.atomic
def create_search(
    *, by: Any, name: str, query: str, kind: str = RunKind.SEARCH, schedule: str = "", **fields: Any
) -> Search:
    search = Search.objects.create(
        name=name,
        query=query,
        kind=kind,
        schedule=schedule,
        next_run_at=next_run(schedule, timezone.now()),
        created_by=by if getattr(by, "pk", None) else None,
        **fields,
    )
    AuditEvent.objects.record("created", search, by=by, query=query, schedule=schedule)
    return search


@transaction.atomic
def change_search(search: Search, *, by: Any, **fields: Any) -> Search:
    """Set the fields given; the log keeps what they were."""
    before = {name: getattr(search, name) for name, value in fields.items() if getattr(search, name) != value}
    for name in before:
        setattr(search, name, fields[name])
    if "schedule" in before and not search.is_paused:
        search.next_run_at = next_run(search.schedule, timezone.now())
        search.due_since = search.due_since if search.schedule else None
    if before:
        search.save()
        AuditEvent.objects.record("changed", search, by=by, before=before)
    return search


@transaction.atomic
def set_paused(search: Search, paused: bool, *, by: Any) -> Search:
    """A paused search neither runs nor is overdue; whoever says so outweighs what Stratum waits for."""
    search.is_paused, search.awaits_email = paused, False
    search.next_run_at = None if paused else next_run(search.schedule, timezone.now())
    search.due_since = None
    search.save(update_fields=["is_paused", "awaits_email", "next_run_at", "due_since"])
    AuditEvent.objects.record("paused" if paused else "resumed", search, by=by)
    return search


@transaction.atomic
def delete_search(search: Search, *, by: Any) -> None:
    """Take the search from every list and end its open run; its runs and what they found stay.

    Raises NotPossible for a standing job, which can only be paused.
    """
    if not search.query:
        raise NotPossible(f"“{search}” is a part of Stratum: it can be paused, not deleted.")
    for run in SearchRun.objects.open().filter(search=search):
        cancel(run, by=by)
    search.deleted_at = timezone.now()
    search.next_run_at = search.due_since = None
    search.awaits_email = False
    search.save(update_fields=["deleted_at", "next_run_at", "due_since", "awaits_email"])
    AuditEvent.objects.record("deleted", search, by=by, query=search.query, schedule=search.schedule)


def preview(query: str, kind: str = RunKind.SEARCH) -> Counted:
    """How many records the query would find now, with the source's translation and warnings; no ids."""
    return COUNTERS[kind](query)


def request_run(search: Search, *, by: Any, limit: int | None = None, since: date | None = None) -> SearchRun:
    """A new waiting run of the search, for everything or what is new or changed since a day.

    Raises AlreadyRunning: the database allows one open run a search.
    """
    try:
        with transaction.atomic():
            run = SearchRun.objects.create(
                search=search,
                kind=search.kind,
                asked=search.query,
                use=search.use,
                limit=limit,
                since=since,
                by=by if getattr(by, "pk", None) else None,
            )
            AuditEvent.objects.record("requested run of", search, by=by, run=run.pk)
            return run
    except IntegrityError:
        raise AlreadyRunning(SearchRun.objects.open().get(search=search)) from None


def request_once(kind: str, asked: str, *, by: Any = None, limit: int | None = None) -> SearchRun:
    """A run of its own, outside any saved search."""
    return SearchRun.objects.create(kind=kind, asked=asked, limit=limit, by=by if getattr(by, "pk", None) else None)


def pause(run: SearchRun, *, by: Any) -> SearchRun:
    """The worker stops before its next batch is written; resume goes on from there."""
    return _move(run, (RunState.WAITING, RunState.RUNNING), RunState.PAUSED, "paused", by=by)


def resume(run: SearchRun, *, by: Any) -> SearchRun:
    """Let a paused or failed run go on with what it has not fetched yet."""
    return _move(run, (RunState.PAUSED, RunState.FAILED), RunState.WAITING, "resumed", by=by)


def cancel(run: SearchRun, *, by: Any) -> SearchRun:
    """End the run; what it has taken over stays."""
    return _move(run, OPEN_STATES, RunState.CANCELLED, "cancelled", by=by)


@transaction.atomic
def take_listed(run: SearchRun, *, by: Any) -> SearchRun:
    """A run that fetches by number what this one only listed. Raises NotPossible when nothing is left to take over."""
    listed = run.findings.filter(result=FindingResult.LISTED, report=None).order_by("position")
    identifiers = list(listed.values_list("identifier", flat=True))
    if not identifiers:
        raise NotPossible("This run has listed nothing that could be taken over.")
    kind = RunKind.REGISTRATIONS if run.kind == RunKind.TRIALS else RunKind.PMIDS
    taking = request_once(kind, " ".join(identifiers), by=by)
    AuditEvent.objects.record("took over the list of", run, by=by, run=taking.pk, n=len(identifiers))
    return taking


@transaction.atomic
def _move(run: SearchRun, allowed: tuple[str, ...], to: str, verb: str, *, by: Any) -> SearchRun:
    run = SearchRun.objects.select_for_update().get(pk=run.pk)
    if run.state not in allowed:
        raise NotPossible(f"This run is {run.get_state_display().lower()}: it cannot be {verb}.")
    if to == RunState.WAITING and run.search_id and _has_another(run):
        raise NotPossible("A newer run of this search is open: cancel it first, or let it finish.")
    run.state = to
    run.finished_at = timezone.now() if to == RunState.CANCELLED else None
    run.failure, run.n_failures, run.retry_at, run.knocked_at = "", 0, None, None
    run.save(update_fields=["state", "finished_at", "failure", "n_failures", "retry_at", "knocked_at"])
    AuditEvent.objects.record(verb, run, by=by)
    return run


def _has_another(run: SearchRun) -> bool:
    return SearchRun.objects.open().filter(search=run.search_id).exclude(pk=run.pk).exists()
