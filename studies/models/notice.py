"""Notice: what happened to a report after publication (instruments: retraction, concern, correction)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from studies.models.study import Report
from studies.terms import NoticeKind, NoticeSource


class NoticeQuerySet(models.QuerySet["Notice"]):
    def live(self) -> "NoticeQuerySet":
        """In force: neither dismissed by a person nor taken back by the source that stated it."""
        return self.filter(dismissed_at=None, unstated_since=None)


class Notice(models.Model):
    """One notice about one paper; `report` is empty while the paper itself is not in the catalogue."""

    report = models.ForeignKey(Report, models.PROTECT, related_name="notices", null=True)
    subject_pmid = models.PositiveIntegerField("PMID of the paper", null=True, db_index=True)
    kind = models.CharField(max_length=20, choices=NoticeKind)
    source = models.CharField(max_length=20, choices=NoticeSource, default=NoticeSource.PUBMED)
    key = models.CharField(max_length=300)  # what tells this notice from another of its kind on the same paper
    notice_pmid = models.PositiveIntegerField(null=True)
    notice_doi = models.CharField(max_length=500, blank=True)
    citation = models.TextField(blank=True)
    note = models.TextField(blank=True)
    issued_on = models.DateField(null=True)
    first_seen_at = models.DateTimeField(default=timezone.now, db_index=True)
    unstated_since = models.DateTimeField("no longer stated by its source since", null=True)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    dismissed_why = models.TextField(blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["report", "kind", "source", "key"],
                condition=Q(report__isnull=False),
                name="notice_once_a_report",
            ),
            models.UniqueConstraint(
                fields=["subject_pmid", "kind", "source", "key"],
                condition=Q(report__isnull=True),
                name="notice_once_a_pmid",
            ),
            models.CheckConstraint(
                condition=Q(report__isnull=False) | Q(subject_pmid__isnull=False), name="notice_has_a_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.report or f'PMID {self.subject_pmid}'}"
