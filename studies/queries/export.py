"""What leaves the catalogue: studies as rows of a table, and their reports as records with what we remark on them."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from studies.models import Report, Study
from studies.queries import currency, listing, search
from studies.queries.export_notices import notices_of, registrations_of
from studies.queries.export_tags import TagWords
from studies.queries.filters import Filters
from studies.queries.protocol import protocol_of
from studies.queries.records import published_of, record_of
from studies.queries.vocabulary import Vocabulary
from studies.sources.dates import date_words
from studies.sources.names import name_line
from studies.sources.record import Author, Record
from studies.sources.table import OWN_COLUMN
from studies.terms import DesignBasis, Facet, NoticeStatus, ReportKind, StudyDesign

# Small enough that a batch of whole reports takes little memory, large enough that queries do not count.
ROWS_AT_ONCE = 2000
RECORDS_AT_ONCE = 200
# A reader of tables, ours too, knows the columns of a reference by these names: see `sources.table`.
COLUMNS = (
    "Notices", OWN_COLUMN, "Title", "Authors", "Journal", "Published", "Year", "PMID", "PMCID", "DOI", "Volume",
    "Issue", "Pages", "Design", "Design basis", "CEBM 2011 level", "People", "Follow-up (months)", *Facet.labels,
    "Protocol", "Registration", "Registrations, and where read", "Reports", "Other reports", "Keywords", "Language",
    "ISSN", "Starter data", "First seen", "Address", "Exported", "Query", "Searched through",
)  # fmt: skip
_REMARKED = (
    "Design", "Design basis", "CEBM 2011 level", "People", "Follow-up (months)", *Facet.labels, "Protocol",
    "Registrations, and where read", "Starter data",
)  # fmt: skip
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every export says of itself: the day, the question and its address, how current the catalogue is."""

    exported_at: datetime
    query: str
    searched_through: str

    @property
    def sentence(self) -> str:
        return f"exported {self.exported_at:%Y-%m-%d %H:%M} UTC; query: {self.query}; {self.searched_through}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One report with what we remark on it, notices first; `number` tells it from the others of the catalogue."""

    study: int
    number: int
    record: Record
    remarks: tuple[str, ...]
    is_retracted: bool


def provenance(filters: Filters | None, vocabulary: Vocabulary, *, now: datetime, path: str) -> Provenance:
    """`path` is where the list or the study (then without filters) is read."""
    words = "one study"
    if filters is not None:
        chips = listing.chips_of(filters, vocabulary)
        words = "; ".join(_in_words(chip) for chip in chips) or "all studies"
    answered = currency.currency(now).of("PubMed").answered_at
    searched = f"PubMed last answered in full on {answered:%Y-%m-%d}" if answered else "PubMed not searched yet"
    return Provenance(now, f"{words} ({settings.SITE_URL}{path})", searched)


def _in_words(chip: listing.Chip) -> str:
    words = f"{'not ' if chip.is_not else ''}{chip.label}"
    return f"{chip.facet}: {words}" if chip.facet else words


def ids_of(filters: Filters, vocabulary: Vocabulary) -> list[int]:
    """The studies of the list, in its order: a few megabytes, and no cursor that a slow reader holds open."""
    if filters.words:
        study, _ = search.by_identifier(filters.words)
        if study:  # the list itself would have led there
            return [study.pk]
        if not search.says_something(filters.words):
            filters = replace(filters, words="")
    return search.ids_of(filters, vocabulary)


def rows(study_ids: Sequence[int], vocabulary: Vocabulary, said: Provenance) -> Iterator[list[list[Cell]]]:
    """Batches of rows in the order of COLUMNS; a study that is gone by now is left out."""
    tail = [f"{said.exported_at:%Y-%m-%d %H:%M} UTC", said.query, said.searched_through]
    tags = TagWords(vocabulary)
    for start in range(0, len(study_ids), ROWS_AT_ONCE):
        batch = study_ids[start : start + ROWS_AT_ONCE]
        reports: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for report in Report.objects.filter(study__in=among(batch)).order_by("pk").values(*_REPORT, **_AS_TEXT):
            for name in _LISTS:
                text = report.pop(f"{name}_text")
                report[name] = () if text == "[]" else json.loads(text)
            reports[report["study_id"]].append(report)
        yield [[*row.values(), *tail] for row in _rows(batch, reports, tags)]


