"""PMC's articles: ids, people, licence, sections; text only under a licence that allows reuse."""

import io
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.sources import jats
from studies.sources.licences import short_name
from studies.sources.record import OtherId, Reading, Record, Relation

FOLDER = Path(__file__).resolve().parent.parent / "data" / "jats"
OPEN = (FOLDER / "open_article.xml").read_bytes()


def _all(name: str) -> tuple[list[Record], Reading]:
    reading = Reading()
    with (FOLDER / f"{name}.xml").open("rb") as stream:
        return list(jats.read(stream, reading)), reading


@pytest.fixture
def article() -> Record:
    return _all("open_article")[0][0]


def test_an_article_keeps_its_ids_and_a_sub_article_does_not_leak(article: Record) -> None:
    assert (article.pmid, article.pmcid, article.doi) == (90000001, "PMC900001", "10.5555/synth.1")
    assert article.other_ids == (OtherId("publisher-id", "S-1"),)
    assert "leak" not in str(article).lower()


def test_a_title_takes_its_subtitle_and_leaves_footnote_marks(article: Record) -> None:
    assert article.title == "A synthetic case with 10⁶ cells: One year on"


def test_authors_are_told_from_editors_and_members_of_a_group(article: Record) -> None:
    person, group = article.authors

    assert (person.last, person.fore, person.initials) == ("Alpha", "Anna B.", "AB")
    assert (person.orcid, person.affiliations) == ("0000-0002-1825-0097", ("Synthetic Institute",))
    assert person.equal_contribution
    assert group.collective == "Synthetic Group"


def test_place_and_dates_are_those_pubmed_would_choose(article: Record) -> None:
    assert (article.journal, article.journal_abbreviation, article.issns) == (
        "Synthetic journal",
        "Synth J",
        ("1234-5678",),
    )
    assert (article.volume, article.pages) == ("3", "1-9")
    assert article.published is not None
    assert (article.published.year, article.published.precision) == (2021, "year")
    assert article.electronic_on == date(2021, 4, 3)
    assert article.history == (("received", "2021-01-02"),)


def test_abstracts_keywords_grants_and_relations_are_kept(article: Record) -> None:
    assert [(s.label, s.text) for s in article.abstract] == [("Aim", "To see."), ("Result", "Seen.")]
    assert [o.kind for o in article.other_abstracts] == ["graphical"]
    assert [k.text for k in article.keywords] == ["skin"]
    assert [(g.agency, g.number) for g in article.grants] == [("Synthetic Fund", "F-1")]
    assert article.relations == (Relation("ErratumIn", "10.5555/synth.2", None, doi="10.5555/synth.2"),)
    assert [t.name for t in article.publication_types] == ["Case Reports"]
    assert [(r.pmid, r.doi) for r in article.references] == [(80000001, ""), (None, "10.5555/ref")]


def test_sections_keep_their_headings_levels_and_captions(article: Record) -> None:
    text = article.full_text

    assert text is not None
    assert (text.licence, text.has_body) == ("CC BY-NC-ND 4.0", True)
    assert text.licence_url == "https://creativecommons.org/licenses/by-nc-nd/4.0/"
    assert [(s.level, s.heading, s.paragraphs, s.captions) for s in text.sections] == [
        (1, "", ("Before all sections.",), ()),
        (1, "Methods", ("Cells were given¹.",), ()),
        (2, "Cells", ("Fat.", "first", "second"), ()),
        (1, "Results", ("See below.",), ("Table 1 The patient", "Figure 1 The skin")),
    ]


def test_an_article_pmc_does_not_have_is_reported() -> None:
    records, reading = _all("open_article")

    assert len(records) == 1
    assert [(r.where, r.reason) for r in reading.rejections] == [
        ("record 2", "The following PMCID is not available: 900002")
    ]


def test_text_without_a_licence_is_not_stored() -> None:
    ((record,), _) = _all("closed_article")

    assert record.full_text is not None
    assert (record.full_text.licence, record.full_text.has_body, record.full_text.sections) == ("", True, ())
    assert "Not stored" not in str(record)
    assert record.pmcid == "PMC900003"


def test_a_retraction_in_an_oai_answer_is_a_notice_about_its_paper() -> None:
    ((record,), _) = _all("retraction_in_oai")

    assert (record.kind, record.pmcid) == ("notice", "PMC900004")
    assert record.relations == (Relation("RetractionOf", "90000001", 90000001),)
    assert record.full_text is not None and not record.full_text.has_body


@pytest.mark.parametrize(
    ("urls", "text", "name"),
    [
        (["http://creativecommons.org/licenses/by/2.0"], "", "CC BY 2.0"),
        (["http://creativecommons.org/Licenses/by-nc/4.0/"], "", "CC BY-NC 4.0"),
        (["http://creativecommons.org/licenses/by-nc/2.0/uk/"], "", "CC BY-NC 2.0 UK"),
        (["https://creativecommons.org/publicdomain/zero/1.0/"], "", "CC0"),
        ([], "under the Creative Commons Attribution-NonCommercial-NoDerivs License 4.0", "CC BY-NC-ND 4.0"),
        ([], "Creative Commons Attribution Non Commercial (CC BY-NC 4.0) license", "CC BY-NC 4.0"),
        ([], "licensed under CC BY-SA 3.0", "CC BY-SA 3.0"),
        ([], "Creative Commons Attribution License, which permits unrestricted use", "CC BY"),
        ([], "The Creative Commons CC0 waiver applies to the data made available", ""),
        (["https://www.elsevier.com/open-access/userlicense/1.0/"], "Free to read.", ""),
        ([], "All rights reserved.", ""),
        ([], "", ""),
    ],
)
def test_a_licence_has_a_short_name_only_if_it_allows_reuse(urls: list[str], text: str, name: str) -> None:
    assert short_name(urls, text)[0] == name


@settings(max_examples=100, deadline=None)
@given(
    cut=st.integers(0, len(OPEN)),
    edits=st.lists(st.tuples(st.integers(0, len(OPEN) - 1), st.binary(max_size=8)), max_size=6),
)
def test_a_damaged_article_raises_nothing_but_its_own_error(cut: int, edits: list[tuple[int, bytes]]) -> None:
    body = bytearray(OPEN)
    for place, junk in edits:
        body[place : place + len(junk)] = junk
    reading = Reading()

    try:
        records = list(jats.read(io.BytesIO(bytes(body[:cut])), reading))
    except jats.BrokenXML as error:
        assert str(error).endswith(".")
    else:
        assert reading.n_read == len(records)
