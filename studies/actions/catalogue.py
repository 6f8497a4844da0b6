"""The one place where a source's Record meets a Report: an idempotent upsert in batches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from studies.actions import bulk, locks, notices, preprints, registrations, report_events, report_values, suggesting
from studies.actions.report_values import Said, fingerprint_of, gaps_filled, merged_values, starter_fingerprints
from studies.actions.study_rows import Standing, TagTree, fill, refresh_studies
from studies.models import AuditEvent, FullText, Report, ReportEvent, Study
from studies.rules import report_changes
from studies.sources.record import Record
from studies.terms import FindingResult

# Who knows best. An equal source replaces, a poorer one only fills gaps.
_RANK = {"starter": 0, "file": 1, "pmc": 2, "pubmed": 3}


@dataclass(slots=True)
class Taken:
    """What became of one record: the report it is now, or the reason why it is none."""

    result: FindingResult
    report_id: int | None = None
    reason: str = ""


def upsert(
    records: Sequence[Record | Said], *, source: str, by: object = None, checked_at: datetime | None = None
) -> list[Taken]:
    """Take records over; the answer has one entry a record, in order.

    `source` is `pubmed`, `pmc` or `file`; records may come prepared as `Said`. `checked_at`: when PubMed itself
    served them, which a file does not tell. The number of SQL statements does not depend on the number of records,
    unless the database refuses one: then each goes by itself, so that the others are kept.
    """
    said = [record if isinstance(record, Said) else Said(record) for record in records]
    try:
        with transaction.atomic():
            return _Batch(said, source, by, checked_at).take()
    except (DataError, IntegrityError, ValueError) as error:  # ValueError: a NUL inside a text
        if len(said) == 1:
            return [Taken(FindingResult.REJECTED, reason=f"The database refused it: {str(error).splitlines()[0]}")]
        return [taken for one in said for taken in upsert([one], source=source, by=by, checked_at=checked_at)]


class _Batch:
    """One batch on its way into the catalogue; the steps of `take` run in one transaction."""

    def __init__(self, said: Sequence[Said], source: str, by: object, checked_at: datetime | None) -> None:
        self.said = said
        self.records = [one.record for one in said]
        self.source = source
        self.by = by
        self.checked_at = checked_at
        self.now = checked_at or timezone.now()
        self.taken: list[Taken] = [Taken(FindingResult.UNCHANGED) for _ in said]
        self.new: dict[int, Report] = {}  # by position in the batch
        self.changed: dict[int, tuple[Report, list[str]]] = {}  # by primary key, with the names of the fields
        self.events: list[ReportEvent] = []

    def take(self) -> list[Taken]:
        locks.take_for_transaction(locks.CATALOGUE)
        winners, twins = settle(self.records)
        index = _Index(self.records[i] for i in winners)
        matches = {i: index.find(self.records[i]) for i in winners}
        full = Report.objects.in_bulk(
            [report.pk for i, report in matches.items() if report and self._may_change(report, self.said[i])]
        )
        for i in winners:
            self._decide(i, matches[i], full, index)
        self._insert()
        self._update()
        self._follow_up(winners)
        for i, winner in twins.items():
            self.taken[i] = Taken(FindingResult.UNCHANGED, self.taken[winner].report_id, "Repeated in the same batch.")
        return self.taken

    def _may_change(self, report: Report, said: Said) -> bool:
        """Cheap first look, without the long fields of the report."""
        if report.digest == said.digest and report.source == self.source:
            return False
        return not (self.source == report.source == "pubmed" and _age(said.record) < _age(report))

    def _decide(self, i: int, match: Report | None, full: dict[int, Report], index: "_Index") -> None:
        said = self.said[i]
        if match is None:
            self.new[i] = said.new_report(source=self.source, now=self.now)
            self.new[i].checked_at = self.checked_at
            clash = index.claim_pmcid(self.new[i])
            self.taken[i] = Taken(FindingResult.CREATED, reason=clash)
            return
        self.taken[i] = Taken(FindingResult.UNCHANGED, match.pk)
        report = full.get(match.pk)
        if report is None:
            if match.digest != said.digest:
                self.taken[i].reason = "Older than the version kept."
            return
        values = self._values_for(report, said)
        names = report_values.differences(report, values)
        if not names and _RANK[self.source] <= _RANK[report.source]:
            return
        if report.source == self.source:  # another source words things otherwise, which is no change of the report
            before = {name: getattr(report, name) for name in names}
            found = report_changes.changes(before, values)
            self.events += [report_events.of_change(report.pk, change) for change in found]
        for name, value in values.items():
            setattr(report, name, value)
        if _RANK[self.source] >= _RANK[report.source]:
            report.source, report.digest = self.source, said.digest
        report.changed_at, report.checked_at = self.now, self.checked_at or report.checked_at
        self.taken[i] = Taken(FindingResult.CHANGED, report.pk, index.claim_pmcid(report))
        self.changed[report.pk] = (report, sorted(set(names) | set(self.changed.get(report.pk, (None, []))[1])))

    def _values_for(self, report: Report, said: Said) -> dict:
        if _RANK[self.source] > _RANK[report.source] or self.source == report.source == "pubmed":
            values = merged_values(said, replaces_all=self.source == report.source)
        else:
            theirs, ours = said.record.revised_on, report.revised_on
            is_newer = bool(theirs and ours and theirs > ours)
            values = gaps_filled(report, said, is_newer=is_newer and report.source == self.source)
        return {name: value for name, value in values.items() if name not in report.edited_fields}

    def _insert(self) -> None:
        if not self.new:
            return
        tree = TagTree()
        self.suggestions = suggesting.of_new({i: self.said[i] for i in self.new})
        texts = {i: self.records[i].full_text for i in self.new}
        for i, report in self.new.items():
            report.study = Study(created_at=self.now, suggested_with=suggesting.edition())
            claims = notices.of_record(self.records[i])
            fill(
                report.study,
                reports=[report],
                standing=Standing(n_open=self.suggestions.n_open(i)),
                notice_kinds=[claim.kind for claim in claims],
                registration_numbers=registrations.in_databanks(self.records[i]),
                has_full_text=bool(texts[i] and texts[i].has_body),
                tree=tree,
            )
        keys = zip(bulk.new_ids(Study, len(self.new)), bulk.new_ids(Report, len(self.new)), strict=True)
        for (i, report), (study_id, report_id) in zip(self.new.items(), keys, strict=True):
            study = report.study
            study.pk = study_id
            report.study = study  # only now does the report know the number
            report.pk = self.taken[i].report_id = report_id
        bulk.write(Study, [bulk.dump(bulk.row(report.study)) for report in self.new.values()])
        bulk.write(Report, [self.said[i].new_row(report) for i, report in self.new.items()])
        self.suggestions.write(self.new)

    def _update(self) -> None:
        rows = [bulk.dump(bulk.row(report)) for report, _ in self.changed.values()]
        bulk.write(Report, rows, replacing=report_values.UPDATED)

    def _follow_up(self, winners: Iterable[int]) -> None:
        """What hangs on the reports: full text, notices, registrations, the log, the study rows."""
        touched = {
            i: self.taken[i].report_id
            for i in winners
            if self.taken[i].result in (FindingResult.CREATED, FindingResult.CHANGED)
            # A poorer source changes nothing it finds filled, but its word on a retraction counts.
            or (self.source == "file" and notices.of_record(self.records[i]))
        }
        texts = self._store_texts(winners)
        pairs = [(self.records[i], report_id) for i, report_id in touched.items()]
        report_events.write(self.events, self.now)
        elsewhere = notices.take_over(pairs, source=self.source, is_new={r.pk for r in self.new.values()}, now=self.now)
        registrations.take_over(pairs)
        preprints.propose(pairs, by=self.by)
        self._log()
        # New studies were filled before they were inserted; only what points at them from elsewhere is missing.
        suggesting.renew({report.study_id for report, _ in self.changed.values()})
        stale = {report.study_id for report, _ in self.changed.values()} | texts | elsewhere
        refresh_studies(stale)

    def _store_texts(self, winners: Iterable[int]) -> set[int]:
        """Store full texts that differ from those kept; the ids of studies of old reports that gained one."""
        wanted = {self.taken[i].report_id: self.records[i].full_text for i in winners if self.records[i].full_text}
        kept = FullText.objects.in_bulk(list(wanted), field_name="report_id") if wanted else {}
        rows = [report_values.full_text_row(report_id, text, self.now) for report_id, text in wanted.items()]
        rows = [row for row in rows if not report_values.same_text(kept.get(row.report_id), row)]
        if not rows:
            return set()
        FullText.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["report"],
            update_fields=["licence", "licence_url", "licence_text", "has_body", "sections", "fetched_at"],
        )
        for i in winners:
            if self.taken[i].report_id in {row.report_id for row in rows} and self.taken[i].result == "unchanged":
                self.taken[i].result = FindingResult.CHANGED
        fresh = {report.pk for report in self.new.values()}
        old = [row.report_id for row in rows if row.report_id not in fresh]
        return set(Report.objects.filter(pk__in=old).values_list("study", flat=True)) if old else set()

    def _log(self) -> None:
        events = [
            AuditEvent.objects.values("imported", report, by=self.by, source=self.source)
            for report in self.new.values()
        ]
        events += [
            AuditEvent.objects.values("updated", report, by=self.by, source=self.source, fields=names)
            for report, names in self.changed.values()
        ]
        bulk.insert(AuditEvent, events, same={"at": self.now})


def settle(records: Sequence[Record]) -> tuple[list[int], dict[int, int]]:
    """Positions to take over, and for each repeat the position that stands for it.

    An upsert statement refuses a key that comes twice: of two versions of one record the newer wins, then the later.
    """
    seen: dict[tuple[str, object], int] = {}
    winner_of: dict[int, int] = {}
    for i, record in enumerate(records):
        rivals = (seen[key] for key in _keys(record) if key in seen)
        rival = next((j for j in rivals if _may_be_one(records[j], record)), None)
        if rival is None:
            winner_of[i] = i
        elif _age(record) >= _age(records[rival]):
            winner_of = {k: i if w == rival else w for k, w in winner_of.items()} | {i: i}
        else:
            winner_of[i] = rival
        for key in _keys(record):
            seen[key] = winner_of[i]
        if rival is not None and winner_of[i] == i:
            seen = {key: i if j == rival else j for key, j in seen.items()}
    return [i for i, w in winner_of.items() if i == w], {i: w for i, w in winner_of.items() if i != w}


class _Index:
    """The reports that a batch may be about, by every name they go by; found with one query."""

    def __init__(self, records: Iterable[Record]) -> None:
        records = list(records)
        nameless = [fingerprint_of(r) for r in records if not _has_id(r)]
        starters = [name for r in records if _has_id(r) for name in starter_fingerprints(r)]
        self.by_pmid: dict[int, Report] = {}
        self.by_pmcid: dict[str, Report] = {}
        self.by_doi: dict[str, list[Report]] = {}
        self.by_fingerprint: dict[str, Report] = {}
        for report in Report.objects.raw(
            _LOOKUP,
            [
                [r.pmid for r in records if r.pmid],
                [r.pmcid for r in records if r.pmcid],
                [r.doi for r in records if r.doi],
                [fingerprint for fingerprint in (*nameless, *starters) if fingerprint],
            ],
        ):
            self._add(report)

    def _add(self, report: Report) -> None:
        if report.pmid:
            self.by_pmid[report.pmid] = report
        if report.pmcid:
            self.by_pmcid[report.pmcid] = report
        if report.doi:
            self.by_doi.setdefault(report.doi, []).append(report)
        if report.fingerprint:
            self.by_fingerprint.setdefault(report.fingerprint, report)

    def find(self, record: Record) -> Report | None:
        """The report a record is about: by PMID, PMCID, DOI; by title only where either side has no id at all."""
        if record.pmid and record.pmid in self.by_pmid:
            return self.by_pmid[record.pmid]
        found = self.by_pmcid.get(record.pmcid) if record.pmcid else None
        if found and not (record.pmid and found.pmid):
            return found
        same_doi = [r for r in self.by_doi.get(record.doi, ()) if not (record.pmid and r.pmid)]
        if same_doi:
            fingerprint = fingerprint_of(record)
            return next((r for r in same_doi if r.fingerprint == fingerprint), same_doi[0])
        if _has_id(record):
            named = (self.by_fingerprint.get(name) for name in starter_fingerprints(record))
            return next((r for r in named if r and r.source == "starter" and not _has_id(r)), None)
        return self.by_fingerprint.get(fingerprint_of(record) or "-")

    def claim_pmcid(self, report: Report) -> str:
        """Keep a PMCID one report's: a second claimant loses it, and the sentence that says so is the answer."""
        if not report.pmcid:
            return ""
        holder = self.by_pmcid.setdefault(report.pmcid, report)
        if holder is report or (report.pk and holder.pk == report.pk):
            return ""
        clash, report.pmcid = report.pmcid, None
        return f"{clash} belongs to {holder.identifier} already: perhaps the same article twice."