def entries(study_ids: Sequence[int], vocabulary: Vocabulary, said: Provenance) -> Iterator[Entry]:
    """Every report of the studies, the one it is known by first; what has neither title nor id is no reference."""
    tags = TagWords(vocabulary)
    for start in range(0, len(study_ids), RECORDS_AT_ONCE):
        batch = study_ids[start : start + RECORDS_AT_ONCE]
        reports: dict[int, list[Report]] = defaultdict(list)
        for report in Report.objects.filter(study__in=among(batch)).order_by("pk"):
            reports[report.study_id].append(report)
        # Of the row only what we remark is wanted, and no names.
        values = {study: [vars(report) | {"names": ""} for report in found] for study, found in reports.items()}
        for row in _rows(batch, values, tags):
            study = row[OWN_COLUMN]
            named = [report for report in reports[study] if report.title or _has_id(report)]
            for report in sorted(named, key=lambda report: _leads(vars(report), row["Title"])):
                is_retracted = row["Notices"].startswith(_RETRACTED)
                yield Entry(study, report.pk, record_of(report), tuple(_remarks(row, said)), is_retracted)


def _has_id(report: Report) -> bool:
    return bool(report.pmid or report.pmcid or report.doi)


def among(ids: Sequence[int]) -> RawSQL:
    """Many ids as one parameter: Django looks at each of a list."""
    return RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])


def _remarks(row: Mapping[str, Cell], said: Provenance) -> Iterator[str]:
    if row["Notices"]:
        yield f"notice: {row['Notices']}"
    yield f"study {row[OWN_COLUMN]}: {row['Address']}"
    yield "facts: " + "; ".join(f"{name}: {row[name]}" for name in _REMARKED if row[name] not in ("", None))
    yield said.sentence


_STUDY = (
    "pk", "title", "design", "design_basis", "evidence_level", "n_participants", "follow_up_months", "notice_status",
    "n_reports", "is_starter", "starter", "created_at",
)  # fmt: skip
_REPORT = (
    "pk", "study_id", "kind", "title", "authors_complete", "journal", "journal_abbreviation", "book_title",
    "published_raw", "published_on", "published_precision", "pmid", "pmcid", "doi", "volume", "issue", "pages",
)  # fmt: skip
# Affiliations are most of the authors, and stay where they are.
_PART, _NAME = "\x1f", "\x1e"
_NAMES = """(
    SELECT string_agg(concat_ws(chr(31), coalesce(a->>'last', ''), coalesce(a->>'fore', ''),
        coalesce(a->>'initials', ''), coalesce(a->>'suffix', ''), coalesce(a->>'collective', '')), chr(30))
    FROM jsonb_array_elements(studies_report.authors) AS a
)"""
_LISTS = ("keywords", "languages", "issns", "databanks")
# Django would decode each, although most are empty.
_AS_TEXT = {f"{name}_text": Cast(name, TextField()) for name in _LISTS}
_AS_TEXT |= {"names": RawSQL(_NAMES, [])}  # noqa: S611 - a constant of ours, without parameters
_RETRACTED = (NoticeStatus.RETRACTED.label.upper(), NoticeStatus.REMOVED.label.upper())
_DESIGNS, _BASES = dict(StudyDesign.choices), dict(DesignBasis.choices)
_FACETS = [(facet.value, facet.label) for facet in Facet]
_NOTHING: dict[str, Any] = dict.fromkeys(_REPORT, "") | dict.fromkeys(_LISTS, ())
_NOTHING |= {"names": "", "authors_complete": True, "published_on": None}


