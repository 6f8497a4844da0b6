"""Studies as rows of a table: what is known of each, in the words of the page."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models.expressions import RawSQL

from studies.models import Report, Study
from studies.queries.export_notices import notices_of, registrations_of
from studies.queries.export_tags import TagWords, gathered
from studies.queries.one_ahead import one_ahead
from studies.queries.protocol import protocol_of
from studies.queries.records import published_of
from studies.queries.vocabulary import Vocabulary
from studies.sources.dates import date_words
from studies.sources.names import name_line
from studies.sources.record import Author
from studies.sources.table import OWN_COLUMN
from studies.terms import DesignBasis, Facet, NoticeStatus, ReportKind, StudyDesign

# Small enough that a batch takes little memory, large enough that queries do not count.
ROWS_AT_ONCE = 2000
# A reader of tables, ours too, knows the columns of a reference by these names: see `sources.table`.
OF_STUDY = (
    "Notices", OWN_COLUMN, "Title", "Authors", "Journal", "Published", "Year", "PMID", "PMCID", "DOI", "Volume",
    "Issue", "Pages", "Design", "Design basis", "CEBM 2011 level", "People", "Follow-up (months)", *Facet.labels,
    "Protocol", "Registration", "Registrations, and where read", "Reports", "Other reports", "Keywords", "Language",
    "ISSN", "Starter data", "First seen", "Address",
)  # fmt: skip
Cell = str | int | float | None


class StudyRow(NamedTuple):
    """What is read of a study."""

    pk: int
    title: str
    design: str
    design_basis: str
    evidence_level: int | None
    n_participants: int | None
    follow_up_months: Any
    notice_status: int
    n_reports: int
    is_starter: bool
    starter: Mapping[str, Any]
    created_at: datetime


class ReportRow(NamedTuple):
    """What is read of a report; `authors` is None where PostgreSQL does not word them."""

    pk: int
    study_id: int
    kind: str
    title: str
    authors_complete: bool
    journal: str
    journal_abbreviation: str
    book_title: str
    published_raw: str
    published_on: date | None
    published_precision: str
    pmid: int | None
    pmcid: str | None
    doi: str
    volume: str
    issue: str
    pages: str
    authors: str | None = ""
    keywords: str | None = ""
    language: str | None = ""
    issn: str | None = ""
    databanks: str = "[]"


# Affiliations are most of the authors, and stay where they are, like most lists: Django would decode each of them.
_AUTHORS = """(
    SELECT CASE WHEN bool_and(coalesce(a->>'last', '') <> '' AND coalesce(a->>'fore', '') <> ''
            AND coalesce(a->>'suffix', '') = '' AND coalesce(a->>'collective', '') = '')
        THEN string_agg(replace((a->>'last') || ', ' || (a->>'fore'), ';', ','), '; ') END
    FROM jsonb_array_elements(studies_report.authors) AS a
)"""
_WORDED = {
    "authors_": _AUTHORS,
    "keywords_": "(SELECT string_agg(k->>'text', '; ') FROM jsonb_array_elements(studies_report.keywords) AS k)",
    "language_": "studies_report.languages->>0",
    "issn_": "studies_report.issns->>0",
    "databanks_": "studies_report.databanks::text",
}
_PLAIN = ReportRow._fields[: -len(_WORDED)]
_NO_REPORT = ReportRow(
    pk=0, study_id=0, kind="", title="", authors_complete=True, journal="", journal_abbreviation="", book_title="",
    published_raw="", published_on=None, published_precision="", pmid=None, pmcid="", doi="", volume="", issue="",
    pages="",
)  # fmt: skip
_DESIGNS, _BASES = dict(StudyDesign.choices), dict(DesignBasis.choices)
_STARTER = "to be verified"


class _Batch(NamedTuple):
    """Everything that a batch of studies is worded from."""

    ids: Sequence[int]
    studies: Mapping[int, StudyRow]
    reports: Mapping[int, Sequence[ReportRow]]
    authors: Mapping[int, str]
    terms: Mapping[int, str]
    notices: Mapping[int, str]
    registrations: Mapping[int, str]


def study_rows(study_ids: Sequence[int], vocabulary: Vocabulary) -> Iterator[list[list[Cell]]]:
    """Batches of rows in the order of OF_STUDY; a study that is gone by now is left out."""
    tags = TagWords(vocabulary)
    starts = range(0, len(study_ids), ROWS_AT_ONCE)
    batches = [study_ids[start : start + ROWS_AT_ONCE] for start in starts]
    for batch in one_ahead(batches, _read):
        yield [_row(batch, batch.studies[pk], tags) for pk in batch.ids if pk in batch.studies]


def among(ids: Sequence[int]) -> RawSQL:
    """Many ids as one parameter: Django looks at each of a list."""
    return RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])


def leads(report: ReportRow | Report, title: str) -> tuple[bool, bool, int]:
    """The order of a study's reports: the one it is known by first, notices last."""
    return report.title != title, report.kind == ReportKind.NOTICE, report.pk


