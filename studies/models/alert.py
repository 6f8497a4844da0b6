"""What people follow and what they were told: SavedSearch, Subscription, Digest, SentItem, Seen."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from studies.models.study import Study
from studies.models.trial import TrialRegistration
from studies.rules.news import TRIAL_DESIGNS
from studies.terms import AlertSubject, DigestKind, DigestState, Frequency, NewsKind, RegistrationSource

MOST_ITEMS = 100
LONGEST_LOOK_BACK = 30  # days


def new_token() -> str:
    """The secret of a link that works without signing in: 256 bits."""
    return secrets.token_urlsafe(32)


# What a filter of trials calls its parts, as a sentence does.
_NAMES = {"q": "words", "sources": "cell source", "products": "product"}


def every_kind() -> list[str]:
    return list(NewsKind.values)


class SavedSearch(models.Model):
    """A name for the query string of a list of studies; the address is the question."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=120)
    query_string = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_search_name")]

    def __str__(self) -> str:
        return self.name


def subject_in_words(about: AlertSubject, named: object = None, *, trials_query: str = "") -> str:
    """As it stands in a sentence; `named` is the row that is followed, where it is one."""
    if filters := parse_qsl(trials_query.removeprefix("?")):
        return f"trials with “{'; '.join(f'{_NAMES.get(name, name)}: {value}' for name, value in filters)}”"
    return f"{about.label} “{str(named).rstrip('.')}”" if named else str(about.label)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def live(self) -> "SubscriptionQuerySet":
        """Not ended, of people whose account is open."""
        return self.filter(ended_at=None, user__is_active=True)


def _only(about: AlertSubject, field: str) -> Q:
    """The one subject that goes with `about`; the other columns are empty."""
    names = ("saved_search", "study", "registration", "trials_query")
    return Q(about=about, **{f"{name}__isnull": name != field for name in names})


class Subscription(models.Model):
    """One person's wish to be told by mail, with what for, how often and how much.

    `token` opens the page that ends it, for whoever holds the mail. News older than `lookback_days`, or than the
    subscription itself, is never sent; of more than `max_items` pieces the rest is a number and a link.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="subscriptions")
    about = models.CharField(max_length=14, choices=AlertSubject)
    saved_search = models.ForeignKey(SavedSearch, models.CASCADE, null=True, related_name="subscriptions")
    study = models.ForeignKey(Study, models.CASCADE, null=True, related_name="subscriptions")
    registration = models.ForeignKey(TrialRegistration, models.CASCADE, null=True, related_name="subscriptions")
    trials_query = models.TextField("query string of the list of trials", null=True)
    frequency = models.CharField(max_length=10, choices=Frequency, default=Frequency.WEEKLY)
    kinds = ArrayField(models.CharField(max_length=14, choices=NewsKind), default=every_kind)
    purpose = models.TextField()
    max_items = models.PositiveSmallIntegerField(
        default=20, validators=[MinValueValidator(1), MaxValueValidator(MOST_ITEMS)]
    )
    lookback_days = models.PositiveSmallIntegerField(
        default=LONGEST_LOOK_BACK, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_LOOK_BACK)]
    )
    consent_at = models.DateTimeField(default=timezone.now)
    next_due_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    token = models.CharField(max_length=43, unique=True, default=new_token, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-consent_at", "-pk"]
        indexes = [models.Index(fields=["next_due_at"], condition=Q(ended_at=None), name="subscription_due")]
        constraints = [
            models.CheckConstraint(
                condition=_only(AlertSubject.EVERYTHING, "")
                | _only(AlertSubject.SAVED_SEARCH, "saved_search")
                | _only(AlertSubject.STUDY, "study")
                | _only(AlertSubject.REGISTRATION, "registration")
                | _only(AlertSubject.TRIALS, "trials_query"),
                name="subscription_has_one_subject",
            ),
            models.CheckConstraint(condition=Q(max_items__range=(1, MOST_ITEMS)), name="subscription_bounded_size"),
            models.CheckConstraint(
                condition=Q(lookback_days__range=(1, LONGEST_LOOK_BACK)), name="subscription_bounded_time"
            ),
            models.UniqueConstraint(
                fields=["user", "about", "saved_search", "study", "registration", "trials_query", "frequency"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="subscription_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_frequency_display()}: {self.subject}"

    @property
    def subject(self) -> str:
        """What it follows, in words."""
        named: Any = self.saved_search or self.study or self.registration
        return subject_in_words(AlertSubject(self.about), named, trials_query=self.trials_query or "")


class DigestQuerySet(models.QuerySet["Digest"]):
    def to_send(self, now: datetime) -> "DigestQuerySet":
        return self.filter(state=DigestState.BUILT, next_try_at__lte=now)


class Digest(models.Model):
    """One mail to one person, whole as it was built; its SentItems were written in the same transaction.

    Sending is a later step that claims the row. `token` ends every subscription that had a part in it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="digests")
    kind = models.CharField(max_length=10, choices=DigestKind)
    period = models.CharField(max_length=10, blank=True)  # the week of a word to admins, "2026-W48"
    state = models.CharField(max_length=10, choices=DigestState, default=DigestState.BUILT)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField()
    token = models.CharField(max_length=43, unique=True, default=new_token, editable=False)
    built_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    n_attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.TextField(blank=True)

    objects = DigestQuerySet.as_manager()

    class Meta:
        ordering = ["-built_at", "-pk"]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(state__in=["built", "sending"]), name="digest_to_send"),
            models.Index(fields=["user", "-built_at"], name="digest_of_person"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "period"], condition=~Q(period=""), name="digest_once_a_period"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.user}: {self.subject}"[:300]