# A union of index scans: with OR the planner reads the whole table once the catalogue is small or the batch large.
_LOOKUP = """
SELECT id, study_id, pmid, pmcid, doi, fingerprint, pmid_version, revised_on, digest, source
FROM studies_report WHERE id IN (
    SELECT id FROM studies_report WHERE pmid = ANY(%s::int[])
    UNION SELECT id FROM studies_report WHERE pmcid = ANY(%s::text[])
    UNION SELECT id FROM studies_report WHERE doi <> '' AND doi = ANY(%s::text[])
    UNION SELECT id FROM studies_report WHERE fingerprint <> '' AND fingerprint = ANY(%s::text[])
) ORDER BY id
"""


def _keys(record: Record) -> list[tuple[str, object]]:
    keys = [(kind, value) for kind in ("pmid", "pmcid", "doi") if (value := getattr(record, kind))]
    return keys or [("fingerprint", fingerprint)] if (fingerprint := fingerprint_of(record)) or keys else []


def _has_id(thing: Record | Report) -> bool:
    return bool(thing.pmid or thing.pmcid or thing.doi)


def _may_be_one(one: Record, other: Record) -> bool:
    """Two PMIDs are two reports, whatever else they share."""
    return not (one.pmid and other.pmid) or one.pmid == other.pmid


def _age(thing: Record | Report) -> tuple[int, str]:
    return thing.pmid_version, thing.revised_on.isoformat() if thing.revised_on else ""
