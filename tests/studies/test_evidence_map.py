"""The evidence map: unique studies in every cell, an honest word in every empty one, and links that list the same."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from studies.actions import vocabulary_changes
from studies.actions.starter import load_starter, load_vocabulary
from studies.actions.study_rows import refresh_studies
from studies.models import SearchRun, Study, StudyTag, Tag
from studies.queries import home
from studies.queries.evidence_map import Cell, EvidenceMap, evidence_map
from studies.queries.filters import Filters
from studies.queries.listing import listing
from studies.queries.map_question import Question
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, NoticeStatus, RunKind, RunState, StudyDesign, TagOrigin, TagStatus

pytestmark = pytest.mark.django_db

FIELDS = {"design", "notice_status", "created_at", "n_participants", "follow_up_months", "is_starter"}


@pytest.fixture
def vocabulary(db) -> Vocabulary:
    load_vocabulary()
    return Vocabulary()


def study(*slugs: str, **fields) -> Study:
    """A synthetic study with these terms, each said by the starter data; fields derived by refresh are set after it."""
    made = Study.objects.create(title=f"Synthetic study of {' '.join(slugs)}")
    tags = Tag.objects.filter(slug__in=slugs)
    assert len(tags) == len(slugs)
    StudyTag.objects.bulk_create(StudyTag(study=made, tag=tag, origin=TagOrigin.STARTER) for tag in tags)
    refresh_studies([made.pk])
    Study.objects.filter(pk=made.pk).update(title=made.title, **{"design": StudyDesign.RANDOMISED, **fields})
    return made


def drawn(vocabulary: Vocabulary, address: str = "", **more) -> EvidenceMap:
    question = Question.read(lambda name: parse_qs(address).get(name, []), vocabulary)
    return evidence_map(question, vocabulary, now=timezone.now(), **more)


def cell(shown: EvidenceMap, row: str, column: str) -> Cell:
    """By the labels of the vocabulary's terms; "All" is a total."""
    labels = dict(Tag.objects.values_list("slug", "label"))
    at = None if column == "All" else [head.label for head in shown.heads].index(labels[column])
    if row == "All":
        return shown.corner if at is None else shown.foot[at]
    line = next(line for line in shown.lines if line.head.label == labels[row])
    return line.total if at is None else line.cells[at]


def split(one: Cell) -> dict[str, int]:
    return {mark.kind.word: mark.n for mark in one.marks}


def finish_a_search(day: str = "2026-11-03T09:00:00Z") -> None:
    SearchRun.objects.create(kind=RunKind.SEARCH, asked="nanofat", state=RunState.FINISHED, finished_at=day)


def test_a_study_of_two_sources_stands_in_both_rows_and_once_in_every_total(vocabulary):
    study("src-adsc", "src-nanofat", "out-wrinkles")

    shown = drawn(vocabulary)

    assert cell(shown, "src-adsc", "out-wrinkles").total == 1
    assert cell(shown, "src-nanofat", "out-wrinkles").total == 1
    assert (cell(shown, "All", "out-wrinkles").total, shown.corner.total) == (1, 1)


def test_a_parent_counts_the_unique_studies_of_its_children(vocabulary):
    study("src-adsc", "src-svf", "out-wrinkles")
    study("src-adsc", "out-wrinkles")

    shown = drawn(vocabulary)

    assert cell(shown, "src-adult-msc", "out-wrinkles").total == 2
    assert cell(shown, "src-adsc", "out-wrinkles").total == 2
    assert cell(shown, "src-svf", "out-wrinkles").total == 1


def test_a_cell_is_split_by_design_with_registered_trials_apart(vocabulary):
    for design in (StudyDesign.RANDOMISED, StudyDesign.RANDOMISED, StudyDesign.CASE_REPORT, StudyDesign.REGISTERED):
        study("src-adsc", "out-wrinkles", design=design)
    study("src-hf", "out-wrinkles", design=StudyDesign.REGISTERED)

    shown = drawn(vocabulary)

    assert split(cell(shown, "src-adsc", "out-wrinkles")) == {"RCT": 2, "case": 1, "reg.": 1}
    assert not cell(shown, "src-adsc", "out-wrinkles").is_registered_only
    assert cell(shown, "src-hf", "out-wrinkles").is_registered_only


def test_animal_and_in_vitro_evidence_is_left_out_until_asked_for(vocabulary):
    study("src-adsc", "out-wrinkles", design=StudyDesign.ANIMAL)
    study("src-adsc", "out-wrinkles", design=StudyDesign.IN_VITRO)
    study("src-adsc", "out-wrinkles")

    found = {said: split(cell(drawn(vocabulary, said), "src-adsc", "out-wrinkles")) for said in ASKED}

    assert found == ASKED


