"""What a registry says of one trial, before it is in the catalogue: frozen values, no database."""

from dataclasses import dataclass
from datetime import date

from studies.sources.record import PartialDate


@dataclass(frozen=True, slots=True)
class TrialDate:
    """A date as far as the registry gives it; `kind` is ACTUAL, ESTIMATED or, where the registry is silent, empty."""

    day: PartialDate
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """A sponsor or collaborator with the registry's class of it (`INDUSTRY`, `OTHER`, `NIH` …)."""

    name: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Official:
    """A person who answers for the trial."""

    name: str
    affiliation: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class OtherNumber:
    """Another number the trial goes by: `kind` and `domain` in the registry's words."""

    value: str
    kind: str = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Intervention:
    """What is given: `kind` in the registry's words (`BIOLOGICAL`, `DEVICE` …)."""

    name: str
    kind: str = ""
    description: str = ""
    other_names: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """A group of participants and what it receives."""

    label: str
    kind: str = ""
    description: str = ""
    interventions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is measured and when."""

    measure: str
    time_frame: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A publication the registry names. Only RESULT (the sponsor's) and DERIVED (NLM's, matched on the number) tie it

    to the trial; BACKGROUND may be about anything. `retractions` are PMIDs of notices.
    """

    citation: str
    kind: str = ""
    pmid: int | None = None
    retractions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Design:
    """How participants are allocated, masked and followed, in the registry's words."""

    allocation: str = ""
    model: str = ""
    model_note: str = ""
    purpose: str = ""
    masking: str = ""
    masking_note: str = ""
    masked: tuple[str, ...] = ()
    observational_model: str = ""
    time_perspective: str = ""
    follow_up: str = ""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Who may take part."""

    criteria: str = ""
    sex: str = ""
    from_age: str = ""
    to_age: str = ""
    healthy: bool | None = None
    population: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One trial as its registry states it; words stay the registry's own."""

    number: str
    aliases: tuple[str, ...] = ()
    other_ids: tuple[OtherNumber, ...] = ()
    title: str = ""
    official_title: str = ""
    acronym: str = ""
    status: str = ""
    last_known_status: str = ""
    why_stopped: str = ""
    verified: str = ""
    study_type: str = ""
    phases: tuple[str, ...] = ()
    design: Design = Design()
    enrolment: int | None = None
    enrolment_kind: str = ""
    start: TrialDate | None = None
    primary_completion: TrialDate | None = None
    completion: TrialDate | None = None
    first_posted: date | None = None
    results_posted: date | None = None
    updated: date | None = None
    has_results: bool = False
    sponsor: Party = Party("")
    collaborators: tuple[Party, ...] = ()
    officials: tuple[Official, ...] = ()
    summary: str = ""
    description: str = ""
    conditions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    mesh: tuple[str, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    arms: tuple[Arm, ...] = ()
    primary_outcomes: tuple[Outcome, ...] = ()
    secondary_outcomes: tuple[Outcome, ...] = ()
    other_outcomes: tuple[Outcome, ...] = ()
    eligibility: Eligibility = Eligibility()
    countries: tuple[str, ...] = ()
    n_places: int | None = None
    references: tuple[Reference, ...] = ()
    url: str = ""
