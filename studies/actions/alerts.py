"""Subscriptions: asked for by a person, changed and ended by them, or ended by whoever holds a mail's link."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from studies.models import AuditEvent, SavedSearch, Study, Subscription, TrialRegistration, User
from studies.rules import alerts as rules
from studies.terms import AlertSubject, Frequency, NewsKind


class FollowedAlready(ValueError):
    """The person has such a subscription."""


class NothingToTell(ValueError):
    """What was chosen can never write: at once goes only what is grave."""


@transaction.atomic
def follow(
    *,
    by: User,
    about: AlertSubject,
    subject: SavedSearch | Study | TrialRegistration | None,
    frequency: Frequency | str,
    kinds: Iterable[str],
    max_items: int,
    lookback_days: int,
    trials_query: str = "",
) -> Subscription:
    """`subject` is the row that `about` names, none for everything and for trials, which `trials_query` filters.

    Raises FollowedAlready and NothingToTell.
    """
    now = timezone.now()
    what = {_COLUMNS[about]: subject} if about in _COLUMNS else {}
    if about == AlertSubject.TRIALS:
        what = {"trials_query": trials_query}
    # Two clicks in one second: the second finds the first.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if Subscription.objects.live().filter(user=by, about=about, frequency=frequency, **what).exists():
        raise FollowedAlready("You follow this already, and as often.")
    subscription = Subscription(
        user=by,
        about=about,
        frequency=frequency,
        consent_at=now,
        next_due_at=rules.next_due(frequency, now),
        **what,
    )
    _set(subscription, kinds=kinds, max_items=max_items, lookback_days=lookback_days)
    subscription.save()
    AuditEvent.objects.record("subscribed", subscription, by=by, kinds=subscription.kinds)
    return subscription


@transaction.atomic
def change(
    subscription: Subscription,
    *,
    by: User,
    frequency: Frequency | str,
    kinds: Iterable[str],
    max_items: int,
    lookback_days: int,
) -> Subscription:
    """Raises FollowedAlready (another subscription to the same writes as often) and NothingToTell."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    subscription = Subscription.objects.select_for_update(of=["self"]).get(pk=subscription.pk)
    same = {name: getattr(subscription, name) for name in ("user", "about", *_COLUMNS.values(), "trials_query")}
    others = Subscription.objects.live().exclude(pk=subscription.pk).filter(frequency=frequency, **same)
    if others.exists():
        raise FollowedAlready("Another of your subscriptions follows this as often.")
    before = {"frequency": subscription.frequency, "kinds": subscription.kinds}
    if subscription.frequency != frequency:
        subscription.frequency, subscription.next_due_at = frequency, rules.next_due(frequency, timezone.now())
    _set(subscription, kinds=kinds, max_items=max_items, lookback_days=lookback_days)
    subscription.save()
    AuditEvent.objects.record("changed subscription", subscription, by=by, before=before, kinds=subscription.kinds)
    return subscription


@transaction.atomic
def end(subscriptions: Sequence[Subscription], *, by: User | None = None) -> int:
    """End those that are not ended yet; without `by`, by the link of a mail. Doing it twice is harmless."""
    live = Subscription.objects.select_for_update(of=["self"]).filter(
        pk__in=[one.pk for one in subscriptions], ended_at=None
    )
    ended = list(live)
    for subscription in ended:
        subscription.ended_at = timezone.now()
        subscription.save(update_fields=["ended_at"])
        AuditEvent.objects.record("ended subscription", subscription, by=by or f"link in a mail to {subscription.user}")
    return len(ended)


_COLUMNS = {
    AlertSubject.SAVED_SEARCH: "saved_search",
    AlertSubject.STUDY: "study",
    AlertSubject.REGISTRATION: "registration",
}


def _set(subscription: Subscription, *, kinds: Iterable[str], max_items: int, lookback_days: int) -> None:
    chosen = set(kinds)
    subscription.kinds = [kind.value for kind in NewsKind if kind.value in chosen]
    if not rules.kinds_told(subscription.frequency, subscription.kinds):
        raise NothingToTell("At once goes only a retraction, a concern or a stopped trial: choose one of them.")
    subscription.max_items, subscription.lookback_days = max_items, lookback_days
    subscription.purpose = rules.purpose(
        subject=subscription.subject,
        frequency=subscription.frequency,
        kinds=subscription.kinds,
        consent_at=subscription.consent_at,
    )
