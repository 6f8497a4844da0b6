"""What a Registration says, as the columns of TrialRegistration."""

import hashlib
from dataclasses import fields, is_dataclass
from typing import Any

from studies.actions import bulk
from studies.rules import trial_dates, trial_words
from studies.sources.registration import Registration, TrialDate
from studies.terms import DateKind, TrialPhase

_PLAIN = (
    "title",
    "official_title",
    "acronym",
    "why_stopped",
    "enrolment",
    "has_results",
    "summary",
    "description",
    "n_places",
)
_JSON = (
    "other_ids",
    "design",
    "collaborators",
    "officials",
    "conditions",
    "keywords",
    "interventions",
    "arms",
    "primary_outcomes",
    "secondary_outcomes",
    "other_outcomes",
    "eligibility",
    "references",
)
_DATES = {"start": "start", "primary_completion": "primary_completion", "completion": "completion"}
_TIED = {"RESULT", "DERIVED"}  # BACKGROUND references may be about anything
_SEARCHED_CHARACTERS = 100_000


def values_of(said: Registration) -> dict[str, Any]:
    """Every column that a source fills."""
    values: dict[str, Any] = {name: getattr(said, name) for name in _PLAIN}
    values |= {name: compact(getattr(said, name)) for name in _JSON}
    for name in _DATES:
        values |= _date_columns(name, getattr(said, name))
    due = trial_dates.results_due(values["primary_completion_on"], values["primary_completion_precision"])
    values |= {
        "aliases": [alias[:40] for alias in said.aliases],
        "status_raw": said.status,
        "status": trial_words.status_of(said.status) or "",
        "study_type": said.study_type[:40],
        "phases": [phase for phase in said.phases if phase in TrialPhase.values],
        "enrolment_kind": _kind(said.enrolment_kind),
        "results_due_on": None if trial_words.status_of(said.status) in trial_words.WITHOUT_RESULTS else due,
        "first_posted_on": said.first_posted,
        "results_posted_on": said.results_posted,
        "updated_on": said.updated,
        "verified_raw": said.verified[:10],
        "sponsor": said.sponsor.name,
        "sponsor_class": said.sponsor.kind[:20],
        "countries": list(said.countries),
        "result_pmids": sorted({r.pmid for r in said.references if r.pmid and r.kind in _TIED}),
        "details": _details(said),
        "search_text": _searched(said),
    }
    return values


def digest_of(values: dict[str, Any]) -> str:
    """Equal digests mean that the source said the same."""
    return hashlib.blake2b(bulk.dump(dict(sorted(values.items()))).encode(), digest_size=16).hexdigest()


def compact(item: Any) -> Any:
    """A JSON value without the empty fields."""
    if isinstance(item, tuple):
        return [compact(part) for part in item]
    if is_dataclass(item):
        named = ((field.name, getattr(item, field.name)) for field in fields(item))
        return {name: compact(value) for name, value in named if value not in ("", (), None)}
    return item


def _date_columns(name: str, said: TrialDate | None) -> dict[str, Any]:
    return {
        f"{name}_on": said.day.first_day if said else None,
        f"{name}_precision": said.day.precision if said else "",
        f"{name}_kind": _kind(said.kind) if said else "",
    }


def _kind(said: str) -> str:
    return said if said in DateKind.values else ""


def _details(said: Registration) -> dict[str, Any]:
    named = {"url": said.url, "last_known_status": said.last_known_status, "mesh": list(said.mesh)}
    return {name: value for name, value in named.items() if value}


def _searched(said: Registration) -> str:
    """What the Trials page's box of words looks in."""
    texts = [
        *(said.number, *said.aliases, *(other.value for other in said.other_ids)),
        *(said.title, said.official_title, said.acronym, said.sponsor.name, said.summary),
        *(*said.conditions, *said.keywords, *said.mesh, *said.countries),
        *(text for given in said.interventions for text in (given.name, *given.other_names, given.description)),
        *(party.name for party in (*said.collaborators, *said.officials)),
        *(outcome.measure for outcome in said.primary_outcomes),
    ]
    return "\n".join(dict.fromkeys(filter(None, texts)))[:_SEARCHED_CHARACTERS]
