"""Review, a question with its rules; CriteriaVersion and Criterion, who is in and who is out; ReviewStage."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone

from reviews.terms import CardOrder, CriterionKind, Dealing, ReviewStatus, ScreeningMode, Stage

_PERSON = settings.AUTH_USER_MODEL


class Review(models.Model):
    """One question, its team and its living parameters (PRISMA-LSR).

    `include_words` and `exclude_words` are highlighted on cards, `random_share` is the percentage of cards that
    come at random however the rest is ordered.
    """

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=300)
    question = models.TextField(blank=True)
    population = models.TextField(blank=True)
    intervention = models.TextField(blank=True)
    comparator = models.TextField(blank=True)
    outcomes = models.TextField(blank=True)
    study_designs = models.TextField("study designs", blank=True)
    is_public = models.BooleanField("anybody may read the protocol", default=False)
    created_by = models.ForeignKey(_PERSON, models.PROTECT, related_name="reviews_created")
    created_at = models.DateTimeField(default=timezone.now)

    include_words = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    exclude_words = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    dealing = models.CharField(max_length=10, choices=Dealing, default=Dealing.PULL)
    is_ranked = models.BooleanField("order reports by likely relevance", default=False)
    card_order = models.CharField(max_length=10, choices=CardOrder, default=CardOrder.RANDOM)
    random_share = models.PositiveSmallIntegerField("percentage shown at random", default=10)

    is_living = models.BooleanField("living review", default=False)
    living_justification = models.TextField("why living", blank=True)
    status = models.CharField(max_length=20, choices=ReviewStatus, default=ReviewStatus.UPDATE_PENDING)
    status_explanation = models.CharField(max_length=400, blank=True)
    version = models.PositiveSmallIntegerField(default=1)
    version_date = models.DateField(null=True, blank=True)
    version_trigger = models.TextField("what triggered this version", blank=True)
    previous_version = models.TextField("citation of the previous version", blank=True)
    retirement_plan = models.TextField(blank=True)
    retired_on = models.DateField(null=True, blank=True)
    next_planned_update = models.DateField(null=True, blank=True)
    changes_objectives = models.TextField("changes in objectives", blank=True)
    changes_methods = models.TextField("changes in methods", blank=True)
    changes_results = models.TextField("changes in results", blank=True)

    class Meta:
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(condition=models.Q(random_share__lte=100), name="review_random_share_percent")
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("reviews:review", args=[self.slug])


class ReviewStage(models.Model):
    """How one stage of a review is screened; a closed stage takes no decisions.

    `n_pilot_reviewers` is how many decisions each report of the running pilot needs.
    """

    review = models.ForeignKey(Review, models.CASCADE, related_name="stages")
    stage = models.CharField(max_length=20, choices=Stage)
    mode = models.CharField(max_length=10, choices=ScreeningMode, default=ScreeningMode.DOUBLE)
    pilot_size = models.PositiveSmallIntegerField("reports in the pilot", default=50)
    n_pilot_reviewers = models.PositiveSmallIntegerField(default=2)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(_PERSON, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "stage"], name="review_stage_once")]

    def __str__(self) -> str:
        return f"{self.get_stage_display()} of {self.review}"

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None


class CriteriaVersion(models.Model):
    """The criteria as they stood from one moment on; the newest is in force."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="criteria_versions")
    number = models.PositiveSmallIntegerField(default=1)
    what_changed = models.TextField(blank=True)
    by = models.ForeignKey(_PERSON, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["review", "number"], name="criteria_version_once")]

    def __str__(self) -> str:
        return f"Criteria {self.number} of {self.review}"


class Criterion(models.Model):
    """One criterion in one version. `key` is the same through all versions, so that reasons can be compared."""

    version = models.ForeignKey(CriteriaVersion, models.CASCADE, related_name="criteria")
    key = models.UUIDField(default=uuid.uuid4)
    kind = models.CharField(max_length=10, choices=CriterionKind)
    position = models.PositiveSmallIntegerField(default=0)
    label = models.CharField(max_length=120)  # short enough for a box of the flow diagram
    description = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "criteria"
        ordering = ["kind", "position", "pk"]
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="criterion_once_a_version")]

    def __str__(self) -> str:
        return self.label


class StatusStatement(models.Model):
    """What a living review tells its readers once a month, with the numbers of that day."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="status_statements")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(_PERSON, models.PROTECT, related_name="+")
    last_search_at = models.DateTimeField(null=True)
    n_new_records = models.PositiveIntegerField(default=0)
    n_new_studies_included = models.PositiveIntegerField(default=0)
    n_new_ongoing = models.PositiveIntegerField(default=0)
    plans = models.TextField(blank=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.review} on {self.at:%d %B %Y}"
