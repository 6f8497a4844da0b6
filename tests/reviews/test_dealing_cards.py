"""Who is shown which card: held cards, ranks, shares dealt by weight, pilots, and experts where one is needed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from reviews.actions import dealing, protocol, screening, stages, team
from reviews.actions.screening import Refused, Said
from reviews.models import Assignment, Candidate, ScreeningDecision
from reviews.queries import screening as queries
from reviews.terms import CardOrder, Dealing, Decision, ScreeningMode, Verdict
from tests.reviews.conftest import FULL, TITLE, add_reports, take

pytestmark = pytest.mark.django_db
INCLUDE, EXCLUDE, MAYBE = Decision.INCLUDE, Decision.EXCLUDE, Decision.MAYBE


def test_a_card_is_held_for_who_has_it_open_for_a_quarter_of_an_hour(cast):
    mine = take(cast, cast.first)
    theirs = take(cast, cast.second)

    assert mine != theirs
    with pytest.raises(Refused):
        screening.open_card(mine, by=cast.second)
    Candidate.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert screening.open_card(mine, by=cast.second).held_by == cast.second


def test_no_card_comes_twice_and_every_card_comes_to_both(cast):
    seen = {}
    for user in (cast.first, cast.second):
        seen[user] = []
        while candidate := take(cast, user):
            seen[user].append(candidate.pk)
            cast.say(user, candidate, EXCLUDE)

    assert seen[cast.first] == seen[cast.second]
    assert sorted(seen[cast.first]) == [one.pk for one in cast.reports]
    assert take(cast, cast.adjudicator) is None


def test_cards_come_by_rank_where_the_lead_chose_so_and_the_order_is_logged(cast):
    cast.review.is_ranked, cast.review.card_order, cast.review.random_share = True, CardOrder.RELEVANCE, 0
    cast.review.save()
    for place, candidate in enumerate(cast.reports[:2]):
        candidate.rank = place / 10
        candidate.save()

    order = []
    while candidate := take(cast, cast.first):
        order.append(candidate.pk)
        cast.say(cast.first, candidate, EXCLUDE)

    assert order == [cast.reports[1].pk, cast.reports[0].pk, cast.reports[2].pk]
    assert list(ScreeningDecision.objects.values_list("order_shown", "rank_shown")) == [
        (CardOrder.RELEVANCE, 0.1),
        (CardOrder.RELEVANCE, 0.0),
        (CardOrder.RELEVANCE, None),
    ]


def test_shares_are_dealt_by_weight_and_each_report_to_two(cast):
    add_reports(cast, 9)
    team.change_member(cast.seat(cast.first), by=cast.lead, role="reviewer", is_expert=False, share=3)
    protocol.change_review(cast.review, by=cast.lead, dealing=Dealing.SHARE)
    cast.review.refresh_from_db()

    dealing.deal(cast.review, by=cast.lead)

    n = dict.fromkeys((cast.lead, cast.first, cast.second, cast.adjudicator), 0)
    for one in Assignment.objects.select_related("user"):
        n[one.user] += 1
    assert sum(n.values()) == 24
    assert n[cast.first] > n[cast.second]
    assert cast.observer not in n
    assert dealing.deal(cast.review, by=cast.lead) == 0
    mine = queries.open_for(cast.review, cast.stage(), user=cast.second)
    assert mine.count() == n[cast.second]


def test_a_member_who_leaves_frees_what_they_hold_and_strands_nothing(cast):
    """HAWC cannot take a reviewer off a review; elsewhere their undecided reports wait for them for ever."""
    add_reports(cast, 4)
    protocol.change_review(cast.review, by=cast.lead, dealing=Dealing.SHARE)
    cast.review.refresh_from_db()
    dealing.deal(cast.review)
    conflict = cast.reports[0]
    cast.say(cast.first, conflict, INCLUDE)
    cast.say(cast.second, conflict, EXCLUDE)
    take(cast, cast.first)

    team.let_go(cast.seat(cast.first), by=cast.lead)

    assert not Assignment.objects.filter(user=cast.first).exists()
    assert not Candidate.objects.filter(held_by=cast.first).exists()
    open_ones = Candidate.objects.filter(review=cast.review, verdict=Verdict.NOT_SCREENED)
    assert all(one.assignments.count() == 2 for one in open_ones)
    screening.settle_conflict(
        conflict, by=cast.adjudicator, said=Said(INCLUDE), is_consensus=False, may_adjudicate=True
    )
    assert ScreeningDecision.objects.filter(reviewer=cast.first).count() == 1


def test_a_review_keeps_a_lead(cast):
    with pytest.raises(team.LastLead):
        team.let_go(cast.seat(cast.lead), by=cast.lead)
    with pytest.raises(team.LastLead):
        team.change_member(cast.seat(cast.lead), by=cast.lead, role="observer", is_expert=False, share=1)


def test_a_pilot_is_a_random_sample_that_every_reviewer_decides(cast):
    add_reports(cast, 7)
    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.PILOT, pilot_size=4)
    people = (cast.first, cast.second, cast.adjudicator, cast.lead)
    sample = {one.pk for one in Candidate.objects.filter(is_pilot=True)}

    for user in people[:3]:
        seen = set()
        while candidate := take(cast, user):
            seen.add(candidate.pk)
            cast.say(user, candidate, EXCLUDE)
        assert seen == sample
    assert len(sample) == 4
    assert set(Candidate.objects.filter(is_pilot=True).values_list("verdict", flat=True)) == {"screened-once"}

    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.DOUBLE, pilot_size=4)
    assert set(Candidate.objects.filter(is_pilot=True).values_list("verdict", flat=True)) == {"excluded"}


def test_a_pilot_by_shares_deals_its_sample_alone_and_the_rest_when_it_is_over(cast):
    add_reports(cast, 7)
    protocol.change_review(cast.review, by=cast.lead, dealing=Dealing.SHARE)
    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.PILOT, pilot_size=4)

    dealt = Assignment.objects.filter(stage=TITLE)
    assert set(dealt.values_list("candidate__is_pilot", flat=True)) == {True}
    assert dealt.count() == 4 * 4

    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.DOUBLE, pilot_size=4)
    assert dealt.values("candidate").distinct().count() == 10


def test_an_enlarged_pilot_counts_those_of_its_sample_that_have_passed(cast):
    add_reports(cast, 7)
    people = (cast.first, cast.second, cast.adjudicator, cast.lead)
    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.PILOT, pilot_size=3)
    for candidate in Candidate.objects.filter(is_pilot=True):
        for user in people:
            cast.say(user, candidate, INCLUDE)
        assert candidate.stage == FULL

    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.PILOT, pilot_size=5)

    assert Candidate.objects.filter(is_pilot=True).count() == 5


@pytest.mark.parametrize("is_dealt_before", [True, False])
def test_where_an_expert_is_needed_shares_strand_no_report(cast, is_dealt_before):
    """Two who are no experts would wait for one to whom the report was never dealt."""
    add_reports(cast, 7)
    for user in (cast.lead, cast.first, cast.second):
        team.change_member(cast.seat(user), by=cast.lead, role=cast.seat(user).role, is_expert=False, share=5)
    mode = ScreeningMode.EXPERT
    for act in ["deal", "mode"] if is_dealt_before else ["mode", "deal"]:
        if act == "deal":
            protocol.change_review(cast.review, by=cast.lead, dealing=Dealing.SHARE)
            cast.review.refresh_from_db()
            dealing.deal(cast.review)
        else:
            stages.change_stage(cast.stage(), by=cast.lead, mode=mode, pilot_size=50)

    for user in (cast.first, cast.second, cast.lead, cast.adjudicator, cast.first, cast.second, cast.lead):
        while candidate := take(cast, user):
            cast.say(user, candidate, EXCLUDE)

    assert set(Candidate.objects.values_list("verdict", flat=True)) == {Verdict.EXCLUDED}
    dealt = Assignment.objects.filter(user=cast.adjudicator, stage=TITLE)
    assert dealt.count() == 10


def test_an_expert_finds_what_was_dealt_to_others_while_there_was_none(cast):
    for user in (cast.lead, cast.adjudicator):
        team.change_member(cast.seat(user), by=cast.lead, role=cast.seat(user).role, is_expert=False, share=1)
    protocol.change_review(cast.review, by=cast.lead, dealing=Dealing.SHARE)
    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.EXPERT, pilot_size=50)
    cast.review.refresh_from_db()

    team.change_member(cast.seat(cast.adjudicator), by=cast.lead, role="adjudicator", is_expert=True, share=1)

    mine = queries.open_for(cast.review, cast.stage(), user=cast.adjudicator, is_expert=True)
    assert mine.count() == 3
