"""The Retraction Watch file into notices: matched on DOI, then on PMID, never on a title alone."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit
from urllib.request import Request

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from studies.actions import findings, importing, locks, notices, pacing, report_events
from studies.actions.importing import Unfinished
from studies.actions.study_rows import refresh_studies
from studies.models import AuditEvent, Finding, Notice, Report, SearchRun
from studies.sources import retraction_watch as source
from studies.sources.record import Rejection
from studies.sources.retraction_watch import Row
from studies.sources.text_stream import UnreadableFile
from studies.sources.web import Line, SourceRefused
from studies.terms import FindingResult, NoticeSource, RunKind

BATCH = 500
SPACING = 1.1  # seconds between two requests
# Rows do leave the file, a few at a time; when many are missing, the file is cut off or is only a part.
SHARE = 0.1
Step = Callable[[int], AbstractContextManager[SearchRun]]
Progress = Callable[[SearchRun], None]


@transaction.atomic
def request_file(name: str, stream: BinaryIO, *, by: Any) -> SearchRun:
    """Keep an upload and make a waiting run for it. Raises importing.Refused."""
    path, digest = importing.keep(name, stream)
    try:
        next(source.rows(path), None)
    except UnreadableFile as error:
        path.unlink()
        raise importing.Refused(str(error)) from None
    run = SearchRun.objects.create(kind=RunKind.RETRACTIONS, asked=name, file_path=str(path), file_digest=digest, by=by)
    AuditEvent.objects.record("uploaded a Retraction Watch file", run, by=by, name=name)
    return run


@transaction.atomic
def request_url(url: str, *, by: Any) -> SearchRun:
    """A waiting run that will fetch the file from an http(s) address."""
    run = SearchRun.objects.create(kind=RunKind.RETRACTIONS, asked=url, by=by)
    AuditEvent.objects.record("requested a Retraction Watch file", run, by=by, url=url)
    return run


def read(run: SearchRun, *, step: Step, on_progress: Progress) -> None:
    """Read the run's file from where it stopped, after fetching it where it is named by its address."""
    if not run.file_path:
        run = _fetch(run)
    path = Path(run.file_path)
    if run.planned_at is None:
        _read(run, path, step, on_progress)
    if path.is_relative_to(settings.UPLOADS):
        path.unlink(missing_ok=True)


def _read(run: SearchRun, path: Path, step: Step, on_progress: Progress) -> None:
    try:
        left = islice(source.rows(path), run.n_found, None)
        while batch := list(islice(left, BATCH)):
            with step(run.pk) as run:
                _take_over(run, batch)
            on_progress(run)
        stated = {(row.number, row.kind) for row in source.rows(path) if isinstance(row, Row)}
    except (OSError, UnreadableFile) as error:
        raise Unfinished(run.asked or "Retraction Watch", getattr(error, "strerror", None) or str(error)) from None
    with step(run.pk) as run:
        _take_back(run, stated)


def _fetch(run: SearchRun) -> SearchRun:
    """Get the file by its address and keep it; no transaction is open meanwhile."""
    url = run.asked.strip() or settings.RETRACTION_WATCH_URL
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SourceRefused("the file", f"“{url}” is no http or https address", "Retraction Watch")
    line = Line(
        service=parts.hostname,
        timeout=settings.NCBI_TIMEOUT,
        limiter=pacing.limiter("retraction-watch", SPACING),
        see="the address of the file",
        max_bytes=settings.UPLOAD_MEGABYTES * 1024 * 1024,
    )
    request = Request(url, headers={"User-Agent": quote(settings.NCBI_TOOL)})  # noqa: S310 - forms and settings allow http(s) only
    body = line.ask(request, lambda body: body, asked="the Retraction Watch file")
    settings.UPLOADS.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.UPLOADS / f"{uuid.uuid4().hex}.csv"
    path.write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    SearchRun.objects.filter(pk=run.pk).update(file_path=str(path), file_digest=digest, touched_at=timezone.now())
    return SearchRun.objects.get(pk=run.pk)


