"""The reports of a review: lists by where they stand, one report with its history, and the sources they came from."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery

from reviews.models import (
    Candidate,
    CandidateRecord,
    Criterion,
    Review,
    ReviewSearch,
    ReviewSource,
    ScreeningDecision,
    SourceRun,
)
from reviews.models.candidates import NAMED_BY
from reviews.queries.blinding import visible_to
from reviews.queries.screening import maybes
from reviews.rules.screening import OPEN, ORDER
from reviews.terms import Classification, Retrieval, Stage, Verdict
from studies.models import SearchRun, User
from studies.terms import RunState

_FIRST, _SECOND = Q(stage=Stage.TITLE_ABSTRACT), Q(stage=Stage.FULL_TEXT)
# Every list by its name in the address: (what it is called, which candidates).
LISTS: dict[str, tuple[str, Q]] = {
    "all": ("All reports", Q()),
    "undecided": ("Title and abstract: undecided", _FIRST & Q(verdict=Verdict.NOT_SCREENED)),
    "waiting": ("Title and abstract: waiting for another reviewer", _FIRST & Q(verdict=Verdict.SCREENED_ONCE)),
    "conflicts": ("Title and abstract: conflicts", _FIRST & Q(verdict=Verdict.CONFLICT)),
    "excluded": ("Excluded by title and abstract", _FIRST & Q(verdict=Verdict.EXCLUDED)),
    "advanced": ("Passed title and abstract", _SECOND),
    "sought": ("Full text sought", _SECOND & Q(retrieval=Retrieval.SOUGHT)),
    "unavailable": ("Full text not retrieved", _SECOND & Q(retrieval=Retrieval.UNAVAILABLE)),
    "to-assess": ("Full text: undecided", _SECOND & Q(retrieval=Retrieval.RETRIEVED, verdict=Verdict.NOT_SCREENED)),
    "full-text-waiting": ("Full text: waiting for another reviewer", _SECOND & Q(verdict=Verdict.SCREENED_ONCE)),
    "full-text-conflicts": ("Full text: conflicts", _SECOND & Q(verdict=Verdict.CONFLICT)),
    "full-text-excluded": ("Excluded by full text", _SECOND & Q(verdict=Verdict.EXCLUDED)),
    "included": ("Included", _SECOND & Q(verdict=Verdict.INCLUDED, classification=Classification.INCLUDED)),
    "ongoing": ("Ongoing", _SECOND & Q(verdict=Verdict.INCLUDED, classification=Classification.ONGOING)),
    "awaiting": (
        "Awaiting classification",
        _SECOND & Q(verdict=Verdict.INCLUDED, classification=Classification.AWAITING),
    ),
}
MAYBES = {"maybe": Stage.TITLE_ABSTRACT, "full-text-maybe": Stage.FULL_TEXT}
NAMES = {name: label for name, (label, _) in LISTS.items()} | {
    "maybe": "Title and abstract: maybe",
    "full-text-maybe": "Full text: maybe",
    "merged": "Merged into another report",
}


def listed(review: Review, name: str, *, user: User | None, source: int | None = None) -> QuerySet[Candidate]:
    """The candidates of one list; a name that there is not means all."""
    found = Candidate.objects.filter(review=review)
    if name in MAYBES:
        found = maybes(review, MAYBES[name], user)
    elif name == "merged":
        found = found.exclude(duplicate_of=None)
    else:
        found = found.filter(LISTS.get(name, LISTS["all"])[1]).distinct_reports()
    if source:
        found = found.filter(pk__in=CandidateRecord.objects.filter(source=source).values("candidate"))
    light = ("report__journal_abbreviation", "report__published_on", "report__study_id")
    shown = ("report__study__notice_status", "primary_reason__label")
    return found.reading(*NAMED_BY, *light, *shown).order_by("-added_at", "-pk")


def counts(review: Review, user: User | None) -> dict[str, int]:
    """How many each list holds, in two queries and one for each list of maybes."""
    found = Candidate.objects.filter(review=review)
    numbers = found.distinct_reports().aggregate(
        **{name.replace("-", "_"): Count("pk", filter=condition) for name, (_, condition) in LISTS.items()}
    )
    numbers = {name: numbers[name.replace("-", "_")] for name in LISTS}
    numbers |= {name: maybes(review, stage, user).count() for name, stage in MAYBES.items()}
    numbers["merged"] = found.exclude(duplicate_of=None).count()
    return numbers


@dataclass(frozen=True, slots=True)
class History:
    """A report's records and the decisions about it that this person may see; `n_hidden` are those that are blind.

    `earlier` holds the ids of decisions of a round that was asked for anew since.
    """

    records: tuple[CandidateRecord, ...]
    decisions: tuple[ScreeningDecision, ...]
    n_hidden: int
    earlier: frozenset[int]


def history(candidate: Candidate, user: User | None) -> History:
    said = ScreeningDecision.objects.filter(candidate=candidate)
    seen = said.filter(visible_to(user)).select_related("reviewer", "primary_reason", "criteria_version", "candidate")
    records = candidate.records.select_related("source", "finding__run").order_by("created_at", "pk")
    decisions = tuple(seen.order_by("pk"))
    earlier = frozenset(one.pk for one in decisions if one.round != _round_of(candidate, one.stage, decisions))
    return History(tuple(records), decisions, said.count() - len(decisions), earlier)


def _round_of(candidate: Candidate, stage: str, decisions: Sequence[ScreeningDecision]) -> int:
    """The round that counts at a stage: of one that the report has passed, its last."""
    if ORDER[stage] >= ORDER[candidate.stage]:
        return candidate.round
    return max(one.round for one in decisions if one.stage == stage)


def deciders(candidate: Candidate) -> set[int]:
    """Who has a standing word at the stage and in the round in which the candidate stands."""
    said = ScreeningDecision.objects.standing().independent()
    said = said.filter(candidate=candidate, stage=candidate.stage, round=candidate.round)
    return set(said.values_list("reviewer", flat=True))


def reasons_named(decisions: Sequence[ScreeningDecision]) -> dict[int, str]:
    """The labels of all secondary reasons of these decisions."""
    wanted = {number for one in decisions for number in one.secondary_reasons}
    return dict(Criterion.objects.filter(pk__in=wanted).values_list("pk", "label"))


def sources(review: Review) -> QuerySet[ReviewSource]:
    """Each source with its records (PRISMA's first boxes) and its reports."""
    return (
        ReviewSource.objects.filter(review=review)
        .annotate(
            n_records=Count("records"),
            n_reports=Count("records__candidate", distinct=True),
            last_at=Max("runs__run__finished_at"),
        )
        .order_by("kind", "name")
    )


def searches(review: Review) -> QuerySet[ReviewSearch]:
    """The searches that feed the review, each with its last run's outcome."""
    last = SearchRun.objects.filter(search=OuterRef("search"), state=RunState.FINISHED).order_by("-finished_at")
    return (
        ReviewSearch.objects.filter(review=review, removed_at=None)
        .select_related("search", "source")
        .annotate(last_success=Subquery(last.values("finished_at")[:1]))
        .order_by("search__name")
    )


def runs(review: Review, most: int = 20) -> QuerySet[SourceRun]:
    """The latest runs and files, and what each brought."""
    found = SourceRun.objects.filter(source__review=review).select_related("run", "source", "run__search", "by")
    return found.order_by("-pk")[:most]


def n_waiting(reviews: QuerySet[Review]) -> int:
    """How many reports wait for a decision in these reviews: what a reader of the badge is told."""
    return (
        Candidate.objects.filter(review__in=reviews, verdict__in=OPEN, duplicate_of=None)
        .exclude(retrieval=Retrieval.UNAVAILABLE, stage=Stage.FULL_TEXT)
        .filter(review__stages__stage=F("stage"), review__stages__closed_at=None)
        .count()
    )
