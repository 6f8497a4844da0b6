"""The flow diagram of a review: its numbers from rows, a version frozen before, and the rows behind one number."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from reviews.models import Candidate, CandidateRecord, Criterion, FlowVersion, Review, ReviewSource, SourceRun
from reviews.models.candidates import NAMED_BY
from reviews.rules import flow as rules
from reviews.rules.flow import Break, Flow, Place, Previous, SourceRecord
from reviews.terms import SourceKind
from studies.models import Study

NO_REASON = "No reason agreed on"


@dataclass(frozen=True, slots=True)
class SourceCount:
    """One database, register or other source: what it gave, and how far its reports came."""

    id: int
    kind: str
    name: str
    n: int
    steps: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ReasonCount:
    key: str
    label: str
    n: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The numbers of one moment, of rows as they are now or as they were frozen."""

    number: int | None  # of the frozen version
    as_of: datetime
    numbers: Mapping[str, int]
    sources: Sequence[SourceCount]
    reasons: Mapping[str, Sequence[ReasonCount]]
    breaks: Sequence[Break]
    previous: int | None  # the review's version before this one, if it is counted apart

    def n(self, key: str) -> int:
        return self.numbers.get(key, 0)

    def of_kind(self, kind: str) -> list[SourceCount]:
        return [source for source in self.sources if source.kind == kind]


# The steps of the table that has a column for each source, in the order of the flow.
STEPS = (
    ("reports", "Reports among them"),
    ("excluded_by_title", "Excluded by title and abstract"),
    ("being_screened", "Still being screened"),
    ("not_retrieved", "Not retrieved"),
    ("being_sought", "Still being sought"),
    ("excluded", "Excluded by full text"),
    ("being_assessed", "Still being assessed"),
    ("waiting", "Ongoing or awaiting classification"),
    ("included", "Included"),
)


def counted(review: Review) -> Flow:
    """The flow of this moment, in three queries whatever the number of reports."""
    return rules.count(_places(review), _records(review), previous_of(review))


def _places(review: Review) -> list[Place]:
    rows = Candidate.objects.filter(review=review).order_by("pk")
    names = ("pk", "duplicate_of", "report__study", "stage", "verdict", "retrieval", "classification")
    return [Place(*row[:-1], reason=str(row[-1] or "")) for row in rows.values_list(*names, "primary_reason__key")]


def _records(review: Review) -> list[SourceRecord]:
    rows = CandidateRecord.objects.filter(candidate__review=review).order_by("pk")
    names = ("pk", "candidate", "source", "source__kind", "created_at")
    return [SourceRecord(*row) for row in rows.values_list(*names)]


def previous_of(review: Review) -> Previous | None:
    """The last flow frozen under an earlier version of the review; none for a first version."""
    if review.version <= 1:
        return None
    for version in FlowVersion.objects.filter(review=review).order_by("-number"):
        if version.boxes.get("review_version", review.version) < review.version:
            states = {int(pk): state for pk, state in version.boxes["states"].items()}
            return Previous(version.boxes["review_version"], version.as_of, states)
    return None


def snapshot(review: Review, flow: Flow | None = None) -> Snapshot:
    """What the diagram of this moment shows."""
    flow = flow or counted(review)
    return Snapshot(
        number=None,
        as_of=timezone.now(),
        numbers={key: len(ids) for key, ids in flow.lists.items()},
        sources=_sources(review, flow),
        reasons=_reasons(flow),
        breaks=rules.breaks(flow),
        previous=flow.previous.number if flow.previous else None,
    )


def _sources(review: Review, flow: Flow) -> list[SourceCount]:
    of_record = dict(CandidateRecord.objects.filter(candidate__review=review).values_list("pk", "candidate"))
    root = rules.roots(_merged(review))
    found = []
    for source in ReviewSource.objects.filter(review=review).order_by("kind", "name"):
        records = flow.sources.get(source.pk, ())
        reports = {root.get(of_record[pk], of_record[pk]) for pk in records if pk in of_record}
        found.append(SourceCount(source.pk, source.kind, source.name, len(records), _steps(flow, reports)))
    return found


def _merged(review: Review) -> list[Place]:
    """Only the merged ones: everything else is its own root."""
    rows = Candidate.objects.filter(review=review).exclude(duplicate_of=None).values_list("pk", "duplicate_of")
    pairs = dict(rows)
    ends = {kept: None for kept in pairs.values() if kept not in pairs}
    return [Place(pk, above, 0, "", "", "", "") for pk, above in (pairs | ends).items()]


def _steps(flow: Flow, reports: set[int]) -> dict[str, int]:
    count: dict[str, int] = defaultdict(int)
    for report in reports:
        state = flow.states.get(report, "")
        count["waiting" if state in ("ongoing", "awaiting", "unclassified") else state] += 1
    return {"reports": len(reports), **count}


