"""From a Record's values to a Report's columns, and which of two says more."""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from studies.actions import bulk
from studies.models import FullText, Report
from studies.models.study import MAX_DOI
from studies.rules.tagging_text import Suggestion
from studies.sources.record import FullText as SourceText
from studies.sources.record import OtherId, PartialDate, Record

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
    "supplementary_mesh",
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
UPDATED = (*_JSON, *_PLAIN, *_PUBLISHED, "pmid", "pmcid", "fingerprint", "source", "digest", "changed_at", "checked_at")
_AS_IT_IS = frozenset((str, int, bool))
_FIELDS: dict[type, tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]] = {}
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


class Said:
    """What one record says, as columns of Report: `values`, their JSON text and its digest.

    Making it costs as much as parsing the record and needs no database: a run does it while PostgreSQL works. So it
    does with `suggested`, which is None until the rules have read the record (suggesting.read_ahead).
    """

    __slots__ = ("digest", "fingerprint", "json", "record", "suggested", "values")

    def __init__(self, record: Record) -> None:
        if len(record.doi) > MAX_DOI:  # too long to be one: kept among the others
            record = replace(record, doi="", other_ids=(*record.other_ids, OtherId("doi", record.doi)))
        values = {name: getattr(record, name) for name in _PLAIN}
        for name in _JSON:
            values[name] = [_compact(item) for item in getattr(record, name)]
        values |= _published(record.published)
        values["pmid"] = record.pmid
        values["pmcid"] = record.pmcid or None
        values["fingerprint"] = self.fingerprint = fingerprint_of(record)
        self.record, self.values, self.json = record, values, bulk.dump(values)
        self.suggested: list[Suggestion] | None = None
        # Equal digests mean that the source said the same.
        self.digest = hashlib.blake2b(self.json.encode(), digest_size=16).hexdigest()

    def new_report(self, *, source: str, now: datetime) -> Report:
        return Report(source=source, digest=self.digest, created_at=now, changed_at=now, **self.values)

    def new_row(self, report: Report) -> str:
        """The report as a row to insert; its long values are taken from the JSON text made already."""
        own = {name: value for name, value in bulk.row(report).items() if name not in self.values}
        own["pmcid"] = report.pmcid  # it may have been another report's
        # Of two equal names PostgreSQL takes the last.
        return f"{self.json[:-1]}, {bulk.dump(own)[1:]}"


def merged_values(said: Said, *, replaces_all: bool) -> dict[str, Any]:
    """What a source that knows best says; identifiers and, from another source, gaps are never blanked."""
    values = said.values
    kept = _IDENTIFIERS if replaces_all else values.keys()
    return {name: value for name, value in values.items() if name not in kept or not _is_empty(value)}


def gaps_filled(report: Report, said: Said, *, is_newer: bool) -> dict[str, Any]:
    """Only what the report does not have yet; with `is_newer` also what the record states otherwise."""
    values = {name: value for name, value in said.values.items() if not _is_empty(value)}
    values = {name: value for name, value in values.items() if name not in _DEFAULTED}
    if not is_newer:
        values = {name: value for name, value in values.items() if _is_empty(getattr(report, name))}
    if report.published_on and not is_newer:
        values = {name: value for name, value in values.items() if name not in _PUBLISHED}
    return values


def differences(report: Report, values: dict[str, Any]) -> list[str]:
    """Names of the columns that would change."""
    return sorted(name for name, value in values.items() if getattr(report, name) != value and name != "fingerprint")


def fingerprint_of(record: Record) -> str:
    """The same for records of one article that come without an id: title, year and first author; else empty."""
    first = (record.authors[0].last or record.authors[0].collective).lower() if record.authors else ""
    return _fingerprint(record.title, record.published.year if record.published else "", first)


def starter_fingerprints(record: Record) -> list[str]:
    """How the starter library, which knows no authors and not always the year, would name this article."""
    years = {record.published.year if record.published else "", ""}
    return [found for year in years if (found := _fingerprint(record.title, year, ""))]


def _fingerprint(title: str, year: int | str, first_author: str) -> str:
    """Empty for a title too short to tell articles apart."""
    folded = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    letters = _NO_LETTERS.sub("", folded) or title.strip().lower()
    if len(letters) < 15:
        return ""
    return hashlib.blake2b(f"{letters}|{year}|{first_author}".encode(), digest_size=16).hexdigest()


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
    kind = item.__class__
    if kind in _AS_IT_IS:
        return item
    if kind is tuple:
        return [_compact(part) for part in item]
    found = _FIELDS.get(kind)
    if found is None:
        names = tuple(f.name for f in fields(item))
        found = _FIELDS[kind] = names, _values_of(names)
    names, values = found
    return {
        name: value if value.__class__ in _AS_IT_IS else _compact(value)
        for name, value in zip(names, values(item), strict=True)
        if value
    }


def _values_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    values = attrgetter(*names)
    return values if len(names) > 1 else lambda item: (values(item),)


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value == "" or value == () or value == [] or value == {}
