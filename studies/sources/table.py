"""CSV and TSV files: a header row says which column is what."""

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from studies import identifiers
from studies.sources.dates import partial_date
from studies.sources.names import author_of
from studies.sources.record import Author, DataBank, Keyword, OtherId, Reading, Record, Rejection, Section
from studies.sources.text_stream import UnreadableFile, clean

_COLUMNS = {
    "pmid": "pmid|pubmed id|pubmedid|pubmed_id|pm id|medline id|pubmed pmid",
    "pmcid": "pmcid|pmc id|pmc|pmc_id",
    "doi": "doi|doi link|digital object identifier|article doi",
    "title": "title|article title|document title|ti|primary title|publication title|study title|reference title",
    "authors": "authors|author|author s|author names|author full names|au|author list",
    "journal": "journal|journal book|source title|source|publication|journal title|publication name|secondary title|jt",
    "year": "year|publication year|pub year|py|published|publication date|date|year of publication",
    "abstract": "abstract|ab|abstract text|abstract note|summary",
    "nct": "nct|nct id|nctid|nct number|nct_id|clinicaltrials gov id|registration|registry id|trial registration",
    "volume": "volume|vol",
    "issue": "issue|number|no",
    "pages": "pages|page|page s|article number",
    "keywords": "keywords|author keywords|tags|manual tags",
    "language": "language|la|language of original document",
    "issn": "issn",
    "mid": "nihms id|nihmsid",
}
_FIELDS = {word: field for field, words in _COLUMNS.items() for word in words.split("|")}
_NEEDED = frozenset({"pmid", "doi", "title", "nct", "pmcid"})
_ET_AL = re.compile(r"\bet\.? al\b", re.I)
_DELIMITERS = ",;\t|"
_LONGEST_CELL = 2_000_000
# The column by which our own exports are known.
OWN_COLUMN = "Stratum study"
# What a spreadsheet takes for the beginning of a formula, and what it skips before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """A text that no spreadsheet runs as a formula: an apostrophe before what begins like one."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def as_written(text: str) -> str:
    """What `harmless` was given."""
    return text[1:] if text.startswith("'") and harmless(text) != text else text


def header_of(line: str) -> tuple[str, dict[int, str]]:
    """The delimiter and the field of each column we know; the delimiter that yields the most fields wins."""
    best: tuple[str, dict[int, str]] = (",", {})
    for delimiter in _DELIMITERS:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        fields: dict[int, str] = {}
        for place, cell in enumerate(cells):
            field = _FIELDS.get(re.sub(r"[^a-z0-9]+", " ", cell.lower()).strip())
            if field and field not in fields.values():
                fields[place] = field
        if len(fields) > len(best[1]):
            best = (delimiter, fields)
    return best


def looks_like_table(head: str, name: str) -> bool:
    """Whether the first line with words is a header with an id or a title, among others or in a file named so."""
    line = next((line for line in head.splitlines() if line.strip()), "").lstrip("\ufeff")
    fields = set(header_of(line)[1].values())
    named = {".csv", ".tsv", ".tab"} & {suffix.lower() for suffix in PurePath(name).suffixes}
    if not fields & _NEEDED:
        if named:
            raise UnreadableFile("The table's first line names no column such as PMID, DOI, Title or NCT number.")
        return False
    return bool(named) or len(fields) > 1 or len(line) < 40


def read(lines: Iterable[str], reading: Reading) -> Iterator[Record]:
    """Every row with a title or an id; the others are noted with their line."""
    numbered = _Lines(lines)
    header = next((line for line in numbered if line.strip()), "").lstrip("\ufeff")
    delimiter, fields = header_of(header)
    own = _own_columns(header, delimiter)
    if csv.field_size_limit() < _LONGEST_CELL:
        csv.field_size_limit(_LONGEST_CELL)
    rows = csv.reader(numbered, delimiter=delimiter)
    while True:
        start = numbered.count + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            reading.rejections.append(Rejection(f"line {start}", "", f"the row cannot be read ({error})"))
            continue
        if not any(cell.strip() for cell in row):
            continue
        if own:
            row = [as_written(cell) for cell in row]
            if _says(row, own, "Reports") == "0":
                name = f"Study {_says(row, own, OWN_COLUMN)}"
                reading.rejections.append(Rejection(f"line {start}", name, "it is a registration without a report"))
                continue
        values = {field: clean(row[place]) for place, field in fields.items() if place < len(row)}
        yield from _taken(values, start, reading)