def _read(ids: Sequence[int]) -> _Batch:
    """Six queries."""
    some = among(ids)
    studies = map(StudyRow._make, Study.objects.filter(pk__in=some).values_list(*StudyRow._fields))
    worded = {name: RawSQL(sql, []) for name, sql in _WORDED.items()}  # noqa: S611 - constants, without parameters
    found = Report.objects.filter(study__in=some).annotate(**worded).order_by("pk").values_list(*_PLAIN, *_WORDED)
    reports: dict[int, list[ReportRow]] = defaultdict(list)
    for report in map(ReportRow._make, found):
        reports[report.study_id].append(report)
    return _Batch(
        ids, {study.pk: study for study in studies}, reports, _odd_authors(reports.values()), gathered(ids),
        notices_of(some), registrations_of(some),
    )  # fmt: skip


def _odd_authors(reports: Iterable[Sequence[ReportRow]]) -> dict[int, str]:
    """By report the authors among whom are groups, suffixes or single names."""
    odd = [report.pk for several in reports for report in several if report.authors is None]
    authors = Report.objects.filter(pk__in=among(odd)).exclude(authors=[]).values_list("pk", "authors")
    return {pk: "; ".join(map(_name, several)) for pk, several in authors}


def _name(author: Mapping[str, Any]) -> str:
    parts = ("last", "fore", "initials", "suffix", "collective")
    return name_line(Author(*(author.get(part) or "" for part in parts))).replace(";", ",")


def _row(batch: _Batch, study: StudyRow, tags: TagWords) -> list[Cell]:
    reports = batch.reports.get(study.pk, ())
    if len(reports) > 1:
        reports = sorted(reports, key=lambda report: leads(report, study.title))
    lead = reports[0] if reports else _NO_REPORT
    published, year = _published(lead.published_raw, lead.published_on, lead.published_precision)
    status = NoticeStatus(study.notice_status).label.upper() if study.notice_status else ""
    return [
        ". ".join(filter(None, (status, batch.notices.get(study.pk, "")))),
        study.pk,
        study.title,
        _authors(lead, batch.authors),
        lead.journal or lead.journal_abbreviation or lead.book_title,
        published,
        year,
        lead.pmid,
        lead.pmcid or "",
        lead.doi,
        lead.volume,
        lead.issue,
        lead.pages,
        _DESIGNS[study.design],
        _BASES[study.design_basis],
        study.evidence_level,
        study.n_participants,
        None if study.follow_up_months is None else float(study.follow_up_months),
        *tags.by_facet(batch.terms.get(study.pk, "")),
        _protocol(study.starter) if study.starter else "",
        "" if lead.databanks == "[]" else _databanks(lead.databanks),
        batch.registrations.get(study.pk, ""),
        study.n_reports,
        "; ".join(map(_identifier, reports[1:])) if len(reports) > 1 else "",
        lead.keywords or "",
        lead.language or "",
        lead.issn or "",
        _STARTER if study.is_starter else "",
        study.created_at.date().isoformat(),
        f"{settings.SITE_URL}/studies/{study.pk}/",
    ]


@lru_cache(maxsize=10_000)
def _published(raw: str, first_day: date | None, precision: str) -> tuple[str, int | None]:
    published = published_of(raw, first_day, precision)
    return (date_words(published), published.year) if published else ("", None)


def _authors(report: ReportRow, odd: Mapping[int, str]) -> str:
    """`Smith, John; Doe, Ann;`: a semicolon behind a single name keeps its comma from parting it."""
    names = odd.get(report.pk, "") if report.authors is None else report.authors
    if not report.authors_complete:
        names = f"{names}; et al" if names else "et al"
    return names if "; " in names or not names else f"{names};"


def _protocol(starter: Mapping[str, Any]) -> str:
    return "; ".join(f"{fact.label}: {fact.value or 'not reported'}" for fact in protocol_of(starter))


def _databanks(databanks: str) -> str:
    return "; ".join(dict.fromkeys(number for bank in json.loads(databanks) for number in bank.get("accessions", ())))


def _identifier(report: ReportRow) -> str:
    if report.pmid:
        return f"PMID {report.pmid}"
    return report.pmcid or (f"doi:{report.doi}" if report.doi else report.title)
