"""The log of one study in plain words: who did what to it and to its reports, when and why."""

from collections.abc import Iterable, Iterator

from django.db.models import Q, QuerySet

from studies.models import AuditEvent, Report, Study
from studies.queries.log_entries import Entry, plain

COLUMNS = ("when", "who", "what", "before", "after", "why")


def events(study: Study) -> QuerySet[AuditEvent]:
    """Every act on the study and on the reports it has now, the newest first."""
    of_study = Q(object_type="study", object_id=study.pk)
    of_reports = Q(object_type="report", object_id__in=Report.objects.filter(study=study).values("pk"))
    return AuditEvent.objects.filter(of_study | of_reports)


def entries(found: Iterable[AuditEvent]) -> list[Entry]:
    """The events as people read them; two queries more, for the studies that they name."""
    rows = list(found)
    numbers = {row.detail[key] for row in rows for key in _STUDIES if isinstance(row.detail.get(key), int)}
    titles = {study.pk: study.display_title for study in Study.every.only("title").filter(pk__in=numbers)}
    return [_entry(row, titles) for row in rows]


def rows(found: Iterable[AuditEvent]) -> Iterator[tuple[str, ...]]:
    """The same as rows of a file, under COLUMNS."""
    for one in entries(found):
        yield (one.at.isoformat(timespec="seconds"), one.who, one.what, one.before, one.after, one.why)


# Which study a detail names, and how the sentence goes on before it.
_STUDIES = {"into": " into", "kept": " with", "study": ":", "from_study": " from"}
# (key of a detail, words before it)
_DETAILS = (("kind", ": "), ("source", " from "), ("of", ", said by "))


def _entry(event: AuditEvent, titles: dict[int, str]) -> Entry:
    detail = event.detail
    why = detail.get("why") or detail.get("reason") or ""
    return Entry(event, _sentence(event, titles), plain(detail.get("before")), plain(detail.get("after")), why)


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
