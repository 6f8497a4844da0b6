"""Where reports come from: searches that feed a review, files, single reports by hand or from citations."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from reviews.actions import dealing, log
from reviews.models import Candidate, CandidateRecord, Review, ReviewSearch, ReviewSource, SourceRun
from reviews.rules.screening import place_by_chance
from reviews.terms import AddedBy, SourceKind
from studies import identifiers
from studies.actions import importing, searching
from studies.models import Report, Search, SearchRun, User
from studies.terms import RunKind, RunState

_ENDED = (RunState.FINISHED, RunState.FAILED, RunState.CANCELLED, RunState.PAUSED)
_BATCH = 2000


class FeedsAlready(Exception):
    """The search feeds this review."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of the identifiers that somebody typed."""

    n_new: int
    n_known: int
    run: SearchRun | None  # asks PubMed for those that the catalogue has not met yet


def name_source(review: Review, *, by: User, kind: str, name: str, note: str = "") -> ReviewSource:
    """The source of that name; PRISMA counts by it."""
    source, is_new = ReviewSource.objects.get_or_create(review=review, kind=kind, name=name, defaults={"note": note})
    if is_new:
        log.record("named source", source, review=review, by=by, kind=kind)
    return source


@transaction.atomic
def add_search(review: Review, search: Search, *, by: User, kind: str, name: str) -> ReviewSearch:
    """Let a search feed the review from now on, with everything it has found so far."""
    source = name_source(review, by=by, kind=kind, name=name)
    try:
        with transaction.atomic():
            feeding = ReviewSearch.objects.create(review=review, search=search, source=source, added_by=by)
    except IntegrityError:
        raise FeedsAlready from None
    log.record("added search", feeding, review=review, by=by, search=search.pk, query=search.query)
    feed(review)
    return feeding


@transaction.atomic
def remove_search(feeding: ReviewSearch, *, by: User) -> ReviewSearch:
    """It feeds no more; what it brought stays, with every decision."""
    feeding = ReviewSearch.objects.select_for_update().get(pk=feeding.pk)
    if feeding.removed_at is None:
        feeding.removed_at = timezone.now()
        feeding.save(update_fields=["removed_at"])
        log.record("removed search", feeding, review=feeding.review_id, by=by, search=feeding.search_id)
    return feeding


@transaction.atomic
def import_file(
    review: Review, *, by: User, file_name: str, stream: BinaryIO, kind: str, name: str, note: str = ""
) -> SearchRun:
    """A file for the catalogue whose records become candidates from this source. Raises importing.Refused."""
    run = importing.request_import(file_name, stream, by=by)
    source = name_source(review, by=by, kind=kind, name=name, note=note)
    how = AddedBy.CITATION if kind == SourceKind.CITATION else AddedBy.FILE
    SourceRun.objects.create(source=source, run=run, how=how, by=by)
    log.record("imported file", source, review=review, by=by, run=run.pk, file=file_name)
    return run


@transaction.atomic
def add_reports(review: Review, *, by: User, pmids: Sequence[int], dois: Sequence[str], kind: str, name: str) -> Added:
    """Reports named one by one. Those the catalogue does not know are asked of PubMed and join when it answers."""
    source = name_source(review, by=by, kind=kind, name=name)
    how = AddedBy.CITATION if kind == SourceKind.CITATION else AddedBy.HAND
    found = list(Report.objects.filter(Q(pmid__in=pmids) | Q(doi__in=dois)).only("pmid", "doi"))
    known = {report.pmid for report in found} | {report.doi for report in found}
    n_new = _join(source, [(report.pk, None, 1) for report in found], how=how, by=by)
    run = _ask(source, [n for n in pmids if n not in known], [d for d in dois if d not in known], how=how, by=by)
    log.record("added reports", source, review=review, by=by, new=n_new, known=len(found) - n_new, how=str(how))
    dealing.deal(review)
    return Added(n_new, len(found) - n_new, run)


