"""PubMed's XML: one small synthetic file for each peculiarity of the real ones."""

import io
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.sources import pubmed_xml
from studies.sources.record import Coded, OtherId, Reading, Record, Reference, Relation

FOLDER = Path(__file__).resolve().parent.parent / "data" / "pubmed"


def _all(name: str) -> tuple[list[Record], Reading]:
    reading = Reading()
    with (FOLDER / f"{name}.xml").open("rb") as stream:
        return list(pubmed_xml.read(stream, reading)), reading


def _one(name: str) -> Record:
    records, reading = _all(name)
    assert (len(records), reading.rejections) == (1, [])
    return records[0]


def test_a_power_of_ten_keeps_its_exponent() -> None:
    record = _one("raised_and_lowered")

    assert record.title == "Effect of 1 × 10⁸ cells in H₂O on CD34^{high} and C_{max}."
    assert record.abstract_text == "Ca²⁺ rose at the 5th visit with Cells® (P < 0.05); dose 4 × 10ⁿ."


def test_mathml_is_written_out_in_one_line() -> None:
    record = _one("mathml")

    assert record.abstract_text == "A dose of 2 × 10⁶ cells, mean x̄, ratio 1/(a+b) and √(n)."


def test_a_structured_abstract_keeps_its_labels_and_its_copyright_line() -> None:
    record = _one("structured_abstract")

    assert [(s.label, s.category, s.text) for s in record.abstract] == [
        ("AIM", "OBJECTIVE", "To see."),
        ("FINDINGS", "RESULTS", "It was seen."),
    ]
    assert record.abstract_copyright == "© 2020 The Invented."
    assert [(o.kind, o.language) for o in record.other_abstracts] == [
        ("plain-language-summary", "eng"),
        ("Publisher", "ger"),
    ]


def test_a_translated_title_keeps_its_brackets_and_the_vernacular_stands_beside_it() -> None:
    record = _one("translated_title")

    assert record.title == "[A translated title]."
    assert record.vernacular_title == "Ein übersetzter Titel."


def test_an_article_without_a_title_is_still_a_record() -> None:
    assert _one("empty_title").title == ""


def test_superseded_spellings_of_authors_are_skipped_and_orcids_are_checked() -> None:
    record = _one("authors")

    first, second, group = record.authors
    assert (first.last, first.fore, first.initials, first.suffix) == ("Alpha", "Anna B", "AB", "Jr")
    assert (first.orcid, first.equal_contribution) == ("0000-0002-1825-0097", True)
    assert first.affiliations == ("First Synthetic Institute.", "Second Synthetic Institute.")
    assert (second.last, second.orcid) == ("Beta", "")
    assert group.collective == "Synthetic Study Group"
    assert record.authors_complete is False
    assert [(p.last, p.affiliations) for p in record.investigators] == [("Gamma", ("Third Synthetic Institute.",))]


def test_own_ids_never_come_from_the_reference_list() -> None:
    record = _one("own_ids_and_reference_ids")

    assert (record.pmid, record.pmcid, record.doi) == (90000001, "PMC900001", "10.5555/synthetic.1")
    assert set(record.other_ids) == {
        OtherId("pii", "e17"),
        OtherId("NLM", "NIHMS1"),
        OtherId("doi", "10.5555/synthetic.other"),
        OtherId("pii", "S1"),
    }
    assert record.references == (
        Reference("Synthetic J. 2019;1:1", 80000001, "", "10.5555/ref.1"),
        Reference("Dirty one", None, "PMC800002", "10.5555/ref.2"),
        Reference("Deep one", None, "PMC800003", ""),
    )
    assert record.history == (("received", "2020-01-02"), ("entrez", "2020-03-04"))
    assert record.entered_on == date(2020, 3, 4)


