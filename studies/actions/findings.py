"""Writes what became of the ids and records a run met, and counts them on the run."""

from collections import Counter
from collections.abc import Sequence

from django.db import connection
from django.utils import timezone

from studies.models import Finding, SearchRun
from studies.terms import FindingResult

_SETTLE = """
UPDATE studies_finding AS f
SET report_id = a.report_id, registration_id = a.registration_id, result = a.result, reason = a.reason
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[])
    AS a(id, report_id, registration_id, result, reason)
WHERE f.id = a.id
"""
_COUNTED = {
    FindingResult.CREATED: "n_created",
    FindingResult.CHANGED: "n_changed",
    FindingResult.UNCHANGED: "n_unchanged",
    FindingResult.KNOWN: "n_known",
    FindingResult.LISTED: "n_listed",
    FindingResult.VANISHED: "n_vanished",
    FindingResult.REJECTED: "n_rejected",
}


def settle(findings: Sequence[Finding]) -> None:
    """Write the results of findings that are in the database already, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE,
            [
                [finding.pk for finding in findings],
                [finding.report_id for finding in findings],
                [finding.registration_id for finding in findings],
                [finding.result for finding in findings],
                [finding.reason for finding in findings],
            ],
        )


def count(run: SearchRun, findings: Sequence[Finding], *, n_fetched: int = 0, n_errors: int = 0) -> None:
    """Add these findings to the run's counters and give a sign of life."""
    for result, n in Counter(finding.result for finding in findings).items():
        name = _COUNTED[FindingResult(result)]
        setattr(run, name, getattr(run, name) + n)
    run.n_fetched += n_fetched
    run.n_errors += n_errors
    run.touched_at = timezone.now()
    run.save(update_fields=[*_COUNTED.values(), "n_found", "n_fetched", "n_errors", "touched_at"])
