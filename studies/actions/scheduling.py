"""What happens by itself: due searches start, failed runs are tried again, and many tickers have one winner."""

import logging
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Coalesce

from studies.actions import searching, windows
from studies.models import AuditEvent, Search, SearchRun
from studies.rules import schedules
from studies.terms import RunState

log = logging.getLogger(__name__)


def claim_due(now: datetime) -> list[SearchRun]:
    """Start every search that is due. The row's own next time is the ticket, torn by whoever updates it first."""
    due = Search.objects.kept().filter(is_paused=False, next_run_at__lte=now).order_by("next_run_at", "pk")
    return [run for search in due if (run := _start(search, now))]


def _start(search: Search, now: datetime) -> SearchRun | None:
    try:
        later = schedules.next_run(search.schedule, now)
    except schedules.BadSchedule as error:
        log.error("The search “%s” cannot run by itself: %s", search, error)
        later = None
    with transaction.atomic():
        ticket = Search.objects.kept().filter(pk=search.pk, is_paused=False, next_run_at=search.next_run_at)
        if not ticket.update(next_run_at=later, due_since=Coalesce("due_since", "next_run_at")):
            return None
        try:
            return searching.request_run(search, by="schedule", since=windows.since(search, now))
        except searching.AlreadyRunning:
            return None  # what it does not bring, the next run does: that asks from the last success


def claim_retries(now: datetime) -> list[SearchRun]:
    """Let failed runs whose pause is over wait for a worker again, unless a newer run of the search took over."""
    failed = SearchRun.objects.filter(state=RunState.FAILED, retry_at__lte=now).select_related("search")
    return [run for run in failed.order_by("retry_at", "pk") if _retry(run)]


def _retry(run: SearchRun) -> bool:
    ticket = SearchRun.objects.filter(pk=run.pk, state=RunState.FAILED, retry_at=run.retry_at)
    if _is_superseded(run):
        ticket.update(retry_at=None)
        return False
    try:
        with transaction.atomic():
            return bool(
                ticket.update(state=RunState.WAITING, retry_at=None, knocked_at=None, finished_at=None, touched_at=None)
            )
    except IntegrityError:  # somebody has started the search this moment
        return False


def _is_superseded(run: SearchRun) -> bool:
    search = run.search
    if search is None:
        return False
    newer = SearchRun.objects.filter(search=search, created_at__gt=run.created_at)
    return bool(search.deleted_at or (search.is_paused and run.by_id is None) or newer.exists())


def note_failure(run_id: int, why: str, now: datetime, *, may_retry: bool) -> None:
    """End a running run with one sentence, and say when it is tried again."""
    with transaction.atomic():
        run = SearchRun.objects.select_for_update().get(pk=run_id)
        if run.state != RunState.RUNNING:
            return
        run.state, run.failure, run.finished_at = RunState.FAILED, why, now
        run.n_failures += 1
        run.retry_at = schedules.retry_at(now, n_failures=run.n_failures, since=run.created_at) if may_retry else None
        run.save(update_fields=["state", "failure", "finished_at", "n_failures", "retry_at"])


def note_success(run_id: int, now: datetime) -> None:
    """End a running run well; its search has nothing due any more."""
    with transaction.atomic():
        done = SearchRun.objects.filter(pk=run_id, state=RunState.RUNNING).update(
            state=RunState.FINISHED, finished_at=now, failure="", n_failures=0, retry_at=None
        )
        if done:
            Search.objects.filter(runs=run_id).update(due_since=None)


def release_waiting(now: datetime) -> list[Search]:
    """Begin the searches that came with Stratum and wait for an address that NCBI can write to."""
    if not settings.NCBI_EMAIL:
        return []
    released = []
    for search in Search.objects.kept().filter(awaits_email=True):
        with transaction.atomic():
            begun = Search.objects.filter(pk=search.pk, awaits_email=True).update(
                awaits_email=False, is_paused=False, next_run_at=schedules.next_run(search.schedule, now)
            )
            if begun:
                AuditEvent.objects.record("resumed", search, by="setup", why="NCBI_EMAIL is given")
                released.append(search)
    return released