def test_a_heading_is_major_if_any_of_its_qualifiers_is() -> None:
    record = _one("mesh_and_lists")

    assert [(h.name, h.ui, h.major) for h in record.mesh] == [
        ("Skin Aging", "D015595", True),
        ("Humans", "D006801", False),
    ]
    assert record.mesh[0].qualifiers == (Coded("drug effects", "Q000187", True),)
    assert record.supplementary_mesh == (Coded("Synthetic disease", "C000001"),)
    assert [(s.name, s.registry_number) for s in record.substances] == [("Syntheticol", ""), ("Collagen", "9007-34-5")]
    assert [(b.name, b.accessions) for b in record.databanks] == [
        ("ClinicalTrials.gov", ("NCT90000001", "NCT90000002")),
        ("GENBANK", ()),
    ]
    assert len(record.grants) == 1
    assert [(k.text, k.owner, k.major) for k in record.keywords] == [("skin", "NOTNLM", True), ("H₂O", "NOTNLM", False)]
    assert record.coi_statement == "None."


def test_a_retraction_without_a_pmid_is_kept() -> None:
    record = _one("comments_and_corrections")

    assert record.relations == (
        Relation("RetractionIn", "Synth J. 2021;2:3"),
        Relation("ExpressionOfConcernIn", "Synth J. 2021;2:4", 90000077, "read it"),
        Relation("Cites", "Old J. 1990;1:1", 70000001),
    )
    assert record.kind == "article"


@pytest.mark.parametrize(
    ("name", "year", "month", "day", "precision"),
    [
        ("medlinedate_range", 1998, 12, None, "season"),
        ("medlinedate_season", 2016, None, None, "season"),
        ("medlinedate_days", 1995, 12, None, "season"),
        ("season", 2003, 7, None, "season"),
        ("month_as_number", 2001, 8, 15, "day"),
        ("month_as_name", 2001, 8, None, "month"),
        ("impossible_day", 2001, 2, None, "month"),
    ],
)
def test_a_publication_date_goes_as_far_as_pubmed_does(
    name: str, year: int, month: int | None, day: int | None, precision: str
) -> None:
    published = _one(f"date_{name}").published

    assert published is not None
    assert (published.year, published.month, published.day, published.precision) == (year, month, day, precision)


def test_a_date_without_a_year_is_no_date() -> None:
    assert _one("date_no_year").published is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("notice_retraction", "notice"),
        ("notice_erratum", "notice"),
        ("notice_concern", "notice"),
        ("republished", "article"),
        ("preprint", "preprint"),
    ],
)
def test_a_notice_is_told_from_a_paper(name: str, kind: str) -> None:
    assert _one(name).kind == kind


def test_a_second_version_keeps_the_pmid_and_says_its_number() -> None:
    record = _one("version_two")

    assert (record.pmid, record.pmid_version) == (90000001, 2)
    assert (record.status, record.owner, record.indexing_method) == ("Publisher", "NASA", "Automated")
    assert (record.revised_on, record.electronic_on) == (date(2024, 5, 6), date(2024, 4, 3))
    assert (record.pages, record.languages) == ("12-19", ("eng",))


def test_a_record_of_old_without_pubmeddata_is_read() -> None:
    record = _one("old_record")

    assert [(a.last, a.fore, a.affiliations) for a in record.authors] == [
        ("Elder", "Eve F", ("Old Synthetic Institute.",)),
        ("Second", "S", ("Bare Institute.",)),
    ]
    assert (record.entered_on, record.journal_abbreviation) == (date(1996, 10, 22), "Old Synth J")
    assert record.publication_types == (Coded("JOURNAL ARTICLE"),)


def test_a_book_chapter_has_its_own_title_and_the_books() -> None:
    record = _one("book_chapter")

    assert (record.kind, record.title, record.book_title) == ("book", "A synthetic chapter", "A synthetic book")
    assert (record.pmid, record.pmid_version, record.doi) == (90000005, 3, "10.5555/book")
    assert [a.last for a in record.authors] == ["Writer"]
    assert (record.publisher, record.entered_on) == ("Synthetic Press", date(2022, 5, 9))
    assert OtherId("isbn", "9780000000002") in record.other_ids


def test_a_whole_book_is_shown_under_its_editors() -> None:
    record = _one("book_whole")

    assert (record.title, [a.last for a in record.authors]) == ("A synthetic book", ["Editor"])


