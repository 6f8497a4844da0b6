"""Which reports may publish which registered trials: links proposed from what sources say, and the events of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from studies.models import RegistrationMention, Report, TrialEvent, TrialLink, TrialRegistration
from studies.rules import trial_links as rules
from studies.sources.record import Record
from studies.terms import LinkBasis, MentionBasis, ProposalState, TrialEventKind

_MENTIONED = {
    MentionBasis.DATABANK: LinkBasis.DATABANK,
    MentionBasis.TEXT: LinkBasis.TEXT,
    MentionBasis.STARTER: LinkBasis.STARTER,
}
_REVIEW_TYPES = {"review", "systematic review", "meta-analysis", "systematic review as topic"}
Grounds = dict[tuple[int, int], set[str]]  # (registration, report) -> bases


def propose_for(registration_ids: Collection[int], *, now: datetime | None = None) -> set[int]:
    """Links of these registrations to reports that name them or that they name; the ids of the reports' studies."""
    if not registration_ids:
        return set()
    grounds: Grounds = defaultdict(set)
    # What names a number given up means the trial's present one.
    rows = TrialRegistration.objects.filter(Q(pk__in=registration_ids) | Q(alias_of__in=registration_ids))
    present = {pk: alias_of or pk for pk, alias_of in rows.values_list("pk", "alias_of")}
    mentions = RegistrationMention.objects.filter(registration__in=present)
    for registration, report, basis in mentions.values_list("registration", "report", "basis"):
        grounds[present[registration], report].add(_MENTIONED[MentionBasis(basis)])
    _add_references(grounds, TrialRegistration.objects.filter(pk__in=registration_ids).exclude(result_pmids=[]))
    return _write(grounds, now or timezone.now())


def propose_for_reports(report_ids: Collection[int], *, now: datetime | None = None) -> set[int]:
    """Links of these reports to the registrations they name or that name them."""
    if not report_ids:
        return set()
    grounds: Grounds = defaultdict(set)
    mentions = RegistrationMention.objects.filter(report__in=report_ids)
    named = mentions.values_list("registration", "registration__alias_of", "report", "basis")
    for registration, alias_of, report, basis in named:
        grounds[alias_of or registration, report].add(_MENTIONED[MentionBasis(basis)])
    pmids = list(Report.objects.filter(pk__in=report_ids, pmid__isnull=False).values_list("pmid", flat=True))
    _add_references(grounds, TrialRegistration.objects.filter(result_pmids__overlap=pmids), only=set(report_ids))
    return _write(grounds, now or timezone.now())


def named_by_registries(pairs: Sequence[tuple[Record, int]]) -> set[int]:
    """Of these records, the ids of the reports that a registry lists as results of a trial."""
    reports = {record.pmid: report_id for record, report_id in pairs if record.pmid}
    if not reports:
        return set()
    tied = TrialRegistration.objects.filter(result_pmids__overlap=list(reports))
    return {reports[pmid] for pmids in tied.values_list("result_pmids", flat=True) for pmid in pmids if pmid in reports}


def published(registration_ids: Collection[int]) -> set[int]:
    """Those of these registrations of which a publication is known."""
    links = TrialLink.objects.standing().filter(registration__in=registration_ids)
    return set(links.values_list("registration", flat=True))


def _add_references(grounds: Grounds, registrations: Iterable, *, only: set[int] | None = None) -> None:
    """The registry's own list of results; a background reference may be about anything."""
    rows = list(registrations.values_list("pk", "references"))
    kinds = {
        (pk, reference["pmid"]): reference["kind"].lower()
        for pk, references in rows
        for reference in references
        if reference.get("pmid") and reference.get("kind") in {"RESULT", "DERIVED"}
    }
    reports = dict(Report.objects.filter(pmid__in={pmid for _, pmid in kinds}).values_list("pmid", "pk"))
    for (pk, pmid), kind in kinds.items():
        if pmid in reports and (only is None or reports[pmid] in only):
            grounds[pk, reports[pmid]].add(LinkBasis(kind))


def _write(grounds: Grounds, now: datetime) -> set[int]:
    """Links that are not there yet, and further grounds of those that are; a person's word stays."""
    if not grounds:
        return set()
    reports = Report.objects.only("study", "publication_types").in_bulk({report for _, report in grounds})
    n_named: dict[int, set[int]] = defaultdict(set)
    for report, registration in RegistrationMention.objects.filter(report__in=reports).values_list(
        "report", "registration"
    ):
        n_named[report].add(registration)
    kept = {
        (link.registration_id, link.report_id): link
        for link in TrialLink.objects.filter(report__in=reports, registration__in={r for r, _ in grounds})
    }
    new, grown = [], []
    for (registration, report), bases in sorted(grounds.items()):
        link = kept.get((registration, report)) or TrialLink(
            registration_id=registration, report_id=report, proposed_at=now
        )
        bases = bases | set(link.bases)
        value = rules.score(bases, n_named=len(n_named[report]), is_review=is_review(reports[report]))
        if link.pk and sorted(bases) == link.bases and float(link.score) == value:
            continue
        link.bases, link.score, link.is_firm = sorted(bases), value, rules.is_firm(value)
        (grown if link.pk else new).append(link)
    TrialLink.objects.bulk_create(new)
    TrialLink.objects.bulk_update(grown, ["bases", "score", "is_firm"])
    note_publications([*new, *grown], now=now)
    return {reports[link.report_id].study_id for link in (*new, *grown)}


def move(old_id: int, new_id: int) -> None:
    """Give the links of a number that was given up to the trial's present one, with what people have said of them.

    Of two links to one report the one that somebody has decided stays, the present number's where both are.
    """
    theirs = {link.report_id: link for link in TrialLink.objects.filter(registration=new_id)}
    for link in TrialLink.objects.filter(registration=old_id):
        kept = theirs.get(link.report_id)
        if kept is None:
            TrialLink.objects.filter(pk=link.pk).update(registration=new_id)
            continue
        if kept.state == ProposalState.PROPOSED != link.state:
            for name in _DECISION:
                setattr(kept, name, getattr(link, name))
        kept.bases = sorted({*kept.bases, *link.bases})
        kept.score, kept.is_firm = max(kept.score, link.score), kept.is_firm or link.is_firm
        kept.save()
        link.groupings.update(link=kept)
        link.delete()


_DECISION = ("state", "decided_at", "decided_by_id", "why", "gave_study", "own_study_id")


def note_publications(links: Iterable[TrialLink], *, now: datetime) -> None:
    """An event for each link that counts; a publication is told once, however its grounds grow."""
    counting = [
        link
        for link in links
        if link.state == ProposalState.CONFIRMED or (link.is_firm and link.state == ProposalState.PROPOSED)
        if link.bases != [LinkBasis.STARTER]  # no news: both came together
    ]
    reports = Report.objects.only("pmid", "pmcid", "doi").in_bulk({link.report_id for link in counting})
    TrialEvent.objects.bulk_create(
        [
            TrialEvent(
                registration_id=link.registration_id,
                kind=TrialEventKind.PUBLICATION_LINKED,
                field="report",
                new=reports[link.report_id].identifier,
                why=", ".join(LinkBasis(basis).label for basis in link.bases),
                report_id=link.report_id,
                detected_at=now,
                registry_date=None,
            )
            for link in counting
        ],
        ignore_conflicts=True,
    )


def is_review(report: Report) -> bool:
    """Whether the report speaks about trials of others."""
    return any(kind["name"].lower() in _REVIEW_TYPES for kind in report.publication_types)
