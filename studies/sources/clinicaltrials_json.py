"""Reads a ClinicalTrials.gov study (API v2) into a Registration."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from studies.sources.record import PartialDate
from studies.sources.registration import (
    Arm,
    Design,
    Eligibility,
    Intervention,
    Official,
    OtherNumber,
    Outcome,
    Party,
    Reference,
    Registration,
    TrialDate,
)

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_MAX_ENROLMENT = 2**31 - 1
Node = Mapping[str, Any]


class NotAStudy(ValueError):
    """The JSON is no study of the API's version 2; the message says what is missing."""


def read(study: object) -> Registration:
    """The registration that one element of `studies` states. Raises NotAStudy.

    What is absent, or of another type than documented, is left out: one odd value must not cost the trial.
    """
    root = _node(study)
    protocol = _Module(_node(root.get("protocolSection")))
    if not protocol:
        hint = ": an answer of the classic API, switched off in 2024" if "FullStudiesResponse" in root else ""
        raise NotAStudy(f"no protocolSection{hint}")
    ids, status = protocol.module("identificationModule"), protocol.module("statusModule")
    if not ids.text("nctId"):
        raise NotAStudy("no nctId")
    return Registration(
        number=ids.text("nctId").upper(),
        aliases=tuple(alias.upper() for alias in ids.texts("nctIdAliases")),
        other_ids=tuple(_other_numbers(ids)),
        title=ids.text("briefTitle"),
        official_title=ids.text("officialTitle"),
        acronym=ids.text("acronym"),
        **_status(status),
        **_design(protocol.module("designModule")),
        has_results=root.get("hasResults") is True,
        **_parties(protocol),
        **_subject(protocol, _Module(_node(root.get("derivedSection")))),
        **_interventions(protocol.module("armsInterventionsModule")),
        **_outcomes(protocol.module("outcomesModule")),
        eligibility=_eligibility(protocol.module("eligibilityModule")),
        references=tuple(_references(protocol.module("referencesModule"))),
    )


class _Module(dict[str, Any]):
    """One object of the answer, asked for values of the type they should have."""

    def module(self, name: str) -> "_Module":
        return _Module(_node(self.get(name)))

    def text(self, name: str) -> str:
        value = self.get(name)
        return value.strip() if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.get(name)
        values = values if isinstance(values, list) else []
        return tuple(value.strip() for value in values if isinstance(value, str) and value.strip())

    def modules(self, name: str) -> "Iterator[_Module]":
        values = self.get(name)
        return (_Module(value) for value in (values if isinstance(values, list) else []) if isinstance(value, dict))

    def number(self, name: str) -> int | None:
        value = self.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    def day(self, name: str) -> date | None:
        """A whole day, as the dates of posting are."""
        found = partial_date(self.module(name).text("date"))
        return found.first_day if found else None

    def date(self, name: str) -> TrialDate | None:
        struct = self.module(name)
        found = partial_date(struct.text("date"))
        return TrialDate(found, struct.text("type")) if found else None


def partial_date(raw: str) -> PartialDate | None:
    """`2019-03-05`, `2019-03` or `2019`; None for what is no date of the calendar."""
    match = _DATE.fullmatch(raw.strip())
    if not match:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        date(year, month or 1, day or 1)  # type: ignore[arg-type]
    except ValueError:
        return None
    return PartialDate(raw.strip(), year, month, day, "day" if day else "month" if month else "year")  # type: ignore[arg-type]


