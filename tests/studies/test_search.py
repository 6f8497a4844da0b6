"""Finding studies: identifiers typed alone, words, filters, sorting, and the address that says it all."""

from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.utils import timezone

from studies.models import Study, Tag
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.listing import Listing, listing
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet
from tests.factories import make_full_text, make_notice, make_registration, make_study, make_tag

pytestmark = pytest.mark.django_db


def ask(address: str) -> Listing:
    vocabulary = Vocabulary()
    return listing(Filters.read(QueryDict(address).getlist, vocabulary.by_slug), vocabulary, now=timezone.now())


def found(address: str) -> list[str]:
    return [row.study.title for row in ask(address).rows]


def read(address: str, **slugs: str) -> Filters:
    terms = {slug: Tag(slug=slug, facet=facet) for slug, facet in slugs.items()}
    return Filters.read(QueryDict(address).getlist, terms)


# --- An identifier typed alone --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "700123",
        "PMID: 700123",
        "PMC55",
        "pmc55",
        "10.5555/Jump",
        "https://doi.org/10.5555/JUMP",
        "doi:10.5555/jump",
        "NCT01234567",
        "nct 01234567",
    ],
)
def test_an_identifier_typed_alone_names_its_study(text):
    study = make_study("The one", report={"pmid": 700123, "pmcid": "PMC55", "doi": "10.5555/jump"})
    make_registration(study, "NCT01234567")
    make_study("Another")

    named, identifier = search.by_identifier(text)

    assert named == study
    assert identifier


def test_words_around_an_identifier_are_a_search():
    make_study("The one", report={"pmid": 700123})

    assert search.by_identifier("nanofat 700123") == (None, "")


def test_an_identifier_nobody_has_is_named_and_leads_nowhere():
    assert search.by_identifier("10.5555/nobody") == (None, "DOI 10.5555/nobody")


def test_a_registration_that_two_studies_name_leads_to_the_list_of_both():
    first, second = make_study("First"), make_study("Second")
    registration = make_registration(first, "NCT01234567", is_own=False)
    second.reports.get().mentions.create(registration=registration, basis="text")

    assert search.by_identifier("NCT01234567") == (None, "Registration NCT01234567")


# --- Words ----------------------------------------------------------------------------------------


def test_words_are_found_in_title_abstract_and_authors_in_any_form():
    make_study("Injected nanofat for wrinkles")
    make_study("Something else", report={"abstract": "Nanofat was injecting itself into the wrinkle."})
    make_study("Unrelated", report={"authors": [{"last": "Nanofat", "fore": "Wrinkle"}]})
    make_study("Not this one")

    assert set(found("q=nanofat wrinkles")) == {"Injected nanofat for wrinkles", "Something else", "Unrelated"}


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ('"fat graft"', {"The fat graft"}),
        ("fat graft", {"The fat graft", "A graft of fat"}),
        ("fat -graft", {"Fat alone"}),
        ("graft or alone", {"The fat graft", "A graft of fat", "Fat alone"}),
    ],
)
def test_quotes_or_and_minus_mean_what_they_say(words, titles):
    for title in ("The fat graft", "A graft of fat", "Fat alone"):
        make_study(title)

    assert set(found(urlencode({"q": words}))) == titles


@pytest.mark.parametrize(
    "words", ['"', '"" or ( " -', "or or", "-", "a & | ! <-> b:*", "\x00", "'; --", "\\", "(" * 299]
)
def test_no_word_breaks_the_search(words):
    make_study("Something")

    assert ask(urlencode({"q": words})).total in (0, 1)


def test_a_word_in_the_title_counts_for_more_than_one_in_the_abstract():
    make_study("Unrelated", report={"abstract": "One word on nanofat.", "year": 2024})
    make_study("Nanofat", report={"year": 2001})

    assert found("q=nanofat") == ["Nanofat", "Unrelated"]


def test_of_too_many_hits_the_newest_are_ranked_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(search, "RANKED", 2)
    for year in (2001, 2024, 2010):
        make_study(f"Nanofat of {year}", report={"year": year})

    page = ask("q=nanofat")

    assert {row.study.year for row in page.rows} == {2024, 2010}
    assert page.total == 3
    assert "only the newest 2 are ranked" in page.sentence
    assert found("q=nanofat&sort=newest") == ["Nanofat of 2024", "Nanofat of 2010", "Nanofat of 2001"]


def test_words_too_common_to_search_for_are_said_and_show_all():
    make_study("Something")

    page = ask("q=the and of")

    assert page.total == 1
    assert "too common" in page.sentence


def test_the_words_found_are_marked_and_nothing_else_of_the_text_is_markup():
    make_study("<b>Nanofat</b> & co", report={"abstract": "It is <i>nanofat</i> \ue000really\ue001 & more."})

    highlight = ask("q=nanofat").rows[0].highlight

    assert highlight.title == "&lt;b&gt;<mark>Nanofat</mark>&lt;/b&gt; &amp; co"
    assert "<mark>nanofat</mark>" in highlight.passage
    assert "<i>" not in highlight.passage


# --- Filters --------------------------------------------------------------------------------------


@pytest.fixture
def sources() -> dict[str, object]:
    fat = make_tag("fat")
    return {"fat": fat, "nanofat": make_tag("nanofat", parent=fat), "svf": make_tag("svf")}


@pytest.fixture
def tagged(sources) -> None:
    make_study("Nanofat", tags=[sources["nanofat"]])
    make_study("Fat", tags=[sources["fat"]])
    make_study("Both", tags=[sources["nanofat"], sources["svf"]])
    make_study("SVF", tags=[sources["svf"]])
    make_study("None")


