"""RIS, which every reference manager reads."""

from collections.abc import Iterable, Iterator

from studies import identifiers
from studies.formats.words import abstract_line, remark
from studies.sources.dates import partial_date
from studies.sources.names import name_line
from studies.sources.record import PartialDate, Record, Relation
from studies.sources.text_stream import clean
from studies.terms import DatePrecision, ReportKind

MEDIA_TYPE = "application/x-research-info-systems"
_ACCESSIONS = frozenset({"accession", "wos"})
# PubMed's kinds of relation as Ovid spells them in its notes.
_RELATIONS = {
    "RetractionIn": "Retraction in",
    "RetractionOf": "Retraction of",
    "ErratumIn": "Erratum in",
    "ErratumFor": "Erratum for",
    "ExpressionOfConcernIn": "Expression of concern in",
    "ExpressionOfConcernFor": "Expression of concern for",
    "CommentIn": "Comment in",
    "CommentOn": "Comment on",
    "RepublishedIn": "Republished in",
    "RepublishedFrom": "Republished from",
    "UpdateIn": "Update in",
    "UpdateOf": "Update of",
    "RetractedandRepublishedIn": "Retracted and republished in",
    "CorrectedandRepublishedIn": "Corrected and republished in",
    "PartialRetractionIn": "Partial retraction in",
}


def reference(record: Record, remarks: Iterable[str] = ()) -> str:
    """One reference from TY to ER; `remarks` of ours come first, so that a notice is not overlooked."""
    lines = [("TY", _genre(record)), *(("N1", remark(text)) for text in remarks), *_fields(record)]
    body = "".join(f"{tag}  - {text}\r\n" for tag, value in lines if (text := clean(value)))
    return f"{body}ER  - \r\n\r\n"


def _genre(record: Record) -> str:
    if record.kind == ReportKind.BOOK:
        return "CHAP" if record.book_title and record.book_title != record.title else "BOOK"
    return "CPAPER" if record.kind == ReportKind.ABSTRACT else "JOUR"


def _fields(record: Record) -> Iterator[tuple[str, str]]:
    yield "TI", record.title
    yield from (("AU", name_line(author)) for author in record.authors)
    yield from _place(record)
    yield from _date(record.published)
    yield "DO", record.doi
    yield from _numbers(record)
    yield from (("SN", issn) for issn in record.issns)
    yield "PB", record.publisher
    yield from (("LA", language) for language in record.languages)
    yield from (("PT", coded.name) for coded in record.publication_types)
    yield "AB", abstract_line(record.abstract)
    yield from (("KW", keyword.text) for keyword in record.keywords)
    yield from (("N1", _notice(relation)) for relation in record.relations if relation.kind in _RELATIONS)
    yield from (("UR", address) for address in _addresses(record))


def _place(record: Record) -> Iterator[tuple[str, str]]:
    if record.kind == ReportKind.BOOK:
        yield "T2", record.book_title
    else:
        yield "JF", record.journal
        yield "JA", record.journal_abbreviation
    yield "VL", record.volume
    yield "IS", record.issue
    first, dash, last = record.pages.partition("-")
    # Only what reads back as it was: `e5-e5` and `584 - 91` stay whole.
    is_span = dash and first and last and first != last and (first, last) == (first.strip(), last.strip())
    if is_span and (first, last) != ("No", "Specified"):
        yield "SP", first
        yield "EP", last
    else:
        yield "SP", record.pages


def _date(published: PartialDate | None) -> Iterator[tuple[str, str]]:
    if published is None:
        return
    yield "PY", str(published.year)
    month = f"{published.month:02}" if published.month else ""
    day = f"{published.day:02}" if published.day else ""
    is_span = published.precision == DatePrecision.SEASON
    # The fourth part is for what numbers cannot say: seasons and ranges.
    other = published.raw if is_span and partial_date(published.raw) == published else ""
    if month or other:
        yield "DA", f"{published.year}/{month}/{day}/{other}"


def _numbers(record: Record) -> Iterator[tuple[str, str]]:
    if record.pmid:
        yield "AN", str(record.pmid)
        yield "DB", "PubMed"
    yield "C2", record.pmcid
    yield from (("AN", other.value) for other in record.other_ids if other.kind in _ACCESSIONS)


def _notice(relation: Relation) -> str:
    text = f"{_RELATIONS[relation.kind]}: {relation.citation}"
    if relation.doi and relation.doi not in text.lower():
        text += f" doi: {relation.doi}"
    return f"{text} PMID: {relation.pmid}" if relation.pmid else text


def _addresses(record: Record) -> Iterator[str]:
    if record.pmid:
        yield identifiers.pubmed_url(record.pmid)
    if record.pmcid:
        yield identifiers.pmc_url(record.pmcid)
    if record.doi:
        yield identifiers.doi_url(record.doi)
