"""One registered trial as its page shows it: every field, what happened to it, what publishes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from studies import identifiers
from studies.models import RegistrationMention, Report, Study, TrialLink, TrialRegistration, trial_states
from studies.queries.study import Link
from studies.queries.timeline import Moment, timeline
from studies.queries.trials import date_words, enrolment_words, phase_words, whether
from studies.terms import LinkBasis, MentionBasis, ProposalState

MOST_MENTIONS = 50


@dataclass(frozen=True, slots=True)
class Publication:
    """A report that publishes the trial, or may; `basis` says who says so."""

    link: TrialLink
    report: Report
    study: Study
    basis: str
    state: str


@dataclass(frozen=True, slots=True)
class Reference:
    """One publication the registry lists; `kind` in words, `link` where it can be read."""

    citation: str
    kind: str
    link: Link | None
    is_retracted: bool


@dataclass(frozen=True, slots=True)
class TrialPage:
    registration: TrialRegistration
    study: Study | None
    facts: tuple[tuple[str, str], ...]
    design: tuple[tuple[str, str], ...]
    moments: tuple[Moment, ...]
    publications: tuple[Publication, ...]
    mentions: tuple[Report, ...]  # reports that only name it
    references: tuple[Reference, ...]
    is_overdue: bool


def registration_of(number: str) -> TrialRegistration | None:
    """By its number, also one in another spelling or one the registry has given up."""
    found = identifiers.registry_id(number)
    named = {number, found.number} if found else {number}
    rows = TrialRegistration.objects.defer("search_vector", "search_text").select_related("study", "alias_of")
    row = rows.filter(number__in=named).first() or rows.filter(number__iexact=number).first()
    if row is None:
        row = rows.filter(aliases__overlap=list(named)).first()
    return row.alias_of if row and row.alias_of_id else row


def page_of(registration: TrialRegistration, *, now: datetime) -> TrialPage:
    """Five queries, however much happened."""
    publications = tuple(publications_of([registration.pk]).get(registration.pk, ()))
    linked = {publication.report.pk for publication in publications}
    state = TrialRegistration.objects.annotate(late=whether(trial_states.overdue(timezone.localdate(now))))
    return TrialPage(
        registration=registration,
        study=registration.study,
        facts=tuple(_facts(registration)),
        design=tuple(_design(registration.design)),
        moments=tuple(timeline(registration.events.select_related("report__study"))),
        publications=publications,
        mentions=tuple(_mentions(registration, linked)),
        references=tuple(map(_reference, registration.references)),
        is_overdue=state.filter(pk=registration.pk).values_list("late", flat=True)[0],
    )


def publications_of(registration_ids: Sequence[int]) -> dict[int, list[Publication]]:
    """The reports linked to each, rejected ones last; one query."""
    links = TrialLink.objects.filter(registration__in=registration_ids).select_related("report__study")
    found: dict[int, list[Publication]] = {}
    for link in sorted(links, key=lambda one: (one.state == ProposalState.REJECTED, -one.score, one.pk)):
        basis = ", ".join(str(LinkBasis(basis).label) for basis in link.bases)
        one = Publication(link, link.report, link.report.study, basis, _state_words(link))
        found.setdefault(link.registration_id, []).append(one)
    return found


def _state_words(link: TrialLink) -> str:
    if link.state == ProposalState.CONFIRMED:
        return "confirmed by a person"
    if link.state == ProposalState.REJECTED:
        return "rejected by a person"
    return "not yet confirmed by a person" if link.is_firm else "proposed, waits for a person"


def _facts(row: TrialRegistration) -> Iterable[tuple[str, str]]:
    """What the registry states, with its gaps: a trial that gives no enrolment says so."""
    yield "Status", row.get_status_display() if row.status else row.status_raw
    yield "Type of study", row.study_type.replace("_", " ").capitalize()
    yield "Phase", phase_words(row)
    yield "Enrolment", enrolment_words(row)
    yield "Start", date_words(row, "start")
    yield "Primary completion", date_words(row, "primary_completion")
    yield "Completion", date_words(row, "completion")
    yield "First posted", _day(row.first_posted_on)
    yield "Results posted", _day(row.results_posted_on) or ("yes, without a date" if row.has_results else "no results")
    yield "Last update posted", _day(row.updated_on)
    yield "Last verified", row.verified_raw
    yield "Sponsor", " · ".join(filter(None, (row.sponsor, row.sponsor_class.replace("_", " ").lower())))
    yield "Collaborators", ", ".join(one["name"] for one in row.collaborators if one.get("name"))
    yield "Conditions", ", ".join(row.conditions)
    yield "Countries", ", ".join(row.countries)
    yield "Study sites", f"{row.n_places:,}" if row.n_places is not None else ""


def _design(design: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    labels = {
        "allocation": "Allocation",
        "model": "Model",
        "masking": "Masking",
        "masked": "Masked",
        "purpose": "Purpose",
        "observational_model": "Observational model",
        "time_perspective": "Time perspective",
        "follow_up": "Follow-up",
        "model_note": "About the model",
        "masking_note": "About the masking",
    }
    for name, label in labels.items():
        value = design.get(name)
        text = ", ".join(value) if isinstance(value, list) else str(value or "")
        if text:
            is_code = name not in ("model_note", "masking_note", "follow_up")
            yield label, text.replace("_", " ").capitalize() if is_code else text


def _mentions(registration: TrialRegistration, linked: set[int]) -> Iterable[Report]:
    mentions = RegistrationMention.objects.filter(registration=registration).exclude(basis=MentionBasis.DATABANK)
    reports = Report.objects.filter(pk__in=mentions.values("report")).exclude(pk__in=linked)
    return reports.select_related("study").only("title", "pmid", "pmcid", "doi", "study__title")[:MOST_MENTIONS]


def _reference(said: Mapping[str, object]) -> Reference:
    pmid = said.get("pmid")
    kinds = {"RESULT": "results", "DERIVED": "found by the registry", "BACKGROUND": "background"}
    return Reference(
        citation=str(said.get("citation", "")),
        kind=kinds.get(str(said.get("kind", "")), "reference"),
        link=Link(f"PMID {pmid}", identifiers.pubmed_url(pmid)) if isinstance(pmid, int) else None,
        is_retracted=bool(said.get("retractions")),
    )


def _day(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else ""
