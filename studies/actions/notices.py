"""Notice rows from what PubMed's records state: added, confirmed, taken back by their source, never deleted."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from studies.actions import report_events
from studies.actions.study_rows import refresh_studies
from studies.models import Notice, Report
from studies.rules import notices as rules
from studies.rules.notices import Claim
from studies.sources.record import Record, Relation
from studies.terms import NoticeSource


def of_record(record: Record) -> list[Claim]:
    return rules.suffered(record.relations, ((t.ui, t.name) for t in record.publication_types))


def take_over(pairs: Sequence[tuple[Record, int]], *, source: str, is_new: Collection[int], now: datetime) -> set[int]:
    """Write what these records (each with its report's id) state of notices; the ids of studies touched.

    Studies of changed reports may be missing in the answer: their rows are refreshed anyway. What comes with a new
    report is no event of its own.
    """
    if not pairs:
        return set()
    said_by = NoticeSource.FILE if source == "file" else NoticeSource.PUBMED
    is_partial = source != "pubmed"
    own = {report_id: of_record(record) for record, report_id in pairs}
    adopted = adopt_waiting(own, now=now)
    added, lifted = _write_own(own, said_by, now, partial=is_partial)
    more, fewer = _write_issued(pairs, said_by, now, partial=is_partial)
    came = [*adopted, *added, *more]
    added, lifted = [n for n in came if n.report_id not in is_new], [*lifted, *fewer]
    report_events.notices_changed(added=added, lifted=lifted, now=now)
    return studies_of([*adopted, *added, *lifted, *more])


def studies_of(notices: Iterable[Notice]) -> set[int]:
    reports = {notice.report_id for notice in notices if notice.report_id}
    return set(Report.objects.filter(pk__in=reports).values_list("study", flat=True)) if reports else set()


def _write_own(
    own: dict[int, list[Claim]], said_by: str, now: datetime, *, partial: bool
) -> tuple[list[Notice], list[Notice]]:
    """The notices that came into force and those that no longer are.

    `partial`: the source is not known to repeat every notice, so what it does not name still stands.
    """
    kept = {(n.report_id, n.kind, n.key): n for n in Notice.objects.filter(report__in=own, source=said_by)}
    stated = {(report_id, claim.kind, claim.key) for report_id, claims in own.items() for claim in claims}
    rows = [
        _row(claim, said_by, now, report_id=report_id)
        for report_id, claims in own.items()
        for claim in claims
        if (report_id, claim.kind, claim.key) not in kept
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    again = restate([n for key, n in kept.items() if key in stated])
    silent = [] if partial else [n for key, n in kept.items() if key not in stated and not n.unstated_since]
    return rows + again, _take_back(silent, now)


def restate(notices: Iterable[Notice]) -> list[Notice]:
    """Notices that their source had taken back and states again; those of them in force now."""
    again = [notice for notice in notices if notice.unstated_since]
    if again:
        Notice.objects.filter(pk__in=[n.pk for n in again]).update(unstated_since=None)
    return [notice for notice in again if not notice.dismissed_at]


def unstate(notices: Iterable[Notice], now: datetime) -> list[Notice]:
    """Note that their source no longer states these; those of them that were in force."""
    gone = [notice for notice in notices if not notice.unstated_since]
    if gone:
        Notice.objects.filter(pk__in=[n.pk for n in gone]).update(unstated_since=now)
    return [notice for notice in gone if not notice.dismissed_at]


def _take_back(silent: list[Notice], now: datetime) -> list[Notice]:
    """A notice stays while the record of the notice itself is here and still names its paper."""
    if not silent:
        return []
    numbers = [notice.notice_pmid for notice in silent if notice.notice_pmid]
    speaking = dict(Report.objects.filter(pmid__in=numbers).values_list("pmid", "relations")) if numbers else {}
    named = dict(Report.objects.filter(pk__in=[n.report_id for n in silent]).values_list("pk", "pmid"))
    return unstate(
        [n for n in silent if not _names(speaking.get(n.notice_pmid, ()), n.kind, named.get(n.report_id))], now
    )


def _names(relations: Iterable[dict], kind: str, pmid: int | None) -> bool:
    """Whether the record of a notice, by its relations, is still about the paper `pmid`."""
    claims = rules.issued((Relation(**relation) for relation in relations), pmid=0, title="")
    return any(claim.kind == kind and claim.subject_pmid == pmid for claim in claims)


def _write_issued(
    pairs: Sequence[tuple[Record, int]], said_by: str, now: datetime, *, partial: bool
) -> tuple[list[Notice], list[Notice]]:
    """Notices these records are about other papers, whether those are in the catalogue or not yet."""
    speaking = [record for record, _ in pairs if record.pmid]
    claims = [c for r in speaking for c in rules.issued(r.relations, pmid=r.pmid, title=r.title)]
    known = Notice.objects.filter(source=said_by, key__in=[f"pmid:{r.pmid}" for r in speaking])
    known = list(known.select_related("report").only(*_TOLD, "report__pmid")) if speaking else []
    if not claims and not known:
        return [], []
    subjects = dict(Report.objects.filter(pmid__in={c.subject_pmid for c in claims}).values_list("pmid", "pk"))
    kept = {(n.subject_pmid or (n.report and n.report.pmid), n.kind, n.key): n for n in known}
    stated = {(claim.subject_pmid, claim.kind, claim.key) for claim in claims}
    rows = [
        _row(claim, said_by, now, report_id=subjects.get(claim.subject_pmid))
        for claim in claims
        if (claim.subject_pmid, claim.kind, claim.key) not in kept
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    again = restate([n for key, n in kept.items() if key in stated])
    silent = [] if partial else [n for key, n in kept.items() if key not in stated and not n.unstated_since]
    return rows + again, unstate(_not_stated_by_paper(silent), now)


_TOLD = ("report", "subject_pmid", "kind", "read_as", "key", "citation", "note", "unstated_since", "dismissed_at")


def _not_stated_by_paper(silent: list[Notice]) -> list[Notice]:
    """Of notices that the notice's own record no longer states, those that the paper's record does not either."""
    if not silent:
        return []
    papers = Report.objects.only("relations").in_bulk({n.report_id for n in silent if n.report_id})
    stated = {
        (pk, claim.kind, claim.key)
        for pk, paper in papers.items()
        for claim in rules.suffered([Relation(**relation) for relation in paper.relations], ())
    }
    return [n for n in silent if (n.report_id, n.kind, n.key) not in stated]


def adopt_waiting(report_ids: Iterable[int], *, now: datetime) -> list[Notice]:
    """Give notices that were here before their paper, or before its identifier, to these reports; those now in force.

    They are news of their paper from now on, however long they have waited.
    """
    named = list(Report.objects.filter(pk__in=list(report_ids)).values_list("pk", "pmid", "doi"))
    by_pmid = {pmid: pk for pk, pmid, _ in named if pmid}
    by_doi = {doi: pk for pk, _, doi in named if doi}
    doi_of = {pk: doi for pk, _, doi in named if doi}
    # Two statements, as each has an index of its own.
    waiting = {n.pk: n for n in Notice.objects.filter(report=None, subject_doi__in=by_doi)} if by_doi else {}
    waiting |= {n.pk: n for n in Notice.objects.filter(report=None, subject_pmid__in=by_pmid)} if by_pmid else {}
    if not waiting:
        return []
    keys = ("report_id", "kind", "source", "key")
    kept = set(Notice.objects.filter(report__in=[pk for pk, _, _ in named]).values_list(*keys))
    adopted = []
    for notice in waiting.values():
        notice.report_id = by_doi.get(notice.subject_doi) or by_pmid[notice.subject_pmid]
        if notice.subject_doi and doi_of.get(notice.report_id, notice.subject_doi) != notice.subject_doi:
            continue  # its two ids name two papers: whoever stated it has to settle that
        if (key := tuple(getattr(notice, name) for name in keys)) in kept:
            continue  # the paper has it under its other identifier
        kept.add(key)
        notice.first_seen_at = now
        adopted.append(notice)
    Notice.objects.bulk_update(adopted, ["report", "first_seen_at"])
    return [notice for notice in adopted if not notice.unstated_since]


def take_waiting(report: Report, *, now: datetime) -> None:
    """The same for a report whose identifier a person has corrected; told, and carried to its study."""
    adopted = adopt_waiting([report.pk], now=now)
    report_events.notices_changed(added=adopted, now=now)
    refresh_studies(studies_of(adopted))


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