ASKED = {
    "": {"RCT": 1},
    "evidence=all": {"RCT": 1, "animal": 1, "in vitro": 1},
    "evidence=animal": {"animal": 1},
    "evidence=in-vitro": {"in vitro": 1},
    "design=in-vitro&design=randomised": {"RCT": 1, "in vitro": 1},
}


def test_what_nobody_is_waiting_to_tag_was_searched_and_not_found(vocabulary):
    study("src-adsc", "out-wrinkles")

    before, _ = drawn(vocabulary), finish_a_search()
    after = drawn(vocabulary)

    assert cell(before, "src-bmsc", "out-wrinkles").gap == "never"
    assert cell(after, "src-bmsc", "out-wrinkles").gap == "searched"
    assert f"{after.searched_at:%d %B %Y}" == "03 November 2026"


def test_an_empty_cell_counts_the_studies_that_may_yet_belong_there(vocabulary):
    finish_a_search()
    study("src-bmsc")
    study("out-wrinkles")
    study("prd-cells")
    study("src-adsc", "out-pores")

    shown = drawn(vocabulary)

    gaps = {(row, column): cell(shown, row, column) for row in ("src-bmsc", "src-hf") for column in ("out-wrinkles",)}
    # Its own row's and column's untagged and the one without either; another row's do not belong.
    assert {key: (gap.gap, gap.n_waiting) for key, gap in gaps.items()} == {
        ("src-bmsc", "out-wrinkles"): ("waiting", 3),
        ("src-hf", "out-wrinkles"): ("waiting", 2),
    }
    assert (shown.n_untagged, shown.n_without_row, shown.n_without_column) == (3, 2, 2)


def test_the_studies_that_stand_in_no_cell_are_one_click_away(vocabulary, visitor):
    study("src-bmsc", "dlv-topical")
    study("src-hf", "dlv-nr")  # that a report does not say is a fact, no missing tag
    wanting = [study("dlv-topical"), study("prd-cells")]

    shown = drawn(vocabulary, "columns=deliveries")
    page = visitor.get(reverse("studies:studies") + shown.without_row)

    listed = [row.study for row in page.context["listing"].rows]
    assert sorted(one.pk for one in listed) == sorted(one.pk for one in wanting)
    assert (shown.n_without_row, shown.n_without_column) == (2, 1)
    assert "Without a tag for" in page.content.decode()
    # The next filter that somebody ticks must not lift this one.
    panel = next(panel for panel in page.context["listing"].panels if panel.name == "lacks")
    assert [(one.value, one.count, one.state) for one in panel.options] == [("sources", 2, "on")]


def test_a_term_that_went_into_another_leads_to_the_row_of_that_one(vocabulary, admin):
    kept, gone = (Tag.objects.get(slug=slug) for slug in ("src-adsc", "src-hf"))
    study("src-adsc", "out-wrinkles")
    vocabulary_changes.merge(gone, into=kept, by=admin)

    shown = drawn(Vocabulary(), "sources=src-hf")

    assert cell(shown, "src-adsc", "out-wrinkles").total == 1


def test_what_of_the_address_names_no_term_and_no_kind_of_evidence_is_said(vocabulary):
    shown = drawn(vocabulary, "segment=nope&evidence=some&rows=else")

    assert set(shown.question.filters.ignored) == {"segment=nope", "evidence=some", "rows=else"}


def test_a_term_outside_the_subject_is_no_gap(vocabulary):
    study("src-adsc")

    assert cell(drawn(vocabulary), "src-plant", "out-wrinkles").gap == "outside"


def test_a_retired_term_leaves_the_map_only_with_its_last_study(vocabulary):
    study("src-nanofat", "out-wrinkles")
    Tag.objects.filter(slug__in=("src-nanofat", "src-svf")).update(is_retired=True)

    labels = {line.head.label for line in drawn(Vocabulary()).lines}

    assert Tag.objects.get(slug="src-nanofat").label in labels
    assert Tag.objects.get(slug="src-svf").label not in labels


def test_new_and_retracted_studies_are_marked_in_their_cell(vocabulary):
    now = timezone.now()
    study("src-adsc", "out-wrinkles", created_at=now - timedelta(days=40))
    study("src-adsc", "out-wrinkles", created_at=now - timedelta(days=20), notice_status=NoticeStatus.CONCERN)
    study("src-adsc", "out-wrinkles", created_at=now, is_starter=True, notice_status=NoticeStatus.CORRECTED)

    recent = cell(drawn(vocabulary), "src-adsc", "out-wrinkles")

    assert recent.n_new == 1
    assert recent.n_noticed == 1