def _rows(
    batch: Sequence[int], reports: Mapping[int, Sequence[Mapping[str, Any]]], tags: TagWords
) -> Iterator[dict[str, Any]]:
    ids = among(batch)
    studies = {row[0]: row for row in Study.objects.filter(pk__in=ids).values_list(*_STUDY)}
    said, notices, registrations = tags.of(batch), notices_of(ids), registrations_of(ids)
    for pk in batch:
        if pk in studies:
            facts = dict(zip(_STUDY, studies[pk], strict=True))
            own = sorted(reports.get(pk, ()), key=lambda report: _leads(report, facts["title"]))
            yield _row(facts, own, said.get(pk, {}), notices.get(pk, ""), registrations.get(pk, ""))


def _leads(report: Mapping[str, Any], title: str) -> tuple[bool, bool, int]:
    return report["title"] != title, report["kind"] == ReportKind.NOTICE, report.get("pk") or report["id"]


def _row(
    study: Mapping[str, Any], reports: Sequence[Mapping[str, Any]], tags: Mapping[str, str], notices: str, numbers: str
) -> dict[str, Any]:
    lead = reports[0] if reports else _NOTHING
    published = published_of(lead["published_raw"], lead["published_on"], lead["published_precision"])
    status = NoticeStatus(study["notice_status"]).label.upper() if study["notice_status"] else ""
    return {
        "Notices": ". ".join(filter(None, (status, notices))),
        OWN_COLUMN: study["pk"],
        "Title": study["title"],
        "Authors": _authors(lead),
        "Journal": lead["journal"] or lead["journal_abbreviation"] or lead["book_title"],
        "Published": date_words(published) if published else "",
        "Year": published.year if published else None,
        "PMID": lead["pmid"],
        "PMCID": lead["pmcid"] or "",
        "DOI": lead["doi"],
        "Volume": lead["volume"],
        "Issue": lead["issue"],
        "Pages": lead["pages"],
        "Design": _DESIGNS[study["design"]],
        "Design basis": _BASES[study["design_basis"]],
        "CEBM 2011 level": study["evidence_level"],
        "People": study["n_participants"],
        "Follow-up (months)": None if study["follow_up_months"] is None else float(study["follow_up_months"]),
        **{label: tags.get(facet, "") for facet, label in _FACETS},
        "Protocol": _protocol(study["starter"]) if study["starter"] else "",
        "Registration": _databanks(lead) if lead["databanks"] else "",
        "Registrations, and where read": numbers,
        "Reports": study["n_reports"],
        "Other reports": "; ".join(_identifier(report) for report in reports[1:]),
        "Keywords": "; ".join(keyword["text"] for keyword in lead["keywords"]),
        "Language": lead["languages"][0] if lead["languages"] else "",
        "ISSN": lead["issns"][0] if lead["issns"] else "",
        "Starter data": "to be verified" if study["is_starter"] else "",
        "First seen": study["created_at"].date().isoformat(),
        "Address": f"{settings.SITE_URL}/studies/{study['pk']}/",
    }


def _authors(report: Mapping[str, Any]) -> str:
    """`Smith, John; Doe, Ann;`: a semicolon behind a single name keeps its comma from parting it."""
    names = [_name(*name.split(_PART)) for name in report["names"].split(_NAME)] if report["names"] else []
    names += [] if report["authors_complete"] else ["et al"]
    return "; ".join(names) + (";" if len(names) == 1 else "")


def _name(last: str, fore: str, initials: str, suffix: str, collective: str) -> str:
    if fore and last and not suffix and not collective:  # nearly everybody
        return f"{last}, {fore}".replace(";", ",")
    return name_line(Author(last, fore, initials, suffix, collective)).replace(";", ",")


def _protocol(starter: Mapping[str, Any]) -> str:
    return "; ".join(f"{fact.label}: {fact.value or 'not reported'}" for fact in protocol_of(starter))


def _databanks(report: Mapping[str, Any]) -> str:
    return "; ".join(dict.fromkeys(number for bank in report["databanks"] for number in bank.get("accessions", ())))


def _identifier(report: Mapping[str, Any]) -> str:
    if report["pmid"]:
        return f"PMID {report['pmid']}"
    return report["pmcid"] or (f"doi:{report['doi']}" if report["doi"] else report["title"])
