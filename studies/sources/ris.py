"""RIS files in the dialects of Ovid, Scopus, Embase, Web of Science, ProQuest, Zotero and EndNote."""

import re
from collections.abc import Iterable, Iterator

from studies import identifiers
from studies.sources.dates import month_number, numbered_date, partial_date
from studies.sources.hints import issns_in, labelled_pmid, language_code, notice_of, pmcid_of, pmid_in_address
from studies.sources.names import author_of
from studies.sources.nbib import joined
from studies.sources.pubmed_xml import kind_of
from studies.sources.record import (
    Coded,
    Keyword,
    OtherId,
    PartialDate,
    Reading,
    Record,
    Rejection,
    Relation,
    Section,
)
from studies.sources.text_stream import clean
from studies.terms import ReportKind

_LINE = re.compile(r"\ufeff?([A-Z][A-Z0-9])  ?- ?(.*)|\ufeff?([A-Z][A-Z0-9])  ?-$")
_MARKUP = re.compile(r"</?(?:p|br|i|b|sup|sub|em|strong|span|div)\b[^>]{0,200}>", re.I)
_NUMBERED = re.compile(r"(\d{4})/(\d{0,2})/?(\d{0,2})/?(.*)")
_MARKED_UP = frozenset(
    {"TI", "T1", "CT", "JF", "T2", "JO", "JA", "J2", "JI", "NL", "BT", "KW", "AB", "N2", "N1", "M1", "CM"}
)
_CONTENT = frozenset({"TI", "T1", "AU", "A1", "DO", "AB", "N2", "PY"})
REMARK = "Stratum "  # begins the notes that are our own export's
_BOOKS = frozenset({"BOOK", "CHAP", "EBOOK", "ECHAP", "EDBOOK"})
_MEETINGS = frozenset({"CPAPER", "CONF", "ABST"})

Tags = list[tuple[str, str]]


def read(lines: Iterable[str], reading: Reading) -> Iterator[Record]:
    """Every reference with a title or an id; the others are noted with their line."""
    for line, tags, fault in blocks(lines):
        if fault and not _CONTENT & {tag for tag, _ in tags}:
            continue  # Ovid puts a line (NL) behind the end of a reference
        record = None if fault else _record(tags)
        if record is None or not (record.title or record.pmid or record.doi or record.pmcid):
            name = next((value for tag, value in tags if tag in {"ID", "AN", "AU", "A1"} and value), "")
            reason = fault or "it has neither a title nor a PMID, PMCID or DOI"
            reading.rejections.append(Rejection(f"line {line}", name[:60], reason))
            continue
        reading.n_read += 1
        yield record


def blocks(lines: Iterable[str]) -> Iterator[tuple[int, Tags, str]]:
    """(first line, [(tag, value)], fault) for each reference from TY to ER, or to the next TY where ER is missing."""
    tags: list[tuple[str, list[str]]] = []
    start, fault = 0, ""
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip()
        found = _LINE.match(line)
        if not found:
            if tags and line.strip() and not _is_counter(line):
                tags[-1][1].append(line)
            continue
        tag = found[1] or found[3]
        if tags and (tag == "TY" or tag == "ER"):
            yield start, joined(tags), fault
            tags, fault = [], ""
        if tag == "ER":
            continue
        if not tags:
            start, fault = number, "" if tag == "TY" else "it does not begin with a TY line"
        tags.append((tag, [found[2] or ""]))
    if tags:
        yield start, joined(tags), fault


def _is_counter(line: str) -> bool:
    """Ovid numbers its references on lines of their own: `12.`"""
    return line.strip().rstrip(".").isdigit() and line.strip().endswith(".")


def _record(tags: Tags) -> Record:
    every: dict[str, list[str]] = {}
    is_ours = any(_is_remark(tag, value) for tag, value in tags)
    for tag, value in tags:
        if value and not _is_remark(tag, value):
            # What we exported holds no markup: what looks like it was printed so.
            every.setdefault(tag, []).append(value if is_ours or tag not in _MARKED_UP else _plain(value))

    def first(*names: str) -> str:
        return next((every[name][0] for name in names if name in every), "")

    genre = first("TY").upper()
    pmid, pmcid, doi = _pmid(every), _pmcid(every), _doi(every)
    types = tuple(
        Coded(name.strip()) for value in every.get("PT", ()) for name in re.split(r"[;|]", value) if name.strip()
    )
    relations = tuple(_relations(every))
    return Record(
        pmid=pmid,
        pmcid=pmcid,
        doi=doi,
        other_ids=tuple(_other_ids(every)),
        kind=_kind(genre, types or tuple(Coded(name) for name in every.get("M3", ())), relations),
        title=first("TI", "T1", "CT"),
        abstract=_abstract(first("AB", "N2")),
        authors=tuple(a for name in every.get("AU", []) or every.get("A1", []) if (a := author_of(name))),
        journal="" if genre in _BOOKS else first("JF", "T2", "JO", "JA", "J2"),
        journal_abbreviation=first("JA", "J2", "JI", "NL"),
        book_title=first("T2", "BT") if genre in _BOOKS else "",
        publisher=first("PB", "PU"),
        issns=issns_in(every.get("SN", ())),
        volume=first("VL"),
        issue=first("IS"),
        pages=_pages(first("SP"), first("EP")) or first("C7"),
        published=_published(first("PY", "Y1"), first("DA", "Y1")),
        languages=tuple(language_code(value) for value in every.get("LA", ())),
        publication_types=types,
        keywords=tuple(dict.fromkeys(Keyword(value) for value in every.get("KW", ()))),
        relations=relations,
    )


