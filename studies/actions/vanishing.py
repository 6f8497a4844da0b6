"""PMIDs that PubMed no longer serves: noted, never deleted."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import F, Q
from django.utils import timezone

from studies.actions import report_events
from studies.models import AuditEvent, Report, ReportEvent
from studies.terms import ReportEventKind


def note_polls(*, served: Collection[int], silent: Collection[int], now: datetime) -> None:
    """Note which reports PubMed served and when it was asked. Two silent polls on different days make a report
    missing.

    An outage looks like a deletion, so one day's silence proves nothing.
    """
    asked = Report.objects.filter(pmid__in=[*served, *silent])
    asked.filter(Q(checked_at=None) | Q(checked_at__lt=now)).update(checked_at=now)
    _note_return(served, now)
    if silent:
        _note_silence(silent, now)


def _note_return(served: Collection[int], now: datetime) -> None:
    back = Report.objects.filter(pmid__in=served, first_missed_on__isnull=False)
    missed = list(back.filter(missing_since__isnull=False).values_list("pk", "missing_since"))
    back.update(first_missed_on=None, missing_since=None)
    kind = ReportEventKind.RETURNED
    report_events.write((ReportEvent(report_id=pk, kind=kind, old=since.isoformat()) for pk, since in missed), now)


def _note_silence(silent: Collection[int], now: datetime) -> None:
    today = timezone.localdate(now)
    Report.objects.filter(pmid__in=silent, first_missed_on=None).update(first_missed_on=today)
    missing = list(
        Report.objects.filter(pmid__in=silent, first_missed_on__lt=today, missing_since=None).only(
            "pk", "title", "pmid", "first_missed_on"
        )
    )
    if not missing:
        return
    Report.objects.filter(pk__in=[r.pk for r in missing]).update(missing_since=F("first_missed_on"))
    report_events.write(
        (
            ReportEvent(report=report, kind=ReportEventKind.VANISHED, new=report.first_missed_on.isoformat())
            for report in missing
        ),
        now,
    )
    AuditEvent.objects.bulk_create(
        [AuditEvent(**AuditEvent.objects.values("found missing from PubMed", report)) for report in missing]
    )
