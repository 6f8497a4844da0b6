"""FlowVersion: the flow diagram of one day, frozen with the rows it was counted from."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from reviews.models.protocol import Review


class FlowVersion(models.Model):
    """PRISMA's numbers as of one moment; `boxes` holds each box's number and the ids behind it."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="flow_versions")
    number = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=120, blank=True)
    as_of = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    search_run_ids = ArrayField(models.BigIntegerField(), default=list)
    boxes = models.JSONField(default=dict)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["review", "number"], name="flow_version_once")]

    def __str__(self) -> str:
        return f"Flow {self.number} of {self.review}"
