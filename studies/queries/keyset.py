"""Pages by id: whatever comes in or changes meanwhile, a row that was there is read once and never twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import F, Model, Q, QuerySet

from studies.models import Notice, Search, SearchRun, Study, TrialRegistration
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.notices import lifted_among
from studies.queries.vocabulary import Vocabulary
from studies.terms import NoticeKind, RunState

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """`next` is the id after which the following page begins; None on the last page."""

    rows: Sequence[M]
    next: int | None


def page_after(rows: QuerySet[M], after: int, limit: int) -> Page[M]:
    """Rows in the order of their ids, which never change and grow with time."""
    found = list(rows.filter(pk__gt=after).order_by("pk")[: limit + 1])
    return Page(found[:limit], found[limit - 1].pk if len(found) > limit else None)


def studies(filters: Filters, vocabulary: Vocabulary) -> QuerySet[Study]:
    """The studies of the list with these filters; words that say nothing are left out, as on the page."""
    if filters.words and not search.says_something(filters.words):
        filters = filters.without("q")
    found = search.narrowed(filters, vocabulary).filter(*search.alternatives(filters, vocabulary).values())
    return found.for_list()


def notices() -> QuerySet[Notice]:
    """Notices in force; the few papers that were reinstated are looked at one by one."""
    live = Notice.objects.live().filter(report__isnull=False)
    reinstated = live.filter(Q(kind=NoticeKind.REINSTATEMENT) | Q(read_as=NoticeKind.REINSTATEMENT)).values("report")
    lifted = [notice.pk for notice in lifted_among(live.filter(report__in=reinstated))]
    return live.exclude(pk__in=lifted).select_related("report")


def trials(*, status: str = "", registry: str = "", linked: bool | None = None) -> QuerySet[TrialRegistration]:
    """Registrations, less the numbers that a registry has given up for another."""
    found = TrialRegistration.objects.current().for_list()
    found = found.filter(status=status) if status else found
    found = found.filter(registry=registry) if registry else found
    return found if linked is None else found.filter(study__isnull=not linked)


def searches() -> list[tuple[Search, SearchRun | None]]:
    """Every search with the last run that answered its present question; two queries."""
    same = {"search__kind": F("kind"), "search__query": F("asked"), "search__use": F("use")}
    done = SearchRun.objects.filter(state=RunState.FINISHED, limit=None, **same)
    last = {run.search_id: run for run in done.order_by("search_id", "-finished_at").distinct("search_id")}
    return [(one, last.get(one.pk)) for one in Search.objects.order_by("pk")[:500]]
