"""What people say about a report, turned into clean values."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from reviews.actions.screening import MOST_SECONDS, Said
from reviews.models import Criterion
from reviews.terms import Classification, Dealing, Decision, ScreeningMode, Stage

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
    reason = forms.TypedChoiceField(required=False, empty_value=None, label="Primary reason")
    also = forms.TypedMultipleChoiceField(required=False, coerce=int, empty_value=[], label="Further reasons")
    note = forms.CharField(required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2}))
    seconds = SecondsField(required=False)

    def __init__(self, data: Any = None, *, stage: str, reasons: Iterable[Criterion], **kwargs: Any) -> None:
        """`reasons` are the criteria by which a report can be excluded now."""
        super().__init__(data, **kwargs)
        self.stage = stage
        known = {str(criterion.pk): criterion for criterion in reasons}
        choices = [(key, criterion.label) for key, criterion in known.items()]
        self.fields["reason"].choices = [("", ""), *choices]
        self.fields["reason"].coerce = known.__getitem__
        self.fields["also"].choices = choices

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
            also=tuple(values["also"]),
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
