"""Checks of citations: taken in, worked off batch by batch in the background, repeated, imported, removed in time."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from itertools import islice
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from studies.actions import allowances, locks, pacing, resolving, searching
from studies.actions.asking import REGISTRY, Desk, Outcome
from studies.actions.report_values import fingerprint_of
from studies.models import AuditEvent, CheckedReference, CitationCheck, SearchRun
from studies.queries.checks import pmids_to_import
from studies.queries.cited_here import CATALOGUE, Shelf, in_catalogue
from studies.rules.citation_verdict import Found, compare
from studies.rules.references import LONGEST_TEXT, Cited, references_in
from studies.sources import clinicaltrials, files
from studies.sources.names import author_of, initials_of
from studies.sources.record import PartialDate, Reading, Record
from studies.sources.web import SourceRefused
from studies.terms import CheckState, CheckVerdict, RunKind

BATCH = 40
_HOUR = timedelta(hours=1)
_SILENT = timedelta(minutes=3)  # a check that nobody gave a sign of for so long is called for again
_MOST_ATTEMPTS = 20
_GIVEN_UP = f"Asking broke off {_MOST_ATTEMPTS} times: it can be repeated."
_MEMBERS_TIMES = 10  # as much as a visitor may somebody with an account ask for
_COLUMNS = (
    "verdict", "found", "compared", "differences", "choices", "notice_status", "remark", "study_id", "sources",
    "asked_at",
)  # fmt: skip


class NothingFound(ValueError):
    """There is neither an identifier nor a reference in it; the message is a sentence for people."""


# --- Taking in ---


def request_check(
    text: str, *, file: BinaryIO | None = None, name: str = "", by: Any = None, address: str = ""
) -> CitationCheck:
    """A check of every reference in the text or file. Raises NothingFound or allowances.Exhausted.

    What the catalogue can answer is answered at once; the rest waits for `carry_on`.
    """
    cited, n_left_out, remarks = _read_file(file, name) if file else _kept(references_in(text), [])
    if not cited:
        raise NothingFound(
            "There is no PMID, PMCID, DOI, trial number or whole reference in this text. A reference needs at least "
            "its authors, its year and its title; a title alone may stand alone."
        )
    member = by if getattr(by, "pk", None) else None
    allowances.spend(
        "check",
        f"user {member.pk}" if member else f"address {address}",
        len(cited),
        most=max(settings.CHECK_AN_HOUR, settings.CHECK_MOST) * (_MEMBERS_TIMES if member else 1),
        span=_HOUR,
    )
    check = keep(cited, name=name[:200], by=member, n_left_out=n_left_out, remarks=remarks)
    answer_from_catalogue(check)
    return CitationCheck.objects.get(pk=check.pk)


@transaction.atomic
def keep(cited: Sequence[Cited], *, by: Any, **fields: Any) -> CitationCheck:
    check = CitationCheck.objects.create(by=by, n_references=len(cited), **fields)
    CheckedReference.objects.bulk_create(
        [
            CheckedReference(check_of=check, position=place, pasted=one.text, cited=one.values())
            for place, one in enumerate(cited, 1)
        ]
    )
    if by:
        AuditEvent.objects.record("checked citations", check, by=by, n=len(cited))
    return check


_Taken = tuple[list[Cited], int, list[str]]  # what is checked, how many more there were, remarks


def _kept(cited: Iterable[Cited], remarks: list[str]) -> _Taken:
    """As many as one check takes; the others are counted, not kept."""
    rest = iter(cited)
    taken = list(islice(rest, settings.CHECK_MOST))
    return taken, sum(1 for _ in rest), remarks


def _read_file(file: BinaryIO, name: str) -> _Taken:
    """The references of a bibliography, unpacked to a bound; any other text is searched through."""
    content = file.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    if len(content) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise NothingFound(f"The file is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024 // 1024} MB.")
    reading = Reading()
    try:
        records = files.open_records(BytesIO(content), name, reading, 4 * LONGEST_TEXT)
        cited = (one for record in records if (one := cited_in(record)).has_id or one.says_more)
        taken, n_left_out, _ = _kept(cited, [])
    except (files.UnreadableFile, files.BrokenXML) as error:
        if b"\x00" in content[:4096]:
            raise NothingFound(str(error)) from None
        text = content.decode("utf-8", "replace")
        too_long = f"Only the first {LONGEST_TEXT:,} characters of the file were searched."
        return _kept(references_in(text), [too_long] if len(text) > LONGEST_TEXT else [])
    remarks = [f"{found.where} {found.identifier}: {found.reason}".strip() for found in reading.rejections[:20]]
    return taken, n_left_out, remarks


def pasted(text: str) -> BinaryIO | None:
    """The text as a file where it is the content of a bibliography: nbib, RIS, BibTeX, a table, XML."""
    head = text[: 1 << 16].encode()
    try:
        kind = files.recognise(head, "")
    except files.UnreadableFile:
        return None
    return BytesIO(text.encode()) if kind != files.Kind.TABLE else None


def cited_in(record: Record) -> Cited:
    """What a bibliography's record claims."""
    first = record.authors[0] if record.authors else None
    name = (first.collective or f"{first.last} {first.initials or initials_of(first.fore)}".strip()) if first else ""
    numbers = [number for bank in record.databanks for number in bank.accessions if number.startswith("NCT")]
    year = record.published.year if record.published else None
    line = ". ".join(filter(None, (name, record.title.rstrip("."), record.journal_abbreviation or record.journal)))
    has_own = record.pmid or record.pmcid or record.doi or record.title
    return Cited(
        text=f"{line}. {year or ''}".strip(" .") or str(record.pmid or record.pmcid or record.doi),
        title=record.title,
        author=name,
        year=year,
        journal=record.journal or record.journal_abbreviation,
        volume=record.volume,
        page=record.pages.split("-")[0].strip(),
        pmid=record.pmid,
        pmcid=record.pmcid,
        doi=record.doi,
        registration=numbers[0] if numbers and not has_own else "",
    )


