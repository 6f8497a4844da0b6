"""What is exported comes back through import: nothing that the format can carry is lost, and nothing is doubled."""

import io
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from studies.actions import catalogue
from studies.actions.starter import load_starter
from studies.actions.vocabulary import load_vocabulary
from studies.formats import nbib, ris
from studies.models import Report, Study
from studies.queries.records import record_of
from studies.sources import files
from studies.sources.dates import numbered_date, partial_date
from studies.sources.names import author_of, given_names, initials_of, name_line
from studies.sources.record import (
    Author,
    Coded,
    DataBank,
    Grant,
    Keyword,
    MeshHeading,
    OtherAbstract,
    Reading,
    Record,
    Relation,
    Section,
    Substance,
)
from studies.sources.table import as_written, harmless
from studies.sources.text_stream import clean
from studies.terms import FindingResult

BIG = 50_000_000
# What breaks careless writers and readers: other formats' marks, formulas, quotes, ends of lines of every kind.
NASTY = st.sampled_from(
    [
        "TY  - JOUR", "ER  - ", "PMID- 123", "AU  - X", "- ", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=1",
        "''-", '"', '""', "'", ",", ";", ",,", "\t", "\n", "\r\n", "\u2028", "\x85", "\x1d", "\ufeff", "12.", "#", "{",
        "}", "\\", "<b>", "</i>", "<p>", "PMID: 123", "doi: 10.5555/x", "et al", "No", "é", "e\u0301", "β", "漢字",
        "🧬", "＝1", "Retraction in: X", "Stratum notice: RETRACTED", "NCT01234567", "[doi]",
        "N1  - Stratum study", " ",
    ]
)  # fmt: skip
TEXT = st.lists(st.one_of(NASTY, st.text(max_size=12)), max_size=6).map("".join).map(clean)
SAID = TEXT.filter(bool)
WORD = st.text(string.ascii_letters + "éßøλ漢'-", min_size=1, max_size=10).filter(lambda word: word.strip("'-"))
NAME = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
GIVEN = st.lists(WORD.map(str.title), min_size=1, max_size=2).map(" ".join)
PERSON = st.one_of(
    st.builds(Author, NAME, GIVEN, st.just(""), st.sampled_from(["", "Jr", "3rd"])),
    st.builds(Author, NAME, st.just(""), st.text("ABCÉ", min_size=1, max_size=3), st.sampled_from(["", "Sr"])),
    st.builds(Author, WORD),
)
GROUP = st.sampled_from(["Acme Cooperative", "Made Up Group, Division B", "Synthetic Study Group", "漢字"]).map(
    lambda name: Author(collective=name)
)
TYPES = st.lists(
    st.sampled_from(["Journal Article", "Retracted Publication", "Randomized Controlled Trial", "Review"]), unique=True
).map(lambda names: tuple(map(Coded, names)))
RELATION = st.builds(
    Relation,
    st.sampled_from(["RetractionIn", "ErratumIn", "CommentIn", "ExpressionOfConcernIn"]),
    NAME,
    st.none() | st.integers(1, BIG),
    doi=st.sampled_from(["", "10.5555/notice(1)a"]),
)
DATES = st.sampled_from(
    [
        partial_date(raw)
        for raw in ("2014 Oct 3", "2014 Oct", "2014", "2019 Sep-Oct", "Winter 2016", "1998 Dec-1999 Jan")
    ]
    + [numbered_date("2014/05/01/", 2014, 5, 1), numbered_date("2003-2", 2003, 2, None), None]
)
DAY = st.none() | st.dates(date(1990, 1, 1), date(2030, 1, 1))
PAGES = st.sampled_from(["", "584-91", "e12", "S1-S5", "5-5", "12-14-16", "No-Specified", "584 - 91", "-5", "=1"])
KEYWORD = SAID.map(lambda text: text.replace(";", " ").strip(" *")).map(clean).filter(bool)
ISSN = st.from_regex(r"[0-9]{4}-[0-9]{3}[0-9X]", fullmatch=True)


def some(strategy, most: int = 3):
    return st.lists(strategy, max_size=most, unique=True).map(tuple)


