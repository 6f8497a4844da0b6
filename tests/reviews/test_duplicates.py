"""Duplicates in a review: what is merged, what waits for a person, what a merge keeps, what taking it back restores."""

import threading
import time

import pytest
from django.db import connection, connections, transaction
from django.urls import reverse

from reviews.actions import comparing, stages
from reviews.actions import duplicates as actions
from reviews.actions.candidates import add_reports
from reviews.models import Candidate, DuplicateLink, PairProposal, ScreeningDecision
from reviews.queries import duplicates as queries
from reviews.terms import Decision, DuplicateMethod, PairAnswer, PairKind, ScreeningMode, SourceKind, Stage, Verdict
from studies.models import AuditEvent, Report
from tests.factories import make_study
from tests.reviews.conftest import Cast

pytestmark = pytest.mark.django_db

ABSTRACT = [
    {
        "text": "Nanofat is offered for wrinkles. Twenty-four women were treated and followed for 12 weeks. "
        "Depth fell by 18 per cent. It may help a little."
    }
]
PAPER = {
    "title": "Intradermal nanofat for periorbital wrinkles: a split-face trial",
    "authors": [{"last": "Müller", "fore": "Jörg"}, {"last": "Kim", "fore": "Ji-Hoon"}],
    "journal": "Journal of Invented Dermatology",
    "published_on": "2021-03-01",
    "volume": "12",
    "issue": "3",
    "pages": "123-129",
    "abstract": ABSTRACT,
}


def join(cast: Cast, source: str = "Embase", **report) -> Candidate:
    """One more report of the review, from this source."""
    values = PAPER | {"pmid": None, "doi": ""} | report
    made = Report.objects.get(study=make_study(report=values))
    made.doi = values["doi"] or f"10.9999/own.{made.pk}"
    Report.objects.filter(pk=made.pk).update(doi=made.doi)
    add_reports(cast.review, by=cast.lead, pmids=[], dois=[made.doi], kind=SourceKind.DATABASE, name=source)
    Report.objects.filter(pk=made.pk).update(doi=values["doi"])
    return Candidate.objects.get(review=cast.review, report=made)


@pytest.fixture
def pair(cast: Cast) -> tuple[Candidate, Candidate]:
    """One paper as two sources spell it."""
    first = join(cast, "PubMed", pmid=900001)
    second = join(cast, title=PAPER["title"].upper(), journal="J Invent Dermatol", pages="123-9")
    return first, second


def again(*candidates: Candidate) -> list[Candidate]:
    return [Candidate.objects.get(pk=candidate.pk) for candidate in candidates]


def test_a_certain_pair_is_merged_without_asking_and_keeps_both_records(cast, pair):
    looked = comparing.look(cast.review)

    first, second = again(*pair)
    assert (looked.n_merged, looked.n_proposed) == (1, 0)
    assert second.duplicate_of == first and first.duplicate_of is None
    link = DuplicateLink.objects.get()
    assert (link.method, link.by, link.undone_at) == (DuplicateMethod.SIMILARITY, None, None)
    assert {record.source.name for c in (first, second) for record in c.records.all()} == {"PubMed", "Embase"}
    event = AuditEvent.objects.get(verb="merged")
    assert event.detail["review"] == cast.review.pk and event.detail["dropped"] == second.pk


def test_a_second_look_compares_nothing_twice(cast, pair):
    comparing.look(cast.review)

    assert comparing.look(cast.review).n_reports == 0
    assert DuplicateLink.objects.count() == 1


def test_the_same_paper_from_a_third_source_joins_the_merged_two(cast, pair):
    comparing.look(cast.review)
    third = join(cast, "Scopus", abstract=[])

    comparing.look(cast.review)

    assert actions.root_of(again(third)[0]) == actions.root_of(again(pair[1])[0]) == pair[0]


def test_a_doubtful_pair_waits_for_a_person_with_both_side_by_side(cast):
    first, second = join(cast, pmid=900001), join(cast, published_on="2024-03-01", pages="5-9")

    looked = comparing.look(cast.review)

    assert (looked.n_merged, looked.n_proposed) == (0, 1)
    page = cast.client(cast.adjudicator).get(reverse("reviews:duplicates", args=[cast.review.slug])).content.decode()
    assert "3 years apart" in page and "the pages differ" in page
    assert page.count("Intradermal nanofat for periorbital wrinkles") >= 2
    assert "Merge, report 1 stays" in page and "Keep apart" in page
    assert {first.pk, second.pk} == set(PairProposal.objects.values_list("first", "second").get())


