"""What the first page says: the field in numbers, how current it is, notices, what is new."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet, Sum

from studies.models import Notice, SearchRun, Study
from studies.queries.listing import Row, row
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, NoticeKind, RunKind, RunState, StudyDesign

NOTICE_DAYS = 90
_GRAVEST_FIRST = (
    NoticeKind.RETRACTION,
    NoticeKind.REMOVAL,
    NoticeKind.WITHDRAWAL,
    NoticeKind.PARTIAL_RETRACTION,
    NoticeKind.CONCERN,
    NoticeKind.RETRACT_AND_REPLACE,
)
_COLUMNS = (
    StudyDesign.SYSTEMATIC_REVIEW,
    StudyDesign.RANDOMISED,
    StudyDesign.CONTROLLED,
    StudyDesign.SINGLE_ARM,
    StudyDesign.CASE_REPORT,
    StudyDesign.ANIMAL,
    StudyDesign.IN_VITRO,
)


@dataclass(frozen=True, slots=True)
class Glance:
    """The field in numbers, of the default views only."""

    n_studies: int
    n_randomised: int
    n_people: int
    longest_months: Decimal | None
    n_starter: int


@dataclass(frozen=True, slots=True)
class Currency:
    """When PubMed last answered in full; `failure` is what has gone wrong since."""

    answered_at: datetime | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One cell source: (count, address) by design, then of the source as a whole. Studies are counted once a cell."""

    label: str
    cells: tuple[tuple[int, str], ...]
    total: int
    url: str


@dataclass(frozen=True, slots=True)
class Matrix:
    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def glance() -> Glance:
    numbers = Study.objects.in_default_views().aggregate(
        n_studies=Count("pk"),
        n_randomised=Count("pk", filter=Q(design=StudyDesign.RANDOMISED)),
        # Reviews and registered trials have no people of their own: theirs are counted in the studies.
        n_people=Sum("n_participants", filter=~Q(design__in=_WITHOUT_PEOPLE)),
        longest_months=Max("follow_up_months"),
        n_starter=Count("pk", filter=Q(is_starter=True)),
    )
    return Glance(**{**numbers, "n_people": numbers["n_people"] or 0})


_WITHOUT_PEOPLE = (
    StudyDesign.SYSTEMATIC_REVIEW,
    StudyDesign.REVIEW,
    StudyDesign.GUIDELINE,
    StudyDesign.PROTOCOL,
    StudyDesign.REGISTERED,
    StudyDesign.ANIMAL,
    StudyDesign.IN_VITRO,
)


def currency() -> Currency:
    asked = SearchRun.objects.filter(kind__in=(RunKind.SEARCH, RunKind.PMIDS), finished_at__isnull=False)
    answered = asked.filter(state=RunState.FINISHED).order_by("-finished_at").first()
    last = asked.order_by("-finished_at").first()
    failure = last.failure or "the last search failed" if last and last.state == RunState.FAILED else ""
    return Currency(answered.finished_at if answered else None, failure)


def recent_notices(now: datetime, *, at_most: int = 10) -> list[Notice]:
    """Notices of the last 90 days on reports in the catalogue, retractions first, corrections left out."""
    since = now - timedelta(days=NOTICE_DAYS)
    notices: QuerySet[Notice] = (
        Notice.objects.live()
        .filter(kind__in=_GRAVEST_FIRST, report__isnull=False)
        .filter(Q(issued_on__gte=since.date()) | Q(issued_on=None, first_seen_at__gte=since))
        .select_related("report__study")
        .only("kind", "issued_on", "first_seen_at", "report__title", "report__pmid", "report__study__title")
    )
    order = {kind: place for place, kind in enumerate(_GRAVEST_FIRST)}
    return sorted(notices[:200], key=lambda notice: (order[notice.kind], -notice.first_seen_at.timestamp()))[:at_most]


def newest(vocabulary: Vocabulary, now: datetime, *, n: int = 5) -> list[Row]:
    studies = Study.objects.for_list().in_default_views().exclude(published_on=None)
    return [row(study, vocabulary, now) for study in studies.order_by("-published_on", "-pk")[:n]]


def matrix(vocabulary: Vocabulary, list_url: str) -> Matrix:
    """Unique studies by cell source (top of the tree) and design; sources that no study has are left out."""
    counts: dict[tuple[int, str], int] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT term, design, count(*) FROM studies_study, unnest(sources) AS term WHERE in_default_views "
            "GROUP BY term, design"
        )
        for term, design, n in cursor.fetchall():
            counts[term, design] = n
    rows = sorted(_rows(vocabulary, counts, list_url), key=lambda line: -line.total)
    return Matrix(tuple(design.label for design in _COLUMNS), tuple(rows))


def _rows(vocabulary: Vocabulary, counts: dict[tuple[int, str], int], list_url: str) -> Iterable[MatrixRow]:
    for tag in vocabulary.roots(Facet.SOURCE):
        total = sum(n for (term, _), n in counts.items() if term == tag.pk)
        if total:
            url = f"{list_url}?{Facet.SOURCE}={tag.slug}"
            cells = tuple((counts.get((tag.pk, design), 0), f"{url}&design={design}") for design in _COLUMNS)
            yield MatrixRow(tag.label, cells, total, url)
