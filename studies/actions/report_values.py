"""From a Record's values to a Report's columns, and which of two says more."""

import hashlib
import re
import unicodedata
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from studies.models import FullText, Report
from studies.sources.record import FullText as SourceText
from studies.sources.record import PartialDate, Record

_JSON = (
    "other_ids",
    "abstract",
    "other_abstracts",
    "authors",
    "investigators",
    "issns",
    "history",
    "languages",
    "publication_types",
    "mesh",
    "keywords",
    "substances",
    "grants",
    "databanks",
    "references",
    "relations",
)
_PLAIN = (
    "kind",
    "pmid_version",
    "doi",
    "title",
    "vernacular_title",
    "abstract_copyright",
    "coi_statement",
    "authors_complete",
    "journal",
    "journal_abbreviation",
    "nlm_unique_id",
    "volume",
    "issue",
    "pages",
    "book_title",
    "publisher",
    "electronic_on",
    "entered_on",
    "revised_on",
    "status",
    "owner",
    "indexing_method",
)
_PUBLISHED = ("published_raw", "published_on", "published_precision")
# A poorer source leaves these at their defaults, which say nothing.
_DEFAULTED = ("kind", "pmid_version", "authors_complete")
_IDENTIFIERS = ("pmid", "pmcid", "doi")
UPDATED = (*_JSON, *_PLAIN, *_PUBLISHED, "pmid", "pmcid", "fingerprint", "source", "digest", "changed_at")
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


def values_of(record: Record) -> dict[str, Any]:
    """Every column of Report that a record speaks of."""
    values = {name: getattr(record, name) for name in _PLAIN}
    values |= {name: [_compact(item) for item in getattr(record, name)] for name in _JSON}
    values |= _published(record.published)
    values["pmid"] = record.pmid
    values["pmcid"] = record.pmcid or None
    values["fingerprint"] = fingerprint_of(record)
    return values


def new_report(record: Record, *, source: str, now: datetime) -> Report:
    return Report(source=source, digest=digest_of(record), created_at=now, changed_at=now, **values_of(record))


def merged_values(report: Report, record: Record, *, replaces_all: bool) -> dict[str, Any]:
    """What a source that knows best says; identifiers and, from another source, gaps are never blanked."""
    values = values_of(record)
    kept = _IDENTIFIERS if replaces_all else values.keys()
    return {name: value for name, value in values.items() if name not in kept or not _is_empty(value)}


def gaps_filled(report: Report, record: Record, *, is_newer: bool) -> dict[str, Any]:
    """Only what the report does not have yet; with `is_newer` also what the record states otherwise."""
    values = {name: value for name, value in values_of(record).items() if not _is_empty(value)}
    values = {name: value for name, value in values.items() if name not in _DEFAULTED}
    if not is_newer:
        values = {name: value for name, value in values.items() if _is_empty(getattr(report, name))}
    if report.published_on and not is_newer:
        values = {name: value for name, value in values.items() if name not in _PUBLISHED}
    return values


def differences(report: Report, values: dict[str, Any]) -> list[str]:
    """Names of the columns that would change."""
    return sorted(name for name, value in values.items() if getattr(report, name) != value and name != "fingerprint")


def digest_of(record: Record) -> str:
    return record.digest()


def fingerprint_of(record: Record) -> str:
    """The same for records of one article that come without an id: title, year and first author; else empty."""
    folded = unicodedata.normalize("NFKD", record.title).encode("ascii", "ignore").decode().lower()
    title = _NO_LETTERS.sub("", folded) or record.title.strip().lower()
    if len(title) < 15:
        return ""
    year = record.published.year if record.published else ""
    first = (record.authors[0].last or record.authors[0].collective).lower() if record.authors else ""
    return hashlib.blake2b(f"{title}|{year}|{first}".encode(), digest_size=16).hexdigest()


def full_text_row(report_id: int, text: SourceText, now: datetime) -> FullText:
    return FullText(
        report_id=report_id,
        licence=text.licence,
        licence_url=text.licence_url,
        licence_text=text.licence_text,
        has_body=text.has_body,
        sections=[_compact(section) for section in text.sections],
        fetched_at=now,
    )


def same_text(kept: FullText | None, row: FullText) -> bool:
    """True also if the new answer has nothing while a text is kept: what was there is not taken away by a source."""
    if kept is None:
        return False
    if kept.sections and not row.has_body:
        return True
    names = ("licence", "licence_url", "licence_text", "has_body", "sections")
    return all(getattr(kept, name) == getattr(row, name) for name in names)


def _published(date: PartialDate | None) -> dict[str, Any]:
    if date is None or not 1600 <= date.year <= 2200:
        return {"published_raw": date.raw if date else "", "published_on": None, "published_precision": ""}
    return {
        "published_raw": date.raw,
        "published_on": date.first_day,
        "published_precision": date.precision,
    }


def _compact(item: Any) -> Any:
    """A JSON value without the empty fields: a catalogue of full records holds millions of them."""
    if is_dataclass(item):
        return {f.name: _compact(value) for f in fields(item) if not _is_empty(value := getattr(item, f.name))}
    if isinstance(item, tuple):
        return [_compact(part) for part in item]
    return item


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value == "" or value == () or value == [] or value == {}
