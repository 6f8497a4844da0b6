"""What the Sync pages show: searches with their last outcome, which are overdue, a run's progress, its log."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from studies.models import Finding, Search, SearchRun
from studies.rules import schedules
from studies.terms import FindingResult, RunKind, RunState

# A run gives a sign of life with each batch; so long without one is silence.
SILENCE = timedelta(minutes=3)
# A due search may wait and work this long before it is called overdue.
GRACE = timedelta(hours=2)
# What its source had before it began is in.
BEGUN = Coalesce("started_at", "finished_at", "created_at")
READ = (RunKind.FILE, RunKind.RETRACTIONS)  # files, which say only at their end how much they held


@dataclass(frozen=True, slots=True)
class Counter:
    """One number of a run and what it counts; `result` filters the log to it."""

    label: str
    count: int
    result: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come. `total` is None while it is unknown; rate is answers a second."""

    run: SearchRun
    done: int
    total: int | None
    rate: float | None
    seconds_left: int | None
    sentence: str
    is_silent: bool
    counters: tuple[Counter, ...]

    @property
    def phase(self) -> str:
        """Changes when more than the live part of a page is out of date."""
        return f"{self.run.state}-planned" if self.run.planned_at else self.run.state

    @property
    def pace(self) -> str:
        if not self.rate or self.rate < 1 / 60:
            return ""
        return f"{self.rate:,.0f} a second" if self.rate >= 1 else f"{self.rate * 60:,.0f} a minute"

    @property
    def time_left(self) -> str:
        return duration(self.seconds_left) if self.seconds_left is not None else ""


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One search as the Sync page lists it. `overdue` says why it is overdue, in one sentence, or nothing.

    `through` is the start of the last success of its present question: what its source had before that is in.
    """

    search: Search
    schedule: str
    last: SearchRun | None
    outcome: str
    progress: Progress | None
    through: datetime | None
    overdue: str

    @property
    def is_overdue(self) -> bool:
        return bool(self.overdue)

    @property
    def retry_at(self) -> datetime | None:
        """When the run that failed is tried again, unless one is open or the schedule comes first."""
        if self.progress or not self.last or not self.last.retry_at or self.search.is_paused:
            return None
        coming = self.search.next_run_at
        return self.last.retry_at if not coming or self.last.retry_at < coming else None


def search_rows(now: datetime) -> list[SearchRow]:
    """Every search with its open run and the last one that ended: two statements, however many searches."""
    ended = SearchRun.objects.filter(search=OuterRef("pk"), finished_at__isnull=False).order_by("-created_at", "-pk")
    searches = list(with_runs(Search.objects.kept()).annotate(shown_run=Subquery(ended.values("pk")[:1])))
    searches.sort(key=lambda search: _natural(search.name))
    runs = runs_of(searches)
    return [_row(search, runs, now) for search in searches]


def with_runs(searches: QuerySet[Search]) -> QuerySet[Search]:
    """With the ids of their `open_run` and their `last_run`, and `answered_at`: all that is said of a search's state.

    A run that was cancelled is neither an answer nor a failure. `answered_at` is when the last success of the present
    question began.
    """
    of_search = SearchRun.objects.filter(search=OuterRef("pk")).order_by("-created_at", "-pk")
    ended = of_search.filter(finished_at__isnull=False).exclude(state=RunState.CANCELLED)
    answers = of_search.successes(kind=OuterRef("kind"), asked=OuterRef("query"), use=OuterRef("use"))
    return searches.annotate(
        open_run=Subquery(of_search.open().values("pk")[:1]),
        last_run=Subquery(ended.values("pk")[:1]),
        answered_at=Subquery(answers.annotate(begun=BEGUN).order_by("-begun").values("begun")[:1]),
    )


def runs_of(searches: Iterable[Search]) -> dict[int, SearchRun]:
    """The runs that `with_runs` and `search_rows` name, by id."""
    names = ("open_run", "last_run", "shown_run")
    ids = {getattr(search, name, None) for search in searches for name in names} - {None}
    return SearchRun.objects.in_bulk(ids)


def _natural(name: str) -> list[tuple[int, str]]:
    """S2 before S10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name.casefold())]


def overdue(now: datetime) -> list[SearchRow]:
    """The searches and standing jobs whose last scheduled run did not start, did not finish, or failed."""
    return [row for row in search_rows(now) if row.is_overdue]


def _row(search: Search, runs: Mapping[int, SearchRun], now: datetime) -> SearchRow:
    open_run, last = runs.get(search.open_run), runs.get(search.shown_run)
    return SearchRow(
        search=search,
        schedule=schedules.in_words(search.schedule),
        last=last,
        outcome=outcome(last) if last else "Has not run yet.",
        progress=progress(open_run, now) if open_run else None,
        through=search.answered_at,
        overdue=why_overdue(search, runs.get(search.last_run), open_run, now),
    )


def why_overdue(search: Search, last: SearchRun | None, open_run: SearchRun | None, now: datetime) -> str:
    """One sentence, or nothing; `last` is the last run that ended and was not cancelled."""
    if search.is_paused:
        return ""
    current = open_run or last
    if current and (current.n_failures or current.state == RunState.FAILED):
        return f"Failed {_times(current.n_failures)}. {current.failure}".strip()
    if search.schedule and not search.next_run_at:
        return "Its schedule names no day: change it."
    if search.next_run_at and search.next_run_at < now - GRACE:
        return f"It should have started {_at(search.next_run_at)}: no scheduler or no worker has taken it up."
    if search.due_since and search.due_since < now - GRACE:
        what = "is not finished" if open_run else "was not finished"
        return f"The run due {_at(search.due_since)} {what}."
    return ""