def test_observers_see_the_pairs_and_no_buttons(cast):
    join(cast, pmid=900001), join(cast, published_on="2024-03-01", pages="5-9")
    comparing.look(cast.review)

    page = cast.client(cast.observer).get(reverse("reviews:duplicates", args=[cast.review.slug])).content.decode()

    assert "3 years apart" in page
    assert "Merge, report" not in page


def test_certain_pairs_with_decisions_on_both_sides_wait_for_a_person(cast, pair):
    cast.say(cast.first, pair[0], Decision.INCLUDE)
    cast.say(cast.second, pair[1], Decision.EXCLUDE)

    looked = comparing.look(cast.review)

    assert (looked.n_merged, looked.n_proposed) == (0, 1)
    assert "both have decisions" in PairProposal.objects.get().why


def test_the_side_that_was_decided_about_stays(cast, pair):
    cast.say(cast.first, pair[1], Decision.INCLUDE)

    comparing.look(cast.review)

    first, second = again(*pair)
    assert first.duplicate_of == second
    assert second.verdict == Verdict.SCREENED_ONCE


def test_a_merge_keeps_every_decision_and_counts_the_kept_ones(cast, pair):
    first, second = pair
    cast.say(cast.first, first, Decision.INCLUDE)
    cast.say(cast.first, second, Decision.EXCLUDE)
    cast.say(cast.second, second, Decision.EXCLUDE)

    actions.merge(*again(first, second), by=cast.lead)

    first, second = again(first, second)
    assert ScreeningDecision.objects.count() == 3
    assert (first.verdict, second.verdict, second.duplicate_of) == (Verdict.SCREENED_ONCE, Verdict.EXCLUDED, first)


def test_taking_a_merge_back_restores_both_and_no_rule_merges_them_again(cast, pair):
    first, second = pair
    cast.say(cast.first, second, Decision.EXCLUDE)
    cast.say(cast.second, second, Decision.EXCLUDE)
    link = actions.merge(*again(first, second), by=cast.lead)

    actions.unmerge(link, by=cast.adjudicator, why="Two papers after all")
    Candidate.objects.update(compared_at=None)
    looked = comparing.look(cast.review)

    first, second = again(first, second)
    assert (first.duplicate_of, second.duplicate_of, looked.n_merged) == (None, None, 0)
    assert (second.stage, second.verdict) == (Stage.TITLE_ABSTRACT, Verdict.EXCLUDED)
    assert AuditEvent.objects.get(verb="took merge back").detail["why"] == "Two papers after all"
    assert PairProposal.objects.get().answer == PairAnswer.APART


def test_a_report_that_was_merged_while_its_stage_came_to_need_one_word_is_decided_when_it_stands_again(cast, pair):
    first, second = pair
    cast.say(cast.first, second, Decision.EXCLUDE)
    link = actions.merge(*again(first, second), by=cast.lead)
    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.SINGLE, pilot_size=50)

    actions.unmerge(link, by=cast.lead)

    assert again(second)[0].verdict == Verdict.EXCLUDED


def test_a_pair_that_is_one_report_is_not_grouped_as_two(cast):
    join(cast, pmid=900001), join(cast, published_on="2024-03-01", pages="5-9")
    comparing.look(cast.review)
    proposal = PairProposal.objects.get()
    actions.merge(proposal.first, proposal.second, by=cast.lead)

    with pytest.raises(actions.Refused, match="answered already"):
        actions.group_as_study(proposal, by=cast.lead)

    proposal.refresh_from_db()
    assert proposal.answer == PairAnswer.MERGED


@pytest.mark.django_db(transaction=True)
def test_a_decision_made_while_duplicates_are_looked_for_is_not_merged_away(cast, pair):
    """The rule would keep the first, which has a PMID; somebody is deciding on the second in this moment."""
    first, second = pair
    look = threading.Thread(target=_look_elsewhere, args=(cast.review,))
    with transaction.atomic():
        cast.say(cast.first, second, Decision.EXCLUDE)
        look.start()
        _wait_for_a_lock()
    look.join(30)

    first, second = again(first, second)
    assert (first.duplicate_of, second.duplicate_of) == (second, None)
    assert second.verdict == Verdict.SCREENED_ONCE


