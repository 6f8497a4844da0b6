"""What a subscription has to tell, and who has waited for it long enough."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q, QuerySet

from studies.models import Digest, SentItem, Subscription, User
from studies.queries import news, news_scope
from studies.queries.news import EVERYTHING, Entry, Scope
from studies.queries.vocabulary import Vocabulary
from studies.rules import alerts as rules
from studies.rules.news import URGENT
from studies.terms import AlertSubject, DigestState

# Of one kind, in one mail: bounded even when a subscription's first weeks bring the whole literature. What goes out
# at once is never cut: there is not much of it, and it must not be missed.
MOST_OF_A_KIND = 2000


def is_set_up() -> bool:
    """Whether there is a server to send mail by; without one the log would swallow what people wait for."""
    return settings.EMAIL_BACKEND != "django.core.mail.backends.console.EmailBackend"


def due(now: datetime) -> list[tuple[int, str]]:
    """(user, frequency) of everybody who has a subscription that is due."""
    live = Subscription.objects.live().filter(next_due_at__lte=now)
    return list(live.order_by("user", "frequency").values_list("user", "frequency").distinct())


def of_person(user: User) -> QuerySet[Subscription]:
    """What somebody follows, with when it last wrote."""
    mine = Subscription.objects.live().filter(user=user).select_related("saved_search", "study", "registration")
    return mine.annotate(last_sent_at=Max("sent_items__digest__sent_at"))


def with_subject(subscriptions: QuerySet[Subscription]) -> QuerySet[Subscription]:
    return subscriptions.select_related("saved_search", "study", "registration")


def by_token(token: str) -> list[Subscription]:
    """The subscriptions that a link in a mail ends: one, or all that had a part in one mail."""
    found = Subscription.objects.filter(Q(token=token) | Q(sent_items__digest__token=token)).distinct()
    return list(with_subject(found).order_by("pk"))


def unsent(subscription: Subscription, now: datetime, vocabulary: Vocabulary) -> list[Entry]:
    """News of the subscription that its owner has not been told, by any of their subscriptions.

    The whole look-back is read each time, never "since the last mail": what was committed late is not lost. What
    was known before somebody asked is no news to them.
    """
    since = max(now - timedelta(days=subscription.lookback_days), subscription.consent_at)
    kinds = rules.kinds_told(subscription.frequency, subscription.kinds)
    if not kinds:
        return []
    scope = scope_of(subscription, vocabulary, now)
    found = news.of_each_kind(
        kinds, scope=scope, since=since, at_most=lambda kind: None if kind in URGENT else MOST_OF_A_KIND
    )
    told = _told(subscription.user_id, found)
    return [entry for entry in found if entry.key not in told]


def scope_of(subscription: Subscription, vocabulary: Vocabulary, now: datetime) -> Scope:
    match subscription.about:
        case AlertSubject.SAVED_SEARCH:
            return news_scope.of_query(subscription.saved_search.query_string, vocabulary)
        case AlertSubject.STUDY:
            return news_scope.of_study(subscription.study_id)
        case AlertSubject.REGISTRATION:
            return news_scope.of_registration(subscription.registration_id)
        case AlertSubject.TRIALS:
            return news_scope.of_trials(subscription.trials_query, vocabulary, now)
    return EVERYTHING


def _told(user_id: int, found: Iterable[Entry]) -> set[tuple[str, int, str]]:
    by_type = defaultdict(list)
    for entry in found:
        by_type[entry.object_type].append(entry.pk)
    asked = Q(pk__in=[])
    for object_type, ids in by_type.items():
        asked |= Q(object_type=object_type, object_id__in=ids)
    return set(SentItem.objects.filter(asked, user=user_id).values_list("object_type", "object_id", "kind"))


def to_send(now: datetime) -> Sequence[int]:
    return list(Digest.objects.to_send(now).order_by("built_at").values_list("pk", flat=True)[:500])


def mails() -> QuerySet[Digest]:
    """Every mail, those that an admin should look at first."""
    troubled = Q(state__in=(DigestState.UNCERTAIN, DigestState.FAILED))
    return (
        Digest.objects.defer("text", "html")
        .select_related("user")
        .annotate(is_troubled=troubled)
        .order_by("-is_troubled", "-built_at", "-pk")
    )
