"""Numbers about a review for its own pages and for a statement of status."""

from typing import Any

from django.db.models import Max, QuerySet
from django.utils import timezone

from reviews.models import Candidate, CandidateRecord, Review, ReviewSearch, ReviewStage
from reviews.queries import candidates
from reviews.queries.screening import stages_of
from reviews.terms import Classification, Stage, Verdict


def stages(review: Review) -> list[ReviewStage]:
    return stages_of(review)


def searches(review: Review) -> QuerySet[ReviewSearch]:
    """What feeds the review, with the last success of each."""
    return candidates.searches(review)


def status_numbers(review: Review) -> dict[str, Any]:
    """What a statement of status tells, counted since the last one."""
    last = review.status_statements.first()
    since = last.at if last else review.created_at
    verdicts = Candidate.objects.filter(
        review=review, stage=Stage.FULL_TEXT, verdict=Verdict.INCLUDED, verdict_at__gt=since
    ).distinct_reports()
    found = candidates.searches(review).aggregate(at=Max("last_success"))
    return {
        "last_search_at": found["at"],
        "n_new_records": CandidateRecord.objects.filter(
            source__review=review, created_at__gt=since, created_at__lte=timezone.now()
        ).count(),
        "n_new_studies_included": _studies(verdicts.filter(classification=Classification.INCLUDED)),
        "n_new_ongoing": _studies(verdicts.filter(classification=Classification.ONGOING)),
    }


def _studies(found: QuerySet[Candidate]) -> int:
    return found.values("report__study").distinct().count()
