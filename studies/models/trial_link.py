"""TrialLink, a report that may publish a registered trial; StudyGrouping, two studies that may be one."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from studies.models.study import Report, Study
from studies.models.trial import TrialRegistration
from studies.terms import LinkBasis, ProposalState


class Proposal(models.Model):
    """What is proposed to people, how sure it is (0 to 1, rules/trial_links.py), and what they said."""

    score = models.DecimalField(max_digits=3, decimal_places=2, default=0)
    state = models.CharField(max_length=10, choices=ProposalState, default=ProposalState.PROPOSED)
    proposed_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    why = models.TextField(blank=True)

    class Meta:
        abstract = True


class TrialLinkQuerySet(models.QuerySet["TrialLink"]):
    def standing(self) -> "TrialLinkQuerySet":
        """Links that count: confirmed, or so well founded that "no publication" would be the bolder thing to say."""
        return self.filter(Q(state=ProposalState.CONFIRMED) | Q(state=ProposalState.PROPOSED, is_firm=True))


class TrialLink(Proposal):
    """A report is, or may be, a publication of a registered trial; one row for the pair, whatever the grounds."""

    registration = models.ForeignKey(TrialRegistration, models.PROTECT, related_name="links")
    report = models.ForeignKey(Report, models.PROTECT, related_name="trial_links")
    bases = ArrayField(models.CharField(max_length=10, choices=LinkBasis), default=list)
    is_firm = models.BooleanField("a source itself says so", default=False)
    # What a decision did to the registration's study, so that undoing it does the opposite.
    gave_study = models.BooleanField("confirming it gave the registration its study", default=False)
    own_study = models.ForeignKey(Study, models.PROTECT, null=True, related_name="+")  # made when it was rejected

    objects = TrialLinkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["registration", "report"], name="trial_link_once")]
        indexes = [models.Index(fields=["state", "-score"], name="trial_link_open")]

    def __str__(self) -> str:
        return f"{self.registration} and {self.report.identifier}"


class StudyGrouping(Proposal):
    """Two studies that are, or may be, one investigation.

    Once confirmed, `other` is grouped into `kept`; `moved` names the rows that went over and the values that were
    filled in, so that undoing restores exactly those.
    """

    kept = models.ForeignKey(Study, models.PROTECT, related_name="groupings")
    other = models.ForeignKey(Study, models.PROTECT, related_name="groupings_into")
    bases = ArrayField(models.CharField(max_length=10, choices=LinkBasis), default=list)
    link = models.ForeignKey(TrialLink, models.PROTECT, null=True, related_name="groupings")
    moved = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["other"], condition=Q(state=ProposalState.CONFIRMED), name="grouped_into_one"
            ),
            models.CheckConstraint(condition=~Q(kept=F("other")), name="grouping_of_two"),
        ]
        indexes = [models.Index(fields=["state", "-score"], name="grouping_open")]

    def __str__(self) -> str:
        return f"{self.other} into {self.kept}"
