"""News in words: what happened, to what, and where to read on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studies.models import Notice, ReportEvent, Study, TrialEvent, TrialRegistration
from studies.rules.news import RANKS, URGENT
from studies.terms import (
    DateKind,
    NewsKind,
    NoticeKind,
    NoticeStatus,
    ReportEventKind,
    TrialEventKind,
    TrialStatus,
)

# What is said of a trial.
OF_REGISTRATION = (
    *("number", "registry", "title", "official_title", "status", "status_raw", "phases"),
    *("enrolment", "enrolment_kind", "sponsor", "details", "first_seen_at", "source"),
)


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One piece of news as pages, feeds and mails tell it.

    `happening` is what happened and `title` to what; `status` is the notice that the study is under today, which may
    be graver than what the news was about.
    """

    key: str  # the same for ever: ids of feed entries are made of it
    at: datetime
    kind: NewsKind
    happening: str
    title: str
    detail: str
    url: str
    study: int | None = None
    registration: int | None = None
    status: int = NoticeStatus.NONE

    @property
    def headline(self) -> str:
        return f"{self._warning}{self.happening}: {self.title}"

    @property
    def _warning(self) -> str:
        """A study that was retracted since is never announced as if nothing were the matter."""
        is_said = self.kind in (NewsKind.RETRACTION, NewsKind.CONCERN)
        return "" if is_said or self.status < NoticeStatus.REPLACED else f"[{NoticeStatus(self.status).label}] "

    @property
    def is_urgent(self) -> bool:
        return self.kind in URGENT

    @property
    def rank(self) -> int:
        return RANKS[self.kind]


def item(kind: NewsKind, at: datetime, row: Any) -> NewsItem:
    """`row` with the columns that queries/news.py loads."""
    say: Callable[[NewsKind, datetime, Any], NewsItem] = {
        Study: _study,
        Notice: _notice,
        TrialEvent: _trial_event,
        ReportEvent: _report_event,
    }[type(row)]
    return say(kind, at, row)


def _study(kind: NewsKind, at: datetime, study: Study) -> NewsItem:
    source = ", ".join(filter(None, (study.authors, study.journal, str(study.year or ""))))
    return NewsItem(
        key=f"study-{study.pk}",
        at=at,
        kind=kind,
        happening="New study",
        title=study.display_title,
        detail=_sentences(study.get_design_display(), source),
        url=study.get_absolute_url(),
        study=study.pk,
        status=study.notice_status,
    )


def _notice(kind: NewsKind, at: datetime, notice: Notice) -> NewsItem:
    study = notice.report.study
    said = NoticeKind(notice.effective_kind).label
    issued = f"{said} of {notice.issued_on:%-d %B %Y}" if notice.issued_on else f"{said}, date not stated"
    reasons = f"Reasons given: {'; '.join(notice.reasons)}" if notice.reasons else ""
    return NewsItem(
        key=f"notice-{notice.pk}",
        at=at,
        kind=kind,
        happening=said,
        title=notice.report.title or study.display_title,
        detail=_sentences(f"{issued}, according to {notice.get_source_display()}", notice.citation, reasons),
        url=study.get_absolute_url(),
        study=study.pk,
        status=study.notice_status,
    )


def _report_event(kind: NewsKind, at: datetime, event: ReportEvent) -> NewsItem:
    study = event.report.study
    return NewsItem(
        key=f"record-{event.pk}",
        at=at,
        kind=kind,
        happening=_what_changed(event),
        title=event.report.title or study.display_title,
        detail=_sentences(_from_to(event.old, event.new) if event.field == "title" else "", event.report.identifier),
        url=study.get_absolute_url(),
        study=study.pk,
        status=study.notice_status,
    )


_FIELDS = {
    "title": "Title",
    "abstract": "Abstract",
    "authors": "Authors",
    "coi_statement": "Statement of interests",
    "publication_types": "Publication types",
}


def _what_changed(event: ReportEvent) -> str:
    match event.kind:
        case ReportEventKind.FIELD_CHANGED:
            return f"{_FIELDS.get(event.field, event.field)} corrected at the source"
        case ReportEventKind.TYPE_ADDED:
            return f"Now called “{event.new}” by PubMed"
        case ReportEventKind.NOTICE_LIFTED:
            said = NoticeKind(event.field).label if event.field in NoticeKind.values else "Notice"
            return f"{said} no longer in force"
    return ReportEventKind(event.kind).label


def _trial_event(kind: NewsKind, at: datetime, event: TrialEvent) -> NewsItem:
    trial = event.registration
    return NewsItem(
        key=f"trial-event-{event.pk}",
        at=at,
        kind=kind,
        happening="New trial" if event.kind == TrialEventKind.NEW else _happened_to_trial(event),
        title=trial.display_title,
        detail=_sentences(trial.number, *_about_trial(event)),
        url=trial.get_absolute_url(),
        study=trial.study_id,
        registration=trial.pk,
        status=trial.study.notice_status if trial.study else NoticeStatus.NONE,
    )


def _happened_to_trial(event: TrialEvent) -> str:
    match event.kind:
        case TrialEventKind.STOPPED:
            return f"Trial {_status(event.new).lower()}" if event.new else "Trial stopped"
        case TrialEventKind.STATUS_CHANGED if event.new:
            return f"Trial now {_status(event.new).lower()}"
        case TrialEventKind.OVERDUE:
            return "Overdue: no results found"
    return TrialEventKind(event.kind).label


def _about_trial(event: TrialEvent) -> list[str]:
    match event.kind:
        case TrialEventKind.NEW:
            return _facts(event.registration)
        case TrialEventKind.STOPPED:
            return [f"Reason given: {event.why}" if event.why else "No reason given"]
        case TrialEventKind.STATUS_CHANGED:
            return [f"Before: {_status(event.old).lower()}" if event.old else "", event.why]
        case TrialEventKind.PUBLICATION_LINKED:
            return [event.report.title if event.report else event.new]
        case TrialEventKind.OVERDUE:
            return ["A year after its primary completion no results and no publication are known here", event.why]
    return [_from_to(event.old, event.new), event.why]


def _facts(trial: TrialRegistration) -> list[str]:
    people = ""
    if trial.enrolment is not None:
        enrolled = "took part" if trial.enrolment_kind == DateKind.ACTUAL else "planned"
        people = f"{trial.enrolment:,} {'person' if trial.enrolment == 1 else 'people'} {enrolled}"
    return [trial.get_status_display() if trial.status else trial.status_raw, people, trial.sponsor]


def _status(value: str) -> str:
    return str(TrialStatus(value).label) if value in TrialStatus.values else value


def _from_to(old: str, new: str) -> str:
    if old and new:
        return f"Before: {old.rstrip('.')}. Now: {new}"
    return f"Now: {new}" if new else f"Before: {old}" if old else ""


def _sentences(*parts: str) -> str:
    return ". ".join(part.strip().rstrip(".") for part in parts if part and part.strip()) + "."