@st.composite
def records(draw) -> Record:
    """One record; its title begins with enough letters to be told from others without an id."""
    number = draw(st.integers(1, BIG))
    has_id = draw(st.booleans())
    return Record(
        pmid=number if has_id else None,
        pmcid=f"PMC{number}" if draw(st.booleans()) else "",
        doi=f"10.5555/made.up({number})<x>" if draw(st.booleans()) else "",
        title=clean(f"{draw(TEXT)} made-up title number {number}"),
        abstract=tuple(
            Section(text, label) for text, label in draw(some(st.tuples(SAID, st.sampled_from(["", "AIM"]))))
        ),
        authors=draw(some(st.one_of(PERSON, GROUP), 4)),
        authors_complete=draw(st.booleans()),
        journal=draw(SAID),
        journal_abbreviation=draw(TEXT),
        issns=draw(some(ISSN, 2)),
        volume=draw(TEXT),
        issue=draw(TEXT),
        pages=draw(PAGES),
        publisher=draw(TEXT),
        published=draw(DATES),
        languages=draw(some(st.sampled_from(["eng", "ger", "chi"]), 2)),
        publication_types=draw(TYPES),
        keywords=tuple(Keyword(text) for text in draw(some(KEYWORD))),
        relations=draw(some(RELATION, 2)),
    )


@st.composite
def medline_records(draw) -> Record:
    """As PubMed's own: everything that MEDLINE's tags have a place for."""
    owner = draw(st.sampled_from(["", "NOTNLM"]))
    return replace(
        draw(records()),
        pmid=draw(st.integers(1, BIG)),
        publisher="",
        authors=tuple(
            replace(author, affiliations=draw(some(SAID, 2)), orcid=draw(st.sampled_from(["", "0000-0002-1825-0097"])))
            if author.last
            else author
            for author in draw(some(st.one_of(PERSON, GROUP), 4))
        ),
        investigators=draw(some(PERSON, 2)),
        vernacular_title=draw(TEXT),
        abstract_copyright=draw(TEXT),
        coi_statement=draw(TEXT),
        other_abstracts=tuple(OtherAbstract("Publisher", "ger", (Section(text),)) for text in draw(some(SAID, 2))),
        electronic_on=draw(DAY),
        entered_on=draw(DAY),
        revised_on=draw(DAY),
        history=tuple(("pubmed", day.isoformat()) for day in draw(some(DAY.filter(bool), 2))),
        status=draw(st.sampled_from(["", "MEDLINE", "Publisher"])),
        owner="NLM",
        nlm_unique_id=draw(st.sampled_from(["", "0370626"])),
        keywords=tuple(Keyword(text, owner, draw(st.booleans())) for text in draw(some(KEYWORD))),
        mesh=tuple(
            MeshHeading(name, "", major, ()) if not rest else MeshHeading(name, "", major, (Coded(rest, "", major),))
            for name, rest, major in draw(some(st.tuples(NAME, st.sampled_from(["", "cytology"]), st.booleans())))
        ),
        substances=draw(some(st.builds(Substance, NAME, st.just(""), st.sampled_from(["", "9007-34-5"])))),
        grants=draw(some(st.builds(Grant, NAME, WORD, WORD, WORD), 2)),
        databanks=draw(st.sampled_from([(), (DataBank("ClinicalTrials.gov", ("NCT09100001", "NCT09100002")),)])),
    )


def read_back(text: str, name: str) -> list[Record]:
    reading = Reading()
    found = list(files.open_records(io.BytesIO(text.encode()), name, reading, 10**8))
    assert not reading.rejections
    return found


def day_of(record: Record) -> tuple | None:
    found = record.published
    return found and (found.year, found.month, found.day, found.precision)


def people(record: Record) -> list[tuple[str, ...]]:
    return [(author.last, given_names(author), author.suffix, author.collective) for author in record.authors]


def in_every_format(record: Record) -> dict[str, object]:
    """What RIS, nbib and CSV all have a place for."""
    return {
        "ids": (record.pmid, record.pmcid, record.doi),
        "title": record.title,
        "people": people(record),
        "journal": record.journal,
        "place": (record.volume, record.issue, record.pages),
        "date": day_of(record),
        "language": record.languages[:1],
        "issn": record.issns[:1],
        "keywords": [keyword.text for keyword in record.keywords],
    }


def in_ris(record: Record) -> dict[str, object]:
    return in_every_format(record) | {
        "kind": record.kind,
        "abbreviation": record.journal_abbreviation,
        "publisher": record.publisher,
        "abstract": " ".join(": ".join(filter(None, (part.label, part.text))) for part in record.abstract),
        "types": record.publication_types,
        "relations": [(relation.kind, relation.pmid, relation.doi) for relation in record.relations],
        "languages": record.languages,
        "issns": record.issns,
    }


