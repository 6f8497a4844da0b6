"""The log of a review in plain words; what a person said of a report is looked up, so that blindness holds here too."""

from collections.abc import Iterable

from django.db.models import QuerySet

from reviews.models import Review, ScreeningDecision
from reviews.queries.blinding import visible_to
from reviews.terms import Stage
from studies.models import AuditEvent, User
from studies.queries.log_entries import Entry, plain

_STAGES = dict(Stage.choices)


def events(review: Review, *, about: tuple[str, int] | None = None) -> QuerySet[AuditEvent]:
    """Everything that was done in a review, or to one object of it, the newest first."""
    found = AuditEvent.objects.filter(detail__review=review.pk)
    return found.filter(object_type=about[0], object_id=about[1]) if about else found


def entries(found: Iterable[AuditEvent], user: User | None) -> list[Entry]:
    """The events as this person may read them; one query more."""
    rows = list(found)
    wanted = [row.detail["decision"] for row in rows if "decision" in row.detail]
    decisions = {
        one.pk: one
        for one in ScreeningDecision.objects.filter(visible_to(user), pk__in=wanted).select_related(
            "primary_reason", "criteria_version"
        )
    }
    return [_entry(row, decisions) for row in rows]


def _entry(event: AuditEvent, decisions: dict[int, ScreeningDecision]) -> Entry:
    detail = event.detail
    after, why = plain(detail.get("after")), str(detail.get("why", ""))
    if "decision" in detail:
        said = decisions.get(detail["decision"])
        after = words_of(said) if said else "not shown while others are blind"
        why = said.note if said else ""
    return Entry(event, sentence(event), plain(detail.get("before")), after, why)


def words_of(said: ScreeningDecision) -> str:
    """A decision in one line."""
    reason = f", {said.primary_reason.label}" if said.primary_reason else ""
    where = f"{said.get_stage_display().lower()}, criteria {said.criteria_version.number}"
    return f"{said.get_decision_display().lower()}{reason} ({where}, {said.seconds_spent} s)"


def sentence(event: AuditEvent) -> str:
    """What was done, in words: the verb, the object, and the numbers that belong to it."""
    detail, label = event.detail, event.object_label
    match event.verb:
        case "took over":
            return f"took over {detail['new']} new of {detail['met']} records: {label}"
        case "dealt reports":
            return f"dealt {detail['n']} reports to the reviewers"
        case "added reports":
            return f"added {detail['new']} reports from {label}, {detail['known']} were there already"
        case "imported file":
            return f"imported the file {detail['file']} for {label}"
        case "changed criteria":
            return f"changed the criteria (version {detail['version']}): {' '.join(detail['changes'])}"
        case "reopened":
            return f"asked for new decisions at {_STAGES.get(detail['stage'], '').lower()}: {label}"
        case "retrieved full text":
            return f"retrieved the full text ({detail['how']}): {label}"
        case "invited":
            return f"invited {detail['email']} as {detail['role']}"
    return f"{event.verb}: {label}"
