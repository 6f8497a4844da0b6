"""How current the catalogue is: through which day each source was searched, and what is overdue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from studies.models import Search, SearchRun
from studies.queries.runs import why_overdue
from studies.terms import RunKind, RunState

# What its source had before it began is in.
_BEGUN = Coalesce("started_at", "finished_at", "created_at")
SOURCES = {RunKind.SEARCH: "PubMed", RunKind.TRIALS: "ClinicalTrials.gov"}


@dataclass(frozen=True, slots=True)
class Source:
    """One source: `answered_at` is the beginning of the last run that it answered in full, None for never.

    Of several scheduled searches the one that lies back furthest speaks for the source: what it asks is not known
    any later.
    """

    name: str
    answered_at: datetime | None
    is_overdue: bool
    is_scheduled: bool
    age: str

    @property
    def in_words(self) -> str:
        return f"{self.name} {self.age}" if self.answered_at else f"{self.name} never"


@dataclass(frozen=True, slots=True)
class Currency:
    """What the badge says on every page that clinicians read."""

    sources: tuple[Source, ...]
    overdue: tuple[str, ...]  # names, those of jobs that keep the catalogue true included

    @property
    def searched_through(self) -> datetime | None:
        """The oldest of the sources' days, never the newest; None while one was never asked."""
        days = [source.answered_at for source in self.sources]
        return min(days) if all(days) else None

    @property
    def unasked(self) -> list[str]:
        return [source.name for source in self.sources if not source.answered_at]

    @property
    def unscheduled(self) -> list[str]:
        """Asked once, and nobody has said that they are to be asked again."""
        return [source.name for source in self.sources if source.answered_at and not source.is_scheduled]

    @property
    def is_current(self) -> bool:
        return not (self.overdue or self.unasked or self.unscheduled)

    @property
    def word(self) -> str:
        """The badge itself: one word, and the names that keep it from being green."""
        if self.overdue:
            return f"Overdue: {', '.join(self.overdue)}"
        if self.unasked:
            return f"Never searched: {', '.join(self.unasked)}"
        return f"No schedule: {', '.join(self.unscheduled)}" if self.unscheduled else "Current"

    @property
    def sentence(self) -> str:
        if self.searched_through:
            said = ", ".join(source.in_words for source in self.sources)
            return f"Searched through {self.searched_through:%-d %b %Y}: {said}"
        asked = [source for source in self.sources if source.answered_at]
        if not asked:
            return "No source has been searched yet: what is shown came with Stratum, or from files"
        parts = [f"{one.name} searched through {one.answered_at:%-d %b %Y}, {one.age}" for one in asked]
        return "; ".join([*parts, f"{' and '.join(self.unasked)} never searched"])

    def of(self, name: str) -> Source:
        return next(source for source in self.sources if source.name == name)


def currency(now: datetime) -> Currency:
    """Two statements over the scheduled searches; a third where a source has none that was answered."""
    searches = list(_scheduled())
    runs = SearchRun.objects.only("search", "state", "n_failures", "failure").in_bulk(
        [search.last_run for search in searches if search.last_run]
    )
    late = [search for search in searches if _is_overdue(search, runs.get(search.last_run), now)]
    answered = {kind: [s.answered_at for s in searches if s.kind == kind and s.answered_at] for kind in SOURCES}
    by_hand = {} if all(answered.values()) else dict(_answers_without_schedule())
    sources = []
    for kind, name in SOURCES.items():
        at = min(answered[kind], default=by_hand.get(kind))
        is_late = any(search.kind == kind for search in late)
        sources.append(Source(name, at, is_late, any(s.kind == kind for s in searches), age(at, now)))
    jobs = [search.get_kind_display() for search in late if search.kind not in SOURCES]
    names = [source.name for source in sources if source.is_overdue]
    return Currency(tuple(sources), tuple(dict.fromkeys([*names, *jobs])))


def _is_overdue(search: Search, run: SearchRun | None, now: datetime) -> bool:
    """As the Sync page judges it."""
    is_open = run is not None and run.is_open
    return bool(why_overdue(search, None if is_open else run, run if is_open else None, now))


def age(at: datetime | None, now: datetime) -> str:
    """How long ago, as people say it: by days of the calendar."""
    if at is None:
        return ""
    days = (now.date() - at.date()).days
    if days <= 0:
        return "today"
    return "1 day ago" if days == 1 else f"{days:,} days ago"


def _scheduled() -> Iterable[Search]:
    runs = SearchRun.objects.filter(search=OuterRef("pk")).order_by("-created_at", "-pk")
    finished = runs.filter(state=RunState.FINISHED).values(begun=_BEGUN)
    last = runs.exclude(state=RunState.CANCELLED).values("pk")
    return (
        Search.objects.kept()
        .filter(is_paused=False)
        .exclude(schedule="")
        .only("kind", "schedule", "is_paused", "next_run_at", "due_since")
        .annotate(answered_at=Subquery(finished[:1]), last_run=Subquery(last[:1]))
        .order_by("pk")
    )


def _answers_without_schedule() -> Iterable[tuple[str, datetime]]:
    finished = SearchRun.objects.filter(kind__in=SOURCES, state=RunState.FINISHED)
    return finished.order_by("kind", "-created_at", "-pk").distinct("kind").values_list("kind", _BEGUN)
