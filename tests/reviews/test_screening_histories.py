"""Random histories of deciding, changing one's mind, settling, leaving, reopening: what has to hold after each step."""

import random

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviews.actions import dealing, full_texts, protocol, screening, stages, team, verdicts
from reviews.actions.full_texts import NotPossible
from reviews.actions.screening import Refused, Said
from reviews.models import Assignment, Candidate, Membership, ScreeningDecision
from reviews.rules import screening as rules
from reviews.rules.criteria import Draft
from reviews.rules.permissions import Permission, permissions_of
from reviews.terms import Decision, DecisionKind, Retrieval, ScreeningMode, Stage, Verdict
from tests.reviews.conftest import TITLE, Cast, add_reports, make_cast

ACTS = (
    "decide",
    "decide",
    "decide",
    "decide",
    "undo",
    "settle",
    "agree",
    "retrieve",
    "lose",
    "reopen",
    "mode",
    "leave",
)
ACTS += ("criteria", "arrive", "close", "open", "deal")


@pytest.fixture(scope="module")
def cast(django_db_setup, django_db_blocker):
    """One cast for every history; each history is rolled back."""
    with django_db_blocker.unblock():
        transaction.set_autocommit(False)
        yield make_cast(4)
        transaction.rollback()
        transaction.set_autocommit(True)
        connection.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(seed=st.integers(0, 10**6), acts=st.lists(st.sampled_from(ACTS), min_size=5, max_size=30))
def test_whatever_people_do_the_review_stays_whole(cast, seed, acts):
    dice = random.Random(seed)
    with transaction.atomic():
        for act in acts:
            n_rows = ScreeningDecision.objects.count()
            try:
                with transaction.atomic():
                    do(act, cast, dice)
            except (Refused, NotPossible, team.LastLead):
                pass  # a refusal is an answer, and leaves nothing behind
            assert ScreeningDecision.objects.count() >= n_rows
        whole(cast)
        transaction.set_rollback(True)


def do(act: str, cast: Cast, dice: random.Random) -> None:
    review, candidate = cast.review, dice.choice(list(Candidate.objects.filter(review=cast.review).order_by("pk")))
    seats = list(dealing.screeners(review))
    seat = dice.choice(seats)
    decision = dice.choice([Decision.INCLUDE, Decision.EXCLUDE, Decision.MAYBE])
    said = Said(decision, cast.reason(dice.randrange(2)) if decision == Decision.EXCLUDE else None, note="So.")
    stage = dice.choice(list(review.stages.order_by("pk")))
    match act:
        case "decide":
            at = candidate.stage if dice.random() < 0.9 else TITLE
            screening.decide(candidate, by=seat.user, stage=at, said=said, is_expert=seat.is_expert)
        case "undo":
            screening.undo(candidate, by=seat.user, stage=stage.stage)
        case "settle" | "agree":
            may_adjudicate = Permission.ADJUDICATE in permissions_of(role=seat.role)
            screening.settle_conflict(
                candidate, by=seat.user, said=said, is_consensus=act == "agree", may_adjudicate=may_adjudicate
            )
        case "retrieve":
            full_texts.add_link(candidate, by=seat.user, url="https://example.org/text")
        case "lose":
            full_texts.mark_unavailable(candidate, by=seat.user)
        case "reopen":
            screening.reopen(cast.review, [candidate.pk], by=cast.lead, stage=stage.stage, why="Again.")
        case "mode":
            stages.change_stage(stage, by=cast.lead, mode=dice.choice(list(ScreeningMode)), pilot_size=2)
        case "leave":
            team.let_go(seat, by=cast.lead)
        case "criteria":
            drafts = protocol.drafts_of(review.criteria_versions.first())
            protocol.write_criteria(review, by=cast.lead, drafts=[*drafts, Draft("exclusion", f"No {dice.random()}")])
        case "arrive":
            add_reports(cast, 1)
        case "close":
            stages.close_stage(stage, by=cast.lead)
        case "open":
            stages.open_stage(stage, by=cast.lead)
        case "deal":
            dealing.deal(review)


def whole(cast: Cast) -> None:
    """What is true of a review at any moment."""
    members = set(Membership.objects.active().filter(review=cast.review).values_list("user", flat=True))
    held = Candidate.objects.filter(review=cast.review).exclude(held_by=None)
    assert set(held.values_list("held_by", flat=True)) <= members
    assert set(Assignment.objects.values_list("user", flat=True)) <= members
    needs = {stage.stage: verdicts.needed_at(stage) for stage in cast.review.stages.all()}
    for candidate in Candidate.objects.filter(review=cast.review):
        said = verdicts.words_of(candidate, candidate.stage)
        words = verdicts.as_words(said)
        independent = [word for word in words if word.kind == DecisionKind.INDEPENDENT]
        settled = [word for word in words if word.kind != DecisionKind.INDEPENDENT]
        # One standing word a person, one settlement a conflict, and never by one of those who disagree.
        assert len({word.reviewer for word in independent}) == len(independent)
        assert len(settled) <= 1
        for word in settled:
            is_own = word.reviewer in {one.reviewer for one in independent}
            assert word.kind == DecisionKind.CONSENSUS or not is_own
        check_verdict(candidate, words, needs[candidate.stage])
        check_full_text(candidate)
        for one in said:
            if one.stage == Stage.FULL_TEXT and one.decision == Decision.EXCLUDE:
                assert one.primary_reason


def check_verdict(candidate: Candidate, words: list[rules.Word], needed: rules.Need) -> None:
    """What is written is what the rows come to; a mode that asks for more later does not undo what was decided."""
    found = rules.outcome(words, candidate.stage, needed)
    if candidate.verdict in rules.DECIDED:
        again = rules.outcome(words, candidate.stage, rules.Need(min(needed.n, max(1, len(words)))))
        assert candidate.verdict == again.verdict
        assert (candidate.primary_reason.key if candidate.primary_reason else None) == again.reason
    else:
        assert (candidate.verdict == Verdict.NOT_SCREENED) == (not words)
        assert found.verdict in rules.OPEN or needed.n < 2
    if candidate.stage == TITLE:
        assert candidate.verdict != Verdict.INCLUDED


def check_full_text(candidate: Candidate) -> None:
    if candidate.stage == Stage.FULL_TEXT:
        assert candidate.retrieval != Retrieval.NOT_SOUGHT
        if candidate.verdict != Verdict.NOT_SCREENED:
            assert candidate.retrieval == Retrieval.RETRIEVED
    is_classified = candidate.stage == Stage.FULL_TEXT and candidate.verdict in (Verdict.INCLUDED, Verdict.EXCLUDED)
    assert bool(candidate.classification) == is_classified
