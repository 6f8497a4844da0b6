"""ReportEvent, one thing that happened to a report after it came here: append-only."""

from django.db import models
from django.utils import timezone

from studies.models.study import Report
from studies.terms import ReportEventKind


class ReportEvent(models.Model):
    """What a source said differently, and when that was seen; a trigger refuses to change or delete it.

    `field` names the column, or the kind of a notice; `old` and `new` are texts for people, empty for nothing.
    """

    report = models.ForeignKey(Report, models.PROTECT, related_name="events")
    kind = models.CharField(max_length=16, choices=ReportEventKind)
    field = models.CharField(max_length=40, blank=True)
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    detected_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-detected_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.field}: {self.report}"