ADDRESSES = [
    "",
    "rows=products&columns=deliveries",
    "rows=outcomes&columns=sources&evidence=all",
    "segment=dlv-microneedling",
    "deliveries=dlv-microneedling&deliveries=dlv-laser",
    "sources=src-adsc&sources=src-fat",
    "sources=src-adsc&sources=src-svf&all=sources",
    "not=src-fat",
    "design=randomised",
    "people=20&unknown=people",
    "year_from=2015&everything=1&hide=1",
    "q=exosomes",
]


@pytest.fixture
def library(db) -> Vocabulary:
    load_vocabulary()
    load_starter()
    return Vocabulary()


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_cells_link_lists_exactly_its_studies(address, library):
    shown = drawn(library, address)
    cells = [shown.corner, *shown.foot, *(one for line in shown.lines for one in (line.total, *line.cells))]

    linked = {one.query: one.total for one in cells if one.total}
    listed = {query: listed_by(query, library) for query in list(linked)[:40]}

    assert listed == {query: linked[query] for query in listed}
    assert listed


def listed_by(query: str, vocabulary: Vocabulary) -> int:
    filters = Filters.read(lambda name: parse_qs(query).get(name, []), vocabulary.by_slug)
    assert not filters.ignored
    return listing(filters, vocabulary, now=timezone.now()).total


def test_randomised_trials_are_mostly_of_cell_free_products_after_microneedling_or_laser(library):
    shown = drawn(library, "rows=products&columns=deliveries&design=randomised")

    def trials(products: tuple[str, ...], deliveries: tuple[str, ...]) -> int:
        return sum(cell(shown, product, delivery).total for product in products for delivery in deliveries)

    assisted, every = ("dlv-microneedling", "dlv-laser"), [head.label for head in shown.heads]
    cell_free = trials(("prd-cm", "prd-ev"), assisted)
    largest_other = max(
        one.total
        for line in shown.lines
        for head, one in zip(shown.heads, line.cells, strict=True)
        if line.head.label not in labels("prd-cm", "prd-ev")
    )
    assert every
    assert cell_free > 2 * largest_other
    assert trials(("prd-cells",), assisted) == 0


def labels(*slugs: str) -> set[str]:
    return set(Tag.objects.filter(slug__in=slugs).values_list("label", flat=True))


def test_injected_bone_marrow_cells_have_no_human_aesthetic_trial(library):
    finish_a_search()
    shown = drawn(library)

    line = next(line for line in shown.lines if line.head.label in labels("src-bmsc"))

    assert line.total.total == 0
    assert {one.total for one in line.cells} == {0}
    assert {one.gap for one in line.cells} <= {"searched", "waiting"}


def test_a_filter_on_an_axis_keeps_its_rows_and_what_lies_beneath(vocabulary):
    shown = drawn(vocabulary, "sources=src-fat&sources=src-hf")

    assert {line.head.label for line in shown.lines} == labels("src-fat", "src-nanofat", "src-hf")


def test_rows_and_columns_without_studies_are_hidden_only_by_name(vocabulary):
    study("src-adsc", "out-wrinkles")

    shown = drawn(vocabulary, "hide=1")

    assert [line.head.label for line in shown.lines] == [
        Tag.objects.get(slug=slug).label for slug in ("src-adult-msc", "src-adsc")
    ]
    assert labels("src-bmsc", "src-fat") <= set(shown.hidden_rows)
    assert len(shown.hidden_columns) == Tag.objects.filter(facet=Facet.OUTCOME).count() - 1


@pytest.mark.parametrize(
    ("address", "axes", "ignored"),
    [
        ("", ("sources", "outcomes"), 0),
        ("rows=outcomes", ("outcomes", "sources"), 0),
        ("columns=sources", ("outcomes", "sources"), 0),
        ("rows=products&columns=products", ("products", "outcomes"), 1),
        ("rows=nonsense&columns=1%27", ("sources", "outcomes"), 2),
    ],
)
def test_whatever_an_address_says_the_axes_are_two_facets(address, axes, ignored, vocabulary):
    question = Question.read(lambda name: parse_qs(address).get(name, []), vocabulary)

    assert (question.rows, question.columns) == axes
    assert len(question.filters.ignored) == ignored


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_of_the_map_reads_back_as_itself(address, vocabulary):
    question = Question.read(lambda name: parse_qs(address).get(name, []), vocabulary)

    again = Question.read(lambda name: parse_qs(question.query().removeprefix("?")).get(name, []), vocabulary)

    assert again == question


# --- the page -------------------------------------------------------------------------------------


