"""What people do about notices: dismiss one and take that back, say what it is, enter one by hand."""

import uuid
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.actions import report_events
from studies.actions.study_rows import refresh_studies
from studies.models import AuditEvent, Notice, Report
from studies.terms import NoticeKind, NoticeSource


class NotPossible(Exception):
    """The notice's state does not allow what was asked; the message is a sentence for people."""


@transaction.atomic
def dismiss(notice: Notice, *, by: Any, why: str) -> Notice:
    """Say that the notice does not hold, and why; it stays readable and leaves every list."""
    notice = _locked(notice)
    if notice.dismissed_at:
        raise NotPossible("This notice has been dismissed already.")
    was_in_force = notice.unstated_since is None
    notice.dismissed_at, notice.dismissed_by, notice.dismissed_why = timezone.now(), by, why
    notice.save(update_fields=["dismissed_at", "dismissed_by", "dismissed_why"])
    return _told(notice, "dismissed a notice on", by=by, why=why, lifted=[notice] if was_in_force else [])


@transaction.atomic
def restore(notice: Notice, *, by: Any) -> Notice:
    """Take a dismissal back."""
    notice = _locked(notice)
    if not notice.dismissed_at:
        raise NotPossible("This notice is not dismissed.")
    notice.dismissed_at, notice.dismissed_by, notice.dismissed_why = None, None, ""
    notice.save(update_fields=["dismissed_at", "dismissed_by", "dismissed_why"])
    return _told(notice, "restored a notice on", by=by, added=[] if notice.unstated_since else [notice])


@transaction.atomic
def read_as(notice: Notice, *, by: Any, kind: str, why: str) -> Notice:
    """Say what the notice is, where its source's word is not the whole story; an empty kind takes that back.

    No source tells a retraction from one whose paper was corrected and published again: a person has to.
    """
    notice = _locked(notice)
    if kind == notice.read_as or (kind == notice.kind and not notice.read_as):
        raise NotPossible("This notice is read in that way already.")
    before = Notice(report_id=notice.report_id, kind=notice.effective_kind, citation=notice.citation, note=notice.note)
    notice.read_as = "" if kind == notice.kind else kind
    notice.read_as_at, notice.read_as_by, notice.read_as_why = timezone.now(), by, why
    notice.save(update_fields=["read_as", "read_as_at", "read_as_by", "read_as_why"])
    is_live = notice.dismissed_at is None and notice.unstated_since is None
    changed = {"added": [notice], "lifted": [before]} if is_live else {}
    into = {"into": notice.effective_kind_label}
    return _told(notice, "read a notice otherwise on", by=by, why=why, detail=into, **changed)


@transaction.atomic
def enter(
    report: Report,
    *,
    by: Any,
    kind: str,
    citation: str,
    issued_on: date | None = None,
    notice_pmid: int | None = None,
    notice_doi: str = "",
    note: str = "",
) -> Notice:
    """A notice that no source has stated yet; `citation` says where it can be read."""
    notice = Notice.objects.create(
        report=report,
        kind=kind,
        source=NoticeSource.MANUAL,
        key=uuid.uuid4().hex,
        citation=citation,
        issued_on=issued_on,
        notice_pmid=notice_pmid,
        notice_doi=notice_doi,
        note=note,
    )
    return _told(notice, "entered a notice on", by=by, why=citation, added=[notice])


def _locked(notice: Notice) -> Notice:
    """The row as it is now, held; a notice without its paper in the catalogue is nobody's to judge."""
    notice = Notice.objects.select_for_update(of=("self",)).select_related("report").get(pk=notice.pk)
    if notice.report is None:
        raise NotPossible("The paper of this notice is not in the catalogue.")
    return notice


def _told(
    notice: Notice, verb: str, *, by: Any, why: str = "", detail: dict | None = None, **changed: list[Notice]
) -> Notice:
    detail = (
        {"notice": notice.pk, "kind": NoticeKind(notice.kind).label} | ({"reason": why} if why else {}) | (detail or {})
    )
    AuditEvent.objects.record(verb, notice.report, by=by, **detail)
    report_events.notices_changed(**changed, now=timezone.now())
    refresh_studies([notice.report.study_id])
    return notice
