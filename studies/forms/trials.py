"""What people type about registered trials, turned into clean values."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat

from studies.models import Study, TrialRegistration
from studies.queries.search import by_identifier
from studies.sources.registration import Registration
from studies.sources.registration_table import BadValue, registration_of
from studies.terms import DateKind, TrialPhase, TrialStatus

MOST_BYTES = 5 * 1024 * 1024
_DATE = "As 2026-11-27, 2026-11 or 2026."
_LINES = "One a line."
_KINDS = [("", "not stated"), *DateKind.choices]


def _text(label: str, help_text: str = "", *, most: int = 2000, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=most, help_text=help_text, **options)


def _several(label: str) -> forms.CharField:
    return _text(label, _LINES, most=8000, widget=forms.Textarea(attrs={"rows": 3}))


class RegistrationForm(forms.Form):
    """A registration of a registry that Stratum cannot ask."""

    number = forms.CharField(max_length=60, help_text="As the registry writes it: ISRCTN12345678, IRCT2020…, ChiCTR…")
    url = _text("Address of its page")
    title = forms.CharField(max_length=2000)
    official_title = _text("Scientific title")
    status = forms.ChoiceField(choices=[("", "not stated"), *TrialStatus.choices], required=False)
    why_stopped = _text("Why it stopped")
    study_type = _text("Type of study", most=40)
    phases = forms.MultipleChoiceField(
        choices=TrialPhase.choices, required=False, widget=forms.CheckboxSelectMultiple, label="Phase"
    )
    enrolment = forms.IntegerField(min_value=0, max_value=10_000_000, required=False)
    enrolment_kind = forms.ChoiceField(label="Enrolment is", choices=_KINDS, required=False)
    start = _text("Start", _DATE)
    primary_completion = _text("Primary completion", _DATE)
    primary_completion_kind = forms.ChoiceField(label="Primary completion is", choices=_KINDS, required=False)
    completion = _text("Completion", _DATE)
    first_posted = _text("First registered", _DATE)
    has_results = forms.BooleanField(label="The registry shows results", required=False)
    results_posted = _text("Results posted", _DATE)
    sponsor = _text("Sponsor")
    conditions = _several("Conditions")
    interventions = _several("Interventions")
    primary_outcomes = _several("Primary outcomes")
    countries = _several("Countries")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        values = {name: str(value) for name, value in said.items() if isinstance(value, str | int) and value != ""}
        values |= {"phase": "/".join(said.get("phases") or ()), "has_results": "yes" if said.get("has_results") else ""}
        try:
            self.registration = registration_of(values)
        except BadValue as error:
            raise ValidationError(str(error)) from error
        return said

    registration: Registration


def initial_of(row: TrialRegistration) -> dict[str, Any]:
    """What the form shows of a registration that is kept."""
    raw = {
        name: _partial(getattr(row, f"{name}_on"), getattr(row, f"{name}_precision"))
        for name in ("start", "primary_completion", "completion")
    }
    same = ("number", "title", "official_title", "status", "why_stopped", "study_type", "phases", "enrolment")
    same += ("enrolment_kind", "primary_completion_kind", "has_results", "sponsor")
    return {name: getattr(row, name) for name in same} | {
        **raw,
        "url": row.details.get("url", ""),
        "first_posted": row.first_posted_on or "",
        "results_posted": row.results_posted_on or "",
        "conditions": "\n".join(row.conditions),
        "interventions": "\n".join(one.get("name", "") for one in row.interventions),
        "primary_outcomes": "\n".join(one.get("measure", "") for one in row.primary_outcomes),
        "countries": "\n".join(row.countries),
    }


def _partial(day: Any, precision: str) -> str:
    return day.isoformat()[: {"day": 10, "month": 7, "year": 4}.get(precision, 10)] if day else ""


class TableForm(forms.Form):
    """A table of registrations."""

    file = forms.FileField(label="CSV file", help_text="With a heading row; a column for the number is needed.")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise ValidationError(f"The file is larger than {filesizeformat(MOST_BYTES)}.")
        return file


class ReasonForm(forms.Form):
    """Why somebody decides as they do."""

    why = forms.CharField(label="Why", required=False, max_length=500)


class ProposalForm(forms.Form):
    """Two studies that somebody takes for one, each by any of its identifiers."""

    one = forms.CharField(
        label="One study",
        max_length=200,
        help_text="A PMID, PMCID, DOI, registration, or “study 12” as in its address.",
    )
    other = forms.CharField(label="The other", max_length=200)

    def clean_one(self) -> Study:
        return self._study(self.cleaned_data["one"])

    def clean_other(self) -> Study:
        return self._study(self.cleaned_data["other"])

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("one") and said.get("one") == said.get("other"):
            raise ValidationError("Both lead to the same study: there is nothing to group.")
        return said

    def _study(self, text: str) -> Study:
        text = text.strip()
        if text.lower().startswith("study ") and text[6:].strip().isascii() and text[6:].strip().isdigit():
            study = Study.objects.for_list().filter(pk=int(text[6:])).first() if len(text) < 16 else None
        else:
            study, _ = by_identifier(text)
        if study is None:
            raise ValidationError("No single study of the catalogue goes by this name.")
        return study
