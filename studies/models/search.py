"""Search, a saved query or standing job; SearchRun, one execution of it or one file; Finding, what each run met."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from studies.models.study import Report
from studies.models.trial import TrialRegistration
from studies.terms import FindingResult, ProcessKind, ResultUse, RunKind, RunState

OPEN_STATES = (RunState.WAITING, RunState.RUNNING, RunState.PAUSED)


class SearchQuerySet(models.QuerySet["Search"]):
    def kept(self) -> "SearchQuerySet":
        """Those that nobody has deleted."""
        return self.filter(deleted_at=None)


class Search(models.Model):
    """A question asked of a source again and again, or a standing job, which has no query.

    `schedule` is a cron expression; empty means by hand only. `due_since` is the first scheduled instant that no
    success has answered yet. A deleted search only leaves the lists: what its runs found stays known by its name.
    """

    slug = models.SlugField(max_length=60, unique=True, null=True, blank=True)  # of a search that came with Stratum
    name = models.CharField(max_length=200)
    kind = models.CharField("source", max_length=10, choices=RunKind, default=RunKind.SEARCH)
    query = models.TextField(blank=True)
    note = models.TextField("what it is for", blank=True)
    schedule = models.CharField(max_length=100, blank=True)
    is_paused = models.BooleanField(default=False)
    awaits_email = models.BooleanField("paused until NCBI_EMAIL is given", default=False)
    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    due_since = models.DateTimeField(null=True, blank=True)
    overlap_days = models.PositiveSmallIntegerField(default=14)
    use = models.CharField("what to do with the results", max_length=10, choices=ResultUse, default=ResultUse.ADD)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="searches"
    )
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = SearchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "searches"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(deleted_at=None), name="one_search_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class SearchRunQuerySet(models.QuerySet["SearchRun"]):
    def open(self) -> "SearchRunQuerySet":
        return self.filter(state__in=OPEN_STATES)

    def successes(self, *, kind: Any, asked: Any, use: Any, limit: int | None = None) -> "SearchRunQuerySet":
        """Finished runs of the same question, as wide: a run of another, or of its first hundred, is no answer to it.

        Values, or references to a search's own: `kind=OuterRef("kind")`.
        """
        return self.filter(kind=kind, asked=asked, use=use, limit=limit, state=RunState.FINISHED)


class SearchRun(models.Model):
    """One execution. Its row and its findings are the truth; a queue message is only a knock.

    `n_errors` counts troubles that were survived, `failure` says in one sentence what ended the run, and `retry_at`
    when it is taken up again by itself. `since` is the first day a scheduled run asked for; null means everything.
    """

    search = models.ForeignKey(Search, models.PROTECT, null=True, related_name="runs")
    kind = models.CharField(max_length=10, choices=RunKind)
    asked = models.TextField("query or file name", blank=True)
    since = models.DateField("created or changed since", null=True)
    use = models.CharField(max_length=10, choices=ResultUse, default=ResultUse.ADD)
    limit = models.PositiveIntegerField("at most", null=True)
    state = models.CharField(max_length=10, choices=RunState, default=RunState.WAITING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="runs")
    file_path = models.TextField(blank=True)
    file_digest = models.CharField(max_length=64, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    planned_at = models.DateTimeField("list of ids complete at", null=True)
    touched_at = models.DateTimeField("last sign of life", null=True)
    finished_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField("tried again at", null=True, db_index=True)
    knocked_at = models.DateTimeField("a worker was called at", null=True)
    n_attempts = models.PositiveSmallIntegerField(default=0)
    n_failures = models.PositiveSmallIntegerField("failures in a row", default=0)

    translation = models.TextField("query as PubMed understood it", blank=True)
    warnings = ArrayField(models.TextField(), default=list)
    n_found = models.PositiveIntegerField(default=0)
    n_fetched = models.PositiveIntegerField(default=0)
    n_created = models.PositiveIntegerField(default=0)
    n_changed = models.PositiveIntegerField(default=0)
    n_unchanged = models.PositiveIntegerField(default=0)
    n_known = models.PositiveIntegerField(default=0)
    n_vanished = models.PositiveIntegerField(default=0)
    n_rejected = models.PositiveIntegerField(default=0)
    n_listed = models.PositiveIntegerField(default=0)
    n_errors = models.PositiveIntegerField(default=0)
    n_left = models.PositiveIntegerField("no longer found by this search", default=0)
    failure = models.TextField(blank=True)

    objects = SearchRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["search", "-created_at"], name="run_history")]
        constraints = [
            models.UniqueConstraint(
                fields=["search"],
                condition=Q(state__in=["waiting", "running", "paused"]),
                name="one_open_run_a_search",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.search or self.asked}"[:300]

    def get_absolute_url(self) -> str:
        return reverse("studies:run", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def n_done(self) -> int:
        """Ids with an answer, of `n_found`."""
        taken = self.n_created + self.n_changed + self.n_unchanged + self.n_known
        return taken + self.n_listed + self.n_vanished + self.n_rejected


class Finding(models.Model):
    """One source returned one report or registration in one run (what PRISMA calls a record).

    Also the run's list of work: a row is written PENDING and settled once, so that a killed run goes on from it.
    """

    run = models.ForeignKey(SearchRun, models.CASCADE, related_name="findings")
    position = models.PositiveIntegerField()
    identifier = models.CharField(max_length=200)
    report = models.ForeignKey(Report, models.PROTECT, null=True, related_name="findings")
    registration = models.ForeignKey(TrialRegistration, models.PROTECT, null=True, related_name="findings")
    result = models.CharField(max_length=10, choices=FindingResult, default=FindingResult.PENDING)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="finding_once")]
        indexes = [
            models.Index(fields=["run", "position"], condition=Q(result="pending"), name="finding_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.identifier}: {self.get_result_display()}"


class RequestSlot(models.Model):
    """The next free instant for a request to a source, shared by all processes (actions/pacing.py)."""

    name = models.CharField(max_length=40, unique=True)
    next_free_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class RequestCount(models.Model):
    """How many requests went to a source in one minute (actions/pacing.py); kept for two days."""

    name = models.CharField(max_length=40)
    minute = models.DateTimeField(db_index=True)
    n = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "minute"], name="one_count_a_minute")]

    def __str__(self) -> str:
        return f"{self.name} {self.minute:%H:%M}: {self.n}"


class Heartbeat(models.Model):
    """When a background process was last seen alive, and which queues it serves."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=ProcessKind, default=ProcessKind.WORKER)
    queues = ArrayField(models.CharField(max_length=40), default=list)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