def _take_over(run: SearchRun, batch: Sequence[Row | Rejection]) -> None:
    """One batch in the caller's transaction."""
    locks.take_for_transaction(locks.CATALOGUE)  # papers that arrive meanwhile would miss their notices
    first = run.n_found + 1
    run.n_found += len(batch)
    taken = _Batch([row for row in batch if isinstance(row, Row)]).take()
    rows, n_elsewhere = [], []
    for position, item in enumerate(batch, first):
        if isinstance(item, Rejection):
            outcome = _Outcome(FindingResult.REJECTED, reason=item.reason)
            name = " ".join(filter(None, (item.identifier, item.where)))
        else:
            outcome, name = taken[item.number, item.kind], f"Retraction Watch {item.number}"
        finding = Finding(run=run, position=position, identifier=name[:200], report_id=outcome.report_id)
        finding.result, finding.reason = outcome.result, outcome.reason
        # Of tens of thousands of papers that are not in the catalogue, the number is enough.
        (n_elsewhere if outcome.result == FindingResult.LISTED else rows).append(finding)
    Finding.objects.bulk_create(rows)
    findings.count(run, [*rows, *n_elsewhere], n_fetched=len(batch))


@dataclass(slots=True)
class _Outcome:
    result: str
    report_id: int | None = None
    reason: str = ""


@dataclass(slots=True)
class _Batch:
    """The rows of one batch on their way to notices."""

    rows: list[Row]
    now: Any = field(default_factory=timezone.now)
    fresh: list[Notice] = field(default_factory=list)
    changed: list[Notice] = field(default_factory=list)
    again: list[Notice] = field(default_factory=list)
    misplaced: list[Notice] = field(default_factory=list)

    def take(self) -> dict[tuple[str, str], _Outcome]:
        papers = _Papers(self.rows)
        kept: dict[tuple[str, str], list[Notice]] = defaultdict(list)
        numbers = [row.number for row in self.rows]
        for notice in Notice.objects.filter(source=NoticeSource.RETRACTION_WATCH, key__in=numbers):
            kept[notice.key, notice.kind].append(notice)
        outcomes = {}
        for row in self.rows:  # a row that comes twice: the later one counts
            outcomes[row.number, row.kind] = self._settle(row, papers, kept[row.number, row.kind])
        self._write()
        return outcomes

    def _settle(self, row: Row, papers: "_Papers", kept: list[Notice]) -> _Outcome:
        reports, doubt = papers.of(row)
        if doubt:
            self.misplaced += [n for n in kept if n.report_id]
            return _Outcome(FindingResult.REJECTED, reports[0], doubt)
        if not reports:
            self.misplaced += [n for n in kept if n.report_id]
            waiting = [n for n in kept if not n.report_id]
            self.changed += [n for n in waiting if self._fill(n, row) and n.pk]
            if not waiting and (row.dois or row.pmids):
                kept.append(self._new(row, None))
            return _Outcome(FindingResult.LISTED)
        by_report = {n.report_id: n for n in kept if n.report_id}
        self.misplaced += [n for pk, n in by_report.items() if pk not in reports]
        waiting = next((n for n in kept if not n.report_id), None)
        results = [self._on(report, row, by_report.get(report), waiting, kept) for report in reports]
        order = (FindingResult.CREATED, FindingResult.CHANGED, FindingResult.UNCHANGED)
        return _Outcome(min(results, key=order.index), reports[0], papers.remark(row, reports[0]))

    def _on(self, report: int, row: Row, notice: Notice | None, waiting: Notice | None, kept: list[Notice]) -> str:
        """The row's notice on one report."""
        if notice is None and waiting is not None and waiting.report_id is None and waiting.pk:
            waiting.report_id, waiting.first_seen_at = report, self.now
            self._fill(waiting, row)
            self.changed.append(waiting)
            self.again.append(waiting)  # in force for the catalogue from now on
            return FindingResult.CREATED
        if notice is None:
            kept.append(self._new(row, report))
            return FindingResult.CREATED
        was_silent = notice.unstated_since is not None
        if self._fill(notice, row) or was_silent:
            self.changed.append(notice)
            if was_silent:
                self.again.append(notice)
            return FindingResult.CHANGED
        return FindingResult.UNCHANGED

    def _new(self, row: Row, report: int | None) -> Notice:
        notice = Notice(
            report_id=report,
            subject_pmid=next(iter(row.pmids), None),
            subject_doi=next(iter(row.dois), ""),
            kind=row.kind,
            source=NoticeSource.RETRACTION_WATCH,
            key=row.number,
            first_seen_at=self.now,
        )
        self._fill(notice, row)
        self.fresh.append(notice)
        return notice

    def _fill(self, notice: Notice, row: Row) -> bool:
        """Set what the row says of the notice; whether that is news."""
        said = {
            "issued_on": row.issued_on,
            "notice_pmid": row.notice_pmid,
            "notice_doi": row.notice_doi,
            "reasons": list(row.reasons),
            "note": row.note,
            "unstated_since": None,
        }
        differs = [name for name, value in said.items() if getattr(notice, name) != value]
        for name in differs:
            setattr(notice, name, said[name])
        return bool(differs)

    def _write(self) -> None:
        Notice.objects.bulk_create(self.fresh, ignore_conflicts=True)
        named = ("report", "first_seen_at", "issued_on", "notice_pmid", "notice_doi", "reasons", "note")
        Notice.objects.bulk_update([n for n in self.changed if n.pk], [*named, "unstated_since"])
        lifted = notices.unstate(self.misplaced, self.now)
        added = [n for n in (*self.fresh, *self.again) if not n.dismissed_at]
        report_events.notices_changed(added=added, lifted=lifted, now=self.now)
        refresh_studies(notices.studies_of([*self.fresh, *self.changed, *lifted]))