class SentItem(models.Model):
    """One person was told one piece of news, once and for all.

    The news is a row: `object_type` and `object_id` name it (a study, a registration, a notice, an event of a trial or
    of a report), and `kind` what it was told as: a notice may be read otherwise later. No foreign key to it: what was
    told stays told.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sent_items")
    digest = models.ForeignKey(Digest, models.CASCADE, related_name="items")
    subscription = models.ForeignKey(Subscription, models.SET_NULL, null=True, related_name="sent_items")
    object_type = models.CharField(max_length=20)
    object_id = models.BigIntegerField()
    kind = models.CharField(max_length=14, choices=NewsKind)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "object_type", "object_id", "kind"], name="sent_once")]

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_id} to {self.user}"


class Seen(models.Model):
    """A person has seen a new study or a new trial: it is no longer marked as new for them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="seen")
    study = models.ForeignKey(Study, models.CASCADE, null=True, related_name="seen_by")
    registration = models.ForeignKey(TrialRegistration, models.CASCADE, null=True, related_name="seen_by")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "seen"
        constraints = [
            models.CheckConstraint(
                condition=Q(study__isnull=False, registration=None) | Q(study=None, registration__isnull=False),
                name="seen_is_of_one",
            ),
            models.UniqueConstraint(fields=["user", "study"], condition=Q(study__isnull=False), name="seen_study_once"),
            models.UniqueConstraint(
                fields=["user", "registration"], condition=Q(registration__isnull=False), name="seen_registration_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study or self.registration}, seen by {self.user}"


@dataclass(frozen=True, slots=True)
class Newness:
    """Which trials are new: first seen after `since`, and not yet seen by `reader` where somebody is signed in.

    Lists, the map, the trials and the news all ask here, so that none of them can say otherwise than the others.
    """

    since: datetime
    reader: int | None = None

    @property
    def of_studies(self) -> Q:
        """A publication whose design or registry number says trial, or a registration without one."""
        is_trial = Q(design__in=TRIAL_DESIGNS) | Q(n_registrations__gt=0)
        return Q(created_at__gt=self.since, is_starter=False) & is_trial & self._unseen("study")

    @property
    def of_registrations(self) -> Q:
        return (
            Q(first_seen_at__gt=self.since)
            & ~Q(source__in=("", RegistrationSource.STARTER))
            & self._unseen("registration")
        )

    def _unseen(self, what: str) -> Q:
        if self.reader is None:
            return Q()
        seen = Seen.objects.filter(user=self.reader, **{what: OuterRef("pk")})
        return ~Q(Exists(seen))
