"""Loads what Stratum brings along: the vocabulary, and the starter library of studies to be verified."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from studies import identifiers
from studies.actions import locks, notices, suggesting, trial_links
from studies.actions.report_values import Said
from studies.actions.study_rows import refresh_studies
from studies.actions.vocabulary import Counts, load_vocabulary
from studies.models import AuditEvent, RegistrationMention, Report, Search, Study, StudyTag, Tag, TrialRegistration
from studies.rules import trial_words
from studies.sources.record import Author, OtherId, PartialDate, Record
from studies.terms import MentionBasis, RegistrationSource, RunKind, TagOrigin, TagStatus

__all__ = ["STARTER", "Counts", "load_starter", "load_vocabulary", "read_rows"]

STARTER = Path(__file__).resolve().parent.parent / "starter.json"
SEARCH = "starter-library"
WEEKLY = "17 4 * * 1"  # retractions of starter studies should not wait for a person to ask
# What a study keeps of its row beside its columns, for the study page and the views of protocols.
_KEPT = (
    "key",
    "category",
    "source",
    "indirect",
    "n_analysed",
    "protocol",
    "results",
    "facts",
    "notes",
)


@dataclass(slots=True)
class _Entry:
    """One starter row on its way in: `report` is None for a trial that is registered and not published."""

    row: dict[str, Any]
    study: Study
    report: Report | None = None


def read_rows(path: Path = STARTER) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["rows"]


@transaction.atomic
def load_starter(*, by: object = "setup", path: Path = STARTER) -> Counts:
    """Load each row once, by its key; the vocabulary must be there.

    A study that a source brought earlier receives the row's tags and fills its gaps; nothing in it is replaced.
    """
    locks.take_for_transaction(locks.CATALOGUE)
    rows = read_rows(path)
    loaded = set(Study.every.filter(is_starter=True).values_list("starter__key", flat=True))
    entries = _entries([row for row in rows if row["key"] not in loaded])
    new = [entry for entry in entries if entry.study.pk is None]
    met = [entry for entry in entries if entry.study.pk is not None]
    Study.objects.bulk_create([entry.study for entry in new])
    Study.objects.bulk_update(
        [entry.study for entry in met],
        ["is_starter", "starter", "in_default_views", "n_participants", "follow_up_months"],
    )
    _add_reports(entries)
    _add_registrations(entries)
    _add_tags(entries)
    _add_search(rows, entries)
    suggesting.renew({entry.study.pk for entry in entries})
    refresh_studies({entry.study.pk for entry in entries})
    _log(entries, by)
    return Counts(len(rows), len(new), len(met), len(rows) - len(entries))


def _entries(rows: Sequence[dict[str, Any]]) -> list[_Entry]:
    """Rows with the study they are about, new or met; without those whose study another row has filled before."""
    reports, registered = _reports_met(rows), _studies_of_registrations(rows)
    entries = []
    for row in rows:
        report = next((reports[name] for name in _names(row) if name in reports), None)
        study = report.study if report else next((s for n in _numbers(row) if (s := registered.get(n))), None)
        if study and study.is_starter:
            continue
        study = study or Study()
        _fill_gaps(study, row)
        entries.append(_Entry(row, study, report))
    return entries


def _names(row: dict[str, Any]) -> list[object]:
    """Every identifier the row's report goes by, the surest first."""
    names = (row.get("pmid"), row.get("pmcid"), identifiers.doi(row.get("doi", "")))
    return [name for name in names if name]


def _numbers(row: dict[str, Any]) -> list[str]:
    return [_registry_and_number(entry)[1] for entry in row.get("registrations", ())]


def _registry_and_number(registration: dict[str, Any]) -> tuple[str, str]:
    """Registry and canonical number; a page number that is no registration number has no registry."""
    found = identifiers.registry_id(registration["number"])
    return (found.registry, found.number) if found else ("", registration["number"])


def _reports_met(rows: Iterable[dict[str, Any]]) -> dict[object, Report]:
    names = {name for row in rows for name in _names(row)}
    words = {name for name in names if isinstance(name, str)}
    found = Report.objects.filter(Q(pmid__in=names - words) | Q(pmcid__in=words) | Q(doi__in=words))
    return {
        name: report
        for report in found.select_related("study").order_by("-pk")
        for name in (report.doi, report.pmcid, report.pmid)
        if name
    }


def _studies_of_registrations(rows: Iterable[dict[str, Any]]) -> dict[str, Study]:
    numbers = [number for row in rows for number in _numbers(row)]
    found = TrialRegistration.objects.filter(number__in=numbers, study__isnull=False)
    return {registration.number: registration.study for registration in found.select_related("study")}


