"""BibTeX and BibLaTeX files, as reference managers, publishers and Google Scholar write them."""

import re
from collections.abc import Iterable, Iterator

from studies import identifiers
from studies.sources.bibtex_grammar import Block, BrokenEntry, Fields, Macros, blocks, key_of, parsed
from studies.sources.bibtex_names import authors_in
from studies.sources.dates import month_number, numbered_date, partial_date
from studies.sources.hints import issns_in, labelled_pmid, language_code, notice_of, pmcid_of, pmid_in_address
from studies.sources.latex import bare, plain
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
from studies.terms import ReportKind

_VOLUMES = frozenset({"book", "booklet", "manual", "collection", "proceedings", "reference"})
_CHAPTERS = frozenset({"inbook", "bookinbook", "suppbook", "incollection", "suppcollection", "inreference"})
_BOOKS = _VOLUMES | _CHAPTERS | frozenset({"mvbook", "mvcollection", "mvproceedings", "mvreference"})
_MEETINGS = frozenset({"inproceedings", "conference"})
_PREPRINTS = frozenset({"arxiv", "biorxiv", "medrxiv"})
_TYPES = {
    "retracted publication": "Retracted Publication",
    "retracted": "Retracted Publication",
    "retraction of publication": "Retraction of Publication",
    "retraction notice": "Retraction of Publication",
    "expression of concern": "Expression of Concern",
    "published erratum": "Published Erratum",
}
_NOTES = ("note", "annote", "annotation", "addendum", "howpublished")
_LINKS = ("url", "bdsk-url-1", "bdsk-url-2", "bdsk-url-3")
_RESOLVER = re.compile(r"https?://(?:dx\.|www\.)?doi\.org/", re.I)
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?:T.{0,30})?")
_HYPHENS = re.compile(r"\s{0,9}(?:-{1,9}|[–—])\s{0,9}")

Every = dict[str, str]


def read(lines: Iterable[str], reading: Reading) -> Iterator[Record]:
    """Every entry with a title or an id; the others, and the broken ones, are noted with their line."""
    macros = Macros()
    for block in blocks(lines):
        if block.command == "comment":
            if block.fault:  # nothing behind it was read, so it must be said
                reading.rejections.append(Rejection(f"line {block.line}", "@comment", block.fault))
            continue
        try:
            record = _taken(block, macros)
        except BrokenEntry as error:
            name = key_of(block) or f"@{block.command}"
            reading.rejections.append(Rejection(f"line {block.line}", name[:60], str(error)))
            continue
        if record:
            reading.n_read += 1
            yield record


def _taken(block: Block, macros: Macros) -> Record | None:
    """The entry's record; None for a @string or @preamble. Raises BrokenEntry."""
    _, fields = parsed(block, macros)
    if block.command in {"string", "preamble"}:
        return None
    record = _record(block.command, _first_of_each(fields))
    if not (record.title or record.pmid or record.doi or record.pmcid):
        raise BrokenEntry("it has neither a title nor a PMID, PMCID or DOI")
    return record


def _first_of_each(fields: Fields) -> Every:
    """As in BibTeX, the first of several fields of one name counts."""
    every: Every = {}
    for name, value in fields:
        if value.strip():
            every.setdefault(name, value)
    return every


def _record(genre: str, every: Every) -> Record:
    def text(*names: str) -> str:
        return next((found for name in names if name in every and (found := plain(every[name]))), "")

    authors, complete = authors_in(every.get("author") or (every.get("editor", "") if genre in _BOOKS else ""))
    notes = tuple(note for name in _NOTES if (note := text(name)))
    types = tuple(_types(notes))
    relations = tuple(relation for note in notes if (relation := notice_of(note)))
    journal, volume_title = text("journaltitle", "journal"), text("booktitle", "maintitle")
    abstract, publisher = text("abstract"), text("publisher", "school", "institution", "organization")
    return Record(
        pmid=_pmid(every, notes),
        pmcid=_pmcid(every),
        doi=_doi(every),
        other_ids=tuple(_other_ids(every)),
        kind=_kind(genre, every, types, relations),
        title=_title(text("title"), text("subtitle")),
        abstract=(Section(abstract),) if abstract else (),
        authors=authors,
        authors_complete=complete,
        journal="" if genre in _BOOKS else journal or volume_title,
        journal_abbreviation=text("shortjournal"),
        book_title=volume_title if genre in _BOOKS else "",
        publisher=publisher,
        issns=issns_in(bare(every[name]) for name in ("issn", "eissn") if name in every),
        nlm_unique_id=bare(every.get("nlmuniqueid", "")),
        volume=text("volume"),
        issue=text("number", "issue"),
        pages=_HYPHENS.sub("-", text("pages", "eid", "article-number")),
        published=_published(text("date"), text("year"), text("month"), text("day")),
        languages=tuple(language_code(name) for name in _parts(text("language", "langid"))),
        publication_types=types,
        keywords=tuple(dict.fromkeys(Keyword(word) for word in _parts(text("keywords", "keyword")))),
        relations=relations,
    )


