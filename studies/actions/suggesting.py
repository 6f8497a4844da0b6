"""Keeps the rules' suggestions in step with what the records say; what a person has answered is never touched."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from studies.actions import bulk, locks
from studies.actions.report_values import Said
from studies.actions.study_rows import refresh_studies, registered
from studies.identifiers import registry_id
from studies.models import Report, Study, StudyTag, Tag, TrialRegistration
from studies.rules import marked_text, tagging
from studies.rules.tag_state import answer_of
from studies.rules.tagging import Suggestion, Text
from studies.terms import ReportKind, TagOrigin, TagStatus

_STEP = 500  # studies read at a time
# What of a row a newer reading may change.
_READ = ("report_id", "rule_version", "strength", "field", "phrase", "start", "end")
_READ_FIELDS = ("title", "abstract", "keywords", "mesh", "publication_types", "databanks", "kind", "study")
_SURE = {"source": 0, "title": 1, "abstract": 2, "derived": 3, "weak": 4}

Key = tuple[int, str]  # a term's id and a rule's name


@cache
def edition() -> str:
    """A digest of the rules as they are: studies read with another one are read again by `manage.py suggest_tags`."""
    folder = Path(tagging.__file__).parent
    files = sorted([*folder.glob("tagging*"), *folder.glob("study_species.py"), Path(marked_text.__file__)])
    return hashlib.sha256(b"".join(path.read_bytes() for path in files if path.is_file())).hexdigest()[:12]


class NewSuggestions:
    """The suggestions for reports that are about to be written, by the position of the report in its batch."""

    def __init__(self, said: Mapping[int, Said], terms: "_Terms") -> None:
        self._rows = {i: _best([(None, s) for s in read_ahead(one).suggested], terms) for i, one in said.items()}

    def n_open(self, i: int) -> int:
        return len({tag_id for tag_id, _ in self._rows[i]})

    def write(self, reports: Mapping[int, Report]) -> None:
        """Once the reports and their studies have their numbers."""
        rows = [
            _row(reports[i].study_id, key, reports[i], suggestion)
            for i, found in self._rows.items()
            for key, (_, suggestion) in found.items()
        ]
        _insert(rows)


def of_new(said: Mapping[int, Said]) -> NewSuggestions:
    return NewSuggestions(said, _Terms())


def read_ahead(said: Said) -> Said:
    """Let the rules read a record that may become a report, unless they have."""
    if said.suggested is None:
        said.suggested = _of_report(said.values)
    return said


@transaction.atomic
def renew(study_ids: Collection[int]) -> int:
    """Read these studies again; how many suggestions came, went or changed. The caller refreshes the study rows.

    The number of statements does not depend on the number of studies.
    """
    if not study_ids:
        return 0
    # A person may be answering at this moment: one after the other.
    studies = list(Study.objects.select_for_update().filter(pk__in=study_ids).order_by("pk").only("pk", "starter"))
    terms = _Terms()
    wanted = _wanted(studies, terms)
    kept: dict[tuple[int, Key], StudyTag] = {}
    said: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    for row in StudyTag.objects.filter(study__in=study_ids):
        if row.origin == TagOrigin.RULE:
            kept[row.study_id, (row.tag_id, row.rule)] = row
        else:
            said[row.study_id, row.tag_id].append((row.origin, row.status))
    gone = [row.pk for key, row in kept.items() if row.status == TagStatus.SUGGESTED and key not in wanted]
    changed = [row for key, row in kept.items() if key in wanted and _differs(row, wanted[key])]
    new = [
        _row(study_id, key, *found, status=answer_of(said[study_id, key[0]] or _UNSAID))
        for (study_id, key), found in wanted.items()
        if (study_id, key) not in kept
    ]
    if gone:
        StudyTag.objects.filter(pk__in=gone).delete()
    bulk.write(StudyTag, [bulk.dump(bulk.row(row)) for row in changed], replacing=_READ)
    _insert(new)
    stale = Study.objects.filter(pk__in=study_ids).exclude(suggested_with=edition())
    stale.update(suggested_with=edition())
    return len(gone) + len(changed) + len(new)


_UNSAID = [(TagOrigin.RULE, TagStatus.SUGGESTED)]


def suggest_all(*, is_full: bool = False) -> Iterator[tuple[int, int]]:
    """Read studies in batches of their own transaction: those read with other rules, or all of them.

    Yields after each batch (studies read, suggestions that changed).
    """
    after = 0
    unread = Q() if is_full else ~Q(suggested_with=edition())
    while True:
        with transaction.atomic():
            locks.take_for_transaction(locks.CATALOGUE)
            ids = list(Study.objects.filter(unread, pk__gt=after).order_by("pk").values_list("pk", flat=True)[:_STEP])
            if not ids:
                return
            n_changed = renew(ids)
            if n_changed:
                refresh_studies(ids)
        after = ids[-1]
        yield len(ids), n_changed


class _Terms:
    """Terms that may be suggested, by slug; a merged one is the term it went into."""

    def __init__(self) -> None:
        tags = {tag.pk: tag for tag in Tag.objects.only("slug", "is_retired", "merged_into")}
        self._ids: dict[str, int] = {}
        for tag in tags.values():
            meant = tag
            while meant.merged_into_id:
                meant = tags[meant.merged_into_id]
            if not meant.is_retired:
                self._ids[tag.slug] = meant.pk

    def get(self, slug: str) -> int | None:
        return self._ids.get(slug)


def _wanted(studies: Iterable[Study], terms: _Terms) -> dict[tuple[int, Key], tuple[Report | None, Suggestion]]:
    reports = defaultdict(list)
    for report in Report.objects.filter(study__in=[s.pk for s in studies]).only(*_READ_FIELDS).order_by("pk"):
        reports[report.study_id].append(report)
    studies = list(studies)
    registered_as = registered([study.pk for study in studies if not reports[study.pk]])
    wanted = {}
    for study in studies:
        found: list[tuple[Report | None, Suggestion]] = [
            (report, s) for report in reports[study.pk] for s in _of_report(vars(report))
        ]
        if not reports[study.pk]:
            found = [(None, s) for s in tagging.suggest(_text_of_registration(study, registered_as.get(study.pk)))]
        wanted |= {(study.pk, key): best for key, best in _best(found, terms).items()}
    return wanted


def _best(
    found: Iterable[tuple[Report | None, Suggestion]], terms: _Terms
) -> dict[Key, tuple[Report | None, Suggestion]]:
    """One place for each term and rule: the surest, then that of the earliest report."""
    best: dict[Key, tuple[Report | None, Suggestion]] = {}
    for report, suggestion in found:
        tag_id = terms.get(suggestion.tag)
        if tag_id is None:
            continue
        key = (tag_id, suggestion.rule)
        if key not in best or _SURE[suggestion.strength] < _SURE[best[key][1].strength]:
            best[key] = (report, suggestion)
    return best


def _of_report(values: Mapping[str, Any]) -> list[Suggestion]:
    """What the rules suggest for a report with these columns."""
    # A retraction's own title would be taken for what the study did.
    return [] if values["kind"] == ReportKind.NOTICE else tagging.suggest(_text_of(values))


def _text_of(values: Mapping[str, Any]) -> Text:
    numbers = (number for bank in values["databanks"] for number in bank.get("accessions", ()))
    return Text(
        title=values["title"],
        abstract=marked_text.joined(values["abstract"]),
        keywords=tuple(keyword["text"] for keyword in values["keywords"]),
        mesh=tuple(heading["name"] for heading in values["mesh"]),
        publication_types=tuple((kind.get("ui", ""), kind["name"]) for kind in values["publication_types"]),
        has_registration=any(map(registry_id, numbers)),
    )


def _text_of_registration(study: Study, registration: TrialRegistration | None) -> Text:
    title = registration.title or registration.official_title if registration else ""
    words = registration.conditions + [one["name"] for one in registration.interventions] if registration else []
    return Text(
        title=title or str(study.starter.get("title", "")),
        abstract="",
        keywords=tuple(words),  # what is given to whom, where a report has its authors' keywords
        has_registration=True,
        is_registry_record=True,
    )


def _values(report: Report | None, suggestion: Suggestion) -> dict[str, Any]:
    return {
        "report_id": report.pk if report else None,
        "rule_version": suggestion.version,
        "strength": suggestion.strength,
        "field": suggestion.field,
        "phrase": suggestion.phrase,
        "start": suggestion.start,
        "end": suggestion.end,
    }


def _differs(row: StudyTag, found: tuple[Report | None, Suggestion]) -> bool:
    """Whether an open suggestion now reads otherwise; true also sets the row. An answered one never does."""
    values = _values(*found)
    if row.status != TagStatus.SUGGESTED or all(getattr(row, name) == value for name, value in values.items()):
        return False
    for name, value in values.items():
        setattr(row, name, value)
    return True


def _row(
    study_id: int, key: Key, report: Report | None, suggestion: Suggestion, status: str = TagStatus.SUGGESTED
) -> dict[str, Any]:
    said = {"study_id": study_id, "tag_id": key[0], "rule": key[1], "status": str(status)}
    return said | _values(report, suggestion)


def _insert(rows: list[dict[str, Any]]) -> None:
    of_rules = {"origin": TagOrigin.RULE.value, "by_id": None, "at": timezone.now(), "reason": ""}
    bulk.insert(StudyTag, rows, same=of_rules)
