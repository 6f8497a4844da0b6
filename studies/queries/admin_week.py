"""What admins are told once a week: what came in, what failed, what is overdue. Silence is never success."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from studies.models import Digest, SearchRun
from studies.queries import news
from studies.queries.currency import Currency, currency
from studies.terms import DigestState, NewsKind, RunState

WEEK = timedelta(days=7)
_MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class FailedRun:
    name: str
    failure: str
    at: datetime
    pk: int


@dataclass(frozen=True, slots=True)
class Week:
    """`news` is (label, number) of every kind that had any; `failed` the runs that ended early."""

    currency: Currency
    news: tuple[tuple[str, int], ...]
    n_finished: int
    failed: tuple[FailedRun, ...]
    n_failed_mails: int
    n_uncertain_mails: int

    @property
    def n_news(self) -> int:
        return sum(n for _, n in self.news)

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to see to."""
        return self.currency.is_current and not (self.failed or self.n_failed_mails or self.n_uncertain_mails)

    @property
    def sentence(self) -> str:
        """What the subject of the mail says: the number is never said without how it was come by."""
        said = f"{self.n_news:,} new"
        if not self.currency.is_current:
            return f"{said}. {self.currency.word}"
        if self.failed:
            return f"{said}. {len(self.failed):,} run{'' if len(self.failed) == 1 else 's'} failed"
        return f"{said}, all sources answered"


def week(now: datetime) -> Week:
    since = now - WEEK
    counted = dict.fromkeys(NewsKind, 0)
    for entry in news.entries((), since=since, at_most=_MOST_COUNTED):
        counted[entry.kind] += 1
    ended = SearchRun.objects.filter(finished_at__gt=since)
    failed = ended.filter(state=RunState.FAILED).select_related("search").order_by("-finished_at")
    mails = Digest.objects.filter(built_at__gt=since).aggregate(
        failed=Count("pk", filter=Q(state=DigestState.FAILED)),
        uncertain=Count("pk", filter=Q(state=DigestState.UNCERTAIN)),
    )
    return Week(
        currency=currency(now),
        news=tuple((str(kind.label), n) for kind, n in counted.items() if n),
        n_finished=ended.filter(state=RunState.FINISHED).count(),
        failed=tuple(
            FailedRun(str(run), run.failure or "no reason recorded", run.finished_at, run.pk) for run in failed
        ),
        n_failed_mails=mails["failed"],
        n_uncertain_mails=mails["uncertain"],
    )
