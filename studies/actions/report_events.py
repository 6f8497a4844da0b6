"""Writes what happened to reports, in the transaction of what happened."""

from collections.abc import Iterable
from datetime import datetime

from studies.models import Notice, ReportEvent
from studies.rules.report_changes import Change
from studies.terms import NoticeKind, ReportEventKind


def of_change(report_id: int, change: Change) -> ReportEvent:
    return ReportEvent(report_id=report_id, kind=change.kind, field=change.field, old=change.old, new=change.new)


def write(events: Iterable[ReportEvent], now: datetime) -> None:
    rows = list(events)
    for row in rows:
        row.detected_at = now
    ReportEvent.objects.bulk_create(rows)


def notices_changed(*, added: Iterable[Notice] = (), lifted: Iterable[Notice] = (), now: datetime) -> None:
    """Tell of notices that came into force or are no longer; a kind that is only worded anew is neither.

    A notice whose paper is not in the catalogue is nobody's event.
    """
    came = {(n.report_id, n.effective_kind): n for n in added if n.report_id}
    went = {(n.report_id, n.effective_kind): n for n in lifted if n.report_id}
    write(
        [
            *(_of_notice(n, ReportEventKind.NOTICE_ADDED, "new") for key, n in came.items() if key not in went),
            *(_of_notice(n, ReportEventKind.NOTICE_LIFTED, "old") for key, n in went.items() if key not in came),
        ],
        now,
    )


def _of_notice(notice: Notice, kind: ReportEventKind, side: str) -> ReportEvent:
    said = ": ".join(filter(None, (str(NoticeKind(notice.effective_kind).label), notice.citation or notice.note)))
    return ReportEvent(report_id=notice.report_id, kind=kind, field=notice.effective_kind, **{side: said})
