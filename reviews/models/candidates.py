"""Candidate, a report as it stands in one review; where it came from; whose turn it is; what duplicates it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reviews.models.protocol import Criterion, Review
from reviews.terms import AddedBy, CardOrder, Classification, DuplicateMethod, Retrieval, SourceKind, Stage, Verdict
from studies.models import Finding, Report, Search, SearchRun

_PERSON = settings.AUTH_USER_MODEL


class ReviewSource(models.Model):
    """A named source of records (PRISMA counts each): PubMed, Embase, a website, the citations of a review."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=12, choices=SourceKind)
    name = models.CharField(max_length=120)
    note = models.TextField("platform, dates, strategy", blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["review", "kind", "name"], name="review_source_once")]

    def __str__(self) -> str:
        return self.name


class ReviewSearch(models.Model):
    """A search that feeds a review; taken off the review, it feeds no more, and what it brought stays."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="searches")
    search = models.ForeignKey(Search, models.PROTECT, related_name="+")
    source = models.ForeignKey(ReviewSource, models.PROTECT, related_name="searches")
    added_by = models.ForeignKey(_PERSON, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "search"], condition=Q(removed_at=None), name="search_feeds_once")
        ]

    def __str__(self) -> str:
        return str(self.search)


class SourceRun(models.Model):
    """A run whose findings a review takes. `taken_up_to` is the run's last sign of life when they were last taken:

    a run that has been touched since may have found more.
    """

    source = models.ForeignKey(ReviewSource, models.PROTECT, related_name="runs")
    run = models.ForeignKey(SearchRun, models.PROTECT, related_name="+")
    how = models.CharField(max_length=10, choices=AddedBy)
    by = models.ForeignKey(_PERSON, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    taken_up_to = models.DateTimeField(null=True, blank=True)
    n_taken = models.PositiveIntegerField("candidates it brought", default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "run"], name="source_run_once")]

    def __str__(self) -> str:
        return f"{self.run} for {self.source}"


_IS_OPEN = Q(verdict__in=[Verdict.NOT_SCREENED, Verdict.SCREENED_ONCE], duplicate_of=None)


NAMED_BY = ("report__title", "report__pmid", "report__pmcid", "report__doi")


class CandidateQuerySet(models.QuerySet["Candidate"]):
    def distinct_reports(self) -> "CandidateQuerySet":
        """Without those that were merged into another candidate."""
        return self.filter(duplicate_of=None)

    def reading(self, *names: str) -> "CandidateQuerySet":
        """With all of their own columns, and of what they refer to these alone (`report__title`)."""
        own = (field.attname for field in self.model._meta.concrete_fields)
        joined = {name.rpartition("__")[0] for name in names}
        return self.select_related(*sorted(joined)).only(*own, *names)

    def named(self) -> "CandidateQuerySet":
        """With what lists and the log call their reports by."""
        return self.reading(*NAMED_BY)


class Candidate(models.Model):
    """One report in one review. `stage` is where it stands, `verdict` what the decisions there come to.

    `round` grows when its decisions are to be looked at again: only decisions of the present round count.
    `shuffle` is a stable random place, `rank` the latest ranking score, `primary_reason` the agreed reason to exclude.
    """

    review = models.ForeignKey(Review, models.CASCADE, related_name="candidates")
    report = models.ForeignKey(Report, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)
    added_how = models.CharField(max_length=10, choices=AddedBy)
    added_by = models.ForeignKey(_PERSON, models.PROTECT, null=True, related_name="+")
    duplicate_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="duplicates")
    compared_at = models.DateTimeField("compared with the other reports at", null=True, blank=True, db_index=True)

    stage = models.CharField(max_length=20, choices=Stage, default=Stage.TITLE_ABSTRACT)
    verdict = models.CharField(max_length=20, choices=Verdict, default=Verdict.NOT_SCREENED)
    round = models.PositiveSmallIntegerField(default=1)
    verdict_at = models.DateTimeField(null=True, blank=True)
    primary_reason = models.ForeignKey(Criterion, models.PROTECT, null=True, blank=True, related_name="+")
    classification = models.CharField(max_length=10, choices=Classification, default=Classification.NONE, blank=True)
    is_pilot = models.BooleanField("in the sample of the title and abstract pilot", default=False)
    is_full_text_pilot = models.BooleanField(default=False)

    retrieval = models.CharField(max_length=12, choices=Retrieval, default=Retrieval.NOT_SOUGHT)
    retrieved_at = models.DateTimeField(null=True, blank=True)
    full_text_url = models.URLField(max_length=1000, blank=True)
    full_text_path = models.TextField("uploaded PDF", blank=True)

    held_by = models.ForeignKey(_PERSON, models.SET_NULL, null=True, blank=True, related_name="+")
    held_until = models.DateTimeField(null=True, blank=True)
    held_order = models.CharField("order by which it was dealt", max_length=10, choices=CardOrder, blank=True)
    rank = models.FloatField(null=True, blank=True)
    shuffle = models.IntegerField(default=0)

    objects = CandidateQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "report"], name="report_once_a_review")]
        # The next card is the first row of one of these that its reader has not decided on.
        indexes = [
            models.Index(
                "review",
                "stage",
                F("rank").desc(nulls_last=True),
                "shuffle",
                "id",
                condition=_IS_OPEN,
                name="candidate_by_rank",
            ),
            models.Index("review", "stage", "shuffle", "id", condition=_IS_OPEN, name="candidate_by_chance"),
            models.Index(fields=["review", "stage", "verdict"], name="candidate_queues"),
        ]

    def __str__(self) -> str:
        return str(self.report)


class CandidateRecord(models.Model):
    """One source has this report: what PRISMA's first boxes count.

    The same record met again by a later run is no new row; a file that holds it twice makes two (`occurrence`).
    """

    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="records")
    source = models.ForeignKey(ReviewSource, models.PROTECT, related_name="records")
    finding = models.ForeignKey(Finding, models.PROTECT, null=True, related_name="+")  # none when added by hand
    occurrence = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "candidate", "occurrence"], name="candidate_record_once")
        ]

    def __str__(self) -> str:
        return f"{self.candidate} in {self.source}"


class Assignment(models.Model):
    """A candidate dealt to one reviewer at one stage."""

    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="assignments")
    stage = models.CharField(max_length=20, choices=Stage)
    user = models.ForeignKey(_PERSON, models.PROTECT, related_name="assignments")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["candidate", "stage", "user"], name="dealt_once")]

    def __str__(self) -> str:
        return f"{self.candidate} for {self.user}"


class DuplicateLink(models.Model):
    """Two candidates held to be one report; the dropped one keeps how it stood, for when this is undone."""

    kept = models.ForeignKey(Candidate, models.PROTECT, related_name="links_kept")
    dropped = models.ForeignKey(Candidate, models.PROTECT, related_name="links_dropped")
    method = models.CharField(max_length=12, choices=DuplicateMethod)
    score = models.FloatField(null=True)
    by = models.ForeignKey(_PERSON, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(_PERSON, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dropped"], condition=Q(undone_at=None), name="dropped_once"),
            models.CheckConstraint(condition=~Q(kept=F("dropped")), name="duplicate_of_another"),
        ]

    def __str__(self) -> str:
        return f"{self.dropped} is {self.kept}"