def _is_remark(tag: str, value: str) -> bool:
    """What our own export remarks on a reference is no source's word."""
    return tag == "N1" and value.startswith(REMARK)


def _plain(value: str) -> str:
    """Zotero and others leave a little HTML in their fields."""
    return clean(_MARKUP.sub(" ", value)) if "<" in value else value


def _abstract(value: str) -> tuple[Section, ...]:
    return (Section(value),) if value else ()


def _kind(genre: str, types: tuple[Coded, ...], relations: tuple[Relation, ...]) -> str:
    if genre in _BOOKS:
        return ReportKind.BOOK.value
    if genre in _MEETINGS:
        return ReportKind.ABSTRACT.value
    return kind_of(types, relations)


def _pmid(every: dict[str, list[str]]) -> int | None:
    """Only a number that says it is a PMID: by a label, by PubMed's address, or by its database's own field."""
    for name in ("AN", "ID", "M1", "M2", "C1", "C2", "C5", "C6", "N1", "U1", "UR", "L1", "L2", "LK", "L3"):
        for value in every.get(name, ()):
            number = pmid_in_address(value)
            if number is None and name not in {"UR", "L1", "L2", "LK", "L3"}:
                number = labelled_pmid(value)
            if number:
                return number
    databases = " ".join(every.get("DB", []) + every.get("DP", [])).lower()
    fields: tuple[str, ...] = ()
    if "embase" in databases and "medline" in databases:
        fields = ("C5",)  # Embase marks what it shares with MEDLINE and gives its PMID here
    elif "scopus" in databases:
        fields = ("C2",)
    elif "medline" in databases or "pubmed" in databases:
        fields = ("AN", "ID")
    return next(
        (number for name in fields for value in every.get(name, ()) if (number := identifiers.pmid(value))), None
    )


def _pmcid(every: dict[str, list[str]]) -> str:
    for name in ("C2", "AN", "ID", "M2", "C1", "UR", "L1", "L2", "LK"):
        for value in every.get(name, ()):
            if number := pmcid_of(value):
                return number
    return ""


def _doi(every: dict[str, list[str]]) -> str:
    """DO first; then what is nothing but a DOI or its resolver's address in the link fields."""
    for name in ("DO", "DI", "UR", "L2", "LK", "L1", "M3", "C3"):
        for value in every.get(name, ()):
            if number := identifiers.doi(value):
                return number
    return ""


def _other_ids(every: dict[str, list[str]]) -> Iterator[OtherId]:
    """Accession numbers of the databases, kept as they are."""
    for name in ("AN", "U2"):
        for value in every.get(name, ()):
            if identifiers.pmid(value) is None:
                yield OtherId("wos" if value.upper().startswith("WOS:") else "accession", value)


def _relations(every: dict[str, list[str]]) -> Iterator[Relation]:
    """Ovid writes PubMed's notices into N1; the kinds are PubMed's own."""
    for name in ("N1", "M1", "CM"):
        for value in every.get(name, ()):
            if relation := notice_of(value):
                yield relation


def _pages(first: str, last: str) -> str:
    """Ovid writes pages it does not have as `No` and `Specified`."""
    if (first, last) == ("No", "Specified"):
        return ""
    return f"{first}-{last}" if first and last and first != last and "-" not in first else first


def _published(year: str, day: str) -> PartialDate | None:
    """`2014/05/01/`, `2019//`, `1999/08//undefined`, or a year with `DA  - AUG 12` beside it."""
    for text in (day, year):
        if found := _NUMBERED.match(text):
            # The fourth part says what numbers cannot: a season, a range.
            words = partial_date(found[4])
            if words and words.year == int(found[1]):
                return words
            month = int(found[2]) if found[2] else None
            return (
                numbered_date(text, int(found[1]), month, int(found[3]) if found[3] else None)
                if found[1] > "1000"
                else None
            )
    if year and day and year != day and month_number(day.split()[0].split("-")[0]):
        return partial_date(f"{year[:4]} {day}")
    return partial_date(day) or partial_date(year)
