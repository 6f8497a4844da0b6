"""What has happened, newest day first and within a day the gravest first: one list out of five tables."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Self

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest

from studies.models import Notice, ReportEvent, Study, TrialEvent
from studies.queries import news_words
from studies.queries.news_words import NewsItem
from studies.rules import news as rules
from studies.terms import NewsKind, NoticeKind, ReportEventKind, ReportKind

PAGE_SIZE = 40
# The same retraction reaches us from several sources, and from one source under a better key: it is told once.
_ECHO = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose news: of these studies and registrations (as subqueries of ids); None is no bound.

    Events of a registration belong to a scope by the registration, or by the study that it is part of.
    """

    studies: QuerySet | None = None
    registrations: QuerySet | None = None

    @property
    def is_everything(self) -> bool:
        return self.studies is None and self.registrations is None


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of news before it is put into words: a row of the table that its kind is kept in."""

    at: datetime
    kind: NewsKind
    pk: int

    @property
    def order(self) -> tuple:
        return -self.at.toordinal(), rules.RANKS[self.kind], -self.at.timestamp(), -self.pk

    @property
    def object_type(self) -> str:
        return _TABLES[self.kind]._meta.model_name

    @property
    def key(self) -> tuple[str, int, str]:
        """What no person is told twice: a notice that a person reads otherwise is news of another kind."""
        return self.object_type, self.pk, self.kind.value


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last piece of a page; the next page begins after it, whatever has come in on top meanwhile."""

    at: datetime
    kind: NewsKind
    pk: int

    @classmethod
    def read(cls, text: str) -> Self | None:
        """From an address; None for what is no place in the news."""
        micro, _, rest = text.partition("_")
        kind, _, pk = rest.partition("_")
        numbers = (micro, pk)
        if kind not in NewsKind.values or not all(n.isascii() and n.isdigit() and len(n) < 17 for n in numbers):
            return None
        at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(micro))
        return cls(at, NewsKind(kind), int(pk))

    def __str__(self) -> str:
        since = self.at - datetime.fromtimestamp(0, UTC)
        return f"{since // timedelta(microseconds=1)}_{self.kind}_{self.pk}"

    def below(self, kind: NewsKind) -> Q:
        """What of `kind` comes after this place."""
        day = datetime.combine(self.at.astimezone(UTC).date(), time(), UTC)
        if rules.RANKS[kind] < rules.RANKS[self.kind]:
            return Q(news_at__lt=day)
        if kind != self.kind:
            return Q(news_at__lt=day + timedelta(days=1))
        return Q(news_at__lt=self.at) | Q(news_at=self.at, pk__lt=self.pk)


@dataclass(frozen=True, slots=True)
class Page:
    items: tuple[NewsItem, ...]
    next: str  # the cursor of the page that follows; empty on the last


def page(
    kinds: Collection[NewsKind], *, scope: Scope = EVERYTHING, cursor: Cursor | None = None, size: int = PAGE_SIZE
) -> Page:
    """One statement for the places, one for each table that has news on the page."""
    found = entries(kinds, scope=scope, cursor=cursor, at_most=size + 1)
    shown = found[:size]
    last = shown[-1] if len(found) > size else None
    return Page(tuple(told(shown)), str(Cursor(last.at, last.kind, last.pk)) if last else "")


def entries(
    kinds: Collection[NewsKind],
    *,
    scope: Scope = EVERYTHING,
    cursor: Cursor | None = None,
    since: datetime | None = None,
    at_most: int,
) -> list[Entry]:
    """The first `at_most` pieces in the order of the news; each kind is read along its own index."""
    return of_each_kind(kinds, scope=scope, cursor=cursor, since=since, at_most=lambda kind: at_most)[:at_most]


def of_each_kind(
    kinds: Collection[NewsKind],
    *,
    scope: Scope = EVERYTHING,
    cursor: Cursor | None = None,
    since: datetime | None = None,
    at_most: Callable[[NewsKind], int | None],
) -> list[Entry]:
    """The same with a bound for each kind by itself, so that many of one never cut off another; None is no bound."""
    parts = []
    for kind in kinds or NewsKind:
        rows = _rows(kind, scope)
        if cursor:
            rows = rows.filter(cursor.below(kind))
        if since:
            rows = rows.filter(news_at__gte=since)
        rows = rows.annotate(news_kind=Value(kind.value)).order_by("-news_at", "-pk")
        parts.append(rows.values_list("news_at", "news_kind", "pk")[: at_most(kind)])
    found = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return sorted((Entry(at, NewsKind(kind), pk) for at, kind, pk in found), key=lambda e: e.order)


def told(found: Sequence[Entry]) -> list[NewsItem]:
    """The same in words; what has vanished since it was found is left out."""
    wanted = defaultdict(list)
    for entry in found:
        wanted[_TABLES[entry.kind]].append(entry.pk)
    rows = {model: _with_names(model).in_bulk(ids) for model, ids in wanted.items()}
    pairs = ((entry, rows[_TABLES[entry.kind]].get(entry.pk)) for entry in found)
    return [news_words.item(entry.kind, entry.at, row) for entry, row in pairs if row]


