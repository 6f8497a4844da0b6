"""One study as its page shows it: every report, tag, notice, registration and event, in a fixed number of queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from studies import identifiers
from studies.models import (
    AuditEvent,
    FullText,
    Notice,
    RegistrationMention,
    Report,
    ReportEvent,
    Study,
    TrialLink,
    TrialRegistration,
    User,
)
from studies.queries.citations import Citations, citations_of
from studies.queries.notices import NoticeLine, notices_of
from studies.queries.protocol import Fact, protocol_of
from studies.queries.tagging import MarkedReport, TagLine, lines_of, marked, silence_of, statements_of
from studies.queries.timeline import Moment, timelines
from studies.rules import report_changes
from studies.terms import (
    CitationSource,
    LinkBasis,
    MentionBasis,
    ProposalState,
    RegistrationSource,
    ReportEventKind,
    TagState,
)

MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class CitedWork:
    """One entry of a reference list with the places it can be read at."""

    text: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class ReportView:
    """One report; `citation` is the journal line, `full_text` None until PMC has been asked."""

    report: Report
    citation: str
    authors: tuple[str, ...]
    links: tuple[Link, ...]
    references: tuple[CitedWork, ...]
    full_text: FullText | None


@dataclass(frozen=True, slots=True)
class RegistrationView:
    registration: TrialRegistration
    basis: str
    is_of_this_study: bool
    is_rejected: bool = False
    moments: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportChange:
    """One event of a report in words; `old` and `new` are shown beside them where they differ at length."""

    event: ReportEvent
    words: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class StudyPage:
    study: Study
    notices: tuple[Notice, ...]
    reports: tuple[ReportView, ...]
    tags: tuple[TagLine, ...]
    marked: tuple[MarkedReport, ...]  # title and abstract of each report, the rules' phrases marked
    protocol: tuple[Fact, ...]
    registrations: tuple[RegistrationView, ...]
    events: tuple[AuditEvent, ...]
    past_notices: tuple[NoticeLine, ...]
    changes: tuple[ReportChange, ...]
    citations: Citations
    silence: str = ""  # why no rule suggests anything, where none does
    starter_source: Link | None = None
    starter_notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def shown_tags(self) -> list[TagLine]:
        return [line for line in self.tags if line.state != TagState.REJECTED]

    @property
    def has_open(self) -> bool:
        return any(line.is_open for line in self.tags)

    @property
    def rejected_tags(self) -> list[TagLine]:
        return [line for line in self.tags if line.state == TagState.REJECTED]

    @property
    def lead(self) -> ReportView | None:
        return self.reports[0] if self.reports else None

    @property
    def shows_lead_title(self) -> bool:
        """Whether the study is called what its first report is: that title stands once, with its phrases marked."""
        return bool(self.lead and self.study.title and self.study.title == self.lead.report.title)

    @property
    def all_links(self) -> tuple[Link, ...]:
        return self.lead.links if self.lead else ()


def page_of(study: Study, user: User | None = None) -> StudyPage:
    """Fifteen queries, however many reports and tags; `user` is who reads, where somebody signed in does."""
    reports = sorted(study.reports.select_related("full_text"), key=lambda report: _leads(report, study))
    notices = notices_of(reports)
    statements = statements_of(study.pk)
    tags = lines_of(statements, reports, user)
    return StudyPage(
        study=study,
        notices=tuple(line.notice for line in notices if line.is_in_force),
        reports=tuple(map(_report_view, reports)),
        tags=tuple(tags),
        silence=silence_of(reports, tags, is_registered=study.n_registrations > 0),
        marked=tuple(marked(reports, statements)),
        protocol=protocol_of(study.starter),
        registrations=tuple(_registrations(study, reports)),
        events=tuple(_events(study, reports)),
        past_notices=tuple(line for line in notices if not line.is_in_force),
        changes=tuple(_changes(reports)),
        citations=citations_of(study, reports),
        starter_source=_source(study.starter.get("source", {})) if study.is_starter else None,
        starter_notes=tuple(map(str, study.starter.get("notes", ()))),
    )


def where_now(study_id: int) -> Study | None:
    """The study that this number leads to today; None if there never was one."""
    seen: set[int] = set()
    study = Study.every.for_list().filter(pk=study_id).first()
    while study and study.grouped_into_id and study.pk not in seen:
        seen.add(study.pk)
        study = Study.every.for_list().get(pk=study.grouped_into_id)
    return study


def _leads(report: Report, study: Study) -> tuple[bool, bool, int]:
    """The report that the study row was titled after comes first."""
    return report.title != study.title, report.kind == "notice", report.pk


def _report_view(report: Report) -> ReportView:
    return ReportView(
        report=report,
        citation=citation_of(report),
        authors=tuple(filter(None, map(_name, report.authors))),
        links=tuple(Link(label, url) for label, url in report.links),
        references=tuple(map(_cited, report.references)),
        full_text=getattr(report, "full_text", None),
    )


def citation_of(report: Report) -> str:
    """The journal line: "Ann Dermatol. 2014 Oct;26(5):584-91."; parts the source lacks are left out."""
    place = report.journal_abbreviation or report.journal or report.book_title or report.publisher
    printed = report.published_raw or (str(report.published_on.year) if report.published_on else "")
    volume = report.volume + (f"({report.issue})" if report.issue else "")
    numbers = ":".join(filter(None, (volume, report.pages)))
    when = ";".join(filter(None, (printed, numbers)))
    return ". ".join(filter(None, (place.rstrip("."), when))) + ("." if place or when else "")


def _name(author: Mapping[str, Any]) -> str:
    if author.get("collective"):
        return author["collective"]
    first = author.get("fore") or author.get("initials") or ""
    return " ".join(filter(None, (first, author.get("last", ""), author.get("suffix", ""))))


def _cited(reference: Mapping[str, Any]) -> CitedWork:
    links = []
    if number := reference.get("pmid"):
        links.append(Link(f"PMID {number}", identifiers.pubmed_url(number)))
    if name := reference.get("pmcid"):
        links.append(Link(name, identifiers.pmc_url(name)))
    if name := reference.get("doi"):
        links.append(Link(f"doi:{name}", identifiers.doi_url(name)))
    return CitedWork(reference.get("citation", ""), tuple(links))


def _registrations(study: Study, reports: Sequence[Report]) -> Iterable[RegistrationView]:
    """Registrations of the study first, then those linked to its reports, each with where it was read."""
    links = {link.registration_id: link for link in TrialLink.objects.filter(report__in=reports)}
    bases = {pk: {LinkBasis(basis).label for basis in link.bases} for pk, link in links.items()}
    for mention in RegistrationMention.objects.filter(report__in=reports):
        bases.setdefault(mention.registration_id, {MentionBasis(mention.basis).label})
    found = TrialRegistration.objects.current().filter(Q(study=study) | Q(pk__in=bases)).order_by("number")
    moments = timelines(bases.keys() | set(found.values_list("pk", flat=True)))
    views = [
        RegistrationView(
            registration,
            ", ".join(sorted(map(str, bases.get(registration.pk, ())))) or _read_in(registration),
            registration.study_id == study.pk,
            is_rejected=registration.pk in links and links[registration.pk].state == ProposalState.REJECTED,
            moments=tuple(moments.get(registration.pk, ())),
        )
        for registration in found.for_list()
    ]
    return sorted(views, key=lambda view: not view.is_of_this_study)


def _read_in(registration: TrialRegistration) -> str:
    return RegistrationSource(registration.source).label if registration.source else "the registry"


def _events(study: Study, reports: Sequence[Report]) -> Iterable[AuditEvent]:
    of_study = Q(object_type="study", object_id=study.pk)
    of_reports = Q(object_type="report", object_id__in=[report.pk for report in reports])
    return AuditEvent.objects.filter(of_study | of_reports)[:MOST_EVENTS]


def _changes(reports: Sequence[Report]) -> Iterable[ReportChange]:
    events = ReportEvent.objects.filter(report__in=reports).select_related("report")
    for event in events.only("kind", "field", "old", "new", "detected_at", "report__title")[:MOST_EVENTS]:
        words = report_changes.in_words(event.kind, event.field, event.new, event.old)
        if words:
            in_short = event.kind == ReportEventKind.TYPE_ADDED or event.field in ("publication_types", "databanks")
            yield ReportChange(event, words, *(("", "") if in_short else (event.old, event.new)))
        elif event.kind == ReportEventKind.CITATIONS:
            source = CitationSource(event.field).label
            yield ReportChange(
                event, f"{source} gave a smaller count of citations, not taken as a fact", event.old, event.new
            )
        else:
            yield ReportChange(event, _told(event), "", "")


def _told(event: ReportEvent) -> str:
    label = str(ReportEventKind(event.kind).label)
    said = event.new or event.old
    return f"{label}: {said}" if said and event.kind.startswith("notice") else label


def _source(source: Mapping[str, Any]) -> Link:
    """Where a starter row was read; an empty address when its source is not confirmed."""
    value = str(source.get("value", ""))
    match source.get("kind"):
        case "pmid" if value.isdigit():
            return Link(f"PMID {value}", identifiers.pubmed_url(int(value)))
        case "pmcid" if name := identifiers.pmcid(value):
            return Link(name, identifiers.pmc_url(name))
        case "doi" if name := identifiers.doi(value):
            return Link(f"doi:{name}", identifiers.doi_url(name))
        case "registry" if registration := identifiers.registry_id(value):
            return Link(registration.number, registration.url)
    return Link(value, value) if value else Link("", "")
