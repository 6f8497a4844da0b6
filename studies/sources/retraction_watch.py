"""The Retraction Watch file: one notice a row, its ids and dates in the file's own peculiar ways."""

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from studies import identifiers
from studies.sources.record import Rejection
from studies.sources.text_stream import UnreadableFile

NEEDED = {"Record ID", "OriginalPaperDOI", "OriginalPaperPubMedID", "RetractionNature"}
KINDS = {
    "retraction": "retraction",
    "expression of concern": "concern",
    "correction": "correction",
    "reinstatement": "reinstatement",
}
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s|$)", re.A)
_LONGEST_CELL = 1_000_000
_FIRST_YEAR = 1600


@dataclass(frozen=True, slots=True)
class Row:
    """One notice: `dois` and `pmids` name the paper, the rest is about the notice. Empty means not given."""

    number: str  # the file's own id of the row
    kind: str  # a value of terms.NoticeKind
    dois: tuple[str, ...]
    pmids: tuple[int, ...]
    title: str
    journal: str
    issued_on: date | None
    notice_doi: str
    notice_pmid: int | None
    reasons: tuple[str, ...]
    note: str


def rows(path: Path) -> Iterator[Row | Rejection]:
    """Every row in the order of the file, as a notice or as what is wrong with it. Raises UnreadableFile."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    with path.open(encoding=_encoding(path), newline="") as stream:
        reader = csv.DictReader(_clean(stream))
        try:
            names = {(name or "").strip() for name in reader.fieldnames or ()}
            if not names >= NEEDED:
                missing = ", ".join(sorted(NEEDED - names))
                raise UnreadableFile(f"This is not a Retraction Watch file: the columns {missing} are missing.")
            for place, cells in enumerate(reader, 2):
                yield _row({(k or "").strip(): v for k, v in cells.items() if isinstance(v, str)}, place)
        except csv.Error as error:
            raise UnreadableFile(f"Line {reader.line_num} cannot be read as CSV ({error}).") from None


def _encoding(path: Path) -> str:
    """UTF-8, and where that fails Latin-1, in which every byte is a letter."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        try:
            while chunk := stream.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8-sig"


def _clean(lines: Iterable[str]) -> Iterator[str]:
    return (line.replace("\x00", "") for line in lines)  # PostgreSQL's text holds no NUL


def _row(cells: dict[str, str], place: int) -> Row | Rejection:
    cell = lambda name: " ".join((cells.get(name) or "").split())  # noqa: E731
    number, nature = cell("Record ID"), cell("RetractionNature")
    kind = KINDS.get(nature.lower())
    if not number:
        return Rejection(f"row {place}", "", "It has no Record ID.")
    if not kind:
        return Rejection(f"row {place}", number, f"“{nature}” is no kind of notice that Stratum knows.")
    return Row(
        number=number[:100],
        kind=kind,
        dois=tuple(dict.fromkeys(_dois(cell("OriginalPaperDOI")))),
        pmids=tuple(dict.fromkeys(filter(None, map(_pmid, _items(cell("OriginalPaperPubMedID")))))),
        title=cell("Title"),
        journal=cell("Journal"),
        issued_on=_day(cell("RetractionDate")),
        notice_doi=next(iter(_dois(cell("RetractionDOI"))), ""),
        notice_pmid=next(filter(None, map(_pmid, _items(cell("RetractionPubMedID")))), None),
        reasons=tuple(reason.lstrip("+ ") for reason in _items(cell("Reason"))),
        note=cell("Notes"),
    )


def _items(cell: str) -> list[str]:
    """A list ends each of its items with a semicolon."""
    return [item for part in cell.split(";") if (item := part.strip())]


def _dois(cell: str) -> list[str]:
    """A DOI may hold a semicolon itself, but what follows one in a list is a blank, the end or the next DOI."""
    return [found for part in re.split(r";(?=\s|$|10\.|http)", cell) if (found := identifiers.doi(part))]


def _pmid(text: str) -> int | None:
    return identifiers.pmid(text.removesuffix(".0"))  # a spreadsheet has been at some


def _day(text: str) -> date | None:
    """Month, day, year, with or without a time; a date that cannot be is none."""
    match = _DATE.match(text)
    if not match:
        return None
    month, day, year = map(int, match.groups())
    try:
        return date(year, month, day) if year >= _FIRST_YEAR else None
    except ValueError:
        return None


def same_title(one: str, other: str) -> bool:
    """Whether two titles are the same but for case, accents and punctuation; a title too short says nothing."""
    first, second = _letters(one), _letters(other)
    return len(first) >= 15 and first == second


def _letters(title: str) -> str:
    folded = (
        unicodedata.normalize("NFKD", title).casefold().removeprefix("retracted:").removeprefix("retracted article:")
    )
    return "".join(letter for letter in folded if letter.isalnum())
