"""JATS, the XML of PubMed Central: articles streamed into records with their text, if its licence allows reuse."""

from collections.abc import Iterator
from datetime import date
from typing import IO, Any

from lxml import etree

from studies import identifiers
from studies.sources import jats_front as front
from studies.sources.dates import calendar_day, month_number, numbered_date, partial_date
from studies.sources.jats_text import full_text
from studies.sources.pubmed_parts import BrokenRecord
from studies.sources.record import PartialDate, Reading, Record, Reference, Rejection
from studies.sources.xml_stream import BrokenXML, elements
from studies.sources.xml_text import plain
from studies.terms import ReportKind

__all__ = ["BrokenXML", "read"]

Element = etree._Element

_RECORD_LIMIT = 48_000_000  # bytes; books of conference abstracts reach 20 MB
_TAGS = ("{*}article", "Reply")
ROOTS = frozenset({"pmc-articleset", "article", "OAI-PMH", "GetRecord", "ListRecords", "record", "articles"})
_MATH = "{http://www.w3.org/1998/Math/MathML}"
_PREFERRED_DATES = ("ppub", "print", "epub-ppub", "collection", "epub", "electronic", "pub", "")
_NOTICES = frozenset(
    {"retraction", "partial-retraction", "correction", "corrigendum", "erratum", "expression-of-concern"}
)


def read(stream: IO[bytes], reading: Reading) -> Iterator[Record]:
    """Every article of a PMC answer, an OAI answer or a single `.nxml` file.

    Text is kept only under a licence that allows reuse. An article that cannot be read, or that PMC says it has
    not, is noted in `reading` and skipped.
    """
    for element in elements(stream, _TAGS, ROOTS, reading, _RECORD_LIMIT):
        try:
            if element.tag == "Reply":
                raise BrokenRecord((element.get("error") or "PMC has no such article").rstrip("."))
            _drop_namespaces(element)
            record = _record(element)
        except ValueError as error:
            place = f"record {reading.n_read + len(reading.rejections) + 1}"
            reading.rejections.append(Rejection(place, _name_of(element), str(error)))
            continue
        reading.n_read += 1
        yield record


def _drop_namespaces(article: Element) -> None:
    """OAI answers put JATS in a namespace; here a tag is a tag, MathML excepted."""
    for element in article.iter("{*}*"):
        if element.tag[0] == "{" and not element.tag.startswith(_MATH):
            element.tag = etree.QName(element).localname


def _name_of(element: Element) -> str:
    own = (plain(item) for item in element.iterfind("front/article-meta/article-id"))
    return (element.get("id") or next(own, ""))[:60]


def _record(article: Element) -> Record:
    meta = article.find("front/article-meta")
    if meta is None:
        raise BrokenRecord("it has no article-meta")
    journal = article.find("front/journal-meta")
    kind = article.get("article-type", "")
    values = front.ids(meta) | front.journal(journal) | _place(meta) | _dates(meta)
    values |= front.titles(meta, front.language_of(article))
    values["abstract"], values["other_abstracts"] = front.abstracts(meta)
    values["authors"], values["authors_complete"] = front.authors(meta, article)
    values["keywords"] = front.keywords(meta)
    values["grants"] = front.grants(meta)
    values["databanks"] = front.databanks(meta)
    values["relations"] = front.relations(meta)
    values["publication_types"] = front.publication_types(kind)
    values["coi_statement"] = _conflicts(article)
    if not (values["title"] or values.get("pmid") or values.get("pmcid") or values.get("doi")):
        raise BrokenRecord("it has neither a title nor a PMID, PMCID or DOI")
    return Record(
        kind=_kind(kind),
        references=tuple(_references(article)),
        full_text=full_text(article, meta),
        **values,
    )


def _kind(article_type: str) -> str:
    if article_type in _NOTICES:
        return ReportKind.NOTICE.value
    if article_type == "preprint":
        return ReportKind.PREPRINT.value
    return ReportKind.ABSTRACT.value if article_type in {"abstract", "meeting-abstract"} else ReportKind.ARTICLE.value