def _times(n: int) -> str:
    return "once" if n < 2 else f"{n:,} times in a row"


def _at(instant: datetime) -> str:
    return f"{instant:%-d %b %Y, %H:%M} UTC"


def history(search: Search | None = None) -> QuerySet[SearchRun]:
    runs = SearchRun.objects.select_related("search", "by").defer("translation", "warnings")
    return runs.filter(search=search) if search else runs


def findings(run: SearchRun, result: str = "") -> QuerySet[Finding]:
    """The run's log in the order in which the source answered; of each report only what names it."""
    named = [f"report__{name}" for name in ("title", "pmid", "pmcid", "doi", "study__title")]
    named += [f"registration__{name}" for name in ("number", "title", "official_title")]
    rows = run.findings.select_related("report__study", "registration").order_by("position")
    rows = rows.only("run", "position", "identifier", "result", "reason", *named)
    return rows.filter(result=result) if result else rows


def results(run: SearchRun) -> list[tuple[str, str, int]]:
    """(value, label, count) of every result that the run's log holds, in the order of the words."""
    counts = dict(run.findings.values_list("result").annotate(n=Count("pk")).order_by())
    return [(result.value, result.label, counts[result]) for result in FindingResult if result in counts]


def progress(run: SearchRun, now: datetime) -> Progress:
    # A file says only at its end how much it held.
    is_counted = bool(run.n_found) and not (run.kind in READ and run.state != RunState.FINISHED)
    total, done = run.n_found if is_counted else None, run.n_done
    rate = _rate(run)
    left = round((total - done) / rate) if rate and total and run.state == RunState.RUNNING else None
    last_sign = run.touched_at or run.created_at
    return Progress(
        run=run,
        done=done,
        total=total,
        rate=rate,
        seconds_left=left,
        sentence=_sentence(run),
        is_silent=run.state in (RunState.WAITING, RunState.RUNNING) and last_sign < now - SILENCE,
        counters=_counters(run),
    )


def _rate(run: SearchRun) -> float | None:
    """Records fetched or read a second since the list of ids was complete."""
    begun = run.planned_at or run.started_at
    end = run.finished_at or run.touched_at
    seconds = (end - begun).total_seconds() if begun and end else 0
    answered = run.n_done - run.n_known - run.n_listed
    return answered / seconds if seconds > 0 and answered > 0 else None


def _counters(run: SearchRun) -> tuple[Counter, ...]:
    found = "Read" if run.kind in READ else "Found"
    return (
        Counter(found, run.n_found),
        Counter("Fetched", run.n_fetched),
        Counter("New", run.n_created, FindingResult.CREATED),
        Counter("Changed", run.n_changed, FindingResult.CHANGED),
        Counter("Unchanged", run.n_unchanged, FindingResult.UNCHANGED),
        Counter("Known before", run.n_known, FindingResult.KNOWN),
        *([Counter("Listed only", run.n_listed, FindingResult.LISTED)] if run.n_listed else []),
        Counter("Vanished", run.n_vanished, FindingResult.VANISHED),
        Counter("Rejected", run.n_rejected, FindingResult.REJECTED),
        Counter("Troubles", run.n_errors),
    )


def _sentence(run: SearchRun) -> str:
    match run.state:
        case RunState.WAITING:
            return "Waiting for a worker."
        case RunState.RUNNING if run.kind in READ:
            return f"Reading the file: {run.n_found:,} records so far."
        case RunState.RUNNING if not run.planned_at:
            return "Asking NCBI for the list of records."
        case RunState.RUNNING:
            return f"{run.n_done:,} of {run.n_found:,} records answered."
        case RunState.PAUSED:
            return f"Paused after {run.n_done:,} records. Resuming goes on from here."
        case RunState.FAILED:
            again = f"It is tried again {_at(run.retry_at)}." if run.retry_at else "Resuming goes on from here."
            return f"Ended early after {run.n_done:,} records. {again}"
    return outcome(run)


def outcome(run: SearchRun) -> str:
    """What came of a run, in one sentence; silence is never success."""
    if run.is_open:
        return _sentence(run)
    if run.state == RunState.FAILED:
        return run.failure or "Failed without a recorded reason."
    if run.kind == RunKind.RETRACTIONS and run.state == RunState.FINISHED:
        return _of_retractions(run)
    numbers = f"{run.n_created:,} new, {run.n_changed:,} changed"
    if run.state == RunState.CANCELLED:
        return f"Cancelled after {run.n_done:,} records: {numbers}."
    left_over = _left_over(run)
    if left_over:
        return f"{numbers}; {left_over}."
    if run.kind == RunKind.FILE:
        return f"{numbers} of {run.n_found:,} read."
    return f"{numbers}, all sources answered." if run.n_created or run.n_changed else "0 new, all sources answered."


def _of_retractions(run: SearchRun) -> str:
    rejected = f", {run.n_rejected:,} rejected" if run.n_rejected else ""
    notices = f"{run.n_created:,} new and {run.n_changed:,} changed notices on reports here"
    return f"{notices}; {run.n_listed:,} of {run.n_found:,} rows are about papers not in the catalogue{rejected}."


def _left_over(run: SearchRun) -> str:
    parts = []
    if run.n_rejected:
        parts.append(f"{run.n_rejected:,} rejected")
    if run.n_listed:
        parts.append(f"{run.n_listed:,} listed only")
    if run.n_vanished:
        parts.append(f"{run.n_vanished:,} not served by the source")
    return ", ".join(parts)


def duration(seconds: int) -> str:
    """A span as people say it: "40 s", "3 min", "2 h 5 min"."""
    if seconds < 60:
        return f"{max(seconds, 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
