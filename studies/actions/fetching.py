"""Fetches a run's PubMed records or PMC articles and takes them over, batch by batch."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

from django.db import connections
from django.utils import timezone

from studies.actions import catalogue, findings, pacing, planning, suggesting, vanishing
from studies.actions.report_values import Said
from studies.models import Finding, Report, SearchRun
from studies.sources import jats, pubmed_xml
from studies.sources.entrez import Entrez, SourceRefused
from studies.sources.record import Reading, Rejection
from studies.sources.xml_stream import BrokenXML
from studies.terms import FindingResult, RunKind

OF_PMC = (RunKind.PMC, RunKind.FULL_TEXT)
Step = Callable[[int], AbstractContextManager[SearchRun]]


def fetch(run: SearchRun, *, step: Step, on_progress: Callable[[SearchRun], None]) -> None:
    """Write the run's list of ids, once, and fetch what is left of it."""
    entrez = pacing.ncbi()
    if run.planned_at is None:
        run = planning.plan(run, entrez)
    on_progress(run)
    _fetch(run, entrez, step, on_progress)


def _fetch(run: SearchRun, entrez: Entrez, step: Step, on_progress: Callable[[SearchRun], None]) -> None:
    """The next batch is fetched and parsed in a thread while PostgreSQL takes over the last one."""
    read = _read_pmc if run.kind in OF_PMC else _read_pubmed
    portions = _portions(run.pk, 10 if run.kind in OF_PMC else entrez.batch)
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            ahead: Future | None = None
            portion = next(portions, [])
            while portion:
                ahead = ahead or pool.submit(read, entrez, [finding.identifier for finding in portion])
                answer = ahead.result()
                following = next(portions, [])
                ahead = pool.submit(read, entrez, [f.identifier for f in following]) if following else None
                on_progress(_take_over(run.pk, portion, *answer, step))
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


def _take_over(run_id: int, portion: list[Finding], said: list[Said], reading: Reading, step: Step) -> SearchRun:
    with step(run_id) as run:
        asked = {finding.identifier: finding for finding in portion}
        now = timezone.now()
        is_pmc = run.kind in OF_PMC
        name = (lambda one: one.record.pmcid) if is_pmc else (lambda one: str(one.record.pmid))
        wanted = [one for one in said if name(one) in asked]
        if run.kind == RunKind.FULL_TEXT:
            wanted = _of_the_same_report(wanted, asked)
        source = "pmc" if is_pmc else "pubmed"
        taken = catalogue.upsert(wanted, source=source, by=run, checked_at=None if is_pmc else now)
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
        if not is_pmc:
            vanishing.note_polls(
                served=[one.record.pmid for one in wanted if one.record.pmid],
                silent=[int(f.identifier) for f in silent],
                now=now,
            )
        findings.settle(portion)
        findings.count(run, portion, n_fetched=len(wanted), n_errors=len(said) - len(wanted))
        return run


def _of_the_same_report(said: list[Said], asked: dict[str, Finding]) -> list[Said]:
    """Without the articles that PMC gives another PMID than the report has: two ids that name two papers."""
    pmids = dict(Report.objects.filter(pmcid__in=asked).values_list("pmcid", "pmid"))
    same: list[Said] = []
    for one in said:
        theirs, ours = one.record.pmid, pmids.get(one.record.pmcid)
        if theirs and ours and theirs != ours:
            finding = asked[one.record.pmcid]
            finding.result = FindingResult.REJECTED
            finding.reason = f"PMC says that it is PMID {theirs}, not {ours}."
        else:
            same.append(one)
    return same
