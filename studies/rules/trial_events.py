"""What happened to a registration between two readings of it: one pure rule, old values and new ones."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from studies.rules import trial_dates, trial_words
from studies.terms import TrialEventKind, TrialStatus

Values = Mapping[str, Any]
# Said by events of their own, or of no weight: what changes with every update of the registry.
_SAID = {
    "status",
    "status_raw",
    "has_results",
    "results_posted_on",
    "enrolment",
    "enrolment_kind",
    "primary_completion_on",
    "primary_completion_precision",
    "primary_completion_kind",
    "completion_on",
    "completion_precision",
    "completion_kind",
    "primary_outcomes",
    "result_pmids",
    "results_due_on",
    "search_text",
}
_ADMINISTRATIVE = {"updated_on", "verified_raw", "details"}
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Happened:
    """One event, before it is a row; `old` and `new` are words for people."""

    kind: TrialEventKind
    field: str = ""
    old: str = ""
    new: str = ""
    why: str = ""
    registry_date: date | None = None


def first_reading(new: Values, number: str) -> Happened:
    """A registration is read for the first time."""
    return Happened(TrialEventKind.NEW, new=number, registry_date=new["first_posted_on"] or new["updated_on"])


def changes(old: Values, new: Values) -> list[Happened]:
    """What is different in `new`, both with the columns of TrialRegistration; the gravest first.

    Everything without an event of its own is one `updated` that names the fields; an update in which nothing but
    the registry's own dates differs is `updated` too.
    """
    found = [
        *_status(old, new),
        *_results(old, new),
        *_completion(old, new, "primary_completion"),
        *_completion(old, new, "completion"),
        *_enrolment(old, new),
        *_outcomes(old, new),
    ]
    rest = sorted(name for name in new if name not in _SAID and old.get(name) != new[name])
    if quiet := _quiet_changes(old, new, found):
        rest = sorted({*rest, *quiet})
    weighty = [name for name in rest if name not in _ADMINISTRATIVE]
    if weighty or (rest and not found):
        found.append(Happened(TrialEventKind.UPDATED, new=", ".join(weighty or rest), registry_date=new["updated_on"]))
    return found


def _status(old: Values, new: Values) -> Iterator[Happened]:
    if (old["status"], old["status_raw"]) == (new["status"], new["status_raw"]):
        return
    is_stop = new["status"] in trial_words.STOPPED and new["status"] != old["status"]
    yield Happened(
        TrialEventKind.STOPPED if is_stop else TrialEventKind.STATUS_CHANGED,
        "status",
        _status_words(old),
        _status_words(new),
        why=new["why_stopped"] if is_stop else "",
        registry_date=new["updated_on"],
    )


def _results(old: Values, new: Values) -> Iterator[Happened]:
    if _has_results(new) and not _has_results(old):
        day = new["results_posted_on"]
        said = trial_dates.words(day, "day")
        yield Happened(TrialEventKind.RESULTS_POSTED, "results", "", said, registry_date=day or new["updated_on"])


def _completion(old: Values, new: Values, name: str) -> Iterator[Happened]:
    before, after = _date(old, name), _date(new, name)
    if before[0] and after[0] and not trial_dates.is_moved(before[:2], after[:2]):
        return
    if before[0] != after[0]:
        was, now = trial_dates.words(*before), trial_dates.words(*after)
        yield Happened(TrialEventKind.COMPLETION_MOVED, name, was, now, registry_date=new["updated_on"])


def _enrolment(old: Values, new: Values) -> Iterator[Happened]:
    if (old["enrolment"], old["enrolment_kind"]) != (new["enrolment"], new["enrolment_kind"]):
        yield Happened(
            TrialEventKind.ENROLMENT_CHANGED,
            "enrolment",
            _enrolment_words(old),
            _enrolment_words(new),
            registry_date=new["updated_on"],
        )


def _outcomes(old: Values, new: Values) -> Iterator[Happened]:
    """Another measure or time frame; a description reworded is no other outcome."""
    before, after = (_outcome_words(values["primary_outcomes"]) for values in (old, new))
    if [_folded(text) for text in before] != [_folded(text) for text in after]:
        yield Happened(
            TrialEventKind.OUTCOME_CHANGED,
            "primary_outcomes",
            "\n".join(before),
            "\n".join(after),
            registry_date=new["updated_on"],
        )


def _quiet_changes(old: Values, new: Values, found: list[Happened]) -> Iterator[str]:
    """Fields that differ without an event: a date told more exactly, an outcome reworded, results taken down."""
    told = {event.field for event in found}
    for name in ("primary_completion", "completion"):
        if name not in told and _date(old, name) != _date(new, name):
            yield name
    if "primary_outcomes" not in told and old["primary_outcomes"] != new["primary_outcomes"]:
        yield "primary_outcomes"
    if "results" not in told and any(old[name] != new[name] for name in ("has_results", "results_posted_on")):
        yield "results"


def _has_results(values: Values) -> bool:
    return bool(values["has_results"] or values["results_posted_on"])


def _date(values: Values, name: str) -> tuple[date | None, str, str]:
    return values[f"{name}_on"], values[f"{name}_precision"], values[f"{name}_kind"]


def _status_words(values: Values) -> str:
    return TrialStatus(values["status"]).label if values["status"] else values["status_raw"] or "not stated"


def _enrolment_words(values: Values) -> str:
    if values["enrolment"] is None:
        return "not stated"
    kind = {"ACTUAL": " enrolled", "ESTIMATED": " planned"}.get(values["enrolment_kind"], "")
    return f"{values['enrolment']}{kind}"


def _outcome_words(outcomes: list[dict[str, str]]) -> list[str]:
    return [" · ".join(filter(None, (o.get("measure", ""), o.get("time_frame", "")))) for o in outcomes]


def _folded(text: str) -> str:
    return _SPACE.sub(" ", text).strip().lower()