def _place(meta: Element) -> dict[str, Any]:
    first, last = plain(meta.find("fpage")), plain(meta.find("lpage"))
    pages = f"{first}-{last}" if first and last and first != last else first
    return {
        "volume": plain(meta.find("volume")),
        "issue": plain(meta.find("issue")),
        "pages": pages or plain(meta.find("elocation-id")),
    }


def _dates(meta: Element) -> dict[str, Any]:
    """Publication date as PubMed would choose it (print, then collection, then electronic) and the history."""
    found: dict[str, PartialDate] = {}
    electronic: date | None = None
    for element in meta.iterfind("pub-date"):
        kind = element.get("pub-type") or element.get("publication-format") or element.get("date-type") or ""
        if element.get("date-type") in {"collection", "preprint"}:
            kind = element.get("date-type", "")
        if kind in {"epub", "electronic"}:
            electronic = electronic or _day(element)
        if kind not in found and (value := _partial(element)):
            found[kind] = value
    published = next((found[kind] for kind in _PREFERRED_DATES if kind in found), None)
    history = []
    for element in (*meta.iterfind("history/date"), *meta.iterfind("pub-history/event/date")):
        if day := _day(element):
            history.append((element.get("date-type", ""), day.isoformat()))
    return {"published": published, "electronic_on": electronic, "history": tuple(history)}


def _day(element: Element) -> date | None:
    return calendar_day(*(plain(element.find(name)) for name in ("year", "month", "day")))


def _partial(element: Element) -> PartialDate | None:
    year, month, day = (plain(element.find(name)) for name in ("year", "month", "day"))
    season = plain(element.find("season"))
    raw = " ".join(text for text in (year, season or month, day) if text)
    if season or not (year.isascii() and year.isdigit() and len(year) == 4 and year > "1000"):
        return partial_date(raw or plain(element.find("string-date")) or element.get("iso-8601-date", ""))
    number = int(day) if day.isascii() and day.isdigit() and len(day) < 3 else None
    return numbered_date(raw, int(year), month_number(month), number)


def _references(article: Element) -> Iterator[Reference]:
    """One reference for each printed citation; `citation-alternatives` are the same one in two forms."""
    for ref in article.iterfind("back//ref"):
        for part in ref:
            if part.tag == "citation-alternatives" and len(part):
                yield _reference(part[0])
            elif part.tag in {"mixed-citation", "element-citation", "citation", "nlm-citation", "product"}:
                yield _reference(part)


def _reference(citation: Element) -> Reference:
    pmid, pmcid, doi = None, "", ""
    for item in citation.iter("pub-id", "ext-link"):
        kind = item.get("pub-id-type") or item.get("ext-link-type") or ""
        text = plain(item)
        if kind in {"pmid", "pubmed"}:
            pmid = pmid or identifiers.pmid(text)
        elif kind in {"pmc", "pmcid"}:
            pmcid = pmcid or identifiers.pmcid(text if text[:3].upper() == "PMC" else f"PMC{text}")
        elif kind == "doi" or item.tag == "ext-link":
            doi = doi or identifiers.doi(text) or identifiers.doi(front.href(item))
    if citation.tag in {"mixed-citation", "citation"} and (citation.text or "").strip():
        return Reference(plain(citation), pmid, pmcid, doi)
    words = (text for item in citation if item.tag != "pub-id" and (text := _words(item)))
    return Reference(" ".join(words), pmid, pmcid, doi)


def _words(element: Element) -> str:
    """Elements of a citation without punctuation of its own: names with a comma, the rest with spaces."""
    if element.tag == "person-group":
        return ", ".join(" ".join(plain(part) for part in person) or plain(person) for person in element) + "."
    return plain(element)


def _conflicts(article: Element) -> str:
    for note in article.iterfind(".//fn"):
        if note.get("fn-type") in {"conflict", "COI-statement", "coi-statement"} and not _in_sub_article(note):
            return plain(note, frozenset({"label"}))
    return ""


def _in_sub_article(element: Element) -> bool:
    return any(True for _ in element.iterancestors("sub-article", "response"))