def _fill_gaps(study: Study, row: dict[str, Any]) -> None:
    study.is_starter = True
    study.starter = {name: row[name] for name in _KEPT if name in row}
    if not _has_report(row):
        study.starter |= {name: row[name] for name in ("title", "other_ids") if name in row}
    study.in_default_views = study.in_default_views and row.get("in_default_views", True)
    for name in ("n_participants", "follow_up_months"):
        if getattr(study, name) is None:
            setattr(study, name, row.get(name))


def _has_report(row: dict[str, Any]) -> bool:
    return row["category"] != "trial"


def _add_reports(entries: Iterable[_Entry]) -> None:
    now = timezone.now()
    new = [entry for entry in entries if _has_report(entry.row) and entry.report is None]
    for entry in new:
        entry.report = Said(_record(entry.row)).new_report(source="starter", now=now)
        entry.report.study = entry.study
    Report.objects.bulk_create([entry.report for entry in new if entry.report])
    notices.adopt_waiting([entry.report.pk for entry in new if entry.report], now=now)


def _record(row: dict[str, Any]) -> Record:
    year = row.get("year")
    return Record(
        pmid=row.get("pmid"),
        pmcid=row.get("pmcid", ""),
        doi=identifiers.doi(row.get("doi", "")),
        other_ids=tuple(OtherId(entry["kind"], entry["value"]) for entry in row.get("other_ids", ())),
        kind=row.get("kind", "article"),
        title=row.get("title", ""),
        authors=tuple(Author(last=last) for last in row.get("authors", ())),
        authors_complete=False,
        journal=row.get("journal", ""),
        volume=row.get("volume", ""),
        issue=row.get("issue", ""),
        pages=row.get("pages", ""),
        published=PartialDate(raw=str(year), year=year) if year else None,
    )


def _add_registrations(entries: Collection[_Entry]) -> None:
    """Stubs that a source left are completed, those of another study are not taken from it."""
    named = [(entry, value) for entry in entries for value in entry.row.get("registrations", ())]
    kept = TrialRegistration.objects.in_bulk([_registry_and_number(v)[1] for _, v in named], field_name="number")
    mentions = []
    for entry, value in named:
        registry, number = _registry_and_number(value)
        registration = kept.get(number) or TrialRegistration(registry=registry, number=number)
        registration.study = registration.study or entry.study
        registration.found_at = registration.found_at or registration.first_seen_at
        is_known = bool(registration.status or registration.status_raw)
        for name, said in _registered(value).items():
            if not (is_known and name.startswith("status")):  # a status and its raw word stay together
                setattr(registration, name, getattr(registration, name) or said)
        registration.save()
        if entry.report:
            mentions.append(
                RegistrationMention(report=entry.report, registration=registration, basis=MentionBasis.STARTER)
            )
    RegistrationMention.objects.bulk_create(mentions, ignore_conflicts=True)
    trial_links.propose_for({mention.registration_id for mention in mentions})


def _registered(value: dict[str, Any]) -> dict[str, Any]:
    """What the row says of a registration, by field."""
    status = value.get("status", "")
    said = {name: value[name] for name in ("title", "enrolment", "details") if value.get(name)}
    said |= {"status_raw": status, "status": trial_words.status_of(status) or ""} if status else {}
    said |= {"phases": list(trial_words.phases_of(value["phase"]))} if "phase" in value else {}
    return said | {"source": RegistrationSource.STARTER}


def _add_tags(entries: Iterable[_Entry]) -> None:
    tags = dict(Tag.objects.values_list("slug", "pk"))
    StudyTag.objects.bulk_create(
        [
            StudyTag(study=entry.study, tag_id=tags[slug], origin=TagOrigin.STARTER, status=TagStatus.ACCEPTED)
            for entry in entries
            for slug in entry.row["tags"]
        ],
        ignore_conflicts=True,
    )


def _log(entries: Sequence[_Entry], by: object) -> None:
    studies = Study.objects.for_list().in_bulk([entry.study.pk for entry in entries])
    events = [
        AuditEvent.objects.values("loaded starter data", studies[entry.study.pk], by=by, key=entry.row["key"])
        for entry in entries
    ]
    AuditEvent.objects.bulk_create([AuditEvent(**event) for event in events])


def _add_search(rows: Iterable[dict[str, Any]], entries: Iterable[_Entry]) -> None:
    """The search whose first run fetches the starter PMIDs; rows of a later version join it."""
    search, is_new = Search.objects.get_or_create(
        slug=SEARCH,
        defaults={
            "name": "Starter library",
            "kind": RunKind.PMIDS,
            "query": " ".join(str(row["pmid"]) for row in rows if "pmid" in row),
            "schedule": WEEKLY,
            "next_run_at": timezone.now(),
        },
    )
    asked = search.query.replace(",", " ").split()
    missing = [str(e.row["pmid"]) for e in entries if "pmid" in e.row and str(e.row["pmid"]) not in asked]
    if missing and not is_new:
        search.query = " ".join([*asked, *missing])
        search.save(update_fields=["query"])
