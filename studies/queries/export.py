"""What leaves the catalogue: studies as rows of a table, and their reports as records with what we remark on them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from django.conf import settings

from studies.models import Report
from studies.queries import currency, listing, search
from studies.queries.export_rows import OF_STUDY, Cell, among, leads, study_rows
from studies.queries.filters import Filters
from studies.queries.records import record_of
from studies.queries.vocabulary import Vocabulary
from studies.sources.record import Record
from studies.sources.table import OWN_COLUMN
from studies.terms import Facet, NoticeStatus

RECORDS_AT_ONCE = 200
COLUMNS = (*OF_STUDY, "Exported", "Query", "Searched through")
_REMARKED = (
    "Design", "Design basis", "CEBM 2011 level", "People", "Follow-up (months)", *Facet.labels, "Protocol",
    "Registrations, and where read", "Starter data",
)  # fmt: skip
_GRAVE = tuple(status.label.upper() for status in NoticeStatus if status > NoticeStatus.CORRECTED)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every export says of itself: the day, the question and its address, how current the catalogue is."""

    exported_at: datetime
    query: str
    searched_through: str

    @property
    def sentence(self) -> str:
        return f"exported {self.exported_at:%Y-%m-%d %H:%M} UTC; query: {self.query}; {self.searched_through}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One report with what we remark on it, notices first; `number` tells it from the others of the catalogue.

    `warning` is the word of its study's status where that is graver than a correction.
    """

    study: int
    number: int
    record: Record
    remarks: tuple[str, ...]
    warning: str


def provenance(filters: Filters | None, vocabulary: Vocabulary, *, now: datetime, path: str) -> Provenance:
    """`path` is where the list or the study (then without filters) is read."""
    words = "one study"
    if filters is not None:
        chips = listing.chips_of(filters, vocabulary)
        words = "; ".join(_in_words(chip) for chip in chips) or "all studies"
    answered = currency.currency(now).of("PubMed").answered_at
    searched = f"PubMed last answered in full on {answered:%Y-%m-%d}" if answered else "PubMed not searched yet"
    return Provenance(now, f"{words} ({settings.SITE_URL}{path})", searched)


def _in_words(chip: listing.Chip) -> str:
    words = f"{'not ' if chip.is_not else ''}{chip.label}"
    return f"{chip.facet}: {words}" if chip.facet else words


def ids_of(filters: Filters, vocabulary: Vocabulary) -> list[int]:
    """The studies of the list, in its order: a few megabytes, and no cursor that a slow reader holds open."""
    if filters.words:
        study, _ = search.by_identifier(filters.words)
        if study:  # the list itself would have led there
            return [study.pk]
        if not search.says_something(filters.words):
            filters = replace(filters, words="")
    return search.ids_of(filters, vocabulary)


def rows(study_ids: Sequence[int], vocabulary: Vocabulary, said: Provenance) -> Iterator[list[list[Cell]]]:
    """Batches of rows in the order of COLUMNS; a study that is gone by now is left out."""
    tail = (f"{said.exported_at:%Y-%m-%d %H:%M} UTC", said.query, said.searched_through)
    for batch in study_rows(study_ids, vocabulary):
        for row in batch:
            row += tail
        yield batch


def entries(study_ids: Sequence[int], vocabulary: Vocabulary, said: Provenance) -> Iterator[Entry]:
    """Every report of the studies, the one it is known by first; what has neither title nor id is no reference."""
    for start in range(0, len(study_ids), RECORDS_AT_ONCE):
        batch = study_ids[start : start + RECORDS_AT_ONCE]
        reports: dict[int, list[Report]] = defaultdict(list)
        for report in Report.objects.filter(study__in=among(batch)).order_by("pk"):
            reports[report.study_id].append(report)
        for cells in chain.from_iterable(study_rows(batch, vocabulary)):
            row = dict(zip(OF_STUDY, cells, strict=True))
            study, notices = row[OWN_COLUMN], row["Notices"]
            named = [report for report in reports[study] if report.title or _has_id(report)]
            for report in sorted(named, key=lambda report: leads(report, row["Title"])):
                yield Entry(study, report.pk, record_of(report), tuple(_remarks(row, said)), _warning(notices))


def _has_id(report: Report) -> bool:
    return bool(report.pmid or report.pmcid or report.doi)


def _warning(notices: str) -> str:
    """The word of a study's status, from the beginning of its notices, where it is graver than a correction."""
    status = notices.partition(". ")[0]
    return status if status in _GRAVE else ""


def _remarks(row: Mapping[str, Cell], said: Provenance) -> Iterator[str]:
    if row["Notices"]:
        yield f"notice: {row['Notices']}"
    yield f"study {row[OWN_COLUMN]}: {row['Address']}"
    yield "facts: " + "; ".join(f"{name}: {row[name]}" for name in _REMARKED if row[name] not in ("", None))
    yield said.sentence
