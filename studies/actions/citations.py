"""Counts of citations and links between articles, asked of iCite and of PubMed, each source kept apart."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from studies.actions import findings, pacing, report_events
from studies.actions.study_rows import refresh_studies
from studies.models import (
    AuditEvent,
    CitationCount,
    CitationLink,
    CitationPoll,
    Finding,
    ICiteMeasures,
    Report,
    ReportEvent,
    SearchRun,
)
from studies.rules.citations import is_doubtful
from studies.sources.icite import Cited, ICite
from studies.sources.web import SourceError
from studies.terms import CitationSource, FindingResult, ReportEventKind, RunKind

BATCH = 200
SPACING = 1.1  # seconds between two requests to iCite: at most one a second
ASKED = (CitationSource.ICITE, CitationSource.ELINK)

Step = Callable[[int], AbstractContextManager[SearchRun]]
Progress = Callable[[SearchRun], None]
Answers = Mapping[int, Cited]


def icite() -> ICite:
    """The door to iCite as the settings describe it, under a pace of its own."""
    return ICite(
        settings.ICITE_BASE_URL,
        limiter=pacing.limiter("icite", SPACING),
        user_agent=settings.NCBI_TOOL,
        timeout=settings.NCBI_TIMEOUT,
    )


def refresh(run: SearchRun, *, step: Step, on_progress: Progress, now: datetime | None = None) -> None:
    """Ask each source about the reports whose turn it is, the one not asked for longest first.

    A source that is down does not keep the other from being asked; the run then ends with its sentence.
    """
    now = now or timezone.now()
    if run.planned_at is None:
        with step(run.pk) as run:
            _list(run, now)
    down: SourceError | None = None
    for source, ask in ((CitationSource.ICITE, _ask_icite), (CitationSource.ELINK, _ask_elink)):
        try:
            while portion := _next(run, source):
                answers = ask([finding.report.pmid for finding in portion])
                with step(run.pk) as run:
                    _take_over(run, source, portion, answers, now)
                on_progress(run)
        except SourceError as error:
            down = down or error
    if down:
        raise down


def _list(run: SearchRun, now: datetime) -> None:
    """One finding a report and source, written once: of those not asked about in this month of the calendar.

    iCite counts anew once a month, and a month left out would be a gap in the history for good.
    """
    rows: list[Finding] = []
    for source in ASKED:
        lately = CitationPoll.objects.filter(source=source, asked_at__gte=_month_began(now))
        asked = dict(CitationPoll.objects.filter(source=source).values_list("report", "asked_at"))
        due = Report.objects.filter(pmid__isnull=False).exclude(pk__in=lately.values("report"))
        ordered = sorted(due.values_list("pk", "pmid"), key=lambda row: (row[0] in asked, asked.get(row[0]), row[0]))
        rows += [
            Finding(run=run, position=len(rows) + place, identifier=f"{source} {pmid}", report_id=pk)
            for place, (pk, pmid) in enumerate(ordered, 1)
        ]
    Finding.objects.bulk_create(rows, batch_size=2000)
    run.n_found = len(rows)
    run.planned_at = run.touched_at = timezone.now()
    run.save(update_fields=["n_found", "planned_at", "touched_at"])


def _month_began(now: datetime) -> datetime:
    return timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next(run: SearchRun, source: str) -> list[Finding]:
    pending = Finding.objects.filter(run=run, result=FindingResult.PENDING, identifier__startswith=f"{source} ")
    return list(
        pending.select_related("report")
        .only("run", "identifier", "result", "reason", "report__pmid")
        .order_by("position")[:BATCH]
    )


def _ask_icite(pmids: list[int]) -> Answers:
    return icite().articles(pmids)


def _ask_elink(pmids: list[int]) -> Answers:
    found = pacing.ncbi().cited_by(pmids)
    return {pmid: Cited(pmid, len(set(citing)), cited_by=tuple(citing)) for pmid, citing in found.items()}


def _take_over(run: SearchRun, source: str, portion: Sequence[Finding], answers: Answers, now: datetime) -> None:
    by_report = {f.report_id: answers.get(f.report.pmid) for f in portion}
    said = _count(source, by_report, now)
    _note_polls(source, by_report, now)
    if source == CitationSource.ICITE:
        _measure(by_report, now)
    else:
        _link_references(list(by_report))
    _link(source, answers.values(), now)
    for finding in portion:
        finding.result, finding.reason = said[finding.report_id]
    # Where the reports are counted now: one may have been grouped while the source was asked.
    moved = Report.objects.filter(pk__in=[f.report_id for f in portion if f.result == FindingResult.CHANGED])
    refresh_studies(set(moved.values_list("study", flat=True)))
    findings.settle(portion)
    findings.count(run, portion, n_fetched=len(answers))


def _count(source: str, by_report: Mapping[int, Cited | None], now: datetime) -> dict[int, tuple[str, str]]:
    """Keep this month's counts; what became of each report's, and why."""
    label = CitationSource(source).label
    today = timezone.localdate(now)
    month = today.replace(day=1)
    before = _kept(source, by_report)
    said: dict[int, tuple[str, str]] = {}
    rows, events = [], []
    for report_id, answer in by_report.items():
        if answer is None or answer.count is None:
            said[report_id] = FindingResult.VANISHED, f"{label} has no count of it (yet)."
            continue
        fact, doubts = before[report_id]
        doubtful = is_doubtful(answer.count, fact=fact, doubts=[n for when, n in doubts if when < month])
        rows.append(
            CitationCount(
                report_id=report_id,
                source=source,
                month=month,
                counted_on=today,
                count=answer.count,
                is_doubtful=doubtful,
            )
        )
        if doubtful:
            said[report_id] = FindingResult.UNCHANGED, f"{label} says {answer.count:,}, fewer than {fact:,} before."
            if not doubts:
                events.append(_doubt(report_id, source, fact, answer.count))
        else:
            result = FindingResult.UNCHANGED if fact == answer.count else FindingResult.CHANGED
            said[report_id] = result, f"{label}: {answer.count:,}"
    _upsert(CitationCount, rows, by=("report", "source", "month", "is_doubtful"), sets=("count", "counted_on"))
    report_events.write(events, now)
    return said


def _kept(source: str, report_ids: Collection[int]) -> dict[int, tuple[int | None, list[tuple[date, int]]]]:
    """By report the last number believed, and by month what was said since and not believed."""
    kept: dict[int, tuple[int | None, list[tuple[date, int]]]] = defaultdict(lambda: (None, []))
    rows = CitationCount.objects.filter(report__in=report_ids, source=source).order_by("counted_on", "pk")
    for report_id, month, count, doubtful in rows.values_list("report", "month", "count", "is_doubtful"):
        fact, doubts = kept[report_id]
        kept[report_id] = (fact, [*doubts, (month, count)]) if doubtful else (count, [])
    return kept


def _doubt(report_id: int, source: str, fact: int | None, count: int) -> ReportEvent:
    kind = ReportEventKind.CITATIONS
    return ReportEvent(report_id=report_id, kind=kind, field=source, old=str(fact), new=str(count))


def _note_polls(source: str, by_report: Mapping[int, Cited | None], now: datetime) -> None:
    rows = [
        CitationPoll(report_id=report_id, source=source, asked_at=now, answered_at=now if answer else None)
        for report_id, answer in by_report.items()
    ]
    answered = [row for row in rows if row.answered_at]
    silent = [row for row in rows if not row.answered_at]
    _upsert(CitationPoll, answered, by=("report", "source"), sets=("asked_at", "answered_at"))
    _upsert(CitationPoll, silent, by=("report", "source"), sets=("asked_at",))


def _measure(by_report: Mapping[int, Cited | None], now: datetime) -> None:
    names = ("rcr", "percentile", "n_clinical", "human", "animal", "molecular", "translation")
    names += ("is_clinical", "is_provisional")
    rows = [
        ICiteMeasures(report_id=report_id, fetched_at=now, **{name: getattr(answer, name) for name in names})
        for report_id, answer in by_report.items()
        if answer
    ]
    _upsert(ICiteMeasures, rows, by=("report",), sets=(*names, "fetched_at"))


def _link(source: str, answers: Iterable[Cited], now: datetime) -> None:
    """Write who cites whom; a link once stated stays, though a later answer is shorter."""
    pairs = {(citing, one.pmid) for one in answers for citing in one.cited_by}
    pairs |= {(one.pmid, cited) for one in answers for cited in one.references}
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(CitationLink)} (citing_pmid, cited_pmid, source, first_seen_at)"  # noqa: S608
            " SELECT citing, cited, %s, %s FROM unnest(%s::int[], %s::int[]) AS said(citing, cited)"
            " WHERE citing <> cited ON CONFLICT DO NOTHING",
            [source, now, [citing for citing, _ in pairs], [cited for _, cited in pairs]],
        )


def _link_references(report_ids: list[int]) -> None:
    """The same from the reports' own reference lists, without taking them out of the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(CitationLink)} (citing_pmid, cited_pmid, source, first_seen_at)"  # noqa: S608
            " SELECT DISTINCT report.pmid, (entry ->> 'pmid')::int, %s, now()"
            f' FROM {_table(Report)} AS report, jsonb_array_elements(report."references") AS entry'
            " WHERE report.id = ANY(%s) AND entry ? 'pmid' AND (entry ->> 'pmid')::int <> report.pmid"
            " ON CONFLICT DO NOTHING",
            [CitationSource.REFERENCES, report_ids],
        )


def _table(model: Any) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _upsert(model: Any, rows: list, *, by: Sequence[str], sets: Sequence[str]) -> None:
    model.objects.bulk_create(rows, update_conflicts=True, unique_fields=by, update_fields=sets)


@transaction.atomic
def import_candidates(pmids: Sequence[int], *, by: Any) -> SearchRun:
    """A waiting run that brings articles which studies here cite, or which cite them."""
    asked = " ".join(map(str, dict.fromkeys(pmids)))
    run = SearchRun.objects.create(kind=RunKind.PMIDS, asked=asked, by=by)
    AuditEvent.objects.record("asked for cited articles", run, by=by, pmids=list(pmids))
    return run
