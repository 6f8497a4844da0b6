"""How current the catalogue says it is: never more than its slowest source knows."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from studies.models import Search, SearchRun
from studies.queries import runs
from studies.queries.currency import currency
from studies.queries.evidence_map import last_search
from studies.terms import RunKind, RunState
from tests.factories import make_study

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def search(kind: RunKind = RunKind.SEARCH, **values) -> Search:
    values = {"schedule": "0 3 * * *", "next_run_at": NOW + timedelta(hours=15), **values}
    return Search.objects.create(name=f"Synthetic {Search.objects.count()}", kind=kind, query="nanofat", **values)


def run(
    of: Search | None, days: float, state: RunState = RunState.FINISHED, kind: RunKind = RunKind.SEARCH
) -> SearchRun:
    at = NOW - timedelta(days=days)
    return SearchRun.objects.create(
        search=of, kind=of.kind if of else kind, asked="nanofat", state=state, created_at=at, started_at=at,
        finished_at=at + timedelta(minutes=20),
    )  # fmt: skip


@pytest.fixture
def both() -> tuple[Search, Search]:
    """A search of each source, answered three days and one day ago."""
    pubmed, trials = search(), search(RunKind.TRIALS)
    run(pubmed, 3)
    run(trials, 1)
    return pubmed, trials


def test_searched_through_is_the_oldest_of_the_sources_never_the_newest(both):
    said = currency(NOW)

    assert said.is_current
    assert said.word == "Current"
    assert said.sentence == "Searched through 24 Nov 2026: PubMed 3 days ago, ClinicalTrials.gov 1 day ago"


def test_of_several_searches_of_a_source_the_one_furthest_back_speaks(both):
    run(search(), 9)

    assert currency(NOW).sentence.startswith("Searched through 18 Nov 2026: PubMed 9 days ago")


def test_a_search_begun_before_midnight_says_nothing_of_the_day_it_ended_on(both):
    last = run(both[0], 0)
    SearchRun.objects.filter(pk=last.pk).update(started_at=NOW - timedelta(days=1), finished_at=NOW)

    assert "PubMed 1 day ago" in currency(NOW).sentence


@pytest.mark.parametrize(
    "values",
    [
        {"next_run_at": NOW - timedelta(hours=3)},
        {"due_since": NOW - timedelta(hours=3)},
    ],
)
def test_a_search_that_did_not_run_when_due_is_overdue_and_named(values, both):
    Search.objects.filter(pk=both[1].pk).update(**values)

    said = currency(NOW)

    assert said.word == "Overdue: ClinicalTrials.gov"
    assert not said.is_current


def test_a_search_whose_last_run_failed_is_overdue_at_once(both):
    last = run(both[0], 0.1, RunState.FAILED)
    SearchRun.objects.filter(pk=last.pk).update(n_failures=1)

    assert currency(NOW).word == "Overdue: PubMed"


def test_a_run_that_was_cancelled_is_neither_an_answer_nor_a_failure(both):
    run(both[0], 0, RunState.CANCELLED)

    assert currency(NOW).sentence.startswith("Searched through 24 Nov 2026")
    assert currency(NOW).is_current


@pytest.mark.parametrize("other", [{"asked": "nanofat OR fat"}, {"use": "list"}, {"limit": 100}])
def test_an_answer_to_another_question_or_to_a_part_of_it_is_none(other, both):
    SearchRun.objects.filter(pk=run(both[0], 0).pk).update(**other)

    assert currency(NOW).of("PubMed").age == "3 days ago"
    assert runs.search_rows(NOW)[0].through == NOW - timedelta(days=3)


def test_an_empty_cell_of_the_map_is_not_dated_by_the_first_hundred_of_a_search(both):
    before = last_search()
    SearchRun.objects.filter(pk=run(both[0], 0).pk).update(limit=100)

    assert before == last_search() == NOW - timedelta(days=3) + timedelta(minutes=20)


def test_a_question_that_was_changed_has_not_been_asked_yet(both):
    Search.objects.filter(pk=both[0].pk).update(query="nanofat OR fat")

    assert currency(NOW).word == "Never searched: PubMed"
    assert runs.search_rows(NOW)[0].through is None


def test_cancelling_the_next_run_does_not_hide_that_the_last_one_failed(both):
    SearchRun.objects.filter(pk=run(both[0], 0.2, RunState.FAILED).pk).update(n_failures=1)
    run(both[0], 0.1, RunState.CANCELLED)

    assert currency(NOW).word == "Overdue: PubMed"
    assert [row.search for row in runs.overdue(NOW)] == [both[0]]


def test_jobs_that_keep_the_catalogue_true_are_named_when_they_are_overdue(both):
    search(RunKind.REFRESH, due_since=NOW - timedelta(days=2))

    assert currency(NOW).word == "Overdue: Records checked again"


def test_what_nobody_asked_is_said_plainly():
    assert currency(NOW).word == "Never searched: PubMed, ClinicalTrials.gov"
    assert "No source has been searched yet" in currency(NOW).sentence

    run(None, 2)

    assert currency(NOW).word == "Never searched: ClinicalTrials.gov"
    assert (
        "PubMed searched through 25 Nov 2026, 2 days ago; ClinicalTrials.gov never searched" in currency(NOW).sentence
    )


def test_an_answer_that_nobody_asks_for_again_is_not_called_current():
    run(None, 400)
    run(None, 1, kind=RunKind.TRIALS)

    assert currency(NOW).word == "No schedule: PubMed, ClinicalTrials.gov"


def test_paused_and_deleted_searches_do_not_speak(both):
    for values in ({"is_paused": True}, {"deleted_at": NOW}):
        run(search(next_run_at=NOW - timedelta(days=9), **values), 30)

    assert currency(NOW).is_current


PAGES = ["/", "/map/", "/studies/", "/protocols/", "/durability/", "/news/"]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_that_clinicians_read_says_how_current_it_is(address, visitor: Client):
    page = visitor.get(address).content.decode()

    assert page.count('<p class="currency') == 1
    assert "Never searched: PubMed, ClinicalTrials.gov" in page


def test_a_study_says_it_too(visitor: Client):
    assert b'<p class="currency' in visitor.get(make_study().get_absolute_url()).content


def test_it_takes_three_statements_at_most_however_many_searches(both, django_assert_num_queries):
    for _ in range(10):
        run(search(), 1)

    with django_assert_num_queries(2):
        currency(NOW)
    Search.objects.update(kind=RunKind.SEARCH)
    with django_assert_num_queries(3):
        currency(NOW)
