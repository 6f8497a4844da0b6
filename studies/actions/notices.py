"""Notice rows from what PubMed's records state: added, confirmed, taken back by their source, never deleted."""

from collections.abc import Collection, Sequence
from datetime import datetime

from studies.models import Notice, Report
from studies.rules import notices as rules
from studies.rules.notices import Claim
from studies.sources.record import Record
from studies.terms import NoticeSource


def of_record(record: Record) -> list[Claim]:
    return rules.suffered(record.relations, ((t.ui, t.name) for t in record.publication_types))


def take_over(pairs: Sequence[tuple[Record, int]], *, source: str, is_new: Collection[int], now: datetime) -> set[int]:
    """Write what these records (each with its report's id) state of notices; the ids of other studies touched.

    Studies of changed reports are not in the answer: their rows are refreshed anyway.
    """
    if not pairs:
        return set()
    said_by = NoticeSource.FILE if source == "file" else NoticeSource.PUBMED
    own = {report_id: of_record(record) for record, report_id in pairs}
    touched = _adopt_waiting(pairs, is_new)
    _write_own(own, said_by, now, partial=source != "pubmed")
    return touched | _write_issued(pairs, said_by, now)


def _write_own(own: dict[int, list[Claim]], said_by: str, now: datetime, *, partial: bool) -> None:
    """`partial`: the source is not known to repeat every notice, so what it does not name still stands."""
    kept = {(n.report_id, n.kind, n.key): n for n in Notice.objects.filter(report__in=own, source=said_by)}
    stated = {(report_id, claim.kind, claim.key) for report_id, claims in own.items() for claim in claims}
    Notice.objects.bulk_create(
        [
            _row(claim, said_by, now, report_id=report_id)
            for report_id, claims in own.items()
            for claim in claims
            if (report_id, claim.kind, claim.key) not in kept
        ],
        ignore_conflicts=True,
    )
    again = [n.pk for key, n in kept.items() if key in stated and n.unstated_since]
    if again:
        Notice.objects.filter(pk__in=again).update(unstated_since=None)
    if not partial:
        _take_back([n for key, n in kept.items() if key not in stated and not n.unstated_since], now)


def _take_back(silent: list[Notice], now: datetime) -> None:
    """A notice stays while the record of the notice itself is here and still names its paper."""
    if not silent:
        return
    numbers = [notice.notice_pmid for notice in silent if notice.notice_pmid]
    speaking = set(Report.objects.filter(pmid__in=numbers).values_list("pmid", flat=True)) if numbers else set()
    gone = [notice.pk for notice in silent if notice.notice_pmid not in speaking]
    Notice.objects.filter(pk__in=gone).update(unstated_since=now)


def _write_issued(pairs: Sequence[tuple[Record, int]], said_by: str, now: datetime) -> set[int]:
    """Notices these records are about other papers, whether those are in the catalogue or not yet."""
    claims = [
        claim
        for record, _ in pairs
        if record.pmid
        for claim in rules.issued(record.relations, pmid=record.pmid, title=record.title)
    ]
    if not claims:
        return set()
    subjects = {
        pmid: (report_id, study_id)
        for pmid, report_id, study_id in Report.objects.filter(
            pmid__in={claim.subject_pmid for claim in claims}
        ).values_list("pmid", "pk", "study")
    }
    Notice.objects.bulk_create(
        [_row(claim, said_by, now, report_id=subjects.get(claim.subject_pmid, (None,))[0]) for claim in claims],
        ignore_conflicts=True,
    )
    return {study_id for _, study_id in subjects.values()}


def _adopt_waiting(pairs: Sequence[tuple[Record, int]], is_new: Collection[int]) -> set[int]:
    """Give notices that were here before their paper to the paper; the ids of the studies that gained one."""
    new = {record.pmid: report_id for record, report_id in pairs if record.pmid and report_id in is_new}
    waiting = list(Notice.objects.filter(report=None, subject_pmid__in=new)) if new else []
    for notice in waiting:
        notice.report_id = new[notice.subject_pmid]
    if not waiting:
        return set()
    Notice.objects.bulk_update(waiting, ["report"])
    return set(Report.objects.filter(pk__in={n.report_id for n in waiting}).values_list("study", flat=True))


def _row(claim: Claim, said_by: str, now: datetime, *, report_id: int | None) -> Notice:
    return Notice(
        report_id=report_id,
        subject_pmid=claim.subject_pmid if report_id is None else None,
        kind=claim.kind,
        source=said_by,
        key=claim.key,
        notice_pmid=claim.notice_pmid,
        notice_doi=claim.notice_doi,
        citation=claim.citation,
        note=claim.note,
        first_seen_at=now,
    )