REMARKS = ("notice: RETRACTED. PMID: 1", "study 1: http://127.0.0.1/studies/1/", "tags: <b>, doi: 10.5555/other")


@given(st.lists(records(), min_size=1, max_size=2))
@settings(max_examples=40, deadline=None)
def test_ris_comes_back_as_it_went(given_records):
    text = "".join(ris.reference(record, REMARKS) for record in given_records)

    assert [in_ris(record) for record in read_back(text, "x.ris")] == [in_ris(record) for record in given_records]


@given(st.lists(medline_records(), min_size=1, max_size=2))
@settings(max_examples=40, deadline=None)
def test_nbib_comes_back_as_it_went(given_records):
    text = "".join(nbib.reference(record, REMARKS) for record in given_records)

    found = read_back(text, "x.nbib")

    for before, after in zip(given_records, found, strict=True):
        assert in_ris(after) == in_ris(before)
        plain = {"abstract": (), "relations": (), "authors": (), "investigators": (), "published": None}
        assert replace(after, **plain) == replace(before, **plain)
        assert after.authors_complete == before.authors_complete
        for mine, theirs in ((before.authors, after.authors), (before.investigators, after.investigators)):
            assert [replace(a, initials=a.initials or initials_of(a.fore)) for a in mine] == list(theirs)


@given(st.text())
@example("'=1")
@example("''=1")
@example("＝1")
@example("\t=1")
def test_a_harmless_cell_says_what_it_was_and_begins_no_formula(text):
    cell = harmless(text)

    assert as_written(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def exported(kind: str) -> str:
    """The whole catalogue in a format, as the site streams it."""
    return Client().get(reverse("studies:export", args=[kind]) + "?everything=1").getvalue().decode()


def in_csv(record: Record) -> dict[str, object]:
    """A row has one name for the journal and no kind."""
    found = {number for bank in record.databanks for number in bank.accessions}
    return in_every_format(record) | {"complete": record.authors_complete, "registrations": found}


def kept() -> list[Record]:
    return [record_of(report) for report in Report.objects.order_by("pk")]


@contextmanager
def nothing_stays() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db
@given(st.lists(records(), min_size=1, max_size=3, unique_by=lambda record: record.title.split()[-1]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize(("kind", "carried"), [("ris", in_ris), ("nbib", in_ris), ("csv", in_csv)])
def test_what_a_catalogue_exports_another_takes_and_the_same_one_has(kind, carried, given_records):
    if kind == "nbib":
        given_records = [replace(record, pmid=place, publisher="") for place, record in enumerate(given_records, 1)]
    with nothing_stays():
        catalogue.upsert(given_records, source="file")
        before, text = sorted(kept(), key=lambda record: record.title), exported(kind)
        again = catalogue.upsert(read_back(text, f"x.{kind}"), source="file")
        n_studies = Study.objects.count()
    with nothing_stays():
        catalogue.upsert(read_back(text, f"x.{kind}"), source="file")
        after = sorted(kept(), key=lambda record: record.title)

    assert [carried(record) for record in after] == [carried(record) for record in before]
    assert not [taken for taken in again if taken.result == FindingResult.CREATED]
    assert n_studies == len(before) == len(given_records)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "rejected"),
    [
        ("ris", set()),
        ("nbib", set()),
        ("bib", set()),
        # A row of a table may be no reference: a registration, or a study whose title nobody displayed.
        ("csv", {"it is a registration without a report", "it has neither a title nor a"}),
    ],
)
def test_the_starter_library_comes_back_without_a_double(kind, rejected):
    load_vocabulary()
    load_starter()
    before = Study.objects.count(), Report.objects.count()

    reading = Reading()
    found = list(files.open_records(io.BytesIO(exported(kind).encode()), f"x.{kind}", reading, 10**8))
    taken = catalogue.upsert(found, source="file")

    assert found
    assert "created" not in {one.result for one in taken}
    assert (Study.objects.count(), Report.objects.count()) == before
    assert {rejection.reason.split(" PMID")[0] for rejection in reading.rejections} == rejected


def test_a_group_or_a_name_of_several_words_is_not_torn_apart():
    lines = [name_line(author) for author in (Author(collective="Acme, Inc."), Author("van Gogh", "Anna", "A", "Jr"))]

    assert lines == ["Acme,, Inc.", "van Gogh, Anna, Jr"]
    assert [author_of(line) for line in lines] == [
        Author(collective="Acme, Inc."),
        Author("van Gogh", "Anna", "A", "Jr"),
    ]
