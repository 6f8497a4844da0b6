"""What people say about a report, turned into clean values."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from reviews.actions.screening import MOST_SECONDS, Said
from reviews.models import CriteriaVersion, Criterion
from reviews.terms import Classification, CriterionKind, Dealing, Decision, ScreeningMode, Stage

_SAID = [choice for choice in Decision.choices if choice[0] != Decision.WITHDRAWN]


class SecondsField(forms.Field):
    """How long the card was open, as the browser says; nonsense counts as nothing."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> int:
        text = str(value or "")
        return min(int(text), MOST_SECONDS) if text.isascii() and text.isdigit() and len(text) < 9 else 0


class DecisionForm(forms.Form):
    """One decision about one card, by the criteria that are in force."""

    decision = forms.ChoiceField(choices=_SAID, error_messages={"required": "Include, exclude or maybe?"})
    reason = forms.ModelChoiceField(Criterion.objects.none(), required=False, label="Primary reason")
    also = forms.ModelMultipleChoiceField(Criterion.objects.none(), required=False, label="Further reasons")
    note = forms.CharField(required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2}))
    seconds = SecondsField(required=False)

    def __init__(self, data: Any = None, *, stage: str, version: CriteriaVersion | None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.stage = stage
        reasons = Criterion.objects.filter(version=version, kind=CriterionKind.EXCLUSION)
        self.fields["reason"].queryset = self.fields["also"].queryset = reasons.order_by("position")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        excludes = cleaned.get("decision") == Decision.EXCLUDE
        if excludes and self.stage == Stage.FULL_TEXT and not cleaned.get("reason") and "reason" not in self.errors:
            self.add_error("reason", "Choose the one primary reason: a full text is not excluded without.")
        return cleaned

    def said(self) -> Said:
        values = self.cleaned_data
        return Said(
            decision=values["decision"],
            reason=values["reason"],
            also=tuple(criterion.pk for criterion in values["also"]),
            note=values["note"].strip(),
            seconds=values["seconds"],
        )


class SettlementForm(DecisionForm):
    is_consensus = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("is_consensus") and not cleaned.get("note"):
            self.add_error("note", "Say how you came to agree.")
        return cleaned


class StageForm(forms.Form):
    mode = forms.ChoiceField(label="Each report is screened by", choices=ScreeningMode)
    pilot_size = forms.IntegerField(label="Reports in a pilot", min_value=2, max_value=2000)


class OrderForm(forms.Form):
    dealing = forms.ChoiceField(label="Who gets which report", choices=Dealing)


class FullTextForm(forms.Form):
    """A link, a PDF, or the word that it cannot be had."""

    url = forms.URLField(label="Link", required=False, max_length=1000, assume_scheme="https")
    pdf = forms.FileField(label="PDF", required=False)
    is_unavailable = forms.BooleanField(label="It cannot be had", required=False)
    why = forms.CharField(label="What was tried", required=False, max_length=1000)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        given = [bool(cleaned.get(name)) for name in ("url", "pdf", "is_unavailable")]
        if not self.errors and sum(given) != 1:
            raise ValidationError("Give a link, or a PDF, or say that it cannot be had.")
        return cleaned


class ClassificationForm(forms.Form):
    classification = forms.ChoiceField(
        choices=[c for c in Classification.choices if c[0] not in ("", Classification.EXCLUDED)]
    )
    why = forms.CharField(label="Why", required=False, max_length=1000)


class ReopenForm(forms.Form):
    stage = forms.ChoiceField(choices=Stage)
    why = forms.CharField(label="Why", max_length=1000)
