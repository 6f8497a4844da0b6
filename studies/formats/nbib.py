"""MEDLINE's tagged text (`.nbib`), the fullest of the formats; only for what has a PMID."""

from collections.abc import Iterable, Iterator
from datetime import date

from studies.formats.words import abstract_line, remark
from studies.sources.dates import date_words
from studies.sources.names import initials_of
from studies.sources.nbib import RELATIONS
from studies.sources.record import Author, Grant, MeshHeading, Record, Relation, Substance
from studies.sources.text_stream import clean
from studies.terms import ReportKind

MEDIA_TYPE = "application/nbib"
_TAGS = {kind: tag for tag, kind in RELATIONS.items()}

Fields = Iterator[tuple[str, str]]


def reference(record: Record, remarks: Iterable[str] = ()) -> str:
    """One record and the blank line behind it; `remarks` of ours are general notes (GN) ahead of the rest."""
    lines = [("PMID", str(record.pmid)), *(("GN", remark(text)) for text in remarks)]
    lines += [*_about(record), *_words(record), *_people(record), *_lists(record), *_history(record)]
    body = "".join(f"{tag:<4}- {text}\r\n" for tag, value in lines if (text := clean(value)))
    return f"{body}\r\n"


def _about(record: Record) -> Fields:
    yield "OWN", record.owner
    yield "STAT", record.status
    yield "LR", _stamp(record.revised_on)
    yield from (("IS", issn) for issn in record.issns)
    yield "VI", record.volume
    yield "IP", record.issue
    yield "DP", date_words(record.published) if record.published else ""
    is_book = record.kind == ReportKind.BOOK
    if not is_book or record.title != record.book_title:
        yield "TI", record.title
    if is_book:
        yield "BTI", record.book_title or record.title
        yield "PB", record.publisher
    yield "TT", record.vernacular_title
    yield "PG", record.pages
    yield "LID", f"{record.doi} [doi]" if record.doi else ""


def _words(record: Record) -> Fields:
    yield "AB", abstract_line(record.abstract)
    yield "CI", record.abstract_copyright
    for other in record.other_abstracts:
        yield "OAB", f"{other.kind}: {abstract_line(other.sections)}" if other.kind else abstract_line(other.sections)
        yield "OABL", other.language
    yield "COIS", record.coi_statement


def _people(record: Record) -> Fields:
    for author in record.authors:
        if author.collective:
            yield "CN", author.collective
        else:
            yield from _names(author, "FAU", "AU")
            yield "AUID", f"ORCID: {author.orcid}" if author.orcid else ""
        yield from (("AD", place) for place in author.affiliations)
    if not record.authors_complete:
        yield "AU", "et al."
    for person in record.investigators:
        yield from _names(person, "FIR", "IR")
        yield from (("IRAD", place) for place in person.affiliations)


def _names(author: Author, full: str, short: str) -> Fields:
    """The suffix stands behind the given names in both lines, as NLM writes it."""
    last, fore, suffix = clean(author.last), clean(author.fore), clean(author.suffix)
    given = " ".join(filter(None, (fore, suffix)))
    if fore or not author.initials:
        yield full, ", ".join(filter(None, (last, given)))
    yield short, " ".join(filter(None, (last, clean(author.initials).replace(" ", "") or initials_of(fore), suffix)))


def _lists(record: Record) -> Fields:
    yield from (("LA", language) for language in record.languages)
    for bank in record.databanks:
        yield from (("SI", f"{bank.name}/{accession}") for accession in bank.accessions)
        yield "SI", "" if bank.accessions else bank.name
    yield from (("GR", _grant(grant)) for grant in record.grants)
    yield from (("PT", coded.name) for coded in record.publication_types)
    yield "DEP", _stamp(record.electronic_on)
    yield "TA", record.journal_abbreviation
    yield "JT", record.journal
    yield "JID", record.nlm_unique_id
    yield from (("RN", _substance(substance)) for substance in record.substances)
    yield from ((_TAGS[relation.kind], _relation(relation)) for relation in record.relations if relation.kind in _TAGS)
    yield from (("MH", _heading(heading)) for heading in record.mesh)
    yield "OTO", next((keyword.owner for keyword in record.keywords if keyword.owner), "")
    yield from (("OT", f"*{keyword.text}" if keyword.major else keyword.text) for keyword in record.keywords)
    yield "PMC", record.pmcid
    for other in record.other_ids:
        if other.kind in {"mid", "isbn"}:
            yield other.kind.upper(), other.value
        else:
            yield "AID", f"{other.value} [{other.kind}]"


def _history(record: Record) -> Fields:
    yield "CRDT", f"{record.entered_on:%Y/%m/%d} 00:00" if record.entered_on else ""
    yield from (("PHST", f"{day.replace('-', '/')} 00:00 [{kind}]") for kind, day in record.history)


def _stamp(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


def _grant(grant: Grant) -> str:
    return "/".join((grant.number, grant.acronym, grant.agency, grant.country))


def _substance(substance: Substance) -> str:
    return f"{substance.registry_number or '0'} ({substance.name})"


def _heading(heading: MeshHeading) -> str:
    is_starred = heading.major and not any(qualifier.major for qualifier in heading.qualifiers)
    qualifiers = (f"/{'*' if qualifier.major else ''}{qualifier.name}" for qualifier in heading.qualifiers)
    return f"{'*' if is_starred else ''}{heading.name}{''.join(qualifiers)}"


def _relation(relation: Relation) -> str:
    text = relation.citation
    if relation.doi and relation.doi not in text.lower():
        text += f" doi: {relation.doi}"
    return f"{text} PMID: {relation.pmid}" if relation.pmid else text
