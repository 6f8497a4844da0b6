"""The background processes, what waits for them, and what they have asked of the sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from studies.models import Heartbeat, RequestCount, SearchRun
from studies.rules.queues import QUEUES, queue_of
from studies.terms import ProcessKind, RunState

_NAMES = {"ncbi": "NCBI", "ctgov": "ClinicalTrials.gov", "icite": "iCite"}
# A worker beats three times a minute, the scheduler four times; so many missed beats are silence.
SILENCE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    kind: str
    queues: tuple[str, ...]
    at: datetime
    is_silent: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """Runs by the queue of their kind, counted from their rows; `since` is when the first of those waiting came."""

    name: str
    n_waiting: int
    n_running: int
    since: datetime | None
    n_workers: int


@dataclass(frozen=True, slots=True)
class Processes:
    """`warning` is one sentence when somebody is missing to do the work."""

    seen: tuple[Process, ...]
    queues: tuple[Queue, ...]
    warning: str


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests to one source in the last hour, and the most in one minute."""

    name: str
    n: int
    busiest: int


def processes(now: datetime) -> Processes:
    """Who is there and what waits: two statements."""
    seen = tuple(
        Process(beat.name, beat.kind, tuple(beat.queues), beat.at, beat.at < now - SILENCE)
        for beat in Heartbeat.objects.order_by("kind", "name")
    )
    queues = _queues(seen)
    return Processes(seen, queues, _warning(seen, queues))


def requests_last_hour(now: datetime) -> list[Requests]:
    """What went to each source that was asked at all."""
    counts = RequestCount.objects.filter(minute__gt=now - timedelta(hours=1)).values_list("name", "n")
    by_name: dict[str, list[int]] = {}
    for name, n in counts:
        by_name.setdefault(name, []).append(n)
    return [Requests(_NAMES.get(name, name), sum(ns), max(ns)) for name, ns in sorted(by_name.items())]


def _queues(seen: Sequence[Process]) -> tuple[Queue, ...]:
    rows = (
        SearchRun.objects.filter(state__in=(RunState.WAITING, RunState.RUNNING))
        .order_by()
        .values_list("kind", "state")
        .annotate(n=Count("pk"), since=Min("created_at"))
    )
    alive = [process for process in seen if process.kind == ProcessKind.WORKER and not process.is_silent]
    return tuple(_queue(name, [row for row in rows if queue_of(row[0]) == name], alive) for name in QUEUES)


def _queue(name: str, rows: Sequence[tuple[str, str, int, datetime]], alive: Sequence[Process]) -> Queue:
    waiting = [row for row in rows if row[1] == RunState.WAITING]
    return Queue(
        name=name,
        n_waiting=sum(row[2] for row in waiting),
        n_running=sum(row[2] for row in rows) - sum(row[2] for row in waiting),
        since=min((row[3] for row in waiting), default=None),
        n_workers=sum(name in process.queues or not process.queues for process in alive),
    )


def _warning(seen: Sequence[Process], queues: Sequence[Queue]) -> str:
    workers = [process for process in seen if process.kind == ProcessKind.WORKER]
    if not workers:
        return "No worker has been seen yet: runs wait until one is started."
    if all(worker.is_silent for worker in workers):
        return f"No worker seen since {_at(max(worker.at for worker in workers))}: runs wait until one is started."
    if idle := [queue.name for queue in queues if not queue.n_workers]:
        return f"No worker serves the queue “{idle[0]}”: its runs wait until one is started."
    beats = [process for process in seen if process.kind == ProcessKind.BEAT]
    if beats and all(beat.is_silent for beat in beats):
        return f"No scheduler seen since {_at(max(beat.at for beat in beats))}: nothing starts by itself."
    silent = [process for process in seen if process.is_silent]
    return f"{silent[0].name} was last seen {_at(silent[0].at)}." if silent else ""


def _at(instant: datetime) -> str:
    return f"{instant:%-d %b %Y, %H:%M} UTC"
