"""Notice: what happened to a report after publication (instruments: retraction, concern, correction)."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest
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
    subject_doi = models.CharField("DOI of the paper", max_length=500, blank=True)
    kind = models.CharField(max_length=20, choices=NoticeKind)
    source = models.CharField(max_length=20, choices=NoticeSource, default=NoticeSource.PUBMED)
    key = models.CharField(max_length=300)  # what tells this notice from another of its kind on the same paper
    notice_pmid = models.PositiveIntegerField(null=True)
    notice_doi = models.CharField(max_length=500, blank=True)
    citation = models.TextField(blank=True)
    note = models.TextField(blank=True)
    reasons = ArrayField(models.TextField(), default=list, blank=True)
    issued_on = models.DateField(null=True)
    first_seen_at = models.DateTimeField(default=timezone.now, db_index=True)
    unstated_since = models.DateTimeField("no longer stated by its source since", null=True)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    dismissed_why = models.TextField(blank=True)
    # A person's word on what it is: a retraction whose paper was republished at once, and the like.
    read_as = models.CharField(max_length=20, choices=NoticeKind, blank=True)
    read_as_at = models.DateTimeField(null=True)
    read_as_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    read_as_why = models.TextField(blank=True)

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
                condition=Q(report__isnull=True, subject_pmid__isnull=False),
                name="notice_once_a_pmid",
            ),
            models.UniqueConstraint(
                fields=["subject_doi", "kind", "source", "key"],
                condition=Q(report__isnull=True, subject_pmid__isnull=True),
                name="notice_once_a_doi",
            ),
            models.CheckConstraint(
                condition=Q(report__isnull=False) | Q(subject_pmid__isnull=False) | ~Q(subject_doi=""),
                name="notice_has_a_subject",
            ),
        ]
        indexes = [
            models.Index(fields=["source", "key"], name="notice_key"),
            # The news of them.
            models.Index(
                Greatest("first_seen_at", "read_as_at").desc(),
                F("id").desc(),
                condition=Q(report__isnull=False),
                name="notice_news",
            ),
            # Notices that wait for their paper, by its DOI.
            models.Index(fields=["subject_doi"], condition=Q(report=None) & ~Q(subject_doi=""), name="notice_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.report or self.subject}"

    @property
    def subject(self) -> str:
        """The name of a paper that is not in the catalogue."""
        return f"PMID {self.subject_pmid}" if self.subject_pmid else f"doi:{self.subject_doi}"

    @property
    def effective_kind(self) -> str:
        return self.read_as or self.kind

    @property
    def effective_kind_label(self) -> str:
        return str(NoticeKind(self.effective_kind).label)
