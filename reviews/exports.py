"""Files that leave a review: decisions, the log, lists of reports, as comma-separated tables by pandas."""

from collections.abc import Iterable, Sequence
from typing import Any

from reviews.models import Candidate, Review, ScreeningDecision
from reviews.queries import audit, candidates
from reviews.queries.agreement import agreement
from reviews.queries.blinding import visible_to
from reviews.queries.flow import Snapshot
from reviews.rules.blinding import is_revealed
from reviews.terms import SourceKind
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
    import pandas  # dear to load, and files are rare

    # Cleaned before pandas sees them: a column of numbers with gaps would come out as decimals.
    frame = pandas.DataFrame([[_cell(value) for value in row] for row in rows], columns=columns, dtype=object)
    return BYTE_ORDER_MARK + frame.to_csv(index=False)


def _cell(value: Any) -> Any:
    return harmless(value) if isinstance(value, str) else value


AGREEMENT = (
    *("stage", "first_reviewer", "second_reviewer", "words", "n"),
    *("both_include", "first_alone", "second_alone", "both_exclude"),
    *("observed", "expected", "kappa", "se", "ci_low", "ci_high", "pabak", "ac1", "prevalence_index", "bias_index"),
)


def agreement_csv(review: Review, *, is_pilot: bool = False, is_final: bool = False) -> str:
    """A row a pair and stage, maybe counted as include; a value that is not defined is empty."""
    words = "last" if is_final else "first"
    rows = []
    for stage in agreement(review, is_pilot=is_pilot, is_final=is_final):
        for pair in stage.pairs:
            two = pair.two
            (a, b), (c, d) = two.table
            values = (two.observed, two.expected, two.kappa, two.se, two.low, two.high, two.pabak, two.ac1)
            who = stage.stage.value, str(pair.first), str(pair.second), words, two.n
            rows.append((*who, a, b, c, d, *values, two.prevalence, two.bias))
    return _csv(AGREEMENT, rows)


PRISMA = ("data", "node", "box", "description", "boxtext", "tooltips", "url", "n")
# (key, PRISMA's node and box, text); a title has no key.
_PRISMA = (
    ("", "node4", "prevstud", "Previous studies"),
    ("previous_studies", "node5", "box1", "Studies included in previous version of review"),
    ("previous_reports", "", "box1", "Reports of studies included in previous version of review"),
    ("", "node6", "newstud", "Identification of new studies via databases and registers"),
    ("database_results", "node7", "box2", "Databases"),
    ("database_specific_results", "", "box2", "Databases"),
    ("register_results", "", "box2", "Registers"),
    ("register_specific_results", "", "box2", "Registers"),
    ("", "node16", "othstud", "Identification of new studies via other methods"),
    ("website_results", "node17", "box11", "Websites"),
    ("organisation_results", "", "box11", "Organisations"),
    ("citations_results", "", "box11", "Citation searching"),
    ("duplicates", "node8", "box3", "Duplicate records"),
    ("excluded_automatic", "", "box3", "Records marked as ineligible by automation tools"),
    ("excluded_other", "", "box3", "Records removed for other reasons"),
    ("records_screened", "node9", "box4", "Records screened"),
    ("records_excluded", "node10", "box5", "Records excluded"),
    ("dbr_sought_reports", "node11", "box6", "Reports sought for retrieval"),
    ("dbr_notretrieved_reports", "node12", "box7", "Reports not retrieved"),
    ("other_sought_reports", "node18", "box12", "Reports sought for retrieval"),
    ("other_notretrieved_reports", "node19", "box13", "Reports not retrieved"),
    ("dbr_assessed", "node13", "box8", "Reports assessed for eligibility"),
    ("dbr_excluded", "node14", "box9", "Reports excluded"),
    ("other_assessed", "node20", "box14", "Reports assessed for eligibility"),
    ("other_excluded", "node21", "box15", "Reports excluded"),
    ("new_studies", "node15", "box10", "New studies included in review"),
    ("new_reports", "", "box10", "Reports of new included studies"),
    ("total_studies", "node22", "box16", "Total studies included in review"),
    ("total_reports", "", "box16", "Reports of total included studies"),
    ("", "node1", "identification", "Identification"),
    ("", "node2", "screening", "Screening"),
    ("", "node3", "included", "Included"),
)
_SPECIFIC = {"database_specific_results": SourceKind.DATABASE, "register_specific_results": SourceKind.REGISTER}


def prisma_csv(shown: Snapshot) -> str:
    """The numbers under the keys of the reference implementation, so that its tools can draw them."""
    rows = (
        (key or "NA", node or "NA", box, text, text, text, "NA", _n(shown, key)) for key, node, box, text in _PRISMA
    )
    return _csv(PRISMA, rows)


def _n(shown: Snapshot, key: str) -> Any:
    if key in _SPECIFIC:
        return _named([(source.name, source.n) for source in shown.of_kind(_SPECIFIC[key])])
    if key in ("dbr_excluded", "other_excluded"):
        return _named([(reason.label, reason.n) for reason in shown.reasons.get(key, ())])
    return shown.n(key)


def _named(counts: Sequence[tuple[str, int]]) -> str:
    """`Name, n; Name, n`: a comma or semicolon inside a name would part it."""
    return "; ".join(f"{name.replace(',', ' ').replace(';', ' ')}, {n}" for name, n in counts) or "0"


FLOW_RECORDS = ("record", "source", "source_kind", *_REPORT, "met_at")
FLOW_STUDIES = ("study", "title")


def flow_rows_csv(found: Any, unit: str) -> str:
    """The rows behind one number of the flow diagram."""
    if unit == "records":
        rows = ((one.pk, one.source.name, one.source.kind, *_report(one.candidate), _moment(one)) for one in found)
        return _csv(FLOW_RECORDS, rows)
    if unit == "studies":
        return _csv(FLOW_STUDIES, ((study.pk, study.display_title) for study in found))
    return _csv(REPORTS, map(_listed, found.prefetch_related("records__source")))


def _moment(one: Any) -> str:
    return one.created_at.isoformat(timespec="seconds")
