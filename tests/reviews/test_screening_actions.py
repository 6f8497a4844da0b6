"""Screening: decisions, minds changed, conflicts settled, criteria that change, texts that cannot be had."""

import threading

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviews.actions import full_texts, protocol, screening, stages, verdicts
from reviews.actions.screening import Refused, Said
from reviews.models import Candidate, Membership, ReviewStage, ScreeningDecision
from reviews.queries import protocol as protocol_queries
from reviews.rules.criteria import Draft
from reviews.terms import CardOrder, Classification, Decision, Retrieval, Role, ScreeningMode, Stage, Verdict
from studies.models import AuditEvent, Study
from tests.reviews.conftest import CRITERIA, FULL, TITLE, add_reports, make_cast, person, take

pytestmark = pytest.mark.django_db
INCLUDE, EXCLUDE, MAYBE = Decision.INCLUDE, Decision.EXCLUDE, Decision.MAYBE


def test_a_decision_is_a_row_with_its_circumstances_and_an_event(cast):
    candidate = take(cast, cast.first)

    cast.say(cast.first, candidate, EXCLUDE, 1, note="No cells.", seconds=34, also=(cast.reason(2).pk,))

    row = ScreeningDecision.objects.get()
    assert (row.reviewer, row.decision, row.primary_reason) == (cast.first, EXCLUDE, cast.reason(1))
    assert (row.note, row.seconds_spent, row.secondary_reasons) == ("No cells.", 34, [cast.reason(2).pk])
    assert (row.criteria_version.number, row.order_shown, row.stage) == (1, CardOrder.RANDOM, TITLE)
    event = AuditEvent.objects.get(verb="screened")
    assert event.detail == {"review": cast.review.pk, "decision": row.pk}
    assert candidate.verdict == Verdict.SCREENED_ONCE
    assert candidate.held_by is None


def test_rows_are_never_changed_or_deleted(cast):
    cast.say(cast.first, cast.reports[0], INCLUDE)

    for act in (lambda rows: rows.update(note="x"), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            act(ScreeningDecision.objects.all())


def test_a_mind_is_changed_while_blind_by_a_new_row_and_not_after(cast):
    candidate = cast.reports[0]
    cast.say(cast.first, candidate, INCLUDE)

    cast.say(cast.first, candidate, EXCLUDE)
    cast.say(cast.second, candidate, INCLUDE)

    assert [row.decision for row in ScreeningDecision.objects.filter(reviewer=cast.first)] == [INCLUDE, EXCLUDE]
    assert ScreeningDecision.objects.standing().filter(reviewer=cast.first).get().decision == EXCLUDE
    assert candidate.refresh_from_db() or candidate.verdict == Verdict.CONFLICT
    with pytest.raises(Refused):
        cast.say(cast.first, candidate, INCLUDE)
    with pytest.raises(Refused):
        screening.undo(candidate, by=cast.first, stage=TITLE)


def test_undo_brings_the_card_back_to_who_decided(cast):
    candidate = take(cast, cast.first)
    cast.say(cast.first, candidate, EXCLUDE)

    screening.undo(candidate, by=cast.first, stage=TITLE)
    candidate.refresh_from_db()

    assert candidate.verdict == Verdict.NOT_SCREENED
    assert [row.decision for row in ScreeningDecision.objects.all()] == [EXCLUDE, Decision.WITHDRAWN]
    cast.say(cast.first, candidate, INCLUDE)
    assert ScreeningDecision.objects.standing().get().decision == INCLUDE


def test_where_one_reviewer_is_enough_a_slip_can_be_undone_until_the_full_text_is_touched(cast):
    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.SINGLE, pilot_size=50)
    candidate = cast.say(cast.first, cast.reports[0], INCLUDE)
    assert candidate.stage == FULL

    screening.undo(candidate, by=cast.first, stage=TITLE)
    candidate.refresh_from_db()
    assert (candidate.stage, candidate.verdict, candidate.retrieval) == (TITLE, "not-screened", Retrieval.NOT_SOUGHT)

    cast.say(cast.first, candidate, INCLUDE)
    full_texts.add_link(candidate, by=cast.first, url="https://example.org/text")
    with pytest.raises(Refused):
        screening.undo(candidate, by=cast.first, stage=TITLE)


