"""The log of one study in plain words: who did what to it and to its reports, when and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from studies.models import AuditEvent, Report, Study

COLUMNS = ("when", "who", "what", "before", "after", "why")


@dataclass(frozen=True, slots=True)
class Line:
    """One act: a sentence, and what was before and after and why, where the act has such."""

    at: datetime
    who: str
    what: str
    before: str
    after: str
    why: str


def events(study: Study) -> QuerySet[AuditEvent]:
    """Every act on the study and on the reports it has now, the newest first."""
    of_study = Q(object_type="study", object_id=study.pk)
    of_reports = Q(object_type="report", object_id__in=Report.objects.filter(study=study).values("pk"))
    return AuditEvent.objects.filter(of_study | of_reports)


def lines(found: Iterable[AuditEvent]) -> list[Line]:
    """The events as people read them; two queries more, for the studies that they name."""
    rows = list(found)
    numbers = {row.detail[key] for row in rows for key in _STUDIES if isinstance(row.detail.get(key), int)}
    titles = {study.pk: study.display_title for study in Study.every.only("title").filter(pk__in=numbers)}
    return [_line(row, titles) for row in rows]


def rows(found: Iterable[AuditEvent]) -> Iterator[tuple[str, ...]]:
    """The same as rows of a file, under COLUMNS."""
    for line in lines(found):
        yield (line.at.isoformat(timespec="seconds"), line.who, line.what, line.before, line.after, line.why)


# Which study a detail names, and how the sentence goes on before it.
_STUDIES = {"into": " into", "kept": " with", "study": ":", "from_study": " from"}
# (key of a detail, words before it)
_DETAILS = (("kind", ": "), ("source", " from "), ("of", ", said by "))


def _line(event: AuditEvent, titles: dict[int, str]) -> Line:
    detail = event.detail
    why = detail.get("why") or detail.get("reason") or ""
    return Line(
        event.at, event.actor, _sentence(event, titles), _plain(detail.get("before")), _plain(detail.get("after")), why
    )


def _sentence(event: AuditEvent, titles: dict[int, str]) -> str:
    detail, words = event.detail, event.verb
    if event.object_type == "report":
        words += f" the report “{event.object_label}”"
    if detail.get("tag"):
        words += f" “{detail['tag']}”"
    for key, before in _STUDIES.items():
        if key in detail:
            words += f"{before} “{titles.get(detail[key], detail[key])}”"
    for key, before in _DETAILS:
        if detail.get(key):
            words += f"{before}{detail[key]}"
    if detail.get("fields"):
        words += f": {', '.join(name.replace('_', ' ') for name in detail['fields'])}"
    return words


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {_plain(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