def _look_elsewhere(review) -> None:
    try:
        comparing.look(review)
    finally:
        connections.close_all()


def _wait_for_a_lock() -> None:
    """Until another connection waits for what this one has locked."""
    for _ in range(300):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def test_what_was_merged_or_belongs_to_another_review_is_not_merged_again(cast, pair):
    first, second = pair
    actions.merge(first, second, by=cast.lead)

    with pytest.raises(actions.Refused, match="merged already"):
        actions.merge(*again(cast.reports[0], second), by=cast.lead)
    with pytest.raises(actions.Refused, match="two different"):
        actions.merge(first, first, by=cast.lead)


def test_a_preprint_and_its_article_are_grouped_and_both_stay_candidates(cast):
    article = join(cast, pmid=900001, doi="10.1000/article")
    preprint = join(cast, doi="10.1101/2020.03.04.20030000", journal="medRxiv", volume="", pages="", kind="preprint")
    cast.say(cast.first, preprint, Decision.INCLUDE)

    comparing.look(cast.review)
    proposal = PairProposal.objects.get()
    answer = cast.client(cast.lead).post(reverse("reviews:group", args=[cast.review.slug, proposal.pk]))

    article, preprint = again(article, preprint)
    proposal.refresh_from_db()
    assert answer.status_code == 302
    assert (proposal.kind, proposal.answer) == (PairKind.STUDY, PairAnswer.GROUPED)
    assert article.report.study == preprint.report.study
    assert article.duplicate_of is None and preprint.duplicate_of is None
    assert preprint.verdict == Verdict.SCREENED_ONCE


def test_pairs_are_answered_on_the_page(cast):
    first, second = join(cast, pmid=900001), join(cast, published_on="2024-03-01", pages="5-9")
    comparing.look(cast.review)
    proposal, client = PairProposal.objects.get(), cast.client(cast.adjudicator)
    where = reverse("reviews:merge", args=[cast.review.slug, proposal.pk])

    assert client.post(where, {}).status_code == 422
    assert client.post(where, {"kept": cast.reports[0].pk}).status_code == 422
    assert client.post(where, {"kept": second.pk}).status_code == 302
    assert again(first)[0].duplicate_of == second
    assert client.post(where, {"kept": second.pk}).status_code == 422
    page = client.get(reverse("reviews:merges", args=[cast.review.slug])).content.decode()
    assert "Take back" in page
    client.post(reverse("reviews:unmerge", args=[cast.review.slug, DuplicateLink.objects.get().pk]), {"why": "no"})
    assert again(first)[0].duplicate_of is None


def test_a_pair_kept_apart_is_not_proposed_again(cast):
    join(cast, pmid=900001), join(cast, published_on="2024-03-01", pages="5-9")
    comparing.look(cast.review)
    cast.client(cast.lead).post(reverse("reviews:keep_apart", args=[cast.review.slug, PairProposal.objects.get().pk]))

    comparing.look(cast.review, everything=True)

    assert not queries.open_pairs(cast.review)
    assert queries.numbers(cast.review)["apart"] == 1


def test_a_pair_shows_only_the_decisions_that_its_reader_may_see(cast, pair):
    cast.say(cast.first, pair[0], Decision.INCLUDE, note="a note of Fiona's")
    cast.say(cast.second, pair[1], Decision.EXCLUDE)
    comparing.look(cast.review)
    where = reverse("reviews:duplicates", args=[cast.review.slug])

    blind = cast.client(cast.adjudicator).get(where).content.decode()
    own = cast.client(cast.first).get(where).content.decode()

    assert "Fiona: include" not in blind and "Simon: exclude" not in blind
    assert "Fiona: include" in own and "Simon: exclude" not in own


def test_the_page_asks_as_many_queries_for_one_pair_as_for_many(cast, django_assert_max_num_queries):
    for number in range(4):
        join(cast, pmid=900001 + number, title=f"{PAPER['title']} in town {'abcd'[number] * 9}")
        join(cast, published_on="2024-03-01", pages="5-9", title=f"{PAPER['title']} in town {'abcd'[number] * 9}")
    comparing.look(cast.review)
    client = cast.client(cast.lead)
    assert queries.open_pairs(cast.review).count() >= 4

    with django_assert_max_num_queries(22):
        client.get(reverse("reviews:duplicates", args=[cast.review.slug]))
