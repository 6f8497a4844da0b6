"""BibTeX in UTF-8, for LaTeX (with biber, or any engine that reads UTF-8)."""

import re
from collections.abc import Iterable, Iterator

from studies.formats.words import abstract_line, remark
from studies.sources.dates import MONTHS
from studies.sources.names import given_names
from studies.sources.record import Author, Record
from studies.sources.text_stream import clean
from studies.terms import ReportKind

MEDIA_TYPE = "application/x-bibtex"
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
_ON_TRUST = frozenset(
    {"retracted publication", "retraction of publication", "expression of concern", "published erratum"}
)
_SPECIAL = re.compile(r"[\\{}$&%#_~^]")
_NO_KEY = re.compile(r"[^A-Za-z0-9]+")


def reference(record: Record, number: int, remarks: Iterable[str] = ()) -> str:
    """One entry; `number` makes its key unique. `remarks` of ours are its note, ahead of everything."""
    said = [*_types(record), *map(remark, remarks)]
    fields = [("note", text("; ".join(said))), *_fields(record)]
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields if value)
    if record.published and record.published.month:
        body += f"  month = {MONTHS[record.published.month - 1].lower()},\n"
    return f"@{_genre(record)}{{{key(record, number)},\n{body}}}\n\n"


def key(record: Record, number: int) -> str:
    """`Yin2017-12`; letters and digits only, whatever the name."""
    first = record.authors[0].last or record.authors[0].collective if record.authors else ""
    year = record.published.year if record.published else ""
    return f"{_NO_KEY.sub('', first)[:20] or 'study'}{year}-{number}"


def text(value: str) -> str:
    """The characters that mean something to TeX spelled so that they mean themselves."""
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], clean(value))


def _genre(record: Record) -> str:
    if record.kind == ReportKind.BOOK:
        return "incollection" if record.book_title and record.book_title != record.title else "book"
    return "inproceedings" if record.kind == ReportKind.ABSTRACT else "article"


def _types(record: Record) -> Iterator[str]:
    """BibTeX has no place for a publication type; one that bears on trust must not be lost."""
    yield from (coded.name for coded in record.publication_types if coded.name.lower() in _ON_TRUST)


def _fields(record: Record) -> Iterator[tuple[str, str]]:
    # The inner braces keep a style from taking the capitals of NCT, SVF or PRP away.
    yield "title", f"{{{text(record.title)}}}" if record.title else ""
    names = [name for author in record.authors if (name := _name(author))]
    yield "author", " and ".join(names if record.authors_complete or not names else [*names, "others"])
    if record.kind == ReportKind.BOOK:
        yield "booktitle", text(record.book_title) if record.book_title != record.title else ""
    else:
        yield (
            "booktitle" if record.kind == ReportKind.ABSTRACT else "journal",
            text(record.journal or record.journal_abbreviation),
        )
        yield "shortjournal", text(record.journal_abbreviation)
    yield "publisher", text(record.publisher)
    yield "year", str(record.published.year) if record.published else ""
    yield "volume", text(record.volume)
    yield "number", text(record.issue)
    yield "pages", text(record.pages).replace("-", "--")
    yield "issn", ", ".join(record.issns)
    yield "doi", record.doi.replace("{", r"\{").replace("}", r"\}")
    yield "pmid", str(record.pmid or "")
    yield "pmcid", record.pmcid
    yield "language", ", ".join(record.languages)
    yield "keywords", text("; ".join(keyword.text for keyword in record.keywords))
    yield "abstract", text(abstract_line(record.abstract))


def _name(author: Author) -> str:
    """`Smith, Jr., John A.`: BibTeX has the suffix in the middle; a group stands in braces of its own."""
    if author.collective:
        return f"{{{text(author.collective)}}}"
    last = text(author.last)
    # A name of several words, or with the word that parts names, must not come apart.
    last = f"{{{last}}}" if " " in last or "," in last else last
    parts = [last, text(author.suffix), text(given_names(author))]
    return ", ".join(part for part in parts if part)
