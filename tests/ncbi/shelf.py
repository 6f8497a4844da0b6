"""The records the local server holds: bytes in a temporary file, what a search needs in memory."""

import calendar
import gzip
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from lxml import etree

_PATHS = {
    "title": ".//ArticleTitle|.//BookTitle",
    "abstract": ".//AbstractText",
    "keywords": ".//Keyword",
    "mesh": ".//DescriptorName",
    "types": ".//PublicationType",
    "journal": ".//Journal/Title|.//ISOAbbreviation|.//MedlineTA",
    "authors": ".//Article/AuthorList/Author/LastName|.//CollectiveName",
    "numbers": ".//AccessionNumber",
    "language": ".//Language",
}
_FIELDS = {name: etree.XPath(path) for name, path in _PATHS.items()}
_DATES = {
    "crdt": ".//History/PubMedPubDate[@PubStatus='entrez']",
    "edat": ".//History/PubMedPubDate[@PubStatus='pubmed']",
    "mhda": ".//History/PubMedPubDate[@PubStatus='medline']",
    "mdat": ".//DateRevised",
    "pdat": ".//JournalIssue/PubDate",
}
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_WORD = re.compile(r"[^\W_]+")
_LONG_AGO = date(2000, 1, 1)


@dataclass(slots=True)
class Entry:
    """One record as a search sees it. `words` holds a text per field, in small letters between single blanks."""

    pmid: int
    offset: int
    length: int
    words: dict[str, str]
    dates: dict[str, date]
    title: str = ""
    journal: str = ""
    volume: str = ""
    page: str = ""
    first_author: str = ""
    doi: str = ""
    pmc: str = ""
    full_journal: str = ""
    vernacular: str = ""
    comments: list[tuple[str, str, int]] = field(default_factory=list)  # (kind, source, PMID or 0)
    types: list[str] = field(default_factory=list)
    mesh: list[str] = field(default_factory=list)


def plain(text: str) -> str:
    """Letters and digits only, small, between blanks, so that ` word ` can be looked for."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


class Shelf:
    """Records by PMID. `add` replaces, `remove` makes a PMID unknown."""

    def __init__(self, articles: Iterable[bytes] = ()) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the shelf
        self.entries: dict[int, Entry] = {}
        self.pmc: dict[int, bytes] = {}
        self.pmc_only: dict[int, dict[str, object]] = {}  # summaries of what is in PMC and not in PubMed
        self.links: dict[tuple[str, int], list[int]] = {}
        self.version = 0
        for article in articles:
            self.add(article)

    def add(self, article: bytes) -> int:
        """Shelve one PubmedArticle or PubmedBookArticle; its PMID."""
        root = etree.fromstring(article)
        offset = self._file.seek(0, os.SEEK_END)
        self._file.write(article)
        self._file.flush()
        entry = _entry(root, offset, len(article))
        self.entries[entry.pmid] = entry
        self.version += 1
        return entry.pmid

    def add_file(self, path: Path) -> None:
        """Shelve every article of a PubMed XML file, which may be compressed."""
        tags = ("PubmedArticle", "PubmedBookArticle")
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for _, element in etree.iterparse(file, tag=tags, load_dtd=False, no_network=True):
                self.add(etree.tostring(element, with_tail=False))
                element.clear()

    def add_pmc(self, number: int, article: bytes) -> None:
        """Shelve one JATS article."""
        self.pmc[number] = article

    def remove(self, pmid: int) -> None:
        del self.entries[pmid]
        self.version += 1

    def link(self, linkname: str, pmid: int, linked: list[int]) -> None:
        self.links[linkname, pmid] = linked

    def xml(self, pmids: Iterable[int]) -> Iterator[bytes]:
        """The records known among those asked, each once, in the order asked."""
        descriptor = self._file.fileno()
        for pmid in dict.fromkeys(pmids):
            if entry := self.entries.get(pmid):
                yield os.pread(descriptor, entry.length, entry.offset)

    def close(self) -> None:
        self._file.close()


def _entry(root: etree._Element, offset: int, length: int) -> Entry:
    references = root.find("PubmedData/ReferenceList")
    if references is not None:  # half of the record, and nothing is searched in it
        references.getparent().remove(references)
    own_ids = {i.get("IdType"): i.text or "" for i in root.iterfind("PubmedData/ArticleIdList/ArticleId")}
    found = {name: [_text(e) for e in find(root)] for name, find in _FIELDS.items()}
    dates = {name: day for name, path in _DATES.items() if (day := _day(root.find(path)))}
    dates.setdefault("crdt", dates.get("pdat", _LONG_AGO))
    for name in ("edat", "mdat", "pdat", "mhda"):
        dates.setdefault(name, dates["crdt"])
    return Entry(
        pmid=int(root.findtext(".//PMID") or 0),
        offset=offset,
        length=length,
        words={name: plain(" ".join(texts)) for name, texts in found.items()},
        dates=dates,
        title=" ".join(found["title"]),
        journal=root.findtext(".//MedlineTA") or root.findtext(".//Journal/Title") or "",
        volume=root.findtext(".//JournalIssue/Volume") or "",
        page=root.findtext(".//Pagination/StartPage") or "",
        first_author=_author(root.find(".//AuthorList/Author")),
        doi=own_ids.get("doi", ""),
        pmc=own_ids.get("pmc", ""),
        full_journal=root.findtext(".//Journal/Title") or "",
        vernacular=_text(v) if (v := root.find(".//VernacularTitle")) is not None else "",
        comments=[
            (c.get("RefType"), c.findtext("RefSource") or "", int(c.findtext("PMID") or 0))
            for c in root.iterfind(".//CommentsCorrections")
        ],
        types=found["types"],
        mesh=found["mesh"],
    )


def _author(author: etree._Element | None) -> str:
    if author is None:
        return ""
    name = author.findtext("CollectiveName") or f"{author.findtext('LastName')} {author.findtext('Initials') or ''}"
    return name.strip()


def _text(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _day(element: etree._Element | None) -> date | None:
    if element is None:
        return None
    year = element.findtext("Year") or "".join(re.findall(r"\d{4}", element.findtext("MedlineDate") or "")[:1])
    if not year:
        return None
    month = (element.findtext("Month") or "1").lower()
    number = int(month) if month.isdigit() else _MONTHS.get(month[:3], 1)
    return date(int(year), number, int(element.findtext("Day") or 1))
