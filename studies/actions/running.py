"""Carries a run of any kind to its end, batch by batch, and survives being killed at any moment."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from studies.actions import (
    citations,
    fetching,
    importing,
    locks,
    refreshing,
    retraction_watch,
    scheduling,
    trial_runs,
)
from studies.models import SearchRun
from studies.sources.entrez import SourceError
from studies.terms import RunKind, RunState

Progress = Callable[[SearchRun], None]
# A queue that is long keeps its messages; a worker called again and again for one run would only lengthen it.
CALL_AGAIN = timedelta(minutes=2)


class Work(Protocol):
    """What a kind of run does, from wherever the last worker left it, until nothing is left.

    A batch is written in one `step(run.pk)`, which hands back the run's locked row; the network is asked outside.
    """

    def __call__(
        self, run: SearchRun, *, step: Callable[[int], AbstractContextManager[SearchRun]], on_progress: Progress
    ) -> None: ...


WORK: dict[RunKind, Work] = {
    RunKind.SEARCH: fetching.fetch,
    RunKind.PMIDS: fetching.fetch,
    RunKind.PMC: fetching.fetch,
    RunKind.FILE: importing.read_file,
    RunKind.REFRESH: refreshing.records,
    RunKind.FULL_TEXT: refreshing.full_texts,
    RunKind.CITATIONS: citations.refresh,
    RunKind.RETRACTIONS: retraction_watch.read,
    RunKind.TRIALS: trial_runs.work,
    RunKind.REGISTRATIONS: trial_runs.work,
}


class NoWork(Exception):
    """Nothing here does this kind of run."""

    def __init__(self, run: SearchRun) -> None:
        super().__init__(f"This version of Stratum has no work for runs of the kind “{run.get_kind_display()}”.")


class Stopped(Exception):
    """Somebody paused or cancelled the run, or another worker has it."""


def carry_on(run_id: int, *, on_progress: Progress | None = None) -> SearchRun:
    """Work on the run until it ends or is stopped; harmless if it is being worked on or has ended.

    A killed worker's lock is freed by PostgreSQL with its connection, so whoever calls this next goes on.
    """
    if not locks.claim_run(run_id):
        return SearchRun.objects.get(pk=run_id)
    try:
        with _records_by_the_thousand():
            _carry(run_id, on_progress or (lambda run: None))
    except Stopped:
        pass
    except SourceError as error:
        fail(run_id, str(error))
    except (importing.Unfinished, NoWork) as error:
        fail(run_id, str(error), may_retry=False)
    finally:
        locks.release_run(run_id)
    return SearchRun.objects.get(pk=run_id)


def fail(run_id: int, why: str, *, may_retry: bool = True) -> None:
    """End a running run with one sentence; it is tried again by itself if that may help, and can be resumed."""
    scheduling.note_failure(run_id, why, timezone.now(), may_retry=may_retry)


def unattended() -> list[int]:
    """Open runs that nobody works on: never started, or left behind by a killed worker."""
    claimed = locks.claimed_runs()
    waiting = SearchRun.objects.filter(state__in=(RunState.WAITING, RunState.RUNNING)).order_by("created_at", "pk")
    return [pk for pk in waiting.values_list("pk", flat=True) if pk not in claimed]


def claim_unattended(now: datetime) -> list[SearchRun]:
    """The unattended runs for which this caller, and no other, should call a worker now."""
    never, long_ago = Q(knocked_at=None), Q(knocked_at__lt=now - CALL_AGAIN)
    ids = [pk for pk in unattended() if note_knock(pk, now, never | long_ago)]
    return list(SearchRun.objects.filter(pk__in=ids).order_by("created_at", "pk"))


def note_knock(run_id: int, now: datetime, condition: Q | None = None) -> bool:
    """Remember that a worker is called for the run; False if the condition does not hold (any more)."""
    return bool(SearchRun.objects.filter(condition or Q(), pk=run_id).update(knocked_at=now))


@contextmanager
def _records_by_the_thousand() -> Iterator[None]:
    """A fifth of a long run went into looking for cycles among objects that have none, and into waiting.

    A batch makes a hundred thousand objects; and the thread that hears from PostgreSQL must not wait, five
    milliseconds a statement, for the one that parses the next batch.
    """
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50_000, *threshold[1:])
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)


def _carry(run_id: int, on_progress: Progress) -> None:
    started = SearchRun.objects.filter(pk=run_id, state__in=(RunState.WAITING, RunState.RUNNING)).update(
        state=RunState.RUNNING, n_attempts=F("n_attempts") + 1, touched_at=timezone.now()
    )
    if not started:
        raise Stopped
    SearchRun.objects.filter(pk=run_id, started_at=None).update(started_at=timezone.now())
    run = SearchRun.objects.get(pk=run_id)
    work = WORK.get(RunKind(run.kind))
    if work is None:
        raise NoWork(run)
    work(run, step=_step, on_progress=on_progress)
    scheduling.note_success(run_id, timezone.now())
    on_progress(SearchRun.objects.get(pk=run_id))


@contextmanager
def _step(run_id: int) -> Iterator[SearchRun]:
    """One batch's transaction; it is given up if the run has been paused or cancelled meanwhile."""
    with transaction.atomic():
        run = SearchRun.objects.select_for_update().get(pk=run_id)
        if run.state != RunState.RUNNING:
            raise Stopped
        yield run
