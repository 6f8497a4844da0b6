"""The one place where a Registration meets a TrialRegistration: an idempotent upsert in batches, with its events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from studies import identifiers
from studies.actions import bulk, grouping, locks, registration_values, suggesting, trial_links
from studies.actions.study_rows import refresh_studies
from studies.models import AuditEvent, Study, TrialEvent, TrialRegistration
from studies.rules import trial_events
from studies.rules.trial_events import Happened
from studies.sources.registration import Registration
from studies.terms import FindingResult, LinkBasis, RegistrationSource

# Who knows best: a registry speaks for itself, a person is not overwritten by a file.
_RANK = {
    "": 0,
    RegistrationSource.STARTER: 1,
    RegistrationSource.FILE: 2,
    RegistrationSource.PERSON: 3,
    RegistrationSource.REGISTRY: 4,
}


@dataclass(slots=True)
class Taken:
    """What became of one registration: its row, or the reason why there is none."""

    result: FindingResult
    registration_id: int | None = None
    reason: str = ""


def upsert(
    said: Sequence[Registration],
    *,
    source: str,
    by: object = None,
    is_found: bool = False,
    only_known: bool = False,
    now: datetime | None = None,
) -> list[Taken]:
    """Take registrations over; the answer has one entry each, in order.

    With `is_found` they were brought by a search of ours or by a person, and each is, or joins, a study; without it
    they are only numbers that reports name. With `only_known` a new one is listed and not taken over. The database
    refusing one does not cost the others.
    """
    try:
        with transaction.atomic():
            return _Batch(said, source, by, is_found, only_known, now or timezone.now()).take()
    except (DataError, IntegrityError, ValueError) as error:  # ValueError: a NUL inside a text
        if len(said) == 1:
            return [Taken(FindingResult.REJECTED, reason=f"The database refused it: {str(error).splitlines()[0]}")]
        options = {"source": source, "by": by, "is_found": is_found, "only_known": only_known, "now": now}
        return [taken for one in said for taken in upsert([one], **options)]  # type: ignore[arg-type]


class _Batch:
    """One batch on its way into the catalogue; the steps of `take` run in one transaction."""

    def __init__(
        self, said: Sequence[Registration], source: str, by: object, is_found: bool, only_known: bool, now: datetime
    ) -> None:
        self.said = {one.number: one for one in said}  # of two readings of one trial the later counts
        self.order = [one.number for one in said]
        self.source, self.by, self.now = source, by, now
        self.is_found, self.only_known = is_found, only_known
        self.taken: dict[str, Taken] = {}
        self.new: list[TrialRegistration] = []
        self.changed: list[TrialRegistration] = []
        self.unchanged: list[TrialRegistration] = []
        self.events: list[TrialEvent] = []

    def take(self) -> list[Taken]:
        locks.take_for_transaction(locks.CATALOGUE)
        named = {number for one in self.said.values() for number in (one.number, *one.aliases)}
        rows = TrialRegistration.objects.select_for_update().filter(number__in=named).defer("search_vector")
        self.kept = {row.number: row for row in rows}
        self.ids = iter(bulk.new_ids(TrialRegistration, len(self.said.keys() - self.kept.keys())))
        for one in self.said.values():
            self.taken[one.number] = self._decide(one)
        self._write()
        merged = self._settle_aliases()
        ids = [row.pk for row in (*self.new, *self.changed)]
        stale = merged | trial_links.propose_for(ids, now=self.now) | self._give_studies()
        suggesting.renew({row.study_id for row in (*self.new, *self.changed) if row.study_id} | stale)
        refresh_studies({row.study_id for row in (*self.new, *self.changed) if row.study_id} | stale)
        return [self.taken[number] for number in self.order]

    def _decide(self, one: Registration) -> Taken:
        row = self.kept.get(one.number)
        if row is None or (self.only_known and not row.source):
            if self.only_known:
                return Taken(FindingResult.LISTED, row.pk if row else None)
            if row is None:
                return self._create(one)
        if _RANK[row.source] > _RANK[RegistrationSource(self.source)]:
            known = RegistrationSource(row.source).label
            return Taken(FindingResult.REJECTED, row.pk, f"Kept as it is: {known} says what is known of it.")
        return self._update(row, one)

    def _create(self, one: Registration) -> Taken:
        found = identifiers.registry_id(one.number)
        row = TrialRegistration(
            pk=next(self.ids),
            number=one.number,
            registry=found.registry if found else "",
            first_seen_at=self.now,
            source=self.source,
        )
        self._set(row, registration_values.values_of(one))
        self.new.append(row)
        self._log_events(row, [trial_events.first_reading(vars(row), row.number)])
        return Taken(FindingResult.CREATED, row.pk)

    def _update(self, row: TrialRegistration, one: Registration) -> Taken:
        values = registration_values.values_of(one)
        if row.source == self.source and row.digest == registration_values.digest_of(values):
            self.unchanged.append(row)
            return Taken(FindingResult.UNCHANGED, row.pk)
        old = {name: getattr(row, name) for name in values}
        # What the starter data says was read elsewhere: the first reading of the registry changes nothing there.
        is_first = row.source in ("", RegistrationSource.STARTER)
        happened = [trial_events.first_reading(values, row.number)] if is_first else trial_events.changes(old, values)
        row.source = self.source
        self._set(row, values)
        self.changed.append(row)
        self._log_events(row, happened)
        return Taken(FindingResult.CREATED if is_first and not old["title"] else FindingResult.CHANGED, row.pk)

    def _set(self, row: TrialRegistration, values: dict) -> None:
        for name, value in values.items():
            setattr(row, name, value)
        row.digest = registration_values.digest_of(values)
        row.fetched_at = row.checked_at = self.now
        row.first_missed_on = row.missing_since = None
        if self.is_found:
            row.found_at = row.found_at or self.now

    def _log_events(self, row: TrialRegistration, happened: Iterable[Happened]) -> None:
        self.events += [
            TrialEvent(
                registration_id=row.pk,
                kind=event.kind,
                field=event.field,
                old=event.old,
                new=event.new,
                why=event.why,
                detected_at=self.now,
                registry_date=event.registry_date,
            )
            for event in happened
        ]

    def _write(self) -> None:
        bulk.write(TrialRegistration, [bulk.dump(bulk.row(row)) for row in self.new])
        names = [field.column for field in bulk.columns(TrialRegistration) if not field.primary_key]
        bulk.write(TrialRegistration, [bulk.dump(bulk.row(row)) for row in self.changed], replacing=names)
        checked = TrialRegistration.objects.filter(pk__in=[row.pk for row in self.unchanged])
        checked.update(checked_at=self.now, first_missed_on=None, missing_since=None)
        if self.is_found:
            checked.filter(found_at=None).update(found_at=self.now)
        TrialEvent.objects.bulk_create(self.events, ignore_conflicts=True)
        created = {row.pk for row in self.new}
        AuditEvent.objects.bulk_create(
            AuditEvent(
                at=self.now,
                **AuditEvent.objects.values(
                    "imported" if row.pk in created else "updated", row, by=self.by, source=self.source
                ),
            )
            for row in (*self.new, *self.changed)
        )

    def _settle_aliases(self) -> set[int]:
        """A number that the registry has given up leads to the one it serves, with its links and its study.

        Where both had a study, people are asked whether the two are one. The ids of the studies touched.
        """
        touched: set[int] = set()
        current = {row.number: row for row in (*self.kept.values(), *self.new)}
        for one in self.said.values():
            row = current.get(one.number)
            for alias in one.aliases:
                old = self.kept.get(alias)
                if row is None or old is None or old.pk == row.pk or old.alias_of_id == row.pk:
                    continue
                touched |= {old.study_id, row.study_id}
                if old.study_id and not row.study_id:
                    row.study_id, old.study_id = old.study_id, None
                    TrialRegistration.objects.filter(pk=row.pk).update(study=row.study_id)
                elif old.study_id and old.study_id != row.study_id:
                    grouping.propose_as_one(old.study_id, row.study_id, basis=LinkBasis.REGISTRY, by=self.by)
                TrialRegistration.objects.filter(pk=old.pk).update(study=old.study_id)
                TrialRegistration.objects.filter(Q(pk=old.pk) | Q(alias_of=old.pk)).update(alias_of=row.pk)
                trial_links.move(old.pk, row.pk)
        return touched - {None}

    def _give_studies(self) -> set[int]:
        """A registration that was found and that no report publishes is a study of its own: registered, unpublished."""
        rows = (*self.new, *self.changed, *self.unchanged)
        wanted = [row.pk for row in rows if (row.found_at or self.is_found) and row.study_id is None]
        given = give_studies(wanted, now=self.now)
        for row in (*self.new, *self.changed):
            row.study_id = given.get(row.pk, row.study_id)
        return set(given.values())


def give_studies(registration_ids: Sequence[int], *, now: datetime) -> dict[int, int]:
    """Studies for those of these registrations that were found, have none, and that no report publishes; by their id.

    One that a report publishes is counted with that report's study until a person says otherwise.
    """
    rows = list(
        TrialRegistration.objects.current()
        .filter(pk__in=registration_ids, study=None, found_at__isnull=False)
        .exclude(pk__in=trial_links.published(registration_ids))
        .only("pk", "number")
    )
    studies = Study.objects.bulk_create([Study(created_at=now) for _ in rows])
    for row, study in zip(rows, studies, strict=True):
        row.study = study
    TrialRegistration.objects.bulk_update(rows, ["study"])
    return {row.pk: row.study_id for row in rows}
