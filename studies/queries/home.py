"""What the first page says: the field in numbers, notices, what is new."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Max, Q, QuerySet, Sum

from studies.models import Newness, Notice, Study
from studies.queries.listing import Row, rows
from studies.queries.vocabulary import Vocabulary
from studies.terms import NewsKind, NoticeKind, NoticeStatus, StudyDesign

NOTICE_DAYS = 90
FEW = 5
# What happened to trials and records that were known before; retractions have a part of their own.
CHANGES = (NewsKind.STOPPED, NewsKind.CORRECTION, NewsKind.RESULTS, NewsKind.TRIAL_CHANGE, NewsKind.RECORD)
_GRAVEST_FIRST = (
    NoticeKind.RETRACTION,
    NoticeKind.REMOVAL,
    NoticeKind.WITHDRAWAL,
    NoticeKind.PARTIAL_RETRACTION,
    NoticeKind.CONCERN,
    NoticeKind.RETRACT_AND_REPLACE,
)


@dataclass(frozen=True, slots=True)
class Glance:
    """The field in numbers, of the default views only.

    `n_people` sums what `n_with_people` of `n_primary` studies say: people, never procedures or sides of a face.
    """

    n_studies: int
    n_randomised: int
    n_people: int
    n_with_people: int
    n_primary: int
    longest_months: Decimal | None
    n_starter: int


# Reviews count the people of others, registered trials and protocols those to come.
_PRIMARY = Q(
    design__in=(
        StudyDesign.RANDOMISED,
        StudyDesign.CONTROLLED,
        StudyDesign.COHORT,
        StudyDesign.TRIAL,
        StudyDesign.SINGLE_ARM,
        StudyDesign.CASE_REPORT,
    )
)


def glance() -> Glance:
    numbers = Study.objects.in_default_views().aggregate(
        n_studies=Count("pk"),
        n_randomised=Count("pk", filter=Q(design=StudyDesign.RANDOMISED)),
        n_people=Sum("n_participants", filter=_PRIMARY),
        n_primary=Count("pk", filter=_PRIMARY),
        n_with_people=Count("n_participants", filter=_PRIMARY),
        longest_months=Max("follow_up_months", filter=_PRIMARY),
        n_starter=Count("pk", filter=Q(is_starter=True)),
    )
    return Glance(**{**numbers, "n_people": numbers["n_people"] or 0})


@dataclass(frozen=True, slots=True)
class RecentNotices:
    """The gravest few, one a report, and how many reports there are."""

    shown: tuple[Notice, ...]
    n: int


def recent_notices(now: datetime, *, at_most: int = FEW) -> RecentNotices:
    """Notices of the last 90 days on reports in the catalogue, retractions first, corrections left out."""
    since = now - timedelta(days=NOTICE_DAYS)
    notices: QuerySet[Notice] = (
        Notice.objects.live()
        .filter(report__study__notice_status__gt=NoticeStatus.NONE)  # not those that a reinstatement has lifted
        .filter(Q(read_as__in=_GRAVEST_FIRST) | Q(read_as="", kind__in=_GRAVEST_FIRST))
        .filter(Q(issued_on__gte=since.date()) | Q(issued_on=None, first_seen_at__gte=since))
    )
    order = {kind: place for place, kind in enumerate(_GRAVEST_FIRST)}
    gravest: dict[int, Notice] = {}  # by report: several sources may state the same
    found = notices.only("report", "kind", "read_as", "first_seen_at")
    for notice in sorted(found, key=lambda n: (order[NoticeKind(n.effective_kind)], -n.first_seen_at.timestamp())):
        gravest.setdefault(notice.report_id, notice)
    chosen = [notice.pk for notice in gravest.values()][:at_most]
    told = Notice.objects.select_related("report__study").only(
        "kind", "read_as", "issued_on", "first_seen_at", "report__title", "report__pmid", "report__study__title"
    )
    by_key = told.in_bulk(chosen)
    return RecentNotices(tuple(by_key[key] for key in chosen), len(gravest))


def new_trials(vocabulary: Vocabulary, new: Newness, *, n: int = FEW) -> list[Row]:
    """The trials that came in last, as long as they are new for the reader."""
    studies = Study.objects.for_list().in_default_views().new_trials(new)
    return rows(studies.order_by("-created_at", "-pk")[:n], vocabulary, new)


def newest(vocabulary: Vocabulary, new: Newness, *, n: int = FEW) -> list[Row]:
    studies = Study.objects.for_list().in_default_views().exclude(published_on=None)
    return rows(studies.order_by("-published_on", "-pk")[:n], vocabulary, new)
