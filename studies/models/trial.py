"""TrialRegistration, one registry entry; RegistrationMention, a report that names it."""

from django.db import models
from django.utils import timezone

from studies.identifiers import RegistryId
from studies.models.study import Report, Study
from studies.terms import MentionBasis, Registry


class TrialRegistration(models.Model):
    """One entry of a trial registry; a stub while only its number is known.

    `study` is set once a person or the starter data says which investigation it is: a text that names a number
    may mean another trial.
    """

    study = models.ForeignKey(Study, models.PROTECT, null=True, blank=True, related_name="registrations")
    registry = models.CharField(max_length=10, choices=Registry, blank=True)
    number = models.CharField(max_length=40, unique=True)
    title = models.TextField(blank=True)
    status = models.CharField(max_length=40, blank=True)
    phase = models.CharField(max_length=40, blank=True)
    enrolment = models.PositiveIntegerField(null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now, db_index=True)
    reports = models.ManyToManyField(Report, through="RegistrationMention", related_name="registrations")

    def __str__(self) -> str:
        return self.number

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
