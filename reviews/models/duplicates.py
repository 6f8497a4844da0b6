"""PairProposal: two candidates that may be one report, or two reports of one study, and what a person said."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reviews.models.candidates import Candidate
from reviews.models.protocol import Review
from reviews.terms import PairAnswer, PairKind


class PairProposalQuerySet(models.QuerySet["PairProposal"]):
    def open(self) -> "PairProposalQuerySet":
        return self.filter(answer=PairAnswer.NONE)


class PairProposal(models.Model):
    """A pair for a person to judge. Answered, it is never proposed or merged by a rule again.

    `first` is the candidate with the smaller id; `score` is the likeness of the titles, `why` what agrees and differs.
    """

    review = models.ForeignKey(Review, models.CASCADE, related_name="pair_proposals")
    first = models.ForeignKey(Candidate, models.CASCADE, related_name="+")
    second = models.ForeignKey(Candidate, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=PairKind)
    score = models.FloatField(default=0)
    why = ArrayField(models.TextField(), default=list)
    created_at = models.DateTimeField(default=timezone.now)
    answer = models.CharField(max_length=10, choices=PairAnswer, default=PairAnswer.NONE, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = PairProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-score", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="pair_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"
