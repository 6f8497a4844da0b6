"""The work of runs that ask ClinicalTrials.gov: a search, or registrations by number; both killable and resumable."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from studies import identifiers
from studies.actions import findings, likeness, overdue, pacing, trials, windows
from studies.models import Finding, SearchRun, TrialRegistration
from studies.models.trial_link import TrialLink
from studies.sources import clinicaltrials
from studies.sources.clinicaltrials import BATCH, ClinicalTrials
from studies.sources.registration import Registration
from studies.sources.web import SourceRefused
from studies.terms import FindingResult, Registry, ResultUse, RunKind

Step = Callable[[int], AbstractContextManager[SearchRun]]
Progress = Callable[[SearchRun], None]
WEEKLY, MONTHLY = timedelta(days=6), timedelta(days=27)  # a day's grace: the job's hour is never quite the same


@dataclass(slots=True)
class _Answer:
    """What the registry said of one portion of numbers."""

    registrations: list[Registration] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)  # by number asked, where there is no registration

    def by_number(self) -> dict[str, Registration]:
        """The registration of each number asked, also where the registry serves it under another."""
        return {number: one for one in self.registrations for number in (*one.aliases, one.number)}


def work(run: SearchRun, *, step: Step, on_progress: Progress) -> None:
    """Write the run's list of numbers, once, and fetch what is left of it."""
    registry = pacing.clinicaltrials()
    if run.planned_at is None:
        run = _plan(run, registry)
    on_progress(run)
    for portion in _portions(run.pk):
        answer = _read(registry, [finding.identifier for finding in portion])
        with step(run.pk) as run:
            _take_over(run, portion, answer)
            likeness.propose([f.registration_id for f in portion if f.registration_id], now=timezone.now())
        on_progress(run)
    with step(run.pk):
        overdue.note(now=timezone.now())


class Count:
    """How many trials a search would find, as the page of a search shows it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.translation = ""
        self.warnings: tuple[str, ...] = ()


def preview(query: str) -> Count:
    """How many trials the query would find now. Raises SourceError."""
    return Count(pacing.clinicaltrials(somebody_waits=True).count(_question(query)))


def _question(query: str) -> dict[str, str]:
    try:
        return clinicaltrials.question(query)
    except clinicaltrials.BadQuestion as wrong:
        raise SourceRefused("search", str(wrong), clinicaltrials.SERVICE) from wrong


def _plan(run: SearchRun, registry: ClinicalTrials) -> SearchRun:
    """Ask what there is and write one finding a number. The network is asked before the transaction."""
    if run.kind == RunKind.TRIALS:
        asked, owed = _question(run.asked), []
        if run.since:
            asked, owed = clinicaltrials.updated_since(asked, run.since), windows.owed(run)
        listed = [one.number for one in registry.listed(asked, at_most=run.limit)]
        numbers = list(dict.fromkeys([*listed, *owed]))
    else:
        numbers = _numbers_asked(run)
    with transaction.atomic():
        run = SearchRun.objects.select_for_update().get(pk=run.pk)
        Finding.objects.bulk_create([Finding(run=run, position=i, identifier=n) for i, n in enumerate(numbers, 1)])
        run.n_found = len(numbers)
        run.planned_at = run.touched_at = timezone.now()
        run.save()
    return run


def _numbers_asked(run: SearchRun) -> list[str]:
    """The NCT numbers of the run's text; without any, every known one whose turn it is, longest unasked first."""
    if run.asked.strip():
        found = (identifiers.registry_id(word) for word in run.asked.replace(",", " ").split())
        return list(dict.fromkeys(one.number for one in found if one and one.registry == Registry.CLINICALTRIALS))
    known = TrialRegistration.objects.current().filter(registry=Registry.CLINICALTRIALS)
    now = timezone.now()
    due = (
        Q(checked_at=None)
        | Q(checked_at__lte=now - MONTHLY)
        | (Q(checked_at__lte=now - WEEKLY) & (Q(study__isnull=False) | Q(pk__in=_linked())))
    )
    rows = known.filter(due).order_by(F("checked_at").asc(nulls_first=True), "pk")
    return list(rows.values_list("number", flat=True)[: run.limit])


def _linked() -> object:
    return TrialLink.objects.standing().values("registration")


def _portions(run_id: int) -> Iterator[list[Finding]]:
    """What is left to fetch, in order: nobody else works on this run."""
    after = 0
    while True:
        pending = Finding.objects.filter(run=run_id, result=FindingResult.PENDING, position__gt=after)
        portion = list(pending.order_by("position")[:BATCH])
        if not portion:
            return
        yield portion
        after = portion[-1].position


def _read(registry: ClinicalTrials, numbers: Sequence[str]) -> _Answer:
    """One request for all; a number that does not come back is asked for by itself, whatever it is called now."""
    batch = registry.fetch(numbers)
    answer = _Answer(batch.registrations, dict(batch.unreadable))
    silent = [n for n in numbers if n not in answer.by_number() and n not in answer.reasons]
    for number in silent:
        current = registry.current_number(number)
        if current is None:
            answer.reasons[number] = "ClinicalTrials.gov says it has no such trial."
        elif current != number:
            answer.registrations += registry.fetch([current]).registrations
    return answer


def _take_over(run: SearchRun, portion: Sequence[Finding], answer: _Answer) -> None:
    found = answer.by_number()
    said = list({one.number: one for n, one in found.items() if n in {f.identifier for f in portion}}.values())
    taken = trials.upsert(
        said,
        source="registry",
        by=run,
        is_found=run.kind == RunKind.TRIALS or _is_of_a_person(run),
        only_known=run.use in (ResultUse.UPDATE, ResultUse.LIST),
        now=timezone.now(),
    )
    what = {one.number: result for one, result in zip(said, taken, strict=True)}
    for finding in portion:
        one = found.get(finding.identifier)
        if one:
            result = what[one.number]
            finding.registration_id, finding.result = result.registration_id, result.result
            finding.reason = result.reason or (f"Now {one.number}." if one.number != finding.identifier else "")
        else:
            finding.result = FindingResult.VANISHED
            finding.reason = answer.reasons.get(finding.identifier, "Asked for, but not in the answer.")
    _note_missing([f.identifier for f in portion if f.result == FindingResult.VANISHED], timezone.localdate())
    findings.settle(portion)
    findings.count(run, portion, n_fetched=len(said))


def _is_of_a_person(run: SearchRun) -> bool:
    """Whether somebody named the trials; those that nobody named are only followed."""
    return bool(run.by_id and run.asked.strip())


def _note_missing(numbers: Sequence[str], today: date) -> None:
    """Two silent answers on different days make a registration missing; nothing is deleted."""
    rows = TrialRegistration.objects.filter(number__in=numbers)
    rows.update(checked_at=timezone.now())
    rows.filter(first_missed_on__lt=today, missing_since=None).update(missing_since=F("first_missed_on"))
    rows.filter(first_missed_on=None).update(first_missed_on=today)
