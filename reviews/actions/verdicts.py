"""Writes on a candidate what its decisions come to, and tells the catalogue what it has to know."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from reviews.actions import catalogue
from reviews.models import Candidate, Criterion, Review, ReviewStage, ScreeningDecision
from reviews.rules import screening as rules
from reviews.rules.screening import Need, Word
from reviews.terms import Classification, Retrieval, Stage, Verdict

_KEPT = ["stage", "verdict", "verdict_at", "primary_reason", "classification", "retrieval", "held_by", "held_until"]
_BATCH = 500


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
    concerns_included = _judge(candidate, stage, needed, decisions)
    candidate.save(update_fields=_KEPT)
    if concerns_included:
        catalogue.tell_included()
    return candidate


def _judge(candidate: Candidate, stage: str, needed: Need, decisions: Sequence[ScreeningDecision]) -> bool:
    """Put the verdict on the candidate, unsaved; answers whether it was or is among the included."""
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
    return was_included or candidate.verdict == Verdict.INCLUDED


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
    with transaction.atomic():
        waiting = list(
            Candidate.objects.select_for_update()
            .filter(review=review, stage=stage.stage, verdict=Verdict.SCREENED_ONCE, duplicate_of=None)
            .order_by("pk")
        )
        said: dict[int, list[ScreeningDecision]] = defaultdict(list)
        words = ScreeningDecision.objects.standing().filter(candidate__in=waiting, stage=stage.stage)
        for word in words.filter(round=F("candidate__round")).select_related("primary_reason"):
            said[word.candidate_id].append(word)
        concern_included = [_judge(one, stage.stage, needed_at(stage), said[one.pk]) for one in waiting]
        write(waiting)
        if any(concern_included):
            catalogue.tell_included()
    return sum(one.verdict != Verdict.SCREENED_ONCE for one in waiting)


def write(candidates: Collection[Candidate]) -> None:
    """The verdicts of many, and their rounds."""
    Candidate.objects.bulk_update(candidates, [*_KEPT, "round"], batch_size=_BATCH)


def back_to(candidate: Candidate, stage: str) -> bool:
    """Undecided once more at this stage, unsaved; decisions made so far stay, but count no longer.

    Answers whether it was among the included.
    """
    was_included = candidate.verdict == Verdict.INCLUDED
    candidate.stage, candidate.verdict, candidate.verdict_at = stage, Verdict.NOT_SCREENED, None
    candidate.primary_reason, candidate.classification = None, Classification.NONE
    if stage == Stage.TITLE_ABSTRACT and candidate.retrieval == Retrieval.SOUGHT:
        candidate.retrieval = Retrieval.NOT_SOUGHT
    candidate.round += 1
    return was_included