def test_a_full_text_is_screened_when_retrieved_and_excluded_only_for_a_reason(cast):
    candidate = cast.pass_first(cast.reports[0], retrieved=False)
    assert (candidate.stage, candidate.retrieval) == (FULL, Retrieval.SOUGHT)
    with pytest.raises(Refused, match="not been retrieved"):
        cast.say(cast.first, candidate, INCLUDE)

    full_texts.add_link(candidate, by=cast.first, url="https://example.org/text")
    with pytest.raises(Refused, match="primary reason"):
        cast.say(cast.first, candidate, EXCLUDE)

    cast.say(cast.first, candidate, EXCLUDE, 0)
    cast.say(cast.second, candidate, EXCLUDE, 0)
    assert (candidate.verdict, candidate.primary_reason) == (Verdict.EXCLUDED, cast.reason(0))


def test_different_reasons_are_settled_by_a_third_person(cast):
    candidate = cast.pass_first(cast.reports[0])
    cast.say(cast.first, candidate, EXCLUDE, 0)
    cast.say(cast.second, candidate, EXCLUDE, 1)
    assert candidate.verdict == Verdict.CONFLICT

    with pytest.raises(Refused, match="third person"):
        screening.settle_conflict(candidate, by=cast.first, said=Said(INCLUDE), is_consensus=False, may_adjudicate=True)
    with pytest.raises(Refused, match="came to agree"):
        screening.settle_conflict(candidate, by=cast.first, said=Said(INCLUDE), is_consensus=True, may_adjudicate=False)
    screening.settle_conflict(
        candidate, by=cast.adjudicator, said=Said(EXCLUDE, cast.reason(1)), is_consensus=False, may_adjudicate=True
    )

    candidate.refresh_from_db()
    assert (candidate.verdict, candidate.primary_reason) == (Verdict.EXCLUDED, cast.reason(1))
    with pytest.raises(Refused, match="no conflict"):
        screening.settle_conflict(candidate, by=cast.lead, said=Said(INCLUDE), is_consensus=False, may_adjudicate=True)


def test_reviewers_may_record_what_they_agreed_on(cast):
    candidate = cast.reports[0]
    cast.say(cast.first, candidate, INCLUDE)
    cast.say(cast.second, candidate, EXCLUDE)

    said = Said(INCLUDE, note="We read the abstract together.")
    screening.settle_conflict(candidate, by=cast.first, said=said, is_consensus=True, may_adjudicate=False)

    candidate.refresh_from_db()
    assert (candidate.stage, candidate.verdict) == (FULL, Verdict.NOT_SCREENED)
    assert ScreeningDecision.objects.get(kind="consensus").note == said.note


def test_consensus_is_recorded_by_who_disagreed_or_settles_conflicts_and_by_nobody_else(cast):
    third = person("Thea")
    Membership.objects.create(review=cast.review, user=third, role=Role.REVIEWER)
    candidate = cast.reports[0]
    cast.say(third, candidate, INCLUDE)
    screening.undo(candidate, by=third, stage=TITLE)
    cast.say(cast.first, candidate, INCLUDE)
    cast.say(cast.second, candidate, EXCLUDE)
    address = reverse("reviews:settle", args=[cast.review.slug, candidate.pk])
    said = {"decision": "include", "note": "We agreed.", "is_consensus": "1"}
    client = cast.client(third)

    page = client.get(reverse("reviews:report", args=[cast.review.slug, candidate.pk])).content.decode()
    answer = client.post(address, said)

    assert "Record as consensus" not in page
    assert answer.status_code == 422
    assert "one of those who disagree" in answer.content.decode()
    candidate.refresh_from_db()
    assert candidate.verdict == Verdict.CONFLICT
    assert cast.client(cast.second).post(address, said).status_code == 302


def test_who_decided_in_an_earlier_round_settles_as_a_third_person_in_this_one(cast):
    candidate = cast.reports[0]
    cast.say(cast.adjudicator, candidate, INCLUDE)
    screening.reopen(cast.review, [candidate.pk], by=cast.lead, stage=TITLE, why="Again.")
    cast.say(cast.first, candidate, INCLUDE)
    cast.say(cast.second, candidate, EXCLUDE)

    report = reverse("reviews:report", args=[cast.review.slug, candidate.pk])

    assert "Settle as a third person" in cast.client(cast.adjudicator).get(report).content.decode()
    assert "Settle as a third person" not in cast.client(cast.second).get(report).content.decode()


def test_an_included_study_is_checked_every_week_until_it_is_included_no_more(cast):
    candidate = cast.pass_first(cast.reports[0])
    cast.say(cast.first, candidate, INCLUDE)
    cast.say(cast.second, candidate, INCLUDE)
    assert candidate.classification == Classification.INCLUDED
    assert Study.objects.get(check_weekly=True).pk == candidate.report.study_id

    screening.reopen(cast.review, [candidate.pk], by=cast.lead, stage=FULL, why="A retraction.")

    assert not Study.objects.filter(check_weekly=True).exists()


