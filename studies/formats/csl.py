"""CSL-JSON, the form in which citation programs exchange references."""

from collections.abc import Iterable
from typing import Any

from studies import identifiers
from studies.formats.words import abstract_line, remark
from studies.sources.record import Author, PartialDate, Record
from studies.sources.text_stream import clean
from studies.terms import ReportKind

MEDIA_TYPE = "application/vnd.citationstyles.csl+json"
_TYPES = {ReportKind.BOOK: "book", ReportKind.ABSTRACT: "paper-conference", ReportKind.PREPRINT: "article"}


def item(record: Record, key: str, remarks: Iterable[str] = ()) -> dict[str, Any]:
    """One reference; `key` is its id, `remarks` of ours are its note. What is not known is left out."""
    title = clean(record.title)
    book = clean(record.book_title)
    is_chapter = record.kind == ReportKind.BOOK and book not in ("", title)
    values: dict[str, Any] = {
        "id": key,
        "type": "chapter" if is_chapter else _TYPES.get(ReportKind(record.kind), "article-journal"),
        "note": "\n".join(remark(text) for text in remarks),
        "title": title,
        "author": [name(author) for author in record.authors],
        "container-title": book if is_chapter else clean(record.journal),
        "container-title-short": clean(record.journal_abbreviation),
        "publisher": clean(record.publisher),
        "issued": _issued(record.published) if record.published else None,
        "volume": clean(record.volume),
        "issue": clean(record.issue),
        "page": clean(record.pages),
        "DOI": record.doi,
        "PMID": str(record.pmid or ""),
        "PMCID": record.pmcid,
        "ISSN": ", ".join(record.issns),
        "URL": _address(record),
        "language": record.languages[0] if record.languages else "",
        "abstract": abstract_line(record.abstract),
        "keyword": ", ".join(clean(keyword.text) for keyword in record.keywords),
    }
    return {field: value for field, value in values.items() if value}


def name(author: Author) -> dict[str, str]:
    if author.collective:
        return {"literal": clean(author.collective)}
    parts = {
        "family": clean(author.last),
        "given": clean(author.fore) or ". ".join(author.initials) + "." * bool(author.initials),
    }
    return {part: text for part, text in (parts | {"suffix": clean(author.suffix)}).items() if text}


def _issued(published: PartialDate) -> dict[str, Any]:
    parts = [part for part in (published.year, published.month, published.day) if part]
    return {"date-parts": [parts], "raw": published.raw} if published.precision == "season" else {"date-parts": [parts]}


def _address(record: Record) -> str:
    if record.doi:
        return identifiers.doi_url(record.doi)
    if record.pmid:
        return identifiers.pubmed_url(record.pmid)
    return identifiers.pmc_url(record.pmcid) if record.pmcid else ""
