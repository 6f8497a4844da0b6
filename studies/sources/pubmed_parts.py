"""The parts that PubMed's articles and books share: people, abstracts, dates, ids, lists."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

from lxml import etree

from studies import identifiers
from studies.sources.dates import calendar_day, month_number, numbered_date, partial_date
from studies.sources.record import Author, Coded, Grant, Keyword, OtherId, PartialDate, Reference, Section
from studies.sources.xml_text import plain

Element = etree._Element


class BrokenRecord(ValueError):
    """This record cannot be read; the others can."""


def pmid_of(element: Element | None) -> tuple[int, int]:
    """The PMID and its version."""
    text = plain(element)
    number = identifiers.pmid(text)
    if element is None or number is None:
        raise BrokenRecord(f'its PMID "{text[:40]}" is not a number' if text else "it has no PMID")
    version = element.get("Version", "1")
    return number, int(version) if version.isascii() and version.isdigit() and len(version) < 5 else 1


def day_of(element: Element | None) -> date | None:
    """The day in the Year, Month and Day children."""
    if element is None:
        return None
    year = month = day = None
    for part in element:
        if part.tag == "Year":
            year = part.text
        elif part.tag == "Month":
            month = part.text
        elif part.tag == "Day":
            day = part.text
            break
    return calendar_day(year, month, day)


def publication_date(element: Element | None) -> PartialDate | None:
    """PubDate or its kin: (Year, (Month, Day?) | Season?) or MedlineDate."""
    if element is None:
        return None
    parts = {part.tag: (part.text or "").strip() for part in element if isinstance(part.tag, str)}
    year = parts.get("Year", "")
    if not year.isascii() or not year.isdigit() or "Season" in parts or not 1 <= int(year[:5]) <= 9999:
        return partial_date(" ".join(text for text in parts.values() if text))
    month, day = parts.get("Month", ""), parts.get("Day", "")
    raw = " ".join(text for text in (year, month, day) if text)
    return numbered_date(raw, int(year), *_month_and_day(month, day))


def _month_and_day(month: str, day: str) -> tuple[int | None, int | None]:
    return month_number(month), int(day) if day.isascii() and day.isdigit() and len(day) < 3 else None


def history(element: Element | None) -> tuple[tuple[str, str], ...]:
    """(PubStatus, ISO day) in the order given; impossible days are left out."""
    if element is None:
        return ()
    days = ((part.get("PubStatus", ""), day_of(part)) for part in element if part.tag == "PubMedPubDate")
    return tuple((status, day.isoformat()) for status, day in days if day)


def people(element: Element | None, tag: str = "Author") -> tuple[Author, ...]:
    """Authors or investigators in order, without those PubMed marks as a superseded spelling."""
    if element is None:
        return ()
    found = [_person(part) for part in element if part.tag == tag and part.get("ValidYN") != "N"]
    return tuple([person for person in found if person])


def _person(element: Element) -> Author | None:
    last = fore = initials = suffix = collective = orcid = middle = ""
    affiliations: list[str] = []
    for part in element:
        tag = part.tag
        if tag == "LastName":
            last = plain(part)
        elif tag in {"ForeName", "FirstName"}:
            fore = plain(part)
        elif tag == "Initials":
            initials = plain(part)
        elif tag == "AffiliationInfo":
            affiliations.extend(plain(line) for line in part if line.tag == "Affiliation")
        elif tag == "Affiliation":  # before 2014 one line stood in the author itself
            affiliations.append(plain(part))
        elif tag == "Identifier" and part.get("Source", "").upper() == "ORCID":
            orcid = orcid or identifiers.orcid(plain(part))
        elif tag == "Suffix":
            suffix = plain(part)
        elif tag == "CollectiveName":
            collective = plain(part)
        elif tag == "MiddleName":
            middle = plain(part)
    if not (last or fore or collective):
        return None
    if middle:
        fore = f"{fore} {middle}".strip()
    equal = element.get("EqualContrib") == "Y"
    lines = tuple(line for line in affiliations if line)
    return Author(last, fore, initials, suffix, collective, orcid, lines, equal)


def abstract(element: Element | None) -> tuple[tuple[Section, ...], str]:
    """The labelled sections and the copyright line, which must stay with them."""
    if element is None:
        return (), ""
    sections, copyright_line = [], ""
    for part in element:
        if part.tag == "AbstractText":
            text = plain(part)
            if text:
                sections.append(Section(text, part.get("Label", "").strip(), part.get("NlmCategory", "")))
        elif part.tag == "CopyrightInformation":
            copyright_line = plain(part)
    return tuple(sections), copyright_line


def keywords(element: Element) -> Iterator[Keyword]:
    owner = element.get("Owner", "")
    for part in element:
        if part.tag == "Keyword" and (text := plain(part)):
            yield Keyword(text, owner, part.get("MajorTopicYN") == "Y")


def coded(element: Element, major: bool = False) -> Coded:
    return _coded(plain(element), element.get("UI", ""), major)


@lru_cache(maxsize=16384)
def _coded(name: str, ui: str, major: bool) -> Coded:
    """Shared between records: a few hundred words make up most of what NLM says."""
    return Coded(name, ui, major)


def grants(element: Element | None) -> tuple[Grant, ...]:
    """Each grant once: PubMed repeats identical ones."""
    if element is None:
        return ()
    names = ("GrantID", "Acronym", "Agency", "Country")
    found: dict[Grant, None] = {}
    for grant in element:
        if grant.tag == "Grant":
            parts = {part.tag: plain(part) for part in grant}
            found[Grant(*(parts.get(name, "") for name in names))] = None
    return tuple(found)


def references(elements: Iterable[Element]) -> tuple[Reference, ...]:
    """Every entry of the reference lists. Their ids are dirty: each goes where its shape says."""
    return tuple(_reference(element) for element in elements)


def _reference(element: Element) -> Reference:
    citation, pmid, pmcid, doi = "", None, "", ""
    for part in element:
        if part.tag == "Citation":
            citation = plain(part)
        elif part.tag == "ArticleIdList":
            for item in part:
                text = (item.text or "").strip()
                kind = item.get("IdType", "")
                if kind == "pubmed" and text.isdigit():
                    pmid = pmid or identifiers.pmid(text)
                elif kind in {"pmc", "pmcid"} and text.isdigit():
                    pmcid = pmcid or identifiers.pmcid("PMC" + text)
                else:
                    pmcid = pmcid or identifiers.pmcid(text)
                    doi = doi or identifiers.doi(text)
    return Reference(citation, pmid, pmcid, doi)


class Ids:
    """Collects a record's own ids: the first DOI and PMCID win, whatever else is said stays beside them."""

    def __init__(self, pmid: int) -> None:
        self.pmid = pmid
        self.doi = self.pmcid = ""
        self.others: dict[OtherId, None] = {}

    def add(self, kind: str, text: str) -> None:
        text = " ".join(text.split())
        if not text:
            return
        if kind == "doi":
            self._add_doi(text)
        elif kind in {"pmc", "pmcid"} and (number := _pmcid_within(text)):
            if self.pmcid and self.pmcid != number:
                self.others[OtherId(kind, number)] = None
            self.pmcid = self.pmcid or number
        elif kind != "pubmed" or identifiers.pmid(text) != self.pmid:
            self.others[OtherId(kind, text)] = None

    def _add_doi(self, text: str) -> None:
        name = identifiers.doi(text)
        if name and not self.doi:
            self.doi = name
        elif (name or text) != self.doi:
            self.others[OtherId("doi", name or text)] = None

    def add_list(self, element: Element | None) -> None:
        """The own ArticleIdList; never search for the element, reference lists repeat it."""
        for item in element if element is not None else ():
            self.add(item.get("IdType", "pubmed"), item.text or "")


def _pmcid_within(text: str) -> str:
    """Also from `pmc-id: PMC4747132; embargo-date: 2015/09/01`."""
    return next((name for word in text.replace(";", " ").split() if (name := identifiers.pmcid(word))), "")