@pytest.mark.parametrize(("stage", "n_earlier"), [(FULL, 1), (TITLE, 2)])
def test_words_of_an_earlier_round_are_marked_and_those_by_which_a_stage_was_passed_are_not(cast, stage, n_earlier):
    candidate = cast.pass_first(cast.reports[0])
    cast.say(cast.first, candidate, INCLUDE)
    cast.say(cast.second, candidate, INCLUDE)

    screening.reopen(cast.review, [candidate.pk], by=cast.lead, stage=stage, why="A retraction.")
    # While it is decided anew, one's own words are all that one sees of that stage.
    page = cast.client(cast.first).get(reverse("reviews:report", args=[cast.review.slug, candidate.pk]))

    assert page.content.decode().count("earlier round</span>") == n_earlier


def test_many_reports_are_looked_at_again_in_as_many_statements_as_few(cast):
    """By criteria that changed hundreds are reopened at once, by another mode hundreds settled."""

    def statements(act) -> int:
        with CaptureQueriesContext(connection) as asked:
            act()
        return len(asked)

    def again(*reports) -> int:
        pks = [one.pk for one in reports]
        return statements(lambda: screening.reopen(cast.review, pks, by=cast.lead, stage=TITLE, why="New criteria."))

    def single() -> int:
        return statements(lambda: verdicts.settle_open(cast.review, cast.stage()))

    few, more = cast.reports[:1], add_reports(cast, 12)
    n_again, n_settled = [], []
    for reports in (few, more):
        ReviewStage.objects.filter(review=cast.review).update(mode=ScreeningMode.DOUBLE)
        for candidate in reports:
            cast.say(cast.first, candidate, EXCLUDE)
        ReviewStage.objects.filter(review=cast.review).update(mode=ScreeningMode.SINGLE)
        n_settled.append(single())
        assert {Candidate.objects.get(pk=one.pk).verdict for one in reports} == {Verdict.EXCLUDED}
        n_again.append(again(*reports))
        assert {Candidate.objects.get(pk=one.pk).round for one in reports} == {2}

    assert n_settled[0] == n_settled[1]
    assert n_again[0] == n_again[1]
    assert AuditEvent.objects.filter(verb="reopened").count() == 13


def test_a_decision_with_the_next_card_takes_few_statements(cast):
    """A reviewer waits for them a thousand times a day. Two transactions begin and end besides."""
    add_reports(cast, 3)
    protocol.change_review(cast.review, by=cast.lead, is_ranked=True, card_order=CardOrder.RELEVANCE)
    client, asks = cast.client(cast.first), {"HX-Request": "true"}
    here, ahead, last = (take(cast, cast.first, besides=held_by(cast.first)).pk for _ in range(3))
    assert held_by(cast.first) == [here, ahead, last]
    said = {"decision": "exclude", "reason": cast.reason(1).pk, "seconds": "9", "ahead": ahead}
    address = reverse("reviews:card", args=[cast.review.slug, TITLE, here])

    with CaptureQueriesContext(connection) as asked:
        answer = client.post(address, said, headers=asks)

    statements = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
    assert len(statements) <= 14
    assert f'data-card="{last}"' in answer.content.decode()
    assert held_by(cast.first) == [ahead, last]


def held_by(user) -> list[int]:
    return list(Candidate.objects.filter(held_by=user).order_by("held_until").values_list("pk", flat=True))


def test_a_closed_stage_takes_no_decision(cast):
    stages.close_stage(cast.stage(), by=cast.lead)

    with pytest.raises(Refused, match="closed"):
        cast.say(cast.first, cast.reports[0], INCLUDE)
    assert take(cast, cast.first) is None

    stages.open_stage(cast.stage(), by=cast.lead)
    assert cast.say(cast.first, cast.reports[0], INCLUDE).verdict == Verdict.SCREENED_ONCE


def test_criteria_change_in_place_until_somebody_decides_and_make_a_version_after(cast):
    drafts = protocol.drafts_of(cast.review.criteria_versions.first())
    protocol.write_criteria(cast.review, by=cast.lead, drafts=drafts[:4])
    assert cast.review.criteria_versions.count() == 1
    cast.say(cast.first, cast.reports[0], EXCLUDE, 0)

    kept = protocol.drafts_of(cast.review.criteria_versions.first())
    new = protocol.write_criteria(cast.review, by=cast.lead, drafts=[*kept, Draft("exclusion", "Animals only")])

    assert (new.number, new.what_changed) == (2, "New: exclusion “Animals only”.")
    assert ScreeningDecision.objects.get().criteria_version.number == 1
    with pytest.raises(Refused, match="criteria have changed"):
        screening.decide(
            cast.reports[1],
            by=cast.first,
            stage=TITLE,
            said=Said(EXCLUDE, ScreeningDecision.objects.get().primary_reason),
        )


