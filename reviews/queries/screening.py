"""What waits for whom: the next card, the queues, and how far a stage has come."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from reviews.models import Assignment, Candidate, Review, ReviewStage, ScreeningDecision
from reviews.queries.blinding import visible_to
from reviews.rules import screening as rules
from reviews.terms import CardOrder, Dealing, Decision, DecisionKind, Retrieval, ScreeningMode, Stage, Verdict
from studies.models import User


def next_for(
    review: Review,
    stage: ReviewStage,
    *,
    user: User,
    is_expert: bool = False,
    order: str = CardOrder.RANDOM,
    besides: Collection[int] = (),
) -> QuerySet[Candidate]:
    """What this person could decide next, best first: by `Candidate.rank` where it is set, else by chance."""
    free = Q(held_by=None) | Q(held_by=user) | Q(held_until__lt=timezone.now())
    found = open_for(review, stage, user=user, is_expert=is_expert).filter(free).exclude(pk__in=list(besides))
    if order == CardOrder.RELEVANCE:
        return found.order_by(F("rank").desc(nulls_last=True), "shuffle", "pk")
    return found.order_by("shuffle", "pk")


def open_for(review: Review, stage: ReviewStage, *, user: User, is_expert: bool = False) -> QuerySet[Candidate]:
    """Everything at a stage that still wants this person's word."""
    found = Candidate.objects.filter(in_hand(stage), review=review, verdict__in=rules.OPEN, duplicate_of=None)
    if stage.stage == Stage.FULL_TEXT:
        found = found.filter(retrieval=Retrieval.RETRIEVED)
    said = _standing(stage.stage)
    found = found.filter(~Exists(said.filter(reviewer=user)))
    if stage.mode == ScreeningMode.EXPERT and not is_expert:
        # The last place is an expert's.
        found = found.filter(Q(verdict=Verdict.NOT_SCREENED) | Exists(said.filter(is_expert=True)))
    if review.dealing == Dealing.SHARE:
        found = found.filter(_dealt_to(user, review, stage, is_expert))
    return found


def in_hand(stage: ReviewStage) -> Q:
    """What is screened at a stage now: while it is a pilot, the sample alone."""
    here = Q(stage=stage.stage)
    if stage.mode != ScreeningMode.PILOT:
        return here
    return here & (Q(is_full_text_pilot=True) if stage.stage == Stage.FULL_TEXT else Q(is_pilot=True))


def _standing(stage: str) -> QuerySet[ScreeningDecision]:
    """Decisions of the present round of the candidate outside, not taken back."""
    return ScreeningDecision.objects.standing().filter(candidate=OuterRef("pk"), stage=stage, round=OuterRef("round"))


def _dealt_to(user: User, review: Review, stage: ReviewStage, is_expert: bool) -> Q:
    """What was dealt to this person, and what was dealt to fewer people, or to other people, than it needs."""
    dealt = Assignment.objects.filter(candidate=OuterRef("pk"), stage=stage.stage)
    needed = rules.need(stage.mode, stage.n_pilot_reviewers)
    enough = dealt.order_by().values("candidate").annotate(n=Count("pk")).filter(n__gte=needed.n)
    mine = Exists(dealt.filter(user=user)) | ~Exists(enough)
    if needed.expert and is_expert:
        experts = review.memberships.active().filter(is_expert=True).values("user")
        mine |= ~Exists(dealt.filter(user__in=experts))
    return mine


@dataclass(frozen=True, slots=True)
class Queues:
    """The numbers of one stage as one person sees them."""

    stage: ReviewStage
    mine: int  # waits for this person
    waiting: int  # somebody has decided, another has to
    conflicts: int
    maybe: int  # of what this person may see
    undecided: int
    included: int  # passed the stage
    excluded: int
    unretrieved: int  # full texts that are sought

    @property
    def n_all(self) -> int:
        return self.undecided + self.waiting + self.conflicts + self.included + self.excluded

    @property
    def n_done(self) -> int:
        return self.included + self.excluded


def queues(review: Review, *, user: User, is_expert: bool) -> list[Queues]:
    """Both stages, in three queries each whatever the number of reports."""
    return [_queues(review, stage, user, is_expert) for stage in stages_of(review)]


def stages_of(review: Review) -> list[ReviewStage]:
    return sorted(review.stages.all(), key=lambda stage: rules.ORDER[stage.stage])


def _queues(review: Review, stage: ReviewStage, user: User, is_expert: bool) -> Queues:
    here = Q(stage=stage.stage)
    passed = Q(pk__in=[])
    if stage.stage == Stage.TITLE_ABSTRACT:
        passed = Q(stage=Stage.FULL_TEXT)
    counts = (
        Candidate.objects.filter(review=review)
        .distinct_reports()
        .aggregate(
            undecided=Count("pk", filter=here & Q(verdict=Verdict.NOT_SCREENED)),
            waiting=Count("pk", filter=here & Q(verdict=Verdict.SCREENED_ONCE)),
            conflicts=Count("pk", filter=here & Q(verdict=Verdict.CONFLICT)),
            included=Count("pk", filter=passed | here & Q(verdict=Verdict.INCLUDED)),
            excluded=Count("pk", filter=here & Q(verdict=Verdict.EXCLUDED)),
            unretrieved=Count("pk", filter=here & Q(stage=Stage.FULL_TEXT, retrieval=Retrieval.SOUGHT)),
        )
    )
    return Queues(
        stage=stage,
        mine=0 if stage.is_closed else open_for(review, stage, user=user, is_expert=is_expert).count(),
        maybe=maybes(review, stage.stage, user).count(),
        **counts,
    )


def maybes(review: Review, stage: str, user: User) -> QuerySet[Candidate]:
    """Candidates of which somebody says maybe, as far as this person may know."""
    said = ScreeningDecision.objects.counting().filter(
        visible_to(user), stage=stage, candidate__review=review, decision=Decision.MAYBE
    )
    return Candidate.objects.filter(pk__in=said.values("candidate")).distinct_reports()


def my_last(review: Review, stage: str, user: User) -> ScreeningDecision | None:
    """The decision that an undo would take back."""
    return (
        ScreeningDecision.objects.standing()
        .filter(reviewer=user, stage=stage, candidate__review=review, kind=DecisionKind.INDEPENDENT)
        .filter(round=F("candidate__round"))
        .select_related("candidate")
        .order_by("-pk")
        .first()
    )