@pytest.mark.parametrize(
    ("address", "titles"),
    [
        ("sources=fat", {"Nanofat", "Fat", "Both"}),
        ("sources=nanofat", {"Nanofat", "Both"}),
        ("sources=nanofat&sources=svf", {"Nanofat", "Both", "SVF"}),
        ("sources=nanofat&sources=svf&all=sources", {"Both"}),
        ("not=svf", {"Nanofat", "Fat", "None"}),
        ("sources=fat&not=nanofat", {"Fat"}),
        ("sources=svf&not=svf", {"Nanofat", "Fat", "None"}),
        ("sources=unheard-of", {"Nanofat", "Fat", "Both", "SVF", "None"}),
        ("products=svf", {"Nanofat", "Fat", "Both", "SVF", "None"}),
    ],
)
def test_terms_join_by_or_and_and_not_and_a_parent_stands_for_its_children(tagged, address, titles):
    assert set(found(address)) == titles


def test_ranges_and_flags_narrow_the_list():
    make_study("Old and small", report={"year": 1999}, n_participants=5, follow_up_months=3)
    whole = make_study("New and large", report={"year": 2024}, n_participants=50, follow_up_months=24)
    make_registration(whole, "NCT01234567")
    make_full_text(whole)
    make_study("Silent", report={"year": 2010})

    for address in ("year_from=2020", "people=20", "months=12", "registered=1", "full_text=1", "people=6&year_to=2024"):
        assert found(address) == ["New and large"], address
    assert found("year_to=2000") == ["Old and small"]


def test_indirect_studies_stay_out_until_asked_for():
    make_study("Direct")
    make_study("Breast", in_default_views=False)

    assert found("") == ["Direct"]
    assert set(found("everything=1")) == {"Direct", "Breast"}


def test_a_retraction_is_a_filter_and_hides_nothing_by_itself():
    make_notice(make_study("Retracted"))
    make_study("Sound")

    assert found("notice=retracted") == ["Retracted"]
    assert len(found("")) == 2


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("newest", ["New", "Middle", "Old"]),
        ("people", ["Middle", "Old", "New"]),
        ("follow_up", ["Old", "New", "Middle"]),
    ],
)
def test_a_list_is_sorted_as_asked_and_what_is_not_known_comes_last(sort, order):
    make_study("Old", report={"year": 2001}, n_participants=10, follow_up_months=24)
    make_study("Middle", report={"year": 2010}, n_participants=100)
    make_study("New", report={"year": 2020}, follow_up_months=6)

    assert found(f"sort={sort}") == order


# --- The address ----------------------------------------------------------------------------------


def test_an_address_read_and_written_says_the_same():
    slugs = {"svf": Facet.SOURCE, "fat": Facet.SOURCE, "cells": Facet.PRODUCT}
    address = (
        "?q=nano+fat&sources=svf&sources=fat&not=cells&design=randomised&all=sources&year_from=2010&full_text=1&page=3"
    )

    assert read(address[1:], **slugs).query() == address


def test_words_are_answered_by_relevance_unless_the_reader_chose_otherwise():
    assert read("q=fat&sort=").order == "relevance"
    assert read("q=fat&sort=newest").query() == "?q=fat&sort=newest"
    assert read("q=fat&sort=relevance").query() == "?q=fat"
    assert read("sort=newest").query() == ""
    assert read("sort=relevance").order == "newest"


@pytest.mark.parametrize(
    "nonsense",
    [
        "year_from=abc",
        "year_from=99999999999999999999",
        "year_from=-1",
        "people=1e9",
        "months=%D9%A1%D9%A2",
        "design=magic",
        "sort=colour",
        "sources=%00",
        "all=everything",
    ],
)
def test_nonsense_in_an_address_is_left_out_and_said(nonsense):
    filters = read(nonsense)

    assert filters.is_empty
    assert filters.query() == ""
    assert filters.ignored


@pytest.mark.parametrize("page", ["0", "-3", "two", "99999999999", "²", ""])
def test_a_page_that_is_no_page_is_the_first(page):
    assert read(f"page={page}").page == 1


def test_a_page_past_the_end_is_the_last():
    for number in range(search.PAGE_SIZE + 1):
        make_study(f"Study {number}")

    page = ask("page=400")

    assert (page.page, page.n_pages, len(page.rows)) == (2, 2, 1)


def test_every_study_stands_on_exactly_one_page():
    for number in range(search.PAGE_SIZE * 2 + 3):
        make_study(f"Nanofat {number}")

    for sort in ("newest", "relevance", "people", "follow_up", "level"):
        seen = [row.study.pk for page in (1, 2, 3) for row in ask(f"q=nanofat&sort={sort}&page={page}").rows]
        assert sorted(seen) == sorted(Study.objects.values_list("pk", flat=True)), sort


def test_a_chip_leads_to_the_same_question_less_its_filter(tagged):
    page = ask("q=nanofat&sources=nanofat&sources=svf&all=sources&not=fat&year_from=2000&full_text=1&page=2")

    assert {chip.label: chip.url for chip in page.chips} == {
        "nanofat": "?sources=nanofat&sources=svf&not=fat&all=sources&year_from=2000&full_text=1",
        "Nanofat": "?q=nanofat&sources=svf&not=fat&year_from=2000&full_text=1",
        "Svf": "?q=nanofat&sources=nanofat&not=fat&year_from=2000&full_text=1",
        "all of these": "?q=nanofat&sources=nanofat&sources=svf&not=fat&year_from=2000&full_text=1",
        "Fat": "?q=nanofat&sources=nanofat&sources=svf&all=sources&year_from=2000&full_text=1",
        "From 2000": "?q=nanofat&sources=nanofat&sources=svf&not=fat&all=sources&full_text=1",
        "Has full text": "?q=nanofat&sources=nanofat&sources=svf&not=fat&all=sources&year_from=2000",
    }
