"""How current the catalogue is: through which day each source was searched, and what is overdue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from studies.models import Search, SearchRun
from studies.queries.runs import BEGUN, runs_of, why_overdue, with_runs
from studies.terms import RunKind, RunState

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
    """Two statements over the scheduled searches; a third where a source has none."""
    searches = list(_scheduled())
    runs = runs_of(searches)
    late = [s for s in searches if why_overdue(s, runs.get(s.last_run), runs.get(s.open_run), now)]
    answered = {kind: [s.answered_at for s in searches if s.kind == kind and s.answered_at] for kind in SOURCES}
    scheduled = {search.kind for search in searches}
    by_hand = {} if scheduled >= SOURCES.keys() else dict(_answers_without_schedule())
    sources = []
    for kind, name in SOURCES.items():
        at = min(answered[kind], default=None if kind in scheduled else by_hand.get(kind))
        is_late = any(search.kind == kind for search in late)
        sources.append(Source(name, at, is_late, kind in scheduled, age(at, now)))
    jobs = [search.get_kind_display() for search in late if search.kind not in SOURCES]
    names = [source.name for source in sources if source.is_overdue]
    return Currency(tuple(sources), tuple(dict.fromkeys([*names, *jobs])))


def age(at: datetime | None, now: datetime) -> str:
    """How long ago, as people say it: by days of the calendar."""
    if at is None:
        return ""
    days = (now.date() - at.date()).days
    if days <= 0:
        return "today"
    return "1 day ago" if days == 1 else f"{days:,} days ago"


def _scheduled() -> QuerySet[Search]:
    searches = Search.objects.kept().filter(is_paused=False).exclude(schedule="")
    wanted = searches.only("kind", "query", "use", "schedule", "is_paused", "next_run_at", "due_since")
    return with_runs(wanted).order_by("pk")


def _answers_without_schedule() -> Iterable[tuple[str, datetime]]:
    """Of a source that nobody has scheduled, the last time it was asked for all that a question finds."""
    finished = SearchRun.objects.filter(kind__in=SOURCES, state=RunState.FINISHED, limit=None)
    return finished.order_by("kind", "-created_at", "-pk").distinct("kind").values_list("kind", BEGUN)
