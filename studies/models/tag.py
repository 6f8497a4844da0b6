"""Tag, a controlled term of one facet; StudyTag, somebody's or some rule's word that it fits a study."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from studies.models.study import Study
from studies.terms import Facet, TagOrigin, TagStatus


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
    edited_at = models.DateTimeField(null=True, editable=False)  # an admin's edit, kept when the file is reloaded

    class Meta:
        ordering = ["facet", "position"]

    def __str__(self) -> str:
        return self.label


class StudyTag(models.Model):
    """One statement that a term fits a study: who or what says so, where in the text, and its standing."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="study_tags")
    tag = models.ForeignKey(Tag, models.PROTECT, related_name="study_tags")
    origin = models.CharField(max_length=10, choices=TagOrigin)
    status = models.CharField(max_length=10, choices=TagStatus, default=TagStatus.ACCEPTED)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="study_tags")
    at = models.DateTimeField(default=timezone.now)
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

    def __str__(self) -> str:
        return f"{self.tag} ({self.get_status_display()})"
