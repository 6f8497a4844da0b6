"""Every notice of one study, in force or not, and what has come of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from studies.models import Notice, Report, Study


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice; `refusal` is why the last thing entered about it was not taken."""

    notice: Notice
    refusal: str = ""

    @property
    def is_in_force(self) -> bool:
        return self.notice.dismissed_at is None and self.notice.unstated_since is None


def notices_of(study: Study, *, refused: tuple[int, str] | None = None) -> list[NoticeLine]:
    """Those in force first, then by when they were first seen here."""
    notices = Notice.objects.filter(report__study=study).select_related("report", "dismissed_by", "read_as_by")
    lines = [
        NoticeLine(n, refused[1] if refused and refused[0] == n.pk else "")
        for n in notices.order_by("-first_seen_at", "pk")
    ]
    return sorted(lines, key=lambda line: not line.is_in_force)


def past_notices(reports: Sequence[Report]) -> list[Notice]:
    """Notices that are no longer in force: dismissed by a person, or taken back by their source."""
    notices = Notice.objects.filter(report__in=reports).exclude(dismissed_at=None, unstated_since=None)
    return list(notices.select_related("dismissed_by").order_by("-first_seen_at", "pk"))