def test_one_broken_article_is_reported_and_the_rest_goes_on() -> None:
    records, reading = _all("broken_among_good")

    assert [r.pmid for r in records] == [90000001, 90000002]
    assert [(r.where, r.identifier, r.reason) for r in reading.rejections] == [
        ("record 2", "", "it has no PMID"),
        ("record 3", "9000x", 'its PMID "9000x" is not a number'),
        ("record 4", "", "it has no MedlineCitation"),
    ]
    assert reading.n_read == 2


def test_deleted_pmids_are_told_apart_from_records() -> None:
    records, reading = _all("deletions")

    assert (len(records), reading.deleted_pmids) == (1, [90000008, 90000009])


def test_citations_without_an_article_around_them_are_read() -> None:
    records, reading = _all("bare_citations")

    assert ([r.title for r in records], reading.deleted_pmids) == (["Bare."], [90000007])


def test_an_entity_that_only_the_dtd_knows_becomes_its_letter() -> None:
    assert _one("undeclared_entity").title == "TGF-β and IL-1α."


def test_a_document_that_declares_entities_is_refused() -> None:
    with pytest.raises(pubmed_xml.BrokenXML, match="declares entities of its own"):
        _all("entity_bomb")


def test_a_dtd_at_an_http_address_is_never_asked_for() -> None:
    text = (FOLDER / "empty_title.xml").read_bytes().replace(b"https://dtd.nlm.nih.gov", b"http://127.0.0.1:9")

    records = list(pubmed_xml.read(io.BytesIO(text), Reading()))

    assert len(records) == 1


def test_an_error_page_is_not_an_empty_answer() -> None:
    page = b"<eFetchResult><ERROR>Unable to obtain query #1</ERROR></eFetchResult>"

    with pytest.raises(pubmed_xml.BrokenXML, match="begins with <eFetchResult>"):
        list(pubmed_xml.read(io.BytesIO(page), Reading()))


def test_a_cut_document_gives_its_good_records_before_the_error() -> None:
    text = (FOLDER / "broken_among_good.xml").read_bytes()
    reading, taken = Reading(), []

    with pytest.raises(pubmed_xml.BrokenXML, match="after 1 records") as caught:
        taken.extend(pubmed_xml.read(io.BytesIO(text[: text.index(b"9000x")]), reading))

    assert (caught.value.n_read, reading.n_read) == (1, 1)


def test_a_record_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    class Endless(io.RawIOBase):
        n = 0

        def read(self, size: int = -1) -> bytes:
            self.n += 1
            return b"<PubmedArticleSet><PubmedArticle>" if self.n == 1 else b"<Note>x</Note>" * 4096

    with pytest.raises(pubmed_xml.BrokenXML, match="larger than 16 MB"):
        list(pubmed_xml.read(Endless(), Reading()))  # type: ignore[arg-type]


def test_the_same_bytes_give_equal_records_and_a_changed_word_another() -> None:
    text = (FOLDER / "mesh_and_lists.xml").read_bytes()

    first, again, other = (
        next(pubmed_xml.read(io.BytesIO(body), Reading()))
        for body in (text, text, text.replace(b"Skin Aging", b"Skin Ageing"))
    )

    assert first == again != other


VALID = b"\n".join((FOLDER / f"{name}.xml").read_bytes() for name in ("own_ids_and_reference_ids",))


@settings(max_examples=150, deadline=None)
@given(
    cut=st.integers(0, len(VALID)),
    edits=st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.binary(max_size=8)), max_size=6),
)
def test_a_damaged_file_raises_nothing_but_its_own_error(cut: int, edits: list[tuple[int, bytes]]) -> None:
    body = bytearray(VALID)
    for place, junk in edits:
        body[place : place + len(junk)] = junk
    reading = Reading()

    try:
        records = list(pubmed_xml.read(io.BytesIO(bytes(body[:cut])), reading))
    except pubmed_xml.BrokenXML as error:
        assert str(error).endswith(".")
    else:
        assert reading.n_read == len(records)
