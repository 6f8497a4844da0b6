"""Searches and their runs as people handle them: save, schedule, start, pause, resume, cancel."""

from datetime import datetime, timedelta
from typing import Any

from celery.schedules import ParseException, crontab
from django.db import IntegrityError, transaction
from django.utils import timezone

from studies.actions import pacing
from studies.models import AuditEvent, Search, SearchRun
from studies.models.search import OPEN_STATES
from studies.sources.entrez import SearchAnswer
from studies.terms import RunKind, RunState

_SOONER = timedelta(hours=1)  # after a scheduled run that failed


class AlreadyRunning(Exception):
    """The search has a run that has not ended."""

    def __init__(self, run: SearchRun) -> None:
        super().__init__(f"“{run.search}” is being run already (since {run.created_at:%d %b %H:%M} UTC).")
        self.run = run


class NotPossible(Exception):
    """The run's state does not allow what was asked; the message is a sentence for people."""


class BadSchedule(ValueError):
    """The schedule is not a cron expression."""


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
    if "schedule" in before:
        search.next_run_at = next_run(search.schedule, timezone.now())
    if before:
        search.save()
        AuditEvent.objects.record("changed", search, by=by, before=before)
    return search


@transaction.atomic
def set_paused(search: Search, paused: bool, *, by: Any) -> Search:
    search.is_paused = paused
    search.next_run_at = None if paused else next_run(search.schedule, timezone.now())
    search.save(update_fields=["is_paused", "next_run_at"])
    AuditEvent.objects.record("paused" if paused else "resumed", search, by=by)
    return search


def preview(query: str) -> SearchAnswer:
    """How many records the query would find now, with PubMed's translation and warnings; no ids."""
    return pacing.ncbi(somebody_waits=True).count(query)


def request_run(search: Search, *, by: Any, limit: int | None = None) -> SearchRun:
    """A new waiting run of the search. Raises AlreadyRunning: the database allows one open run a search."""
    try:
        with transaction.atomic():
            run = SearchRun.objects.create(
                search=search,
                kind=search.kind,
                asked=search.query,
                limit=limit,
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
def claim_due(now: datetime) -> list[SearchRun]:
    """Start every search that is due. Many tickers, one winner: the row's own next time is the ticket."""
    runs = []
    for search in Search.objects.filter(is_paused=False, next_run_at__lte=now):
        later = next_run(search.schedule, now)
        if not Search.objects.filter(pk=search.pk, next_run_at=search.next_run_at).update(next_run_at=later):
            continue
        try:
            runs.append(request_run(search, by="schedule"))
        except AlreadyRunning:
            continue
    return runs


def try_sooner(search: Search) -> None:
    """After a failure, do not wait for a whole period."""
    if search.schedule and not search.is_paused:
        soon = timezone.now() + _SOONER
        Search.objects.filter(pk=search.pk, next_run_at__gt=soon).update(next_run_at=soon)


def next_run(schedule: str, after: datetime) -> datetime | None:
    """The first instant after `after` that the cron expression names (UTC); None for a search run by hand only."""
    if not schedule.strip():
        return None
    try:
        cron = crontab.from_string(schedule)
    except (ParseException, ValueError, TypeError) as error:
        raise BadSchedule(f"“{schedule}” is not a cron expression of five fields ({error}).") from None
    cron.nowfun = lambda: after
    cron.tz = timezone.get_default_timezone()
    return after + cron.remaining_estimate(after)


@transaction.atomic
def _move(run: SearchRun, allowed: tuple[str, ...], to: str, verb: str, *, by: Any) -> SearchRun:
    run = SearchRun.objects.select_for_update().get(pk=run.pk)
    if run.state not in allowed:
        raise NotPossible(f"This run is {run.get_state_display().lower()}: it cannot be {verb}.")
    if to == RunState.WAITING and run.search_id and _has_another(run):
        raise NotPossible("A newer run of this search is open: cancel it first, or let it finish.")
    run.state = to
    run.finished_at = timezone.now() if to == RunState.CANCELLED else None
    run.failure = ""
    run.save(update_fields=["state", "finished_at", "failure"])
    AuditEvent.objects.record(verb, run, by=by)
    return run


def _has_another(run: SearchRun) -> bool:
    return SearchRun.objects.open().filter(search=run.search_id).exclude(pk=run.pk).exists()
