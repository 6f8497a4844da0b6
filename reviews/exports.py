"""Files that leave a review: decisions, the log, lists of reports, as comma-separated tables by pandas."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas

from reviews.models import Candidate, Review, ScreeningDecision
from reviews.queries import audit, candidates
from reviews.queries.blinding import visible_to
from reviews.rules.blinding import is_revealed
from studies.formats.table import BYTE_ORDER_MARK
from studies.models import User
from studies.sources.table import harmless

_REPORT = ("report", "study", "pmid", "doi", "title")
DECISIONS = (
    "decision_id",
    *_REPORT,
    "stage",
    "round",
    "kind",
    "reviewer",
    "decision",
    "primary_reason",
    "secondary_reasons",
    "note",
    "criteria_version",
    "seconds_spent",
    "order_shown",
    "rank_shown",
    "decided_at",
    "supersedes",
    "superseded_by",
)
LOG = ("at", "who", "what", "object", "object_id", "before", "after", "why")
REPORTS = (
    *_REPORT,
    "added_at",
    "added_how",
    "sources",
    "stage",
    "verdict",
    "agreed_reason",
    "retrieval",
    "classification",
    "merged_into",
)


def decisions_csv(review: Review, user: User | None) -> str:
    """Every decision that this person may see, with who, when, why and by which criteria; later words included."""
    found = list(
        ScreeningDecision.objects.filter(visible_to(user), candidate__review=review)
        .select_related("candidate__report", "reviewer", "primary_reason", "criteria_version", "superseded_by")
        .defer("candidate__report__abstract", "candidate__report__references", "candidate__report__mesh")
        .order_by("pk")
    )
    labels = candidates.reasons_named(found)
    return _csv(DECISIONS, (_decision(one, labels) for one in found))


def _decision(one: ScreeningDecision, labels: dict[int, str]) -> Sequence[Any]:
    candidate = one.candidate
    # One's own word may be read while blind, the score by which the card came may not; nor may an earlier stage's
    # while the report is being screened at the next.
    rank = one.rank_shown if is_revealed(candidate.stage, candidate.stage, candidate.verdict) else None
    later = getattr(one, "superseded_by", None)
    return (
        one.pk,
        *_report(candidate),
        one.stage,
        one.round,
        one.kind,
        str(one.reviewer),
        one.decision,
        one.primary_reason.label if one.primary_reason else "",
        "; ".join(labels.get(number, "") for number in one.secondary_reasons),
        one.note,
        one.criteria_version.number,
        one.seconds_spent,
        one.order_shown,
        rank,
        one.created_at.isoformat(timespec="seconds"),
        one.supersedes_id,
        later.pk if later else None,
    )


def log_csv(review: Review, user: User | None) -> str:
    """The whole log, oldest first, as this person may read it."""
    found = audit.entries(audit.events(review).order_by("at", "pk"), user)
    return _csv(
        LOG,
        (
            (
                entry.at.isoformat(timespec="seconds"),
                entry.who,
                entry.what,
                entry.event.object_type,
                entry.event.object_id,
                entry.before,
                entry.after,
                entry.why,
            )
            for entry in found
        ),
    )


def reports_csv(review: Review, name: str, user: User | None, source: int | None = None) -> str:
    """A list of reports, each with the sources that returned it."""
    found = candidates.listed(review, name, user=user, source=source).prefetch_related("records__source")
    return _csv(REPORTS, map(_listed, found))


def _listed(candidate: Candidate) -> Sequence[Any]:
    return (
        *_report(candidate),
        candidate.added_at.isoformat(timespec="seconds"),
        candidate.added_how,
        "; ".join(sorted({record.source.name for record in candidate.records.all()})),
        candidate.stage,
        candidate.verdict,
        candidate.primary_reason.label if candidate.primary_reason else "",
        candidate.retrieval,
        candidate.classification,
        candidate.duplicate_of_id,
    )


def _report(candidate: Candidate) -> Sequence[Any]:
    report = candidate.report
    return report.pk, report.study_id, report.pmid, report.doi, report.title


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    frame = pandas.DataFrame(list(rows), columns=columns, dtype=object).map(_cell)
    return BYTE_ORDER_MARK + frame.to_csv(index=False)


def _cell(value: Any) -> Any:
    return harmless(value) if isinstance(value, str) else value
