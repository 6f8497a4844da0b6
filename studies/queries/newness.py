"""Which trials are new for somebody, at this moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings

from studies.models import Newness, Study, TrialRegistration, User
from studies.queries.news_words import NewsItem
from studies.terms import NewsKind


def newness(now: datetime, reader: User | None = None) -> Newness:
    """For `reader` until they have seen it, for everybody else until the window (STRATUM_NEW_DAYS) ends."""
    return Newness(now - timedelta(days=settings.NEW_DAYS), reader.pk if reader else None)


def new_among(studies: Sequence[Study], new: Newness) -> set[int]:
    """Ids of those of `studies` that are new trials; one query, none for rows that are all too old."""
    ids = [study.pk for study in studies if study.created_at > new.since]
    return set(Study.objects.filter(pk__in=ids).new_trials(new).values_list("pk", flat=True)) if ids else set()


def new_in(items: Iterable[NewsItem], new: Newness) -> set[str]:
    """Keys of those pieces of news that announce a new study or trial which is marked as new."""
    announced = [item for item in items if item.kind in (NewsKind.STUDY, NewsKind.TRIAL) and item.at > new.since]
    studies = [item.study for item in announced if item.kind == NewsKind.STUDY]
    trials = [item.registration for item in announced if item.kind == NewsKind.TRIAL]
    new_studies = set(Study.objects.filter(pk__in=studies).new_trials(new).values_list("pk", flat=True))
    new_trials = set(TrialRegistration.objects.filter(pk__in=trials).new(new).values_list("pk", flat=True))
    return {
        item.key
        for item in announced
        if (item.study in new_studies if item.kind == NewsKind.STUDY else item.registration in new_trials)
    }
