"""The list of trials as a table for export: a row a registration."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from studies.models import TrialLink, TrialRegistration, trial_states
from studies.queries.trial_filters import TrialFilters
from studies.queries.trials import ORDER, date_words, phase_words, whether

_BATCH = 500
Cell = str | int | None
COLUMNS = (
    "Registration",
    "Registry",
    "Title",
    "Status",
    "Status as registered",
    "Why stopped",
    "Study type",
    "Phases",
    "Enrolment",
    "Enrolment is",
    "Start",
    "Primary completion",
    "Completion",
    "First posted",
    "Results posted",
    "Last update posted",
    "Sponsor",
    "Conditions",
    "Interventions",
    "Countries",
    "No results found a year after completion",
    "Publications",
    "Study here",
    "Said by",
    "Last asked for",
)


def rows(
    registrations: QuerySet[TrialRegistration], filters: TrialFilters, *, now: datetime
) -> Iterator[list[list[str | int | None]]]:
    """The rows of an export in batches, COLUMNS wide."""
    ids = list(registrations.order_by(*ORDER[filters.sort]).values_list("pk", flat=True))
    for start in range(0, len(ids), _BATCH):
        portion = ids[start : start + _BATCH]
        found = TrialRegistration.objects.filter(pk__in=portion).for_list()
        found = found.annotate(is_overdue=whether(trial_states.overdue(timezone.localdate(now))))
        by_id = {row.pk: row for row in found}
        publications = _publications(portion)
        yield [_cells(by_id[pk], publications.get(pk, [])) for pk in portion]


def _publications(ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    links = TrialLink.objects.standing().filter(registration__in=ids).select_related("report").order_by("report")
    for link in links:
        found.setdefault(link.registration_id, []).append(link.report.identifier)
    return found


def _cells(row: TrialRegistration, publications: Sequence[str]) -> list[Cell]:
    return [
        row.number,
        row.get_registry_display() if row.registry else "",
        row.title or row.official_title,
        row.get_status_display() if row.status else "",
        row.status_raw,
        row.why_stopped,
        row.study_type,
        phase_words(row),
        row.enrolment,
        row.get_enrolment_kind_display() if row.enrolment_kind else "",
        *(date_words(row, name) for name in ("start", "primary_completion", "completion")),
        *(str(day or "") for day in (row.first_posted_on, row.results_posted_on, row.updated_on)),
        row.sponsor,
        "; ".join(row.conditions),
        "; ".join(one.get("name", "") for one in row.interventions),
        "; ".join(row.countries),
        "yes" if row.is_overdue else "no",
        "; ".join(publications),
        row.study_id,
        row.get_source_display() if row.source else "only its number is known",
        row.checked_at.isoformat(timespec="minutes") if row.checked_at else "",
    ]