def _own_columns(header: str, delimiter: str) -> dict[str, int]:
    """The places of all columns if the table is one of our exports, else nothing."""
    cells = next(csv.reader([header], delimiter=delimiter), [])
    return {cell.strip(): place for place, cell in enumerate(cells)} if OWN_COLUMN in cells else {}


def _says(row: list[str], own: dict[str, int], name: str) -> str:
    place = own.get(name, len(row))
    return row[place] if place < len(row) else ""


class _Lines:
    """Lines with a count, so that a row knows where it began."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines, self.count = iter(lines), 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.count += 1
        return line.replace("\x00", "")


def _taken(values: dict[str, str], line: int, reading: Reading) -> Iterator[Record]:
    fault = next(
        (_fault(name, values.get(name, "")) for name in ("pmid", "doi") if _fault(name, values.get(name, ""))), ""
    )
    record = None if fault else _record(values)
    if record is None or not (record.title or record.pmid or record.doi or record.pmcid or record.databanks):
        reason = fault or "it has neither a title nor a PMID, PMCID, DOI or registry number"
        name = next((text for text in values.values() if text), "")
        reading.rejections.append(Rejection(f"line {line}", name[:60], reason))
        return
    reading.n_read += 1
    yield record


def _fault(name: str, text: str) -> str:
    """A PMID that is no number would make another record of it: better said than guessed."""
    if not text or text.lower() in {"na", "n/a", "none", "null", "nan", "-"}:
        return ""
    if name == "pmid" and identifiers.pmid(_whole(text)) is None:
        return f'its PMID "{text[:40]}" is not a number'
    return ""


def _whole(text: str) -> str:
    """Spreadsheets write 12345 as `12345.0`."""
    return re.sub(r"^(\d+)\.0+$", r"\1", text)


def _record(values: dict[str, str]) -> Record:
    doi = identifiers.doi(values.get("doi", ""))
    others = [OtherId("doi", values["doi"])] if values.get("doi") and not doi and "10." in values["doi"] else []
    others += [OtherId("mid", values["mid"])] if values.get("mid") else []
    registered = [found.number for found, _, _ in identifiers.registry_ids(values.get("nct", ""))]
    return Record(
        pmid=identifiers.pmid(_whole(values.get("pmid", ""))),
        pmcid=identifiers.pmcid(values.get("pmcid", "")),
        doi=doi,
        other_ids=tuple(others),
        title=values.get("title", ""),
        abstract=(Section(values["abstract"]),) if values.get("abstract") else (),
        authors=tuple(_authors(values.get("authors", ""))),
        authors_complete=not _ET_AL.search(values.get("authors", "")),
        journal=values.get("journal", ""),
        volume=values.get("volume", ""),
        issue=values.get("issue", ""),
        pages=values.get("pages", ""),
        published=partial_date(_whole(values.get("year", ""))),
        issns=(values["issn"],) if values.get("issn") else (),
        languages=(values["language"].lower(),) if values.get("language") else (),
        keywords=tuple(Keyword(word.strip()) for word in values.get("keywords", "").split(";") if word.strip()),
        databanks=(DataBank("registration", tuple(dict.fromkeys(registered))),) if registered else (),
    )


def _authors(text: str) -> Iterator[Author]:
    """`Smith, John; Doe, Ann`, or PubMed's `Smith J, Doe A.`"""
    parts = text.split(";") if ";" in text else text.rstrip(".").split(", ")
    if len(parts) == 2 and ";" not in text and " " not in parts[0] and not parts[1].isupper():
        parts = [text]  # one `Smith, John`
    for part in parts:
        if author := author_of(part):
            yield author
