"""Facet counts: each under the other filters, a parent counting its children, checked against counting by hand."""

import random

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from studies.models import Study, Tag
from studies.queries import facets, search
from studies.queries.filters import Filters
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, NoticeStatus, StudyDesign
from tests.factories import make_full_text, make_notice, make_study, make_tag

pytestmark = pytest.mark.django_db


def count(address: str) -> tuple[facets.Counts, Vocabulary]:
    vocabulary = Vocabulary()
    return facets.count(Filters.read(QueryDict(address).getlist, vocabulary.by_slug), vocabulary), vocabulary


def terms(address: str) -> dict[str, int]:
    counts, vocabulary = count(address)
    return {vocabulary.by_id[term].slug: n for term, n in counts.terms.items() if n}


@pytest.fixture
def catalogue() -> None:
    fat = make_tag("fat")
    nanofat, svf = make_tag("nanofat", parent=fat), make_tag("svf")
    needle = make_tag("needle", Facet.DELIVERY)
    make_study("Nanofat by needle", tags=[nanofat, needle], design="randomised")
    make_study("Nanofat", tags=[nanofat], design="cohort")
    make_study("SVF by needle", tags=[svf, needle], design="cohort")
    make_study("Fat", tags=[fat])


def test_a_parent_counts_the_studies_of_its_children_once(catalogue):
    assert terms("") == {"fat": 3, "nanofat": 2, "svf": 1, "needle": 2}


def test_a_facet_counts_as_if_its_own_filter_were_off_and_the_others_on(catalogue):
    assert terms("sources=svf") == {"fat": 3, "nanofat": 2, "svf": 1, "needle": 1}
    assert terms("sources=svf&deliveries=needle") == {"fat": 1, "nanofat": 1, "svf": 1, "needle": 1}


def test_terms_that_must_all_hold_and_terms_left_out_narrow_their_own_facet_too(catalogue):
    assert terms("sources=fat&sources=nanofat&all=sources") == {"fat": 2, "nanofat": 2, "needle": 1}
    assert terms("not=nanofat") == {"fat": 1, "svf": 1, "needle": 1}


def test_designs_and_notices_and_data_count_under_the_other_filters():
    retracted = make_study("Retracted", design="cohort")
    make_notice(retracted)
    Study.objects.filter(pk=retracted.pk).update(design="cohort")
    make_study("Starter", design="randomised", is_starter=True)
    make_full_text(make_study("Whole"))
    Study.objects.filter(title="Whole").update(design="cohort")

    everything, _ = count("")
    narrowed, _ = count("design=cohort&notice=retracted")

    assert dict(everything.designs) == {"cohort": 2, "randomised": 1}
    assert dict(everything.notices) == {"retracted": 1, "none": 2}
    assert dict(everything.checked) == {"verified": 2, "starter": 1}
    assert everything.full_text == 1
    assert narrowed.total == 1
    assert dict(narrowed.designs) == {"cohort": 1}
    assert dict(narrowed.notices) == {"retracted": 1, "none": 1}


def test_an_empty_catalogue_counts_nothing():
    counts, _ = count("q=nanofat&design=cohort")

    assert (counts.total, counts.terms, dict(counts.designs)) == (0, {}, {})


def test_a_term_of_any_number_is_packed_and_counted():
    # Code points from 0xD800 to 0xDFFF are no characters: numbers on both sides of that gap.
    numbers = [1_000_001, 55_039, 55_040, 57_000]
    tags = [make_tag(f"tag-{number}", pk=number) for number in numbers]
    make_study("All", tags=tags)

    assert terms("") == {f"tag-{number}": 1 for number in numbers}
    assert terms("not=tag-57000") == {}
    assert terms("sources=tag-55040")["tag-55040"] == 1


def test_packed_terms_follow_the_arrays_whoever_writes_them():
    first, second = make_tag("first"), make_tag("second")
    study = make_study("One", tags=[first])

    Study.objects.filter(pk=study.pk).update(sources=[second.pk], packed_terms="nonsense")

    study.refresh_from_db()
    assert study.packed_terms == search.character(second.pk)


def test_counting_takes_one_statement_over_studies(catalogue):
    vocabulary = Vocabulary()
    filters = Filters.read(
        QueryDict("q=nanofat&sources=fat&design=cohort").getlist, {"fat": Tag(slug="fat", facet=Facet.SOURCE)}
    )

    with CaptureQueriesContext(connection) as queries:
        facets.count(filters, vocabulary)

    assert len([query for query in queries if "studies_study" in query["sql"]]) == 1


# --- Against counting by hand ---------------------------------------------------------------------

