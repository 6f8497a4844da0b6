"""How a stage is screened: its mode, its pilot, closing and opening it."""

from django.db import transaction
from django.utils import timezone

from reviews.actions import dealing, log
from reviews.actions.verdicts import settle_open
from reviews.models import Candidate, ReviewStage
from reviews.rules import screening as rules
from reviews.terms import ScreeningMode, Stage
from studies.models import User


@transaction.atomic
def change_stage(stage: ReviewStage, *, by: User, mode: str, pilot_size: int) -> ReviewStage:
    """Screen a stage another way from now on. What was decided stays decided; what waits is looked at again."""
    stage = ReviewStage.objects.select_for_update().select_related("review").get(pk=stage.pk)
    before = {"mode": stage.mode, "pilot_size": stage.pilot_size}
    after = {"mode": str(mode), "pilot_size": pilot_size}
    if before == after:
        return stage
    stage.mode, stage.pilot_size = mode, pilot_size
    n_drawn = _draw_pilot(stage) if mode == ScreeningMode.PILOT else 0
    stage.save(update_fields=["mode", "pilot_size", "n_pilot_reviewers"])
    log.record("changed stage", stage, review=stage.review, by=by, before=before, after=after, drawn=n_drawn)
    settle_open(stage.review, stage)
    dealing.deal(stage.review, by=by)
    return stage


def _draw_pilot(stage: ReviewStage) -> int:
    """The sample is the first reports of the random order; what an earlier pilot drew stays in it."""
    stage.n_pilot_reviewers = max(2, dealing.screeners(stage.review).count())
    name = "is_full_text_pilot" if stage.stage == Stage.FULL_TEXT else "is_pilot"
    ours = Candidate.objects.filter(review=stage.review).distinct_reports()
    # Of the sample some have gone on to full text by now.
    n = max(0, stage.pilot_size - ours.filter(**{name: True}).count())
    wanted = (
        ours.filter(**{name: False}, stage=stage.stage, verdict__in=rules.OPEN)
        .order_by("shuffle", "pk")
        .values("pk")[:n]
    )
    return Candidate.objects.filter(pk__in=list(wanted.values_list("pk", flat=True))).update(**{name: True})


@transaction.atomic
def close_stage(stage: ReviewStage, *, by: User) -> ReviewStage:
    """Take no more decisions at this stage; reports that still arrive wait."""
    stage = ReviewStage.objects.select_for_update().select_related("review").get(pk=stage.pk)
    if stage.is_closed:
        return stage
    stage.closed_at, stage.closed_by = timezone.now(), by
    stage.save(update_fields=["closed_at", "closed_by"])
    Candidate.objects.filter(review=stage.review, stage=stage.stage).exclude(held_by=None).update(held_by=None)
    log.record("closed stage", stage, review=stage.review, by=by)
    return stage


@transaction.atomic
def open_stage(stage: ReviewStage, *, by: User) -> ReviewStage:
    stage = ReviewStage.objects.select_for_update().select_related("review").get(pk=stage.pk)
    if not stage.is_closed:
        return stage
    stage.closed_at = stage.closed_by = None
    stage.save(update_fields=["closed_at", "closed_by"])
    log.record("opened stage", stage, review=stage.review, by=by)
    return stage
