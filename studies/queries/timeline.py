"""What happened to registered trials, as moments of a timeline in plain words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from studies.models import Report, TrialEvent
from studies.rules import trial_story
from studies.terms import TrialEventKind

_GRAVE = {TrialEventKind.STOPPED, TrialEventKind.OVERDUE, TrialEventKind.OUTCOME_CHANGED}


@dataclass(frozen=True, slots=True)
class Moment:
    """One event of the timeline; `before` and `after` are shown beside the sentence where it cannot hold them."""

    at: datetime
    registry_date: date | None
    label: str
    sentence: str
    why: str
    before: str
    after: str
    report: Report | None
    is_grave: bool


def timelines(registration_ids: Iterable[int]) -> Mapping[int, list[Moment]]:
    """The timeline of each; one query."""
    events = TrialEvent.objects.filter(registration__in=registration_ids).select_related("report__study")
    found: dict[int, list[TrialEvent]] = {}
    for event in events:
        found.setdefault(event.registration_id, []).append(event)
    return {pk: timeline(rows) for pk, rows in found.items()}


def timeline(events: Iterable[TrialEvent]) -> list[Moment]:
    """The newest first."""
    return [_moment(event) for event in events]


def _moment(event: TrialEvent) -> Moment:
    is_long = event.kind == TrialEventKind.OUTCOME_CHANGED
    return Moment(
        at=event.detected_at,
        registry_date=event.registry_date,
        label=str(TrialEventKind(event.kind).label),
        sentence=trial_story.sentence(event.kind, field=event.field, old=event.old, new=event.new),
        why=event.why,
        before=event.old if is_long else "",
        after=event.new if is_long else "",
        report=event.report,
        is_grave=event.kind in _GRAVE,
    )
