"""CitationCheck, references that somebody asked about; CheckedReference, one of them with its verdict."""

import secrets

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone

from studies.models.search import SearchRun
from studies.models.study import Study
from studies.terms import CheckState, CheckVerdict, NoticeStatus


def new_token() -> str:
    """Nobody guesses it: whoever has the address may read the check."""
    return secrets.token_urlsafe(18)


class CitationCheck(models.Model):
    """A list of references to be found and compared. Its rows are the truth; a queue message is only a knock.

    `is_example` marks the page's worked example, which is asked again from time to time and never removed.
    """

    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    name = models.CharField("file name", max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="checks")
    is_example = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=CheckState, default=CheckState.WAITING)
    n_references = models.PositiveIntegerField(default=0)
    n_left_out = models.PositiveIntegerField("beyond what is checked at once", default=0)
    remarks = ArrayField(models.TextField(), default=list)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    asked_at = models.DateTimeField("last asked", default=timezone.now)
    touched_at = models.DateTimeField("last sign of life", null=True)
    finished_at = models.DateTimeField(null=True)
    n_attempts = models.PositiveSmallIntegerField(default=0)
    run = models.ForeignKey(SearchRun, models.SET_NULL, null=True, related_name="+")  # that imported its matches

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(state="waiting"), name="check_waiting"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["is_example"], condition=models.Q(is_example=True), name="one_worked_example"
            )
        ]

    def __str__(self) -> str:
        return f"Check of {self.n_references} reference{'' if self.n_references == 1 else 's'}"

    def get_absolute_url(self) -> str:
        return reverse("studies:check_result", args=[self.token])

    @property
    def is_open(self) -> bool:
        return self.state == CheckState.WAITING


class CheckedReference(models.Model):
    """One reference: what was cited, what the sources say it is, and what the comparison comes to.

    `cited` and `found` have the shape of `rules.references.Cited` without what is empty; `choices` is a list of such.
    `notice_status` stands beside the verdict: a retracted article may be cited rightly.
    """

    check_of = models.ForeignKey(CitationCheck, models.CASCADE, related_name="references")
    position = models.PositiveIntegerField()
    pasted = models.TextField()
    cited = models.JSONField(default=dict)
    verdict = models.CharField(max_length=10, choices=CheckVerdict, default=CheckVerdict.WAITING)
    found = models.JSONField(default=dict)
    compared = ArrayField(models.CharField(max_length=20), default=list)
    differences = ArrayField(models.CharField(max_length=20), default=list)
    choices = models.JSONField(default=list)
    notice_status = models.PositiveSmallIntegerField(choices=NoticeStatus, default=NoticeStatus.NONE)
    remark = models.TextField(blank=True)
    study = models.ForeignKey(Study, models.SET_NULL, null=True, related_name="+")
    sources = ArrayField(models.CharField(max_length=40), default=list)
    asked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["check_of", "position"], name="reference_once")]

    def __str__(self) -> str:
        return f"{self.pasted[:100]}: {self.get_verdict_display()}"