def _ask(source: ReviewSource, pmids: Sequence[int], dois: Sequence[str], *, how: str, by: User) -> SearchRun | None:
    """One run for what is unknown: by number, or by DOI through a search."""
    if not pmids and not dois:
        return None
    if dois:
        terms = [f'"{doi}"[doi]' for doi in dois] + [f"{pmid}[uid]" for pmid in pmids]
        run = searching.request_once(RunKind.SEARCH, " OR ".join(terms), by=by)
    else:
        run = searching.request_once(RunKind.PMIDS, " ".join(map(str, pmids)), by=by)
    SourceRun.objects.create(source=source, run=run, how=how, by=by)
    return run


def identifiers_in(text: str) -> tuple[list[int], list[str], list[str]]:
    """PMIDs, DOIs and words that are neither, each once, of a text parted by blanks, commas or lines."""
    pmids, dois, rest = {}, {}, {}
    for word in text.replace(",", " ").replace(";", " ").split():
        if doi := identifiers.doi(word):
            dois[doi] = None
        elif number := identifiers.pmid(word):
            pmids[number] = None
        elif word.casefold().rstrip(":") not in {"pmid", "doi"}:
            rest[word] = None
    return list(pmids), list(dois), list(rest)


def feed(review: Review | None = None) -> int:
    """Take over what runs have found since last time, for one review or all. Running it twice is harmless.

    A report that a later run does not find any more stays, and one that was met before is not asked about again.
    """
    _note_runs(review)
    waiting = SourceRun.objects.filter(run__state__in=_ENDED).exclude(taken_up_to=F("run__touched_at"))
    if review:
        waiting = waiting.filter(source__review=review)
    waiting = waiting.exclude(taken_up_to__isnull=False, run__touched_at=None)
    return sum(take(pk) for pk in waiting.order_by("pk").values_list("pk", flat=True))


def _note_runs(review: Review | None) -> None:
    """A row for every run of a search that feeds a review."""
    feeding = ReviewSearch.objects.filter(removed_at=None)
    if review:
        feeding = feeding.filter(review=review)
    rows = []
    for link in feeding:
        noted = SourceRun.objects.filter(source=link.source_id).values("run")
        for run in SearchRun.objects.filter(search=link.search_id).exclude(pk__in=noted).values_list("pk", flat=True):
            rows.append(SourceRun(source_id=link.source_id, run_id=run, how=AddedBy.SEARCH))
    SourceRun.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def take(source_run: int) -> int:
    """Make candidates and records of one run's findings; answers how many reports are new to the review."""
    link = SourceRun.objects.select_for_update(of=("self",)).select_related("source__review", "run").get(pk=source_run)
    # Read before the findings: what the run writes after this moment shows itself by a later sign of life.
    touched_at = link.run.touched_at or link.run.created_at
    review = link.source.review
    met, occurrences = [], Counter()
    findings = link.run.findings.exclude(report=None).order_by("position")
    for finding, report in findings.values_list("pk", "report_id"):
        occurrences[report] += 1
        met.append((report, finding, occurrences[report]))
    n_new = _join(link.source, met, how=link.how, by=link.by)
    link.n_taken += n_new
    link.taken_up_to = touched_at
    link.save(update_fields=["n_taken", "taken_up_to"])
    if n_new:
        log.record("took over", link, review=review, by=link.by, run=link.run_id, new=n_new, met=len(met))
        dealing.deal(review)
    return n_new


def _join(source: ReviewSource, met: Iterable[tuple[int, int | None, int]], *, how: str, by: Any) -> int:
    """Candidates of these (report, finding, occurrence), and the source's record of each. Answers how many are new."""
    met = list(met)
    review = source.review_id
    reports = list(dict.fromkeys(report for report, _, _ in met))
    ours = Candidate.objects.filter(review=review, report__in=reports)
    known = set(ours.values_list("report", flat=True))
    Candidate.objects.bulk_create(
        (
            Candidate(
                review_id=review,
                report_id=report,
                added_how=how,
                added_by=by,
                shuffle=place_by_chance(review, report),
            )
            for report in reports
            if report not in known
        ),
        ignore_conflicts=True,
        batch_size=_BATCH,
    )
    numbers = dict(ours.values_list("report", "pk"))
    CandidateRecord.objects.bulk_create(
        (
            CandidateRecord(candidate_id=numbers[report], source=source, finding_id=finding, occurrence=occurrence)
            for report, finding, occurrence in met
        ),
        ignore_conflicts=True,
        batch_size=_BATCH,
    )
    return len(numbers) - len(known)
