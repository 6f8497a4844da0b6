"""Writing mails: what a person is told is marked as told in the transaction that keeps the mail."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from studies.formats import letters
from studies.models import Digest, SentItem, Subscription, User
from studies.models.alert import new_token
from studies.queries import admin_week, alerts, news
from studies.queries.news import Entry
from studies.queries.vocabulary import Vocabulary
from studies.rules import alerts as rules
from studies.rules.news import RANKS
from studies.terms import DigestKind, SiteRole


@transaction.atomic
def build(user_id: int, frequency: str, now: datetime) -> Digest | None:
    """One mail of all that is due to this person; None when there is nothing new, and then there is no mail.

    A kill before the end leaves nothing behind, one after it a whole mail that waits to be sent.
    """
    # One writer a person: what one of their subscriptions tells, the others do not tell again.
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id, is_active=True).first()
    if user is None or not alerts.is_set_up():
        return None
    mine = Subscription.objects.live().filter(user=user, frequency=frequency, next_due_at__lte=now).order_by("pk")
    subscriptions = list(alerts.with_subject(mine))
    found = _found(subscriptions, now)
    Subscription.objects.filter(pk__in=[one.pk for one in subscriptions]).update(
        next_due_at=rules.next_due(frequency, now)
    )
    return _write(user, DigestKind(frequency), subscriptions, found, now) if found else None


def _found(subscriptions: Sequence[Subscription], now: datetime) -> dict[Entry, Subscription]:
    """Each piece once, with the first subscription that asked for it."""
    vocabulary = Vocabulary() if subscriptions else None
    found: dict[Entry, Subscription] = {}
    for subscription in subscriptions:
        for entry in alerts.unsent(subscription, now, vocabulary):
            found.setdefault(entry, subscription)
    return found


def _write(
    user: User,
    kind: DigestKind,
    subscriptions: Sequence[Subscription],
    found: dict[Entry, Subscription],
    now: datetime,
) -> Digest:
    # By gravity over all days; a page of news goes by days.
    order = sorted(found, key=lambda entry: (RANKS[entry.kind], -entry.at.timestamp(), -entry.pk))
    most = max(subscription.max_items for subscription in subscriptions)
    token = new_token()
    letter = letters.digest(
        kind,
        news.told(order[:most]),
        more=Counter(entry.kind for entry in order[most:]),
        more_url=settings.SITE_URL + reverse("studies:news"),
        subscriptions=[one for one in subscriptions if one in set(found.values())],
        token=token,
        now=now,
    )
    digest = Digest.objects.create(
        user=user,
        kind=kind,
        token=token,
        built_at=now,
        next_try_at=now,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
    )
    SentItem.objects.bulk_create(
        SentItem(
            user=user,
            digest=digest,
            subscription=found[entry],
            object_type=entry.object_type,
            object_id=entry.pk,
            kind=entry.kind,
            at=now,
        )
        for entry in order
    )
    return digest


def build_admin_words(now: datetime) -> list[Digest]:
    """The weekly word to every admin, once a week whatever happened; also when nothing did."""
    period = rules.week_of(now)
    told = Digest.objects.filter(kind=DigestKind.ADMIN, period=period).values("user")
    untold = User.objects.filter(role=SiteRole.ADMIN, is_active=True).exclude(pk__in=told)
    if not alerts.is_set_up() or not (admins := list(untold.order_by("pk"))):
        return []
    letter = letters.admin_word(admin_week.week(now), now=now)
    written = [
        Digest(
            user=admin,
            kind=DigestKind.ADMIN,
            period=period,
            built_at=now,
            next_try_at=now,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
        )
        for admin in admins
    ]
    # Another process may have been as quick: one word a week and admin, the database sees to it.
    return Digest.objects.bulk_create(written, ignore_conflicts=True)