def _title(title: str, subtitle: str) -> str:
    return f"{title}: {subtitle}" if title and subtitle else title


def _parts(value: str) -> Iterator[str]:
    """Lists are parted by semicolons, or by commas where there are none."""
    for part in value.split(";" if ";" in value else ","):
        if part := part.strip():
            yield part


def _types(notes: Iterable[str]) -> Iterator[Coded]:
    """Publication types of PubMed that stand in a note: what bears on trust must not be lost."""
    for note in notes:
        for part in note[:2000].split(";"):
            if name := _TYPES.get(part.strip(" .[]()!").lower()):
                yield Coded(name)


def _kind(genre: str, every: Every, types: tuple[Coded, ...], relations: tuple[Relation, ...]) -> str:
    if genre in _BOOKS:
        return ReportKind.BOOK.value
    if genre in _MEETINGS:
        return ReportKind.ABSTRACT.value
    if _archive(every) in _PREPRINTS:
        return ReportKind.PREPRINT.value
    return kind_of(types, relations)


def _archive(every: Every) -> str:
    return bare(every.get("archiveprefix") or every.get("eprinttype", "")).lower()


def _pmid(every: Every, notes: Iterable[str]) -> int | None:
    """Only a number that says it is a PMID: its own field, PubMed's eprint, PubMed's address, or a label in a note."""
    own = ["pmid", "pubmed", "pubmedid", *(["eprint"] if _archive(every) in {"pubmed", "pmid"} else [])]
    numbers = [
        *(identifiers.pmid(bare(every[name])) for name in own if name in every),
        *(pmid_in_address(bare(every[name])) for name in _LINKS if name in every),
        *(pmid_in_address(note) or labelled_pmid(note) for note in notes),
    ]
    return next((number for number in numbers if number), None)


def _pmcid(every: Every) -> str:
    own = ["pmcid", "pmc", *_LINKS, *(["eprint"] if _archive(every) in {"pmc", "pmcid"} else [])]
    return next((number for name in own if name in every and (number := pmcid_of(bare(every[name])))), "")


def _doi(every: Every) -> str:
    """Its own field first; an address counts only if it is the resolver's."""
    if own := identifiers.doi(bare(every.get("doi", ""))):
        return own
    links = (bare(every[name]) for name in (*_LINKS, *_NOTES) if name in every)
    return next((name for link in links if _RESOLVER.match(link) and (name := identifiers.doi(link))), "")


def _other_ids(every: Every) -> Iterator[OtherId]:
    """Ids of other keepers as they are, and a DOI that has not the shape of one."""
    for name in ("pii", "mid", "isbn"):
        if value := bare(every.get(name, "")):
            yield OtherId(name, value)
    if (value := bare(every.get("unique-id", ""))) and value.upper().startswith(("WOS:", "ISI:")):
        yield OtherId("wos", value)
    if (value := bare(every.get("eprint", ""))) and _archive(every) in _PREPRINTS:
        yield OtherId(_archive(every), value)
    if (value := bare(every.get("doi", ""))) and "10." in value and not identifiers.doi(value):
        yield OtherId("doi", value)


def _published(day: str, year: str, month: str, day_of_month: str) -> PartialDate | None:
    """BibLaTeX's `date`, else `year` with a `month` in words or as a number."""
    if found := _ISO_DATE.fullmatch(day):
        return numbered_date(day, int(found[1]), int(found[2]), int(found[3] or 0)) if found[1] > "1000" else None
    if day and (date := partial_date(day)):
        return date
    if month.isascii() and month.isdigit() and (whole := partial_date(year)):
        number = int(day_of_month) if day_of_month.isascii() and day_of_month[:3].isdigit() else None
        return numbered_date(f"{year} {month}", whole.year, month_number(month), number)
    return partial_date(" ".join(part for part in (year, month, day_of_month) if part))