# --- Asking ---


@transaction.atomic
def answer_from_catalogue(check: CitationCheck) -> None:
    """Settle what our own records can, without any network."""
    waiting = list(check.references.filter(verdict=CheckVerdict.WAITING))
    cited = [Cited.of(one.pasted, one.cited) for one in waiting]
    fingerprints = [_fingerprint(one) for one in cited]
    shelf = Shelf(cited, fingerprints)
    settled = []
    for reference, one, fingerprint in zip(waiting, cited, fingerprints, strict=True):
        if outcome := _from_shelf(one, fingerprint, shelf):
            settled.append(_said(reference, outcome, {}))
    CheckedReference.objects.bulk_update(settled, _COLUMNS, batch_size=200)
    _finish(check.pk)


def _from_shelf(cited: Cited, fingerprint: str, shelf: Shelf) -> Outcome | None:
    if cited.pmid or cited.pmcid or cited.doi:
        found = shelf.by_ids(cited)
    elif cited.registration:
        found = shelf.registration(cited.registration)
    else:
        found = shelf.by_fingerprint(fingerprint)
    if not found:
        return None
    comparison = compare(cited, found)
    if not cited.has_id and not comparison.is_match:
        return None  # one of that title, year and author is here; PubMed may have the one that is meant
    return resolving.outcome_of(found, comparison, (CATALOGUE,))


def _fingerprint(cited: Cited) -> str:
    if not (cited.title and cited.year and (author := author_of(cited.author))):
        return ""
    return fingerprint_of(Record(title=cited.title, published=PartialDate("", cited.year), authors=(author,)))


def carry_on(check_id: int, *, at_most: int | None = None) -> CitationCheck | None:
    """Ask about what still waits, a batch at a time; harmless if it is being worked on, has ended or is gone.

    A killed worker's lock is freed with its connection, and what it had written stays: the next one goes on there.
    """
    if not locks.claim_check(check_id):
        return CitationCheck.objects.filter(pk=check_id).first()
    try:
        desk = open_desk()
        _sign_of_life(check_id, n_attempts=F("n_attempts") + 1)
        n_batches = 0
        while (batch := _waiting(check_id)) and (at_most is None or n_batches < at_most):
            outcomes = resolving.resolve({one.pk: Cited.of(one.pasted, one.cited) for one in batch}, desk)
            write(check_id, batch, outcomes)
            n_batches += 1
        _finish(check_id)
    finally:
        locks.release_check(check_id)
    return CitationCheck.objects.filter(pk=check_id).first()


def open_desk() -> Desk:
    return Desk(pacing.ncbi(somebody_waits=True), pacing.id_converter(somebody_waits=True), _registered)


def _registered(numbers: Sequence[str]) -> dict[str, Found | None]:
    """What ClinicalTrials.gov has under each NCT number, None where it has nothing. Raises SourceError."""
    registry = pacing.clinicaltrials(somebody_waits=True)
    found: dict[str, Found | None] = dict.fromkeys(numbers)
    for start in range(0, len(numbers), clinicaltrials.BATCH):
        batch = registry.fetch(numbers[start : start + clinicaltrials.BATCH])
        if batch.unreadable:
            raise SourceRefused("trials by number", "an answer could not be read", clinicaltrials.SERVICE)
        for one in batch.registrations:
            known = Found(
                title=one.title or one.official_title,
                years=(one.first_posted.year,) if one.first_posted else (),
                registration=one.number,
                source=REGISTRY,
            )
            found |= dict.fromkeys({one.number, *one.aliases} & set(numbers), known)
    return found


def _waiting(check_id: int) -> list[CheckedReference]:
    return list(
        CheckedReference.objects.filter(check_of=check_id, verdict=CheckVerdict.WAITING).order_by("position")[:BATCH]
    )