class _Papers:
    """The reports that the rows of a batch may be about."""

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        named = ("pk", "pmid", "doi", "title")
        self.by_doi: dict[str, list[Report]] = defaultdict(list)
        self.by_pmid: dict[int, Report] = {}
        self.by_pk: dict[int, Report] = {}
        for report in Report.objects.filter(doi__in={doi for row in rows for doi in row.dois}).only(*named):
            self.by_doi[report.doi].append(report)
            self.by_pk[report.pk] = report
        for report in Report.objects.filter(pmid__in={pmid for row in rows for pmid in row.pmids}).only(*named):
            self.by_pmid[report.pmid] = report
            self.by_pk[report.pk] = report

    def of(self, row: Row) -> tuple[list[int], str]:
        """The ids of the reports a row is about, and why it cannot be believed, if so."""
        if found := [report.pk for doi in row.dois for report in self.by_doi.get(doi, ())]:
            return list(dict.fromkeys(found)), ""
        found = [self.by_pmid[pmid] for pmid in row.pmids if pmid in self.by_pmid]
        for report in found:
            # The file has typing errors: two ids that name two papers need a third witness.
            if row.dois and report.doi and not source.same_title(row.title, report.title):
                doubt = f"Its DOI {row.dois[0]} is not that of {report.identifier}, nor is its title: not taken over."
                return [report.pk], doubt
        return [report.pk for report in found], ""

    def remark(self, row: Row, pk: int) -> str:
        report = self.by_pk[pk]
        if row.pmids and report.pmid and report.pmid not in row.pmids:
            return f"Matched on its DOI; its PMID {row.pmids[0]} is another paper's."
        return ""


def _take_back(run: SearchRun, stated: set[tuple[str, str]]) -> None:
    """Rows that have left the file are no longer stated; their notices stay readable."""
    before = Notice.objects.filter(
        source=NoticeSource.RETRACTION_WATCH, unstated_since=None, first_seen_at__lt=run.created_at
    )
    known = {pk: (key, kind) for pk, key, kind in before.values_list("pk", "key", "kind")}
    gone = [pk for pk, row in known.items() if row not in stated]
    if not gone:
        said = ""
    elif not _is_newer_edition(stated, set(known.values())):
        said = f"{len(gone):,} known rows are missing in this file: it is not whole, and nothing was taken back."
    else:
        now = timezone.now()
        lifted = notices.unstate(Notice.objects.filter(pk__in=gone), now)
        report_events.notices_changed(lifted=lifted, now=now)
        refresh_studies(notices.studies_of(lifted))
        said = f"{len(lifted):,} rows have left the file: their notices are no longer stated." if lifted else ""
    run.warnings = [*run.warnings, *([said] if said else [])]
    run.planned_at = run.touched_at = timezone.now()  # the file has been read to its end
    run.save(update_fields=["warnings", "planned_at", "touched_at"])


def _is_newer_edition(stated: set[tuple[str, str]], known: set[tuple[str, str]]) -> bool:
    """Whether a file is the whole list again: it has nearly all that was known, and most of it was known.

    Of two small uploads neither speaks for what only the other holds; a first whole list does not either.
    """
    n_shared = len(stated & known)
    return n_shared >= (1 - SHARE) * len(known) and 2 * n_shared > len(stated)
