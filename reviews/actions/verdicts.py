"""Writes on a candidate what its decisions come to, and tells the catalogue what it has to know."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from reviews.actions import catalogue
from reviews.models import Candidate, Criterion, Review, ReviewStage, ScreeningDecision
from reviews.rules import screening as rules
from reviews.rules.screening import Need, Word
from reviews.terms import Classification, Retrieval, Stage, Verdict

_KEPT = ["stage", "verdict", "verdict_at", "primary_reason", "classification", "retrieval", "held_by", "held_until"]


def needed_at(stage: ReviewStage) -> Need:
    return rules.need(stage.mode, stage.n_pilot_reviewers)


def words_of(candidate: Candidate, stage: str) -> list[ScreeningDecision]:
    """The standing decisions of the present round, in the order they were made."""
    return list(
        ScreeningDecision.objects.standing()
        .filter(candidate=candidate, stage=stage, round=candidate.round)
        .select_related("primary_reason")
    )


def as_words(decisions: Iterable[ScreeningDecision]) -> list[Word]:
    return [
        Word(
            reviewer=one.reviewer_id,
            decision=one.decision,
            reason=one.primary_reason.key if one.primary_reason else None,
            kind=one.kind,
            is_expert=one.is_expert,
        )
        for one in decisions
    ]


def settle(candidate: Candidate, stage: str, needed: Need, decisions: Sequence[ScreeningDecision]) -> Candidate:
    """Write the verdict of these decisions, the candidate being locked; an inclusion goes on to full text."""
    was_included = candidate.stage == Stage.FULL_TEXT and candidate.verdict == Verdict.INCLUDED
    found = rules.outcome(as_words(decisions), stage, needed)
    candidate.stage, candidate.verdict, candidate.classification = stage, found.verdict, found.classification
    candidate.verdict_at = timezone.now() if found.verdict in rules.DECIDED else None
    candidate.primary_reason = _criterion(found, decisions)
    if stage == Stage.TITLE_ABSTRACT:
        if found.verdict == Verdict.INCLUDED:
            _go_on(candidate)
        elif candidate.retrieval == Retrieval.SOUGHT:
            candidate.retrieval = Retrieval.NOT_SOUGHT
    candidate.save(update_fields=_KEPT)
    if was_included or candidate.verdict == Verdict.INCLUDED:
        catalogue.tell_included()
    return candidate


def _go_on(candidate: Candidate) -> None:
    candidate.stage, candidate.verdict = Stage.FULL_TEXT, Verdict.NOT_SCREENED
    if candidate.retrieval == Retrieval.NOT_SOUGHT:
        candidate.retrieval = Retrieval.SOUGHT


def _criterion(found: rules.Outcome, decisions: Sequence[ScreeningDecision]) -> Criterion | None:
    """The agreed reason as its newest version words it."""
    if found.reason is None:
        return None
    named = [one.primary_reason for one in decisions if one.primary_reason and one.primary_reason.key == found.reason]
    return max(named, key=lambda criterion: criterion.pk)


def settle_open(review: Review, stage: ReviewStage) -> int:
    """Look again at what is undecided, after fewer decisions are asked for. Answers how many were decided by that."""
    n = 0
    with transaction.atomic():
        waiting = Candidate.objects.select_for_update().filter(
            review=review, stage=stage.stage, verdict=Verdict.SCREENED_ONCE, duplicate_of=None
        )
        for candidate in waiting:
            settle(candidate, stage.stage, needed_at(stage), words_of(candidate, stage.stage))
            n += candidate.verdict != Verdict.SCREENED_ONCE
    return n


def back_to(candidate: Candidate, stage: str) -> Candidate:
    """Undecided once more at this stage; decisions made so far stay, but count no longer."""
    was_included = candidate.verdict == Verdict.INCLUDED
    candidate.stage, candidate.verdict, candidate.verdict_at = stage, Verdict.NOT_SCREENED, None
    candidate.primary_reason, candidate.classification = None, Classification.NONE
    if stage == Stage.TITLE_ABSTRACT and candidate.retrieval == Retrieval.SOUGHT:
        candidate.retrieval = Retrieval.NOT_SOUGHT
    candidate.round += 1
    candidate.save(update_fields=[*_KEPT, "round"])
    if was_included:
        catalogue.tell_included()
    return candidate
