"""Carries a run of any kind to its end, batch by batch, and survives being killed at any moment."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from studies.actions import fetching, importing, locks, searching
from studies.models import SearchRun
from studies.sources.entrez import SourceError
from studies.terms import RunKind, RunState

Progress = Callable[[SearchRun], None]


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
        _carry(run_id, on_progress or (lambda run: None))
    except Stopped:
        pass
    except (SourceError, importing.Unfinished, NoWork) as error:
        fail(run_id, str(error))
    finally:
        locks.release_run(run_id)
    return SearchRun.objects.get(pk=run_id)


def fail(run_id: int, why: str) -> None:
    """End a running run with one sentence; it can be resumed."""
    SearchRun.objects.filter(pk=run_id, state=RunState.RUNNING).update(
        state=RunState.FAILED, failure=why, finished_at=timezone.now()
    )
    run = SearchRun.objects.select_related("search").get(pk=run_id)
    if run.search:
        searching.try_sooner(run.search)


def unattended() -> list[int]:
    """Open runs that nobody works on: never started, or left behind by a killed worker."""
    return [
        pk
        for pk in SearchRun.objects.filter(state__in=(RunState.WAITING, RunState.RUNNING))
        .order_by("created_at")
        .values_list("pk", flat=True)
        if not locks.is_claimed(pk)
    ]


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
    SearchRun.objects.filter(pk=run_id, state=RunState.RUNNING).update(
        state=RunState.FINISHED, finished_at=timezone.now(), failure=""
    )
    on_progress(SearchRun.objects.get(pk=run_id))


@contextmanager
def _step(run_id: int) -> Iterator[SearchRun]:
    """One batch's transaction; it is given up if the run has been paused or cancelled meanwhile."""
    with transaction.atomic():
        run = SearchRun.objects.select_for_update().get(pk=run_id)
        if run.state != RunState.RUNNING:
            raise Stopped
        yield run
