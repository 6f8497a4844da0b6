"""Tag, a controlled term; StudyTag, somebody's or a rule's word that it fits a study; TagBatch, one undoable act."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from studies.models.study import Report, Study
from studies.terms import BatchKind, Facet, TagOrigin, TagStatus


class Tag(models.Model):
    """A term of the vocabulary. `is_not_reported` is the fact "the report does not say", not a missing tag."""

    facet = models.CharField(max_length=12, choices=Facet)
    slug = models.SlugField(max_length=60, unique=True)
    label = models.CharField(max_length=200)
    definition = models.TextField(blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    synonyms = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    mesh = models.JSONField(default=list, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_not_reported = models.BooleanField(default=False)
    is_out_of_scope = models.BooleanField(default=False)
    is_retired = models.BooleanField(default=False)
    # Where a retired term went: rules and old addresses that name it mean this one now.
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, editable=False, related_name="+")
    edited_at = models.DateTimeField(null=True, editable=False)  # an admin's edit, kept when the file is reloaded

    class Meta:
        ordering = ["facet", "position"]

    def __str__(self) -> str:
        return self.label


class StudyTag(models.Model):
    """One statement about a term and a study: who or what says it, where in the text, and its standing.

    A person's row is their present word. A rule's row is a suggestion: open until a person has answered, then what
    they answered; `start` and `end` count characters of the report's title, or of its abstract as `rules.marked_text`
    joins it.
    """

    # Twenty suggestions a record make each index dear: study_tag_once finds the study's, nobody asks by the others.
    study = models.ForeignKey(Study, models.PROTECT, related_name="study_tags", db_index=False)
    tag = models.ForeignKey(Tag, models.PROTECT, related_name="study_tags")
    origin = models.CharField(max_length=10, choices=TagOrigin)
    status = models.CharField(max_length=10, choices=TagStatus, default=TagStatus.ACCEPTED)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="study_tags", db_index=False
    )
    at = models.DateTimeField(default=timezone.now)
    # Where a rule read it.
    report = models.ForeignKey(Report, models.PROTECT, null=True, related_name="+", db_index=False)
    rule = models.CharField(max_length=60, blank=True)
    rule_version = models.PositiveSmallIntegerField(null=True)
    strength = models.CharField(max_length=10, blank=True)
    field = models.CharField(max_length=20, blank=True)
    phrase = models.TextField(blank=True)
    start = models.PositiveIntegerField(null=True)
    end = models.PositiveIntegerField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["study", "tag", "origin", "rule", "by"], name="study_tag_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(start__isnull=True) | Q(end__gt=models.F("start")), name="study_tag_offsets"
            ),
        ]
        indexes = [
            # What people answered to the rules, which is little beside what stands open.
            models.Index(
                fields=["rule", "status"], condition=~Q(rule="") & ~Q(status="suggested"), name="tag_answered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag} ({self.get_status_display()})"


class TagBatch(models.Model):
    """What one person changed in one act, with what was there before, so that it can be undone as one."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="tag_batches")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=10, choices=BatchKind)
    said = models.CharField(max_length=300)  # the act in one sentence
    n_studies = models.PositiveIntegerField(default=0)
    changes = models.JSONField(default=list)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["by", "-id"], name="batch_latest")]

    def __str__(self) -> str:
        return self.said