def _reasons(flow: Flow) -> dict[str, list[ReasonCount]]:
    """By how often, with the newest wording of each reason."""
    keys = {key for by_reason in flow.reasons.values() for key in by_reason if key}
    labels = dict(Criterion.objects.filter(key__in=keys).order_by("pk").values_list("key", "label"))
    named = {str(key): label for key, label in labels.items()}
    return {
        name: sorted(
            (ReasonCount(key, named.get(key, NO_REASON), len(ids)) for key, ids in by_reason.items()),
            key=lambda one: (-one.n, one.label),
        )
        for name, by_reason in flow.reasons.items()
    }


def frozen_values(review: Review, flow: Flow, shown: Snapshot) -> dict[str, Any]:
    """What a frozen version keeps: numbers, wordings, and the ids behind each number."""
    return {
        "review_version": review.version,
        "numbers": dict(shown.numbers),
        "sources": [asdict(source) for source in shown.sources],
        "reasons": {name: [asdict(reason) for reason in found] for name, found in shown.reasons.items()},
        "previous": shown.previous,
        "states": {str(pk): state for pk, state in flow.states.items()},
        "lists": {key: list(ids) for key, ids in flow.lists.items()},
        "by_source": {str(pk): list(ids) for pk, ids in flow.sources.items()},
        "by_reason": {name: {k: list(ids) for k, ids in found.items()} for name, found in flow.reasons.items()},
    }


def thawed(version: FlowVersion) -> Snapshot:
    """A frozen version as it was shown."""
    boxes = version.boxes
    return Snapshot(
        number=version.number,
        as_of=version.as_of,
        numbers=boxes["numbers"],
        sources=[SourceCount(**values) for values in boxes["sources"]],
        reasons={name: [ReasonCount(**values) for values in found] for name, found in boxes["reasons"].items()},
        breaks=(),
        previous=boxes["previous"],
    )


def run_ids(review: Review) -> list[int]:
    return list(
        SourceRun.objects.filter(source__review=review).order_by("run").values_list("run", flat=True).distinct()
    )


def versions(review: Review) -> QuerySet[FlowVersion]:
    return FlowVersion.objects.filter(review=review).defer("boxes").select_related("by")


# --- the rows behind a number ---


def ids_behind(
    review: Review,
    key: str,
    *,
    source: int | None = None,
    reason: str | None = None,
    version: FlowVersion | None = None,
) -> Sequence[int] | None:
    """The ids of one list, of one source or one reason of it; None for a list that there is not."""
    if version:
        boxes = version.boxes
        lists, sources, reasons = boxes["lists"], boxes["by_source"], boxes["by_reason"]
    else:
        flow = counted(review)
        lists, sources, reasons = flow.lists, {str(pk): ids for pk, ids in flow.sources.items()}, flow.reasons
    if key not in rules.KEYS:
        return None
    if source is not None:
        wanted = set(lists.get(key, ()))
        return [pk for pk in sources.get(str(source), ()) if pk in wanted]
    if reason is not None:
        return reasons.get(key, {}).get(reason, [])
    return lists.get(key, [])


def unit_of(key: str) -> str:
    """What a list holds: records, studies or reports."""
    if key in rules.RECORD_KEYS:
        return "records"
    return "studies" if key in rules.STUDY_KEYS else "reports"


def rows_behind(review: Review, key: str, ids: Sequence[int]) -> QuerySet:
    """The records, candidates or studies of these ids, for a page and for a file."""
    match unit_of(key):
        case "records":
            found = CandidateRecord.objects.filter(pk__in=ids, candidate__review=review)
            light = (f"candidate__{name}" for name in (*NAMED_BY, "report__study_id"))
            own = ("candidate", "source", "occurrence", "created_at", "source__name", "source__kind")
            found = found.select_related("source", "candidate__report").only(*own, "candidate__report", *light)
            return found.order_by("source__name", "pk")
        case "studies":
            return Study.objects.filter(pk__in=ids).for_list().order_by("pk")
    found = Candidate.objects.filter(pk__in=ids, review=review)
    return found.reading(*NAMED_BY, "report__study_id", "primary_reason__label").order_by("pk")


def kinds_shown(shown: Snapshot) -> list[tuple[str, list[SourceCount]]]:
    """The sources of each kind that there are any of."""
    return [(SourceKind(kind).label, found) for kind in SourceKind if (found := shown.of_kind(kind))]


def reason_label(key: str) -> str:
    """The newest wording of a reason; a key that there is not is none."""
    try:
        number = UUID(key)
    except ValueError:
        return NO_REASON
    found = Criterion.objects.filter(key=number).order_by("-pk").first()
    return found.label if found else NO_REASON
