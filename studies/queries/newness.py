"""Which trials are new for somebody, at this moment."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from studies.models import Newness, Study, User


def newness(now: datetime, reader: User | None = None) -> Newness:
    """For `reader` until they have seen it, for everybody else until the window (STRATUM_NEW_DAYS) ends."""
    return Newness(now - timedelta(days=settings.NEW_DAYS), reader.pk if reader else None)


def new_among(studies: Sequence[Study], new: Newness) -> set[int]:
    """Ids of those of `studies` that are new trials; one query, none for rows that are all too old."""
    ids = [study.pk for study in studies if study.created_at > new.since]
    return set(Study.objects.filter(pk__in=ids).new_trials(new).values_list("pk", flat=True)) if ids else set()
