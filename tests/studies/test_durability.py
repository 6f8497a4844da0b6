"""Durability: follow-up in months by design and source, the unknown counted, every number a list."""

from collections import Counter
from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from django.urls import reverse
from django.utils import timezone

from studies.models import Study, Tag
from studies.queries.durability import Durability, durability
from studies.queries.filters import Filters
from studies.queries.listing import listing
from studies.queries.plots import lanes
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, StudyDesign


def followed(months: str | None, design: str = StudyDesign.RANDOMISED, *sources: Tag) -> Study:
    return Study.objects.create(
        title="Synthetic follow-up",
        design=design,
        follow_up_months=None if months is None else Decimal(months),
        sources=[source.pk for source in sources],
    )


@pytest.fixture
def sources(db) -> list[Tag]:
    return [Tag.objects.create(facet=Facet.SOURCE, slug=slug, label=f"Synthetic {slug}") for slug in ("fat", "marrow")]


def filters_of(address: str, vocabulary: Vocabulary) -> Filters:
    return Filters.read(lambda name: parse_qs(address.removeprefix("?")).get(name, []), vocabulary.by_slug)


def read(address: str = "") -> Durability:
    vocabulary = Vocabulary()
    return durability(filters_of(address, vocabulary), vocabulary)


def test_a_follow_up_falls_into_the_band_it_has_completed(sources):
    for months in ("2.9", "3", "5.5", "6", "11.9", "12", "24", "36", None):
        followed(months)

    line = read().groups[0].lines[0]

    assert line.bands == (1, 2, 2, 1, 2)
    assert (line.n_unknown, line.n_studies, line.n_year) == (1, 9, 3)


def test_the_median_is_of_those_that_say_it(sources):
    for months in ("1", "6", "36", None, None):
        followed(months)

    whole = read().whole

    assert (whole.median, whole.longest, whole.n_known) == (6, 36, 3)


def test_a_study_of_two_sources_stands_in_both_rows_and_once_in_the_whole(sources):
    followed("6", StudyDesign.SINGLE_ARM, *sources)

    found = read()

    assert [line.n_studies for line in found.groups[1].lines] == [1, 1]
    assert found.whole.n_studies == 1


@pytest.mark.parametrize(
    "design", [StudyDesign.SYSTEMATIC_REVIEW, StudyDesign.REGISTERED, StudyDesign.ANIMAL, StudyDesign.IN_VITRO]
)
def test_reviews_registrations_and_animals_follow_nobody_up(design, sources):
    followed("60", design)

    assert read().whole.n_studies == 0


@pytest.mark.parametrize("address", ["", "?design=randomised&design=animal", "?months=3&unknown=months"])
def test_every_number_with_a_link_lists_exactly_those_studies(address, sources):
    vocabulary = Vocabulary()
    for months in ("1", "6", "12", "24", None):
        followed(months, StudyDesign.RANDOMISED, sources[0])
        followed(months, StudyDesign.CASE_REPORT, *sources)
        followed(months, StudyDesign.ANIMAL, *sources)

    found = read(address)

    lines = [found.whole, *(line for group in found.groups for line in group.lines)]
    for line in lines:
        listed = listing(filters_of(line.query, vocabulary), vocabulary, now=timezone.now())
        assert listed.total == line.n_studies > 0
    for line in (found.whole,):
        assert listing(filters_of(line.year_query, vocabulary), vocabulary, now=timezone.now()).total == line.n_year > 0


def test_a_plot_stays_small_however_many_studies_there_are():
    groups = [("Randomised trial", Counter({months / 10: 3 for months in range(1, 1200)}))]

    plot = lanes(groups)

    bubbles = plot.lanes[0].bubbles
    assert len(bubbles) < 60
    assert sum(bubble.n for bubble in bubbles) == 3 * 1199
    assert all(0 < bubble.x <= plot.width for bubble in bubbles)


def test_the_page_says_how_many_studies_do_not_say_it(visitor, sources):
    followed("6")
    followed(None)

    page = visitor.get(reverse("studies:durability")).content.decode()

    assert "The follow-up of <b>1</b> of 2 studies of people is known" in page
    assert "None reached a year" in page


def test_without_studies_the_page_says_so(visitor, db):
    assert "No study of people matches" in visitor.get(reverse("studies:durability")).content.decode()