_TABLES: dict[NewsKind, type] = {
    NewsKind.RETRACTION: Notice,
    NewsKind.CONCERN: Notice,
    NewsKind.CORRECTION: Notice,
    NewsKind.STOPPED: TrialEvent,
    NewsKind.RESULTS: TrialEvent,
    NewsKind.TRIAL: TrialEvent,
    NewsKind.TRIAL_CHANGE: TrialEvent,
    NewsKind.STUDY: Study,
    NewsKind.RECORD: ReportEvent,
}


def _rows(kind: NewsKind, scope: Scope) -> QuerySet:
    """The rows of one kind, each with `news_at`."""
    table = _TABLES[kind]
    if table is Notice:
        return _notices(rules.kinds_of(kind, rules.OF_NOTICE), scope)
    if table is TrialEvent:
        return _trial_events(rules.kinds_of(kind, rules.OF_TRIAL), scope)
    return _studies(scope) if table is Study else _report_events(scope)


def _studies(scope: Scope) -> QuerySet:
    """Studies that have a report; a registration without one is news as a trial, a notice as a notice."""
    told_otherwise = Study.objects.filter(pk=OuterRef("pk"), n_reports=1, reports__kind=ReportKind.NOTICE)
    studies = Study.objects.filter(is_starter=False, n_reports__gt=0).exclude(Exists(told_otherwise))
    if scope.is_everything:
        studies = studies.in_default_views()
    return _within(studies, "pk", scope.studies, scope).annotate(news_at=F("created_at"))


def _notices(kinds: Iterable[NoticeKind], scope: Scope) -> QuerySet:
    kinds = list(kinds)
    of_kinds = Q(read_as="", kind__in=kinds) | Q(read_as__in=kinds)
    # It is what it is since somebody said so last: its source, or a person who reads it otherwise.
    told = Notice.objects.annotate(news_at=Greatest("first_seen_at", "read_as_at"))
    earlier = told.filter(of_kinds, report=OuterRef("report"), dismissed_at=None).filter(
        Q(news_at__lt=OuterRef("news_at")) | Q(news_at=OuterRef("news_at"), pk__lt=OuterRef("pk")),
        Q(unstated_since=None) | Q(news_at__gt=OuterRef("news_at") - _ECHO),
    )
    if NoticeKind.CORRECTION in kinds:
        # One source may state several corrections of a paper; those of the next source are most likely the same.
        earlier = earlier.exclude(source=OuterRef("source"))
    notices = told.live().filter(of_kinds, report__isnull=False).exclude(Exists(earlier))
    return _within(notices, "report__study", scope.studies, scope)


def _trial_events(kinds: Iterable[str], scope: Scope) -> QuerySet:
    # A registration of which only the number is known is no trial to tell of yet.
    events = TrialEvent.objects.filter(kind__in=list(kinds)).exclude(registration__source="")
    if not scope.is_everything:
        mine = Q(pk__in=[])
        if scope.registrations is not None:
            mine |= Q(registration__in=scope.registrations)
        if scope.studies is not None:
            mine |= Q(registration__study__in=scope.studies)
        events = events.filter(mine)
    return events.annotate(news_at=F("detected_at"))


def _report_events(scope: Scope) -> QuerySet:
    told = Q(kind__in=list(rules.OF_REPORT)) & (~Q(kind=ReportEventKind.FIELD_CHANGED) | Q(field__in=rules.TOLD_FIELDS))
    told_as_notice = Q(kind=ReportEventKind.TYPE_ADDED, new__iexact=rules.TYPE_TOLD_AS_NOTICE)
    events = ReportEvent.objects.filter(told & ~told_as_notice)
    return _within(events, "report__study", scope.studies, scope).annotate(news_at=F("detected_at"))


def _within(rows: QuerySet, path: str, studies: QuerySet | None, scope: Scope) -> QuerySet:
    if scope.is_everything:
        return rows
    return rows.filter(**{f"{path}__in": studies}) if studies is not None else rows.none()


_OF_REPORT = (
    "report__title",
    "report__pmid",
    "report__pmcid",
    "report__doi",
    "report__study__title",
    "report__study__notice_status",
)
# No more than the words need: abstracts and search columns stay where they are.
_COLUMNS = {
    Notice: ("kind", "read_as", "source", "issued_on", "citation", "reasons", *_OF_REPORT),
    ReportEvent: ("kind", "field", "old", "new", *_OF_REPORT),
    TrialEvent: (
        *("kind", "field", "old", "new", "why", "registry_date"),
        *(f"registration__{name}" for name in news_words.OF_REGISTRATION),
        *("registration__study__title", "registration__study__notice_status"),
        *_OF_REPORT,
    ),
}
_JOINS = {TrialEvent: ("registration__study", "report__study")}


def _with_names(model: type) -> QuerySet:
    if model is Study:
        return Study.objects.for_list()
    return model.objects.select_related(*_JOINS.get(model, ("report__study",))).only(*_COLUMNS[model])
