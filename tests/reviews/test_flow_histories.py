"""Random histories of a review: PRISMA's identities hold after every single step."""

import random

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviews.actions import candidates, duplicates, flow, protocol, team
from reviews.actions.full_texts import NotPossible
from reviews.actions.screening import Refused
from reviews.models import Candidate, CandidateRecord, DuplicateLink
from reviews.queries.flow import counted
from reviews.rules.flow import breaks
from reviews.terms import Classification, SourceKind, Verdict
from tests.reviews.conftest import Cast, make_cast
from tests.reviews.test_screening_histories import ACTS
from tests.reviews.test_screening_histories import do as screen

OURS = ("merge", "merge", "split", "find again", "cite", "version")


@pytest.fixture(scope="module")
def cast(django_db_setup, django_db_blocker):
    """One cast for every history; each history is rolled back."""
    with django_db_blocker.unblock():
        transaction.set_autocommit(False)
        yield make_cast(5)
        transaction.rollback()
        transaction.set_autocommit(True)
        connection.close()


@pytest.mark.django_db
def test_the_flow_of_a_review_that_begins_adds_up():
    adds_up(make_cast(0))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(seed=st.integers(0, 10**6), acts=st.lists(st.sampled_from(ACTS + OURS), min_size=8, max_size=30))
def test_the_flow_adds_up_after_every_step(cast, seed, acts):
    dice = random.Random(seed)
    with transaction.atomic():
        for act in acts:
            try:
                with transaction.atomic():
                    do(act, cast, dice)
            except (Refused, NotPossible, team.LastLead, duplicates.Refused):
                pass
            adds_up(cast)
        transaction.set_rollback(True)


def do(act: str, cast: Cast, dice: random.Random) -> None:
    found = list(Candidate.objects.filter(review=cast.review).order_by("pk"))
    match act:
        case "merge":
            duplicates.merge(*dice.sample(found, 2), by=cast.adjudicator)
        case "split":
            links = DuplicateLink.objects.filter(undone_at=None).order_by("pk")
            if links:
                duplicates.unmerge(dice.choice(list(links)), by=cast.adjudicator)
        case "find again" | "cite":
            kind, name = (
                (SourceKind.CITATION, "Citations") if act == "cite" else (SourceKind.REGISTER, "ClinicalTrials.gov")
            )
            pmids = [dice.choice(found).report.pmid]
            candidates.add_reports(cast.review, by=cast.lead, pmids=pmids, dois=[], kind=kind, name=name)
        case "version":
            flow.freeze(cast.review, by=cast.lead)
            cast.review.refresh_from_db()
            protocol.change_review(cast.review, by=cast.lead, version=cast.review.version + 1)
        case _:
            screen(act, cast, dice)


def adds_up(cast: Cast) -> None:
    cast.review.refresh_from_db()
    shown = counted(cast.review)
    assert breaks(shown) == []
    included = Candidate.objects.filter(review=cast.review, duplicate_of=None, verdict=Verdict.INCLUDED)
    assert shown.n("total_reports") == included.filter(classification=Classification.INCLUDED).count()
    if shown.previous is None:
        records = CandidateRecord.objects.filter(candidate__review=cast.review).count()
        keys = ("database_results", "register_results", "citations_results")
        assert sum(shown.n(key) for key in keys) == records
