"""Signs of life of the background processes: a row each, which only that process writes."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from studies.models import Heartbeat, RequestCount
from studies.terms import ProcessKind

# Whoever was silent so long is no longer missed: it was stopped, or it is another machine's now.
_FORGOTTEN = timedelta(days=1)
_COUNTS_KEPT = timedelta(days=2)


def beat(name: str, kind: ProcessKind, queues: Iterable[str] = ()) -> None:
    values = {"kind": kind, "queues": sorted(queues), "at": timezone.now()}
    Heartbeat.objects.update_or_create(name=name, defaults=values)


def leave(name: str) -> None:
    """The process ends as it should: nobody has to miss it."""
    Heartbeat.objects.filter(name=name).delete()


def forget(now: datetime) -> None:
    """Drop the rows of processes long gone and the counts of requests long past."""
    Heartbeat.objects.filter(at__lt=now - _FORGOTTEN).delete()
    RequestCount.objects.filter(minute__lt=now - _COUNTS_KEPT).delete()