def _node(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _other_numbers(ids: _Module) -> Iterator[OtherNumber]:
    for found in (ids.module("orgStudyIdInfo"), *ids.modules("secondaryIdInfos")):
        if found.text("id"):
            yield OtherNumber(found.text("id"), found.text("type"), found.text("domain"))


def _status(status: _Module) -> dict[str, Any]:
    return {
        "status": status.text("overallStatus"),
        "last_known_status": status.text("lastKnownStatus"),
        "why_stopped": status.text("whyStopped"),
        "verified": status.text("statusVerifiedDate"),
        "start": status.date("startDateStruct"),
        "primary_completion": status.date("primaryCompletionDateStruct"),
        "completion": status.date("completionDateStruct"),
        "first_posted": status.day("studyFirstPostDateStruct"),
        "results_posted": status.day("resultsFirstPostDateStruct"),
        "updated": status.day("lastUpdatePostDateStruct"),
    }


def _design(design: _Module) -> dict[str, Any]:
    info, enrolment = design.module("designInfo"), design.module("enrollmentInfo")
    masking = info.module("maskingInfo")
    count = enrolment.number("count")
    return {
        "study_type": design.text("studyType"),
        "phases": design.texts("phases"),
        "enrolment": count if count is not None and count <= _MAX_ENROLMENT else None,
        "enrolment_kind": enrolment.text("type"),
        "design": Design(
            allocation=info.text("allocation"),
            model=info.text("interventionModel"),
            model_note=info.text("interventionModelDescription"),
            purpose=info.text("primaryPurpose"),
            masking=masking.text("masking"),
            masking_note=masking.text("maskingDescription"),
            masked=masking.texts("whoMasked"),
            observational_model=info.text("observationalModel"),
            time_perspective=info.text("timePerspective"),
            follow_up=design.text("targetDuration"),
        ),
    }


def _parties(protocol: _Module) -> dict[str, Any]:
    sponsors = protocol.module("sponsorCollaboratorsModule")
    lead, responsible = sponsors.module("leadSponsor"), sponsors.module("responsibleParty")
    officials = [
        Official(found.text("name"), found.text("affiliation"), found.text("role"))
        for found in protocol.module("contactsLocationsModule").modules("overallOfficials")
    ]
    if name := responsible.text("investigatorFullName"):
        officials.append(Official(name, responsible.text("investigatorAffiliation"), "RESPONSIBLE_PARTY"))
    return {
        "sponsor": Party(lead.text("name"), lead.text("class")),
        "collaborators": tuple(Party(p.text("name"), p.text("class")) for p in sponsors.modules("collaborators")),
        "officials": tuple(officials),
    }


def _subject(protocol: _Module, derived: _Module) -> dict[str, Any]:
    about, subject = protocol.module("descriptionModule"), protocol.module("conditionsModule")
    contacts = protocol.module("contactsLocationsModule")
    places = list(contacts.modules("locations"))
    meshes = (
        mesh.text("term")
        for name in ("conditionBrowseModule", "interventionBrowseModule")
        for mesh in derived.module(name).modules("meshes")
    )
    return {
        "summary": about.text("briefSummary"),
        "description": about.text("detailedDescription"),
        "conditions": subject.texts("conditions"),
        "keywords": subject.texts("keywords"),
        "mesh": tuple(dict.fromkeys(filter(None, meshes))),
        "countries": tuple(dict.fromkeys(filter(None, (place.text("country") for place in places)))),
        "n_places": len(places) if "locations" in contacts else None,
    }


def _interventions(module: _Module) -> dict[str, Any]:
    return {
        "arms": tuple(
            Arm(arm.text("label"), arm.text("type"), arm.text("description"), arm.texts("interventionNames"))
            for arm in module.modules("armGroups")
        ),
        "interventions": tuple(
            Intervention(
                given.text("name"),
                given.text("type"),
                given.text("description"),
                given.texts("otherNames"),
                given.texts("armGroupLabels"),
            )
            for given in module.modules("interventions")
        ),
    }


def _outcomes(module: _Module) -> dict[str, Any]:
    return {
        name: tuple(
            Outcome(found.text("measure"), found.text("timeFrame"), found.text("description"))
            for found in module.modules(theirs)
        )
        for name, theirs in (
            ("primary_outcomes", "primaryOutcomes"),
            ("secondary_outcomes", "secondaryOutcomes"),
            ("other_outcomes", "otherOutcomes"),
        )
    }


def _eligibility(module: _Module) -> Eligibility:
    healthy = module.get("healthyVolunteers")
    return Eligibility(
        criteria=module.text("eligibilityCriteria"),
        sex=module.text("sex"),
        from_age=module.text("minimumAge"),
        to_age=module.text("maximumAge"),
        healthy=healthy if isinstance(healthy, bool) else None,
        population=module.text("studyPopulation"),
    )


def _references(module: _Module) -> Iterator[Reference]:
    for found in module.modules("references"):
        yield Reference(
            citation=found.text("citation"),
            kind=found.text("type"),
            pmid=_pmid(found.text("pmid")),
            retractions=tuple(p for r in found.modules("retractions") if (p := _pmid(r.text("pmid")))),
        )


def _pmid(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 10**9 else None