ADDRESSES = (
    "",
    "sources=sources-1",
    "sources=sources-0&sources=sources-2",
    "sources=sources-0&sources=sources-1&all=sources",
    "sources=sources-0&outcomes=outcomes-1&not=deliveries-0",
    "design=randomised&design=cohort&sources=sources-0",
    "notice=retracted&design=cohort&checked=starter",
    "year_from=2010&people=20&months=3&full_text=1",
    "q=nanofat&outcomes=outcomes-0&design=cohort",
    "q=nanofat -fat&not=sources-0&everything=1",
    "reviewed=1&registered=1&outcomes=outcomes-2&sources=sources-1&everything=1",
)


@pytest.fixture
def many() -> None:
    dice = random.Random(7)
    by_facet = {facet: _tree(facet) for facet in (Facet.SOURCE, Facet.DELIVERY, Facet.OUTCOME)}
    Study.objects.bulk_create(_random_study(dice, by_facet) for _ in range(300))


def _tree(facet: Facet) -> list[Tag]:
    root = make_tag(f"{facet}-0", facet)
    child = make_tag(f"{facet}-1", facet, parent=root)
    return [root, child, make_tag(f"{facet}-2", facet, parent=child), make_tag(f"{facet}-3", facet)]


def _random_study(dice: random.Random, by_facet: dict[Facet, list[Tag]]) -> Study:
    arrays = {}
    for facet, tags in by_facet.items():
        ids = set()
        for tag in dice.sample(tags, dice.randint(0, 3)):
            while tag:
                ids.add(tag.pk)
                tag = tag.parent
        arrays[facet.value] = sorted(ids)
    return Study(
        title="Random",
        search_title=dice.choice(["nanofat", "nanofat and fat", "something"]),
        design=dice.choice(["randomised", "cohort", "animal"]),
        notice_status=dice.choice([0, 0, 0, NoticeStatus.CORRECTED, NoticeStatus.REMOVED, NoticeStatus.RETRACTED]),
        is_starter=dice.random() < 0.3,
        in_default_views=dice.random() < 0.8,
        has_full_text=dice.random() < 0.5,
        check_weekly=dice.random() < 0.5,
        n_registrations=dice.choice([0, 1, 2]),
        year=dice.choice([None, 2000, 2010, 2020]),
        n_participants=dice.choice([None, 5, 20, 80]),
        follow_up_months=dice.choice([None, 1, 6]),
        **arrays,
    )


@pytest.mark.parametrize("address", ADDRESSES)
def test_counts_equal_those_made_by_hand(many, address):
    counts, vocabulary = count(address)
    asked = QueryDict(address)
    studies = list(Study.objects.all())

    def meeting(dimension: str = "") -> list[Study]:
        return [study for study in studies if _meets(study, asked, vocabulary, dimension)]

    assert counts.total == len(meeting())
    assert counts.full_text == sum(study.has_full_text for study in meeting())
    assert counts.registered == sum(study.n_registrations > 0 for study in meeting())
    for design in StudyDesign.values:
        assert counts.designs[design] == sum(study.design == design for study in meeting("design"))
    assert counts.notices["retracted"] == sum(study.notice_status >= 4 for study in meeting("notice"))
    assert counts.checked["starter"] == sum(study.is_starter for study in meeting("checked"))
    for tag in vocabulary.by_id.values():
        of_tag = [study for study in meeting(tag.facet) if tag.pk in getattr(study, tag.facet)]
        assert counts.terms[tag.pk] == len(of_tag), tag.slug


def _meets(study: Study, asked: QueryDict, vocabulary: Vocabulary, but: str) -> bool:
    """Whether a study meets every filter, that of the dimension `but` left out of account."""
    at_least = {"year_from": study.year, "people": study.n_participants, "months": study.follow_up_months}
    words = set(study.search_title.split())
    hard = [
        "everything" in asked or study.in_default_views,
        "full_text" not in asked or study.has_full_text,
        "reviewed" not in asked or study.check_weekly,
        "registered" not in asked or study.n_registrations > 0,
        *(value is not None and value >= int(asked[name]) for name, value in at_least.items() if name in asked),
        *(word[1:] not in words if word[0] == "-" else word in words for word in asked.get("q", "").split()),
    ]
    for slug in asked.getlist("not"):
        tag = vocabulary.by_slug[slug]
        hard.append(tag.pk not in getattr(study, tag.facet))
    soft = {
        "design": not asked.getlist("design") or study.design in asked.getlist("design"),
        "notice": "notice" not in asked or study.notice_status >= 4,
        "checked": "checked" not in asked or study.is_starter,
    }
    for facet in Facet.values:
        wanted = {vocabulary.by_slug[slug].pk for slug in asked.getlist(facet)}
        has = set(getattr(study, facet))
        if facet in asked.getlist("all"):
            hard.append(wanted <= has)
        elif wanted:
            soft[facet] = bool(wanted & has)
    return all(hard) and all(value for name, value in soft.items() if name != but)