def test_the_page_is_a_table_that_a_screen_reader_can_walk(visitor, library):
    page = visitor.get(reverse("studies:map")).content.decode()

    table = page[page.index('<table class="map">') : page.index("</table>")]
    assert table.count("<caption>") == 1
    assert table.count('scope="col"') == 2 + Tag.objects.filter(facet=Facet.OUTCOME).count()
    assert table.count('scope="row"') == 1 + Tag.objects.filter(facet=Facet.SOURCE).count()
    assert "A study with several terms stands in several cells" in table
    assert re.search(r"<b>\d+</b>.*?\d+ RCT</m-r>", table)


def test_every_mark_has_its_word_and_the_marks_add_up_to_the_cell(visitor, library):
    page = visitor.get(reverse("studies:map")).content.decode()

    cells = re.findall(r"<b>([\d,]+)</b>(.*?)</a>", page[: page.index("</table>")])
    assert len(cells) > 50
    for total, marks in cells:
        assert sum(int(n) for n in re.findall(r"<m-\w>(\d+) [\w. -]+</m-\w>", marks)) == int(total)


def test_the_studies_of_a_cell_are_fetched_when_it_is_opened(visitor, vocabulary):
    made = study("src-adsc", "out-wrinkles", n_participants=24, notice_status=NoticeStatus.RETRACTED)

    page = visitor.get(reverse("studies:map")).content.decode()
    link = re.search(r'href="/studies/(\?sources=src-adsc&outcomes=out-wrinkles[^"]*)"', page).group(1)
    card = visitor.get(reverse("studies:map_cell") + link).content.decode()

    assert made.title not in page
    assert made.title in card
    assert "n = 24" in card
    assert "Retracted" in card
    assert f"/studies/{link}" in unescape(card)


def test_the_card_says_how_many_more_are_suggested_for_the_cell(visitor, vocabulary):
    study("src-adsc", "out-wrinkles")
    for slugs in (["out-wrinkles"], ["out-pores"]):
        suggested = study(*slugs)
        StudyTag.objects.create(
            study=suggested,
            tag=Tag.objects.get(slug="src-adsc"),
            origin=TagOrigin.RULE,
            status=TagStatus.SUGGESTED,
            rule="synthetic",
        )

    card = visitor.get(reverse("studies:map_cell") + "?sources=src-adsc&outcomes=out-wrinkles").content.decode()

    assert "1 more study has an open suggestion" in card


def test_an_htmx_request_gets_the_map_alone_and_a_clean_address(visitor, vocabulary):
    answer = visitor.get(
        reverse("studies:map") + "?rows=products&columns=outcomes&segment=dlv-laser&evidence=&people=&year_from=",
        headers={"HX-Request": "true"},
    )

    assert b"<html" not in answer.content
    assert answer["HX-Push-Url"] == "/map/?rows=products&columns=outcomes&deliveries=dlv-laser"


def test_the_map_takes_the_same_number_of_queries_however_many_studies(visitor, library):
    with CaptureQueriesContext(
        connection,
    ) as few:
        visitor.get(reverse("studies:map"))
    for _ in range(12):
        study("src-adsc", "out-wrinkles", "dlv-laser")

    with CaptureQueriesContext(connection) as many:
        visitor.get(reverse("studies:map"))

    assert len(many) == len(few) <= 12


# --- Home -----------------------------------------------------------------------------------------


def test_people_are_summed_over_primary_studies_that_say_how_many(vocabulary):
    study(n_participants=30)
    study(n_participants=None)
    study(n_participants=12, design=StudyDesign.CASE_REPORT)
    for design in (StudyDesign.SYSTEMATIC_REVIEW, StudyDesign.REGISTERED, StudyDesign.ANIMAL, StudyDesign.NOT_STATED):
        study(n_participants=500, design=design)

    seen = home.glance()

    assert (seen.n_people, seen.n_with_people, seen.n_primary) == (42, 2, 3)


def test_home_shows_the_default_map_and_the_sentence(visitor, library):
    page = visitor.get(reverse("home")).content.decode()

    assert re.search(r"people studied, known in \d+ of \d+ primary studies", page)
    assert '<table class="map">' in page
    assert "Bone-marrow MSC" in page  # by name, among what is left out for having no study


def test_a_number_says_how_many_studies_it_leaves_out_unknown(visitor, vocabulary):
    study("src-adsc", n_participants=40)
    study("src-adsc", n_participants=None)
    study("src-hf", n_participants=None)
    study("src-hf", n_participants=3)

    page = visitor.get(reverse("studies:studies") + "?people=20").content.decode()
    widened = visitor.get(reverse("studies:studies") + "?people=20&unknown=people").content.decode()

    assert "2 more studies do not say how many people took part" in page
    assert 'href="/studies/?unknown=people&amp;people=20"' in page
    assert "3 studies" in widened
    assert "do not say" not in widened
