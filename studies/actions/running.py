"""Carries a run to its end: plan, fetch, take over batch by batch, survive being killed at any moment."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone

from studies.actions import (
    catalogue,
    findings,
    importing,
    locks,
    pacing,
    planning,
    searching,
    suggesting,
    vanishing,
)
from studies.actions.report_values import Said
from studies.models import Finding, SearchRun
from studies.sources import jats, pubmed_xml
from studies.sources.entrez import Entrez, SourceError, SourceRefused
from studies.sources.record import Reading, Rejection
from studies.sources.xml_stream import BrokenXML
from studies.terms import FindingResult, RunKind, RunState

Progress = Callable[[SearchRun], None]


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
    except (SourceError, importing.Unfinished) as error:
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
    if run.kind == RunKind.FILE:
        importing.read_file(run, step=_step, on_progress=on_progress)
    else:
        entrez = pacing.ncbi()
        if run.planned_at is None:
            run = planning.plan(run, entrez)
        on_progress(run)
        _fetch(run, entrez, on_progress)
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


def _fetch(run: SearchRun, entrez: Entrez, on_progress: Progress) -> None:
    """The next batch is fetched and parsed in a thread while PostgreSQL takes over the last one."""
    read = _read_pmc if run.kind == RunKind.PMC else _read_pubmed
    portions = _portions(run.pk, 10 if run.kind == RunKind.PMC else entrez.batch)
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            ahead: Future | None = None
            portion = next(portions, [])
            while portion:
                ahead = ahead or pool.submit(read, entrez, [finding.identifier for finding in portion])
                answer = ahead.result()
                following = next(portions, [])
                ahead = pool.submit(read, entrez, [f.identifier for f in following]) if following else None
                on_progress(_take_over(run.pk, portion, *answer))
                portion = following
        finally:
            pool.submit(connections.close_all)


def _portions(run_id: int, size: int) -> Iterator[list[Finding]]:
    """What is left to fetch, in order, read once: nobody else works on this run."""
    after = 0
    while True:
        portion = list(
            Finding.objects.filter(run=run_id, result=FindingResult.PENDING, position__gt=after).order_by("position")[
                :size
            ]
        )
        if not portion:
            return
        yield portion
        after = portion[-1].position


def _read_pubmed(entrez: Entrez, ids: Sequence[str]) -> tuple[list[Said], Reading]:
    return _read(lambda part: entrez.fetch_batch([int(i) for i in part]), pubmed_xml.read, list(ids))


def _read_pmc(entrez: Entrez, ids: Sequence[str]) -> tuple[list[Said], Reading]:
    return _read(entrez.fetch_pmc, jats.read, list(ids))


def _read(fetch: Callable[[list[str]], bytes], parse: Any, ids: list[str]) -> tuple[list[Said], Reading]:
    """Fetch and parse; an answer that stays unreadable is asked for in halves until the bad id stands alone."""
    reading = Reading()
    try:
        return [suggesting.read_ahead(Said(record)) for record in parse(BytesIO(fetch(ids)), reading)], reading
    except (BrokenXML, SourceRefused) as error:
        if len(ids) == 1:
            return [], Reading(rejections=[Rejection("", ids[0], str(error))])
    middle = len(ids) // 2
    first, one = _read(fetch, parse, ids[:middle])
    second, other = _read(fetch, parse, ids[middle:])
    both = Reading(
        one.n_read + other.n_read, one.rejections + other.rejections, one.deleted_pmids + other.deleted_pmids
    )
    return first + second, both


def _take_over(run_id: int, portion: list[Finding], said: list[Said], reading: Reading) -> SearchRun:
    with _step(run_id) as run:
        asked = {finding.identifier: finding for finding in portion}
        name = (lambda one: one.record.pmcid) if run.kind == RunKind.PMC else (lambda one: str(one.record.pmid))
        wanted = [one for one in said if name(one) in asked]
        taken = catalogue.upsert(wanted, source="pmc" if run.kind == RunKind.PMC else "pubmed", by=run)
        for one, what in zip(wanted, taken, strict=True):
            finding = asked[name(one)]
            finding.report_id, finding.result, finding.reason = what.report_id, what.result, what.reason
        for rejection in reading.rejections:
            if finding := asked.get(rejection.identifier):
                finding.result, finding.reason = FindingResult.REJECTED, rejection.reason
        silent = [finding for finding in portion if finding.result == FindingResult.PENDING]
        for finding in silent:
            finding.result = FindingResult.VANISHED
            finding.reason = "Asked for, but not in the answer."
        if run.kind != RunKind.PMC:
            vanishing.note_polls(
                served=[one.record.pmid for one in wanted if one.record.pmid],
                silent=[int(f.identifier) for f in silent],
            )
        findings.settle(portion)
        findings.count(run, portion, n_fetched=len(wanted), n_errors=len(said) - len(wanted))
        return run
