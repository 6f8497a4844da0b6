"""ScreeningDecision: one person's word about one candidate, append-only (a trigger refuses anything else)."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from reviews.models.candidates import Candidate
from reviews.models.protocol import CriteriaVersion, Criterion
from reviews.terms import CardOrder, Decision, DecisionKind, Stage


def _round_at_stage(order: str) -> Subquery:
    """The first or the last round in which the candidate of the outer decision was decided on at its stage."""
    said = ScreeningDecision.objects.filter(candidate=OuterRef("candidate"), stage=OuterRef("stage"))
    return Subquery(said.order_by(order).values("round")[:1])


class ScreeningDecisionQuerySet(models.QuerySet["ScreeningDecision"]):
    def standing(self) -> "ScreeningDecisionQuerySet":
        """Each person's last word, unless they took it back."""
        return self.filter(superseded_by=None).exclude(decision=Decision.WITHDRAWN)

    def counting(self) -> "ScreeningDecisionQuerySet":
        """The standing words that count: those of the candidate's present round, and of a stage it has passed.

        A candidate has one counter of rounds: asked for anew at full text, it leaves the words by which it passed
        title and abstract in an earlier round.
        """
        has_passed = Q(stage=Stage.TITLE_ABSTRACT, candidate__stage=Stage.FULL_TEXT, round=_round_at_stage("-round"))
        return self.standing().filter(Q(round=F("candidate__round")) | has_passed)

    def of_first_round(self) -> "ScreeningDecisionQuerySet":
        """What was said when the candidate was first decided on at that stage, whatever its counter said by then."""
        return self.filter(round=_round_at_stage("round"))

    def independent(self) -> "ScreeningDecisionQuerySet":
        return self.filter(kind=DecisionKind.INDEPENDENT)


class ScreeningDecision(models.Model):
    """Who said what, when, under which criteria, and what they were shown; a change of mind is a new row.

    `secondary_reasons` are ids of criteria of the same version.
    """

    candidate = models.ForeignKey(Candidate, models.PROTECT, related_name="decisions")
    stage = models.CharField(max_length=20, choices=Stage)
    round = models.PositiveSmallIntegerField(default=1)
    kind = models.CharField(max_length=12, choices=DecisionKind, default=DecisionKind.INDEPENDENT)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="screening_decisions")
    is_expert = models.BooleanField("by an expert", default=False)
    decision = models.CharField(max_length=10, choices=Decision)
    primary_reason = models.ForeignKey(Criterion, models.PROTECT, null=True, related_name="+")
    secondary_reasons = ArrayField(models.BigIntegerField(), default=list)
    note = models.TextField(blank=True)
    seconds_spent = models.PositiveIntegerField(default=0)
    criteria_version = models.ForeignKey(CriteriaVersion, models.PROTECT, related_name="decisions")
    order_shown = models.CharField(max_length=10, choices=CardOrder, default=CardOrder.RANDOM)
    rank_shown = models.FloatField("score by which it was ordered", null=True)
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, related_name="superseded_by")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ScreeningDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["candidate", "stage", "round", "reviewer"],
                condition=Q(supersedes=None, kind="independent"),
                name="one_first_word_a_reviewer",
            ),
            models.UniqueConstraint(
                fields=["candidate", "stage", "round"],
                condition=Q(supersedes=None) & ~Q(kind="independent"),
                name="settled_once",
            ),
            models.CheckConstraint(
                condition=~Q(stage="full-text", decision="exclude") | Q(primary_reason__isnull=False),
                name="full_text_exclusion_has_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["reviewer", "stage", "-id"], name="decision_latest")]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.get_decision_display().lower()} {self.candidate}"
