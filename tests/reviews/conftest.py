"""The cast of a review: a lead, two reviewers, an adjudicator, an observer, a stranger; and reports to screen."""

from dataclasses import dataclass, field

import pytest
from django.test import Client

from reviews.actions import candidates as candidate_actions
from reviews.actions import full_texts, protocol, screening
from reviews.actions.screening import Said
from reviews.models import Candidate, Membership, Review, ReviewStage
from reviews.rules.criteria import Draft
from reviews.terms import CriterionKind, Decision, Role, SourceKind, Stage
from studies.models import Report, User
from studies.terms import SiteRole
from tests.conftest import PASSWORD, signed_in
from tests.factories import make_study

TITLE, FULL = Stage.TITLE_ABSTRACT, Stage.FULL_TEXT


def person(name: str, role: str = SiteRole.VISITOR) -> User:
    return User.objects.create_user(f"{name.lower()}@example.org", PASSWORD, role=role, first_name=name)


@dataclass
class Cast:
    """A review with its people; `reports` are its candidates in the order they were added."""

    review: Review
    lead: User
    first: User
    second: User
    adjudicator: User
    observer: User
    reports: list[Candidate] = field(default_factory=list)

    def client(self, user: User) -> Client:
        return signed_in(user)

    def seat(self, user: User) -> Membership:
        return Membership.objects.get(review=self.review, user=user, left_at=None)

    def stage(self, stage: str = TITLE) -> ReviewStage:
        return ReviewStage.objects.get(review=self.review, stage=stage)

    def reason(self, place: int = 0):
        found = self.review.criteria_versions.first().criteria.filter(kind=CriterionKind.EXCLUSION)
        return found.order_by("position")[place]

    def say(self, user: User, candidate: Candidate, decision: str, reason: int | None = None, stage: str = "", **more):
        candidate.refresh_from_db()
        said = Said(decision, reason=None if reason is None else self.reason(reason), **more)
        is_expert = bool(Membership.objects.filter(review=self.review, user=user, left_at=None, is_expert=True))
        screening.decide(candidate, by=user, stage=stage or candidate.stage, said=said, is_expert=is_expert)
        candidate.refresh_from_db()
        return candidate

    def pass_first(self, candidate: Candidate, *, retrieved: bool = True) -> Candidate:
        """Past title and abstract by both reviewers, its full text at hand."""
        self.say(self.first, candidate, Decision.INCLUDE)
        self.say(self.second, candidate, Decision.INCLUDE)
        if retrieved:
            full_texts.add_link(candidate, by=self.first, url="https://example.org/text")
        candidate.refresh_from_db()
        return candidate


CRITERIA = (
    Draft(CriterionKind.INCLUSION, "Adults with photoaged skin", "Any skin type."),
    Draft(CriterionKind.INCLUSION, "Stem cells or what they secrete"),
    Draft(CriterionKind.EXCLUSION, "Wrong population"),
    Draft(CriterionKind.EXCLUSION, "Wrong intervention", "Platelet products alone."),
    Draft(CriterionKind.EXCLUSION, "No original data"),
)


def make_cast(n_reports: int = 3) -> Cast:
    lead = person("Leda", SiteRole.REVIEWER)
    review = protocol.create_review(
        by=lead,
        title="Stem cells for skin: a living review",
        question="Do stem cells rejuvenate skin?",
        include_words=["fat", "stem cell*"],
        exclude_words=["mice"],
    )
    protocol.write_criteria(review, by=lead, drafts=CRITERIA)
    people = {}
    for name, user, role in (
        ("first", person("Fiona"), Role.REVIEWER),
        ("second", person("Simon"), Role.REVIEWER),
        ("adjudicator", person("Ajay"), Role.ADJUDICATOR),
        ("observer", person("Olga"), Role.OBSERVER),
    ):
        Membership.objects.create(review=review, user=user, role=role, is_expert=role == Role.ADJUDICATOR)
        people[name] = user
    cast = Cast(review, lead, **people)
    cast.reports = add_reports(cast, n_reports) if n_reports else []
    return cast


def add_reports(cast: Cast, n: int, **report) -> list[Candidate]:
    """Synthetic reports joined by hand as if from a database."""
    text = {"abstract": "Fat was grafted into mice. Stem cells were counted in skin.", **report}
    pmids = [Report.objects.get(study=make_study(report=text)).pmid for _ in range(n)]
    candidate_actions.add_reports(
        cast.review, by=cast.lead, pmids=pmids, dois=[], kind=SourceKind.DATABASE, name="PubMed"
    )
    return list(Candidate.objects.filter(review=cast.review, report__pmid__in=pmids).order_by("pk"))


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


@pytest.fixture
def stranger(db) -> Client:
    """Somebody with an account who belongs to no review."""
    return signed_in(person("Stranger", SiteRole.REVIEWER))


def take(cast: Cast, user, stage: str = TITLE, **more) -> Candidate | None:
    return screening.take_next(cast.review, cast.stage(stage), by=user, is_expert=cast.seat(user).is_expert, **more)
