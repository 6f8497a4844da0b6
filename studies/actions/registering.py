"""Registrations that people bring: one entered by hand, or a table of another registry's."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.actions import findings, trials
from studies.actions.trials import Taken
from studies.models import AuditEvent, Finding, SearchRun
from studies.sources import registration_table
from studies.sources.registration import Registration
from studies.terms import FindingResult, RegistrationSource, RunKind, RunState

_BATCH = 200


@transaction.atomic
def enter(said: Registration, *, by: Any) -> Taken:
    """Keep what a person says of one registration; it is a study, or joins the one it has."""
    (taken,) = trials.upsert([said], source=RegistrationSource.PERSON, by=by, is_found=True)
    return taken


@transaction.atomic
def import_table(name: str, data: bytes, *, by: Any) -> SearchRun:
    """Take a table over at once and leave a run whose log says what became of each line. Raises NotATable."""
    table = registration_table.read(data)
    now = timezone.now()
    run = SearchRun.objects.create(
        kind=RunKind.FILE,
        asked=name[:200],
        by=by if getattr(by, "pk", None) else None,
        state=RunState.RUNNING,
        started_at=now,
        planned_at=now,
        n_attempts=1,
        n_found=len(table.rows) + len(table.rejected),
    )
    rows = [_rejected(run, *rejected) for rejected in table.rejected]
    for start in range(0, len(table.rows), _BATCH):
        portion = table.rows[start : start + _BATCH]
        taken = trials.upsert([said for _, said in portion], source=RegistrationSource.FILE, by=run, is_found=True)
        rows += [_finding(run, line, said, what) for (line, said), what in zip(portion, taken, strict=True)]
    Finding.objects.bulk_create(rows)
    findings.count(run, rows, n_fetched=len(table.rows))
    SearchRun.objects.filter(pk=run.pk).update(state=RunState.FINISHED, finished_at=timezone.now())
    AuditEvent.objects.record("imported registrations", run, by=by, rows=run.n_found)
    return run


def _finding(run: SearchRun, line: int, said: Registration, what: Taken) -> Finding:
    return Finding(
        run=run,
        position=line,
        identifier=said.number,
        registration_id=what.registration_id,
        result=what.result,
        reason=what.reason,
    )


def _rejected(run: SearchRun, line: int, number: str, why: str) -> Finding:
    return Finding(
        run=run, position=line, identifier=number, result=FindingResult.REJECTED, reason=f"Line {line}: {why}"
    )
