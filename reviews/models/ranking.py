"""Ranking: one training of the order of a review's candidates, so that people see what it was made from."""

from django.db import models
from django.utils import timezone

from reviews.models.protocol import Review


class Ranking(models.Model):
    """When the order was last worked out, from how many decisions, for how many reports.

    `n_decisions` is the number of decisions of the review at that moment: the sweep sees by it whether there is more
    to learn from. How many of the decided reports are relevant is told to nobody: one person's word is among them.
    """

    review = models.ForeignKey(Review, models.CASCADE, related_name="rankings")
    at = models.DateTimeField(default=timezone.now)
    n_relevant = models.PositiveIntegerField()
    n_irrelevant = models.PositiveIntegerField()
    n_scored = models.PositiveIntegerField()
    n_decisions = models.PositiveIntegerField()
    milliseconds = models.PositiveIntegerField("fit and score")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["review", "-at"], name="ranking_latest")]

    def __str__(self) -> str:
        return f"Ranking of {self.review} from {self.n_learnt} reports"

    @property
    def n_learnt(self) -> int:
        return self.n_relevant + self.n_irrelevant