@transaction.atomic
def write(check_id: int, batch: Iterable[CheckedReference], outcomes: dict[int, Outcome]) -> None:
    ours = in_catalogue([one for outcome in outcomes.values() for one in (outcome.found, *outcome.choices) if one])
    # A check may be removed while the sources are slow.
    kept = set(CheckedReference.objects.select_for_update().filter(pk__in=outcomes).values_list("pk", flat=True))
    rows = [_said(one, outcomes[one.pk], ours) for one in batch if one.pk in kept]
    CheckedReference.objects.bulk_update(rows, _COLUMNS, batch_size=200)
    _sign_of_life(check_id)


def _said(reference: CheckedReference, outcome: Outcome, ours: dict[int, tuple[int, int]]) -> CheckedReference:
    """The row with the outcome on it."""
    found = _as_known_here(outcome.found or Found(), ours)
    reference.verdict = outcome.verdict
    reference.found = found.values() if outcome.found else {}
    reference.compared = list(outcome.comparison.compared)
    reference.differences = list(outcome.comparison.differences)
    reference.choices = [_as_known_here(choice, ours).values() for choice in outcome.choices]
    reference.notice_status = found.notice_status
    reference.remark = outcome.remark
    reference.study_id = found.study
    reference.sources = list(outcome.sources)
    reference.asked_at = timezone.now()
    return reference


def _as_known_here(found: Found, ours: dict[int, tuple[int, int]]) -> Found:
    """A notice that only our catalogue knows counts as well."""
    study, status = ours.get(found.pmid or 0, (found.study, 0))
    return replace(found, study=study, notice_status=max(found.notice_status, status))


def _sign_of_life(check_id: int, **fields: Any) -> None:
    CitationCheck.objects.filter(pk=check_id).update(touched_at=timezone.now(), **fields)


def _finish(check_id: int) -> None:
    waits = CheckedReference.objects.filter(check_of=check_id, verdict=CheckVerdict.WAITING)
    if not waits.exists():
        CitationCheck.objects.filter(pk=check_id, state=CheckState.WAITING).update(
            state=CheckState.FINISHED, finished_at=timezone.now()
        )


# --- What people do with a check ---


@transaction.atomic
def repeat(check: CitationCheck, *, by: Any = None, address: str = "") -> CitationCheck:
    """Ask once more about what could not be asked. Raises allowances.Exhausted."""
    open_ones = check.references.filter(verdict=CheckVerdict.NOT_ASKED)
    n = open_ones.count()
    member = by if getattr(by, "pk", None) else None
    who = f"user {member.pk}" if member else f"address {address}"
    if n:
        most = max(settings.CHECK_AN_HOUR, settings.CHECK_MOST) * (_MEMBERS_TIMES if member else 1)
        allowances.spend("check", who, n, most=most, span=_HOUR)
        open_ones.update(verdict=CheckVerdict.WAITING, remark="")
        _open_again(check.pk)
    if n and member:
        AuditEvent.objects.record("repeated", check, by=member, n=n)
    return CitationCheck.objects.get(pk=check.pk)


def _open_again(check_id: int) -> None:
    CitationCheck.objects.filter(pk=check_id).update(
        state=CheckState.WAITING, finished_at=None, asked_at=timezone.now(), touched_at=None, n_attempts=0
    )


@transaction.atomic
def import_matches(check: CitationCheck, *, by: Any) -> SearchRun | None:
    """A run that fetches the matches which the catalogue has not, once; None where there is nothing to fetch."""
    check = CitationCheck.objects.select_for_update().get(pk=check.pk)
    if check.run_id:
        return check.run
    pmids = pmids_to_import(check)
    if not pmids:
        return None
    check.run = searching.request_once(RunKind.PMIDS, " ".join(map(str, pmids)), by=by)
    check.save(update_fields=["run"])
    AuditEvent.objects.record("imported the matches of", check, by=by, run=check.run_id, n=len(pmids))
    return check.run


# --- Tending ---


def unattended(now: datetime) -> list[int]:
    """Checks that wait and of which nobody has given a sign for a while."""
    silent = Q(touched_at=None) | Q(touched_at__lt=now - _SILENT)
    waiting = CitationCheck.objects.filter(silent, state=CheckState.WAITING, n_attempts__lt=_MOST_ATTEMPTS)
    return list(waiting.order_by("created_at").values_list("pk", flat=True)[:50])


@transaction.atomic
def give_up(now: datetime) -> None:
    """Checks that were called for again and again say of what still waits that nobody could ask."""
    spent = Q(state=CheckState.WAITING, n_attempts__gte=_MOST_ATTEMPTS, touched_at__lt=now - _SILENT)
    for check in CitationCheck.objects.select_for_update(skip_locked=True).filter(spent):
        waiting = check.references.filter(verdict=CheckVerdict.WAITING)
        waiting.update(verdict=CheckVerdict.NOT_ASKED, remark=_GIVEN_UP)
        _finish(check.pk)


def remove_old(now: datetime) -> int:
    """Checks are kept for CHECK_DAYS; the worked example stays."""
    old = CitationCheck.objects.filter(is_example=False, created_at__lt=now - timedelta(days=settings.CHECK_DAYS))
    allowances.forget(now - 2 * _HOUR)
    n, _ = old.delete()
    return n
