"""TrialRegistration, one registry entry; TrialEvent, what changed in it; RegistrationMention, who names it."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from studies.identifiers import RegistryId
from studies.models.study import QuietGeneratedField, Report, Study
from studies.terms import (
    DateKind,
    DatePrecision,
    MentionBasis,
    RegistrationSource,
    Registry,
    TrialEventKind,
    TrialPhase,
    TrialStatus,
)

if TYPE_CHECKING:
    from studies.models.alert import Newness


def _first_day() -> models.DateField:
    """The first day of a date that may be a month or a year; its precision says which."""
    return models.DateField(null=True, blank=True)


def _precision() -> models.CharField:
    return models.CharField(max_length=6, choices=DatePrecision, blank=True)


def _kind() -> models.CharField:
    return models.CharField(max_length=10, choices=DateKind, blank=True)


class RegistrationQuerySet(models.QuerySet["TrialRegistration"]):
    def current(self) -> "RegistrationQuerySet":
        """Without numbers that the registry has given up for another."""
        return self.filter(alias_of=None)

    def new(self, newness: "Newness") -> "RegistrationQuerySet":
        return self.filter(newness.of_registrations)

    def for_list(self) -> "RegistrationQuerySet":
        """Only what a list shows."""
        return self.defer(
            "search_vector",
            "search_text",
            "description",
            "summary",
            "eligibility",
            "arms",
            "secondary_outcomes",
            "other_outcomes",
            "references",
        )


class TrialRegistration(models.Model):
    """One entry of a trial registry; a stub while only its number is known (`source` is empty).

    `study` is set when a search of ours or a person brought the registration, or a person said which investigation
    it is: a text that names a number may mean another trial. `found_at` is when one of our searches or a person
    first brought it. Lists and values inside JSON have the shapes of `sources.registration`.
    """

    study = models.ForeignKey(Study, models.PROTECT, null=True, blank=True, related_name="registrations")
    registry = models.CharField(max_length=10, choices=Registry, blank=True)
    number = models.CharField(max_length=40, unique=True)
    aliases = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    alias_of = models.ForeignKey("self", models.PROTECT, null=True, editable=False, related_name="+")
    other_ids = models.JSONField(default=list, blank=True)
    source = models.CharField(max_length=10, choices=RegistrationSource, blank=True)
    digest = models.CharField(max_length=32, blank=True, editable=False)

    title = models.TextField(blank=True)
    official_title = models.TextField(blank=True)
    acronym = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=TrialStatus, blank=True)
    status_raw = models.TextField("status, as the registry writes it", blank=True)
    why_stopped = models.TextField(blank=True)
    study_type = models.CharField(max_length=40, blank=True)
    phases = ArrayField(models.CharField(max_length=12, choices=TrialPhase), default=list, blank=True)
    design = models.JSONField(default=dict, blank=True)
    enrolment = models.PositiveIntegerField(null=True, blank=True)
    enrolment_kind = _kind()

    start_on, start_precision, start_kind = _first_day(), _precision(), _kind()
    primary_completion_on, primary_completion_precision = _first_day(), _precision()
    primary_completion_kind = _kind()
    completion_on, completion_precision, completion_kind = _first_day(), _precision(), _kind()
    results_due_on = models.DateField("results looked for from", null=True, blank=True, editable=False)
    first_posted_on = models.DateField(null=True, blank=True)
    results_posted_on = models.DateField(null=True, blank=True)
    updated_on = models.DateField("last update posted", null=True, blank=True)
    verified_raw = models.CharField("last verified", max_length=10, blank=True)
    has_results = models.BooleanField(default=False)

    sponsor = models.TextField(blank=True)
    sponsor_class = models.CharField(max_length=20, blank=True)
    collaborators = models.JSONField(default=list, blank=True)
    officials = models.JSONField(default=list, blank=True)
    summary = models.TextField(blank=True)
    description = models.TextField(blank=True)
    conditions = models.JSONField(default=list, blank=True)
    keywords = models.JSONField(default=list, blank=True)
    interventions = models.JSONField(default=list, blank=True)
    arms = models.JSONField(default=list, blank=True)
    primary_outcomes = models.JSONField(default=list, blank=True)
    secondary_outcomes = models.JSONField(default=list, blank=True)
    other_outcomes = models.JSONField(default=list, blank=True)
    eligibility = models.JSONField(default=dict, blank=True)
    countries = ArrayField(models.TextField(), default=list, blank=True)
    n_places = models.PositiveIntegerField("study sites", null=True, blank=True)
    references = models.JSONField(default=list, blank=True)
    # Of the references, those that tie a paper to the trial: BACKGROUND ones may be about anything.
    result_pmids = ArrayField(models.PositiveIntegerField(), default=list, blank=True, editable=False)
    details = models.JSONField(default=dict, blank=True)

    first_seen_at = models.DateTimeField(default=timezone.now, db_index=True)
    found_at = models.DateTimeField("brought by a search or a person", null=True, editable=False)
    fetched_at = models.DateTimeField("last taken over", null=True, editable=False)
    checked_at = models.DateTimeField("last asked for", null=True, editable=False, db_index=True)
    first_missed_on = models.DateField(null=True, editable=False)
    missing_since = models.DateField("not served by the registry since", null=True, editable=False)
    search_text = models.TextField(blank=True, editable=False)
    search_vector = QuietGeneratedField(
        expression=SearchVector("search_text", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
        editable=False,
    )
    reports = models.ManyToManyField(Report, through="RegistrationMention", related_name="registrations")

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        indexes = [
            GinIndex("search_vector", name="registration_search"),
            GinIndex(fields=["aliases"], name="registration_aliases"),
            GinIndex(fields=["result_pmids"], name="registration_results"),
            models.Index(F("updated_on").desc(nulls_last=True), F("id").desc(), name="registration_updated"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("studies:trial", args=[self.number])

    @property
    def display_title(self) -> str:
        return self.title or self.official_title or f"{self.number}: title not known yet"

    @property
    def url(self) -> str:
        if self.details.get("url"):
            return self.details["url"]
        return RegistryId(self.registry, self.number).url if self.registry else ""


class RegistrationMention(models.Model):
    """A report names a registration, and where."""

    report = models.ForeignKey(Report, models.PROTECT, related_name="mentions")
    registration = models.ForeignKey(TrialRegistration, models.PROTECT, related_name="mentions")
    basis = models.CharField(max_length=10, choices=MentionBasis)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "registration", "basis"], name="mention_once")]

    def __str__(self) -> str:
        return f"{self.report} names {self.registration}"


# What happens to a registration once for each thing it happens with: written twice it would be told twice.
_ONCE = (TrialEventKind.NEW, TrialEventKind.OVERDUE, TrialEventKind.PUBLICATION_LINKED)


class TrialEvent(models.Model):
    """What happened to a registration: append-only (a trigger refuses anything else).

    `old` and `new` are texts for people and for comparison; `registry_date` is the registry's date of the change.
    """

    registration = models.ForeignKey(TrialRegistration, models.PROTECT, related_name="events")
    kind = models.CharField(max_length=20, choices=TrialEventKind)
    field = models.CharField(max_length=40, blank=True)
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    why = models.TextField(blank=True)
    report = models.ForeignKey(Report, models.PROTECT, null=True, related_name="+")  # the publication linked
    detected_at = models.DateTimeField(default=timezone.now, db_index=True)
    registry_date = models.DateField(null=True)

    class Meta:
        ordering = ["-detected_at", "-pk"]
        indexes = [models.Index(fields=["registration", "-detected_at"], name="trial_timeline")]
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "kind", "new"], condition=Q(kind__in=_ONCE), name="trial_event_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.registration}: {self.get_kind_display()}"
