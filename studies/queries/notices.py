"""Notices of one study: those in force, and those that no longer are, with what has come of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from studies.models import Notice, Report, Study
from studies.rules import notices as rules


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice; `refusal` is why the last thing entered about it was not taken."""

    notice: Notice
    is_lifted: bool = False
    refusal: str = ""

    @property
    def is_in_force(self) -> bool:
        return not (self.is_lifted or self.notice.dismissed_at or self.notice.unstated_since)


def notices_of(reports: Iterable[Report] | Study, *, refused: tuple[int, str] | None = None) -> list[NoticeLine]:
    """Those in force first, then by when they were first seen here; one query."""
    of = {"report__study": reports} if isinstance(reports, Study) else {"report__in": reports}
    notices = list(
        Notice.objects.filter(**of)
        .select_related("report", "dismissed_by", "read_as_by")
        .order_by("-first_seen_at", "pk")
    )
    lifted = {notice.pk for notice in lifted_among(notices)}
    lines = [
        NoticeLine(notice, notice.pk in lifted, refused[1] if refused and refused[0] == notice.pk else "")
        for notice in notices
    ]
    return sorted(lines, key=lambda line: not line.is_in_force)


def kinds_in_force(**which: object) -> dict[int, list[str]]:
    """By report the kinds of its notices in force, as they are read; `which` filters notices; one query."""
    live: dict[int, list[Notice]] = defaultdict(list)
    fields = ("report", "kind", "read_as", "issued_on", "first_seen_at", "notice_pmid")
    for notice in Notice.objects.live().filter(**which).only(*fields):
        live[notice.report_id].append(notice)
    return {report_id: rules.in_force(notices) for report_id, notices in live.items()}


def lifted_among(notices: Sequence[Notice]) -> list[Notice]:
    """Live notices that a reinstatement of the same report has lifted."""
    by_report: dict[int | None, list[Notice]] = defaultdict(list)
    for notice in notices:
        if not notice.dismissed_at and not notice.unstated_since:
            by_report[notice.report_id].append(notice)
    return [notice for live in by_report.values() for notice in rules.lifted_among(live)]
