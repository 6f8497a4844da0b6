"""Reviews as lists and protocol pages show them, and what a change of criteria puts into question."""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from reviews.models import Candidate, CriteriaVersion, Review, ScreeningDecision
from reviews.rules.screening import OPEN
from reviews.terms import Classification, Stage, Verdict
from studies.models import User


def reviews_for(user: User | None) -> QuerySet[Review]:
    """The reviews whose protocol this person may read."""
    if user and user.is_admin:
        return Review.objects.all()
    condition = Q(is_public=True)
    if user:
        condition |= Q(memberships__user=user, memberships__left_at=None)
    return Review.objects.filter(condition).distinct()


@dataclass(frozen=True, slots=True)
class Line:
    """One review in the list; `role` is empty for who only reads it."""

    review: Review
    role: str
    n_reports: int
    n_undecided: int
    n_included: int


def lines(user: User | None) -> list[Line]:
    """Every review that may be read, with its numbers; three queries."""
    found = list(reviews_for(user))
    roles = {seat.review_id: seat.get_role_display() for seat in user.memberships.active()} if user else {}
    here = Q(stage=Stage.FULL_TEXT, verdict=Verdict.INCLUDED, classification=Classification.INCLUDED)
    numbers = {
        row["review"]: row
        for row in Candidate.objects.filter(review__in=found)
        .distinct_reports()
        .values("review")
        .annotate(
            n=Count("pk"),
            undecided=Count("pk", filter=Q(verdict__in=OPEN)),
            included=Count("pk", filter=here),
        )
    }
    return [Line(review, roles.get(review.pk, ""), *(_numbers(numbers.get(review.pk)))) for review in found]


def _numbers(row: dict | None) -> tuple[int, int, int]:
    return (row["n"], row["undecided"], row["included"]) if row else (0, 0, 0)


def versions(review: Review) -> QuerySet[CriteriaVersion]:
    """Every version, the newest first, with its criteria and how many decisions were made by it."""
    return (
        CriteriaVersion.objects.filter(review=review)
        .select_related("by")
        .prefetch_related("criteria")
        .annotate(n_decisions=Count("decisions"))
        .order_by("-number")
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Reports decided by older criteria, as somebody may want to look at them again."""

    name: str
    label: str
    stage: Stage
    n: int


def groups_to_revisit(review: Review) -> list[Group]:
    """What was decided by criteria that are no longer in force, by outcome and reason; empty groups are left out."""
    found = []
    for name, (label, stage, candidates) in _groups(review).items():
        if n := candidates.count():
            found.append(Group(name, label, stage, n))
    return found


def candidates_to_revisit(review: Review, name: str) -> QuerySet[Candidate]:
    """The candidates of a group. Raises KeyError."""
    return _groups(review)[name][2]


def _groups(review: Review) -> dict[str, tuple[str, Stage, QuerySet[Candidate]]]:
    newest = CriteriaVersion.objects.filter(review=review).values("pk")[:1]
    first, second = Stage.TITLE_ABSTRACT, Stage.FULL_TEXT
    ours = Candidate.objects.filter(review=review).distinct_reports()

    def old(stage: Stage) -> QuerySet[Candidate]:
        said = ScreeningDecision.objects.counting().filter(stage=stage).exclude(criteria_version__in=newest)
        return ours.filter(pk__in=said.values("candidate"))

    groups = {
        "waiting": (
            "Title and abstract: decided by one reviewer so far",
            first,
            old(first).filter(stage=first, verdict=Verdict.SCREENED_ONCE),
        ),
        "excluded": ("Excluded by title and abstract", first, old(first).filter(stage=first, verdict=Verdict.EXCLUDED)),
        "advanced": (
            "Passed title and abstract, full text undecided",
            first,
            old(first).filter(stage=second, verdict=Verdict.NOT_SCREENED),
        ),
        "full-text-waiting": (
            "Full text: decided by one reviewer so far",
            second,
            old(second).filter(stage=second, verdict=Verdict.SCREENED_ONCE),
        ),
        "included": ("Passed full text", second, old(second).filter(stage=second, verdict=Verdict.INCLUDED)),
    }
    excluded = old(second).filter(stage=second, verdict=Verdict.EXCLUDED)
    for pk, label in excluded.order_by().values_list("primary_reason", "primary_reason__label").distinct():
        name = f"excluded-{pk or 'otherwise'}"
        groups[name] = (
            f"Excluded by full text: {label or 'no agreed reason'}",
            second,
            excluded.filter(primary_reason=pk),
        )
    return groups


def n_decisions(review: Review) -> int:
    return ScreeningDecision.objects.filter(candidate__review=review).count()


def work_of(review: Review) -> dict[int, int]:
    """How many reports each member has decided on, whatever they said."""
    said = ScreeningDecision.objects.standing().filter(candidate__review=review)
    return dict(said.order_by().values("reviewer").annotate(n=Count("pk")).values_list("reviewer", "n"))
