"""Reads registrations from a CSV file: other registries have no interface we may ask, people bring their tables."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from studies import identifiers
from studies.rules import trial_words
from studies.sources.clinicaltrials_json import partial_date
from studies.sources.registration import Intervention, Outcome, Party, Registration, TrialDate

MOST_ROWS = 20_000
_KEYS = re.compile(r"[^a-z]+")
# Heads of columns, folded; those of WHO's portal (ICTRP) among them.
_HEADS = {
    "trial id": "number",
    "trialid": "number",
    "registration": "number",
    "registration number": "number",
    "registry number": "number",
    "main id": "number",
    "id": "number",
    "public title": "title",
    "brief title": "title",
    "scientific title": "official_title",
    "official title": "official_title",
    "recruitment status": "status",
    "overall status": "status",
    "reason": "why_stopped",
    "why stopped": "why_stopped",
    "type": "study_type",
    "study type": "study_type",
    "phases": "phase",
    "enrollment": "enrolment",
    "target size": "enrolment",
    "sample size": "enrolment",
    "participants": "enrolment",
    "start date": "start",
    "date enrollement": "start",
    "date enrolment": "start",
    "primary completion": "primary_completion",
    "primary completion date": "primary_completion",
    "completion date": "completion",
    "first posted": "first_posted",
    "date registration": "first_posted",
    "date of registration": "first_posted",
    "results posted": "results_posted",
    "results date posted": "results_posted",
    "has results": "has_results",
    "results": "has_results",
    "primary sponsor": "sponsor",
    "condition": "conditions",
    "intervention": "interventions",
    "primary outcome": "primary_outcomes",
    "primary outcomes": "primary_outcomes",
    "country": "countries",
    "web address": "url",
}
_YES, _NO = {"yes", "true", "1", "y"}, {"", "no", "false", "0", "n"}


class NotATable(ValueError):
    """The file is no table of registrations; the message is a sentence for people."""


@dataclass(slots=True)
class Table:
    """What a file holds: registrations with their lines, and why a line could not be taken."""

    rows: list[tuple[int, Registration]] = field(default_factory=list)
    rejected: list[tuple[int, str, str]] = field(default_factory=list)  # line, what it names, why


class BadValue(ValueError):
    """A value that cannot be what its column says; the message names both."""


def read(data: bytes) -> Table:
    """Every row of the table; a bad one is reported with its line and costs no other. Raises NotATable."""
    reader = csv.reader(io.StringIO(_text(data), newline=""))
    try:
        names = [_column(head) for head in next(reader, [])]
        if "number" not in names:
            raise NotATable(
                "The first line names no column for the registration number, such as “Number” or “TrialID”."
            )
        table = Table()
        for values in reader:
            if any(value.strip() for value in values):
                _take(table, reader.line_num, dict(zip(names, values, strict=False)))
            if len(table.rows) + len(table.rejected) > MOST_ROWS:
                raise NotATable(f"The file has more than {MOST_ROWS:,} rows.")
    except csv.Error as error:
        raise NotATable(f"Line {reader.line_num} is no line of a table: {error}.") from error
    return table


def registration_of(values: Mapping[str, str]) -> Registration:
    """The registration that one row's texts state. Raises BadValue."""
    said = {name: " ".join(value.split()) for name, value in values.items() if name}
    enrolment = said.get("enrolment", "").replace(",", "")
    if enrolment and not (enrolment.isascii() and enrolment.isdigit() and int(enrolment) < 2**31):
        raise BadValue(f"Enrolment “{enrolment}” is not a whole number.")
    if said.get("phase") and not trial_words.phases_of(said["phase"]):
        raise BadValue(f"Phase “{said['phase']}” names no phase from 0 to 4.")
    return Registration(
        number=_number(said.get("number", "")),
        title=said.get("title", ""),
        official_title=said.get("official_title", ""),
        status=said.get("status", ""),
        why_stopped=said.get("why_stopped", ""),
        study_type=said.get("study_type", ""),
        phases=tuple(trial_words.phases_of(said.get("phase", ""))),
        enrolment=int(enrolment) if enrolment else None,
        enrolment_kind=said.get("enrolment_kind", ""),
        start=_date(said, "start"),
        primary_completion=_date(said, "primary_completion"),
        completion=_date(said, "completion"),
        first_posted=_day(said, "first_posted"),
        results_posted=_day(said, "results_posted"),
        has_results=_flag(said, "has_results"),
        sponsor=Party(said.get("sponsor", "")),
        conditions=_several(values, "conditions"),
        interventions=tuple(Intervention(name) for name in _several(values, "interventions")),
        primary_outcomes=tuple(Outcome(measure) for measure in _several(values, "primary_outcomes")),
        countries=_several(values, "countries"),
        url=_url(said.get("url", "")),
    )


def _take(table: Table, line: int, values: Mapping[str, str]) -> None:
    try:
        table.rows.append((line, registration_of(values)))
    except BadValue as error:
        table.rejected.append((line, values.get("number", "").strip()[:40], str(error)))


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise NotATable("The file is not a text file.")


def _column(head: str) -> str:
    folded = _KEYS.sub(" ", head.lower()).strip()
    return _HEADS.get(folded, folded.replace(" ", "_"))


def _number(text: str) -> str:
    found = identifiers.registry_id(text)
    if found is None:
        raise BadValue(f"“{text}” is not a number of a registry that Stratum knows." if text else "There is no number.")
    if found.registry == "NCT":
        raise BadValue("ClinicalTrials.gov is asked itself: start a run of registrations by number.")
    return found.number


def _date(said: Mapping[str, str], name: str) -> TrialDate | None:
    if not said.get(name):
        return None
    found = partial_date(said[name])
    if found is None:
        label = name.replace("_", " ").capitalize()
        raise BadValue(f"{label} “{said[name]}” is not a date such as 2026-11-27, 2026-11 or 2026.")
    return TrialDate(found, said.get(f"{name}_kind", ""))


def _day(said: Mapping[str, str], name: str) -> date | None:
    found = _date(said, name)
    return found.day.first_day if found else None


def _flag(said: Mapping[str, str], name: str) -> bool:
    text = said.get(name, "").lower()
    if text not in _YES | _NO:
        raise BadValue(f"{name.replace('_', ' ').capitalize()} “{text}” is neither yes nor no.")
    return text in _YES


def _several(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Parts of a cell, one a line or parted by semicolons."""
    parts: Iterator[str] = (" ".join(part.split()) for part in re.split(r"[;\n]", values.get(name) or ""))
    return tuple(dict.fromkeys(filter(None, parts)))


def _url(text: str) -> str:
    if text and not re.match(r"https?://\S+$", text):
        raise BadValue(f"Address “{text[:60]}” does not begin with http:// or https://.")
    return text