def test_decisions_by_older_criteria_are_asked_for_again_where_somebody_says_so(cast):
    candidate, other = cast.reports[:2]
    for user in (cast.first, cast.second):
        cast.say(user, candidate, EXCLUDE, 0)
    cast.say(cast.first, other, INCLUDE)
    protocol.write_criteria(cast.review, by=cast.lead, drafts=[*CRITERIA[:3], Draft("exclusion", "Animals only")])

    groups = {group.name: group.n for group in protocol_queries.groups_to_revisit(cast.review)}
    assert groups == {"waiting": 1, "excluded": 1}
    again = protocol_queries.candidates_to_revisit(cast.review, "excluded").values_list("pk", flat=True)
    assert screening.reopen(cast.review, again, by=cast.lead, stage=Stage.TITLE_ABSTRACT, why="Animals") == 1

    candidate.refresh_from_db()
    assert (candidate.verdict, candidate.round) == (Verdict.NOT_SCREENED, 2)
    assert ScreeningDecision.objects.filter(candidate=candidate).count() == 2
    cast.say(cast.first, candidate, INCLUDE)
    cast.say(cast.second, candidate, INCLUDE)
    assert candidate.stage == FULL
    assert {group.name for group in protocol_queries.groups_to_revisit(cast.review)} == {"waiting"}


def test_the_same_reason_by_two_versions_of_the_criteria_is_no_conflict(cast):
    candidate = cast.pass_first(cast.reports[0])
    cast.say(cast.first, candidate, EXCLUDE, 0)
    drafts = protocol.drafts_of(cast.review.criteria_versions.first())
    protocol.write_criteria(cast.review, by=cast.lead, drafts=[*drafts, Draft("exclusion", "Animals only")])

    cast.say(cast.second, candidate, EXCLUDE, 0)

    assert candidate.verdict == Verdict.EXCLUDED
    assert candidate.primary_reason.version.number == 2


def test_a_text_that_cannot_be_had_is_said_so_and_may_be_found_after_all(cast):
    candidate = cast.pass_first(cast.reports[0], retrieved=False)

    full_texts.mark_unavailable(candidate, by=cast.first, why="Asked the authors.")
    candidate.refresh_from_db()
    assert candidate.retrieval == Retrieval.UNAVAILABLE
    assert take(cast, cast.first, FULL) is None

    full_texts.add_link(candidate, by=cast.second, url="https://example.org/found")
    assert take(cast, cast.first, FULL) == candidate


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_in_the_same_second_are_both_kept_and_make_one_verdict():
    cast = make_cast(6)
    barrier, troubles = threading.Barrier(2), []

    def decide(user, decision: str) -> None:
        try:
            for candidate in cast.reports:
                barrier.wait(20)
                screening.decide(candidate, by=user, stage=TITLE, said=Said(decision))
        except Exception as error:  # noqa: BLE001 - told in the test's own thread
            troubles.append(error)
            barrier.abort()
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=decide, args=(cast.first, INCLUDE)),
        threading.Thread(target=decide, args=(cast.second, EXCLUDE)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not troubles
    for candidate in cast.reports:
        candidate.refresh_from_db()
        assert candidate.decisions.count() == 2
        assert candidate.verdict == Verdict.CONFLICT
    assert AuditEvent.objects.filter(verb="screened").count() == 12
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_stage_that_changes_while_a_first_decision_is_being_written_leaves_no_report_with_one_word():
    cast = make_cast(1)
    single = {"mode": ScreeningMode.SINGLE, "pilot_size": 0}

    def change() -> None:
        try:
            stages.change_stage(cast.stage(), by=cast.lead, **single)
        finally:
            connections.close_all()

    changing = threading.Thread(target=change)
    with transaction.atomic():
        screening.decide(cast.reports[0], by=cast.first, stage=TITLE, said=Said(EXCLUDE))
        changing.start()
        changing.join(1)
        waits = changing.is_alive()
    changing.join(60)

    assert waits
    cast.reports[0].refresh_from_db()
    assert cast.reports[0].verdict == Verdict.EXCLUDED
    connection.close()
