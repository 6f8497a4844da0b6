"""What people write about a review: its question, its living parameters, its criteria."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from reviews.models import Review
from reviews.rules.criteria import Draft
from reviews.terms import CriterionKind, ReviewStatus

MOST_CRITERIA = 40
N_BLANK = 3


def _text(label: str, rows: int = 2, hint: str = "", most: int = 4000) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=most, help_text=hint, widget=forms.Textarea(attrs={"rows": rows})
    )


class WordsField(forms.CharField):
    """Words or phrases, one a line or parted by commas; each once, in small letters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3}), **kwargs)

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value)
        words = [" ".join(word.casefold().split()) for word in text.replace(",", "\n").splitlines()]
        found = list(dict.fromkeys(filter(None, words)))
        if any(len(word) > 80 for word in found) or len(found) > 100:
            raise ValidationError("At most 100 words or phrases of at most 80 characters.")
        return found

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class ReviewForm(forms.Form):
    title = forms.CharField(max_length=300, help_text="A living review has the word “living” in its title.")
    question = _text("Question", 2, "In one sentence.")
    population = _text("Population", 2, "Whose skin, and in which condition.")
    intervention = _text("Intervention")
    comparator = _text("Comparator")
    outcomes = _text("Outcomes", 3)
    study_designs = _text("Study designs")
    is_public = forms.BooleanField(
        label="Anybody may read the protocol", required=False, help_text="Reports and decisions stay with the team."
    )


class ScreeningForm(forms.Form):
    """How cards look and come."""

    include_words = WordsField(label="Words that speak for inclusion", help_text="Highlighted on cards, one a line.")
    exclude_words = WordsField(label="Words that speak for exclusion", help_text="Highlighted on cards, one a line.")


class LivingForm(forms.Form):
    """The parameters of a living review (PRISMA-LSR) and its place in the classification of updates."""

    is_living = forms.BooleanField(label="This is a living review", required=False)
    living_justification = _text("Why it is living")
    status = forms.ChoiceField(label="Status of the update", choices=ReviewStatus)
    status_explanation = forms.CharField(label="Explanation", required=False, max_length=400)
    version = forms.IntegerField(label="Version", min_value=1, max_value=999)
    version_date = forms.DateField(
        label="Date of this version", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    version_trigger = _text("What triggered this version")
    previous_version = _text("Citation of the previous version")
    next_planned_update = forms.DateField(
        label="Next planned update", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    retirement_plan = _text("Retirement plan", hint="When it will stop being living, or that there is no such plan.")
    retired_on = forms.DateField(label="Retired on", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    changes_objectives = _text("Changes in objectives since the last version")
    changes_methods = _text("Changes in methods")
    changes_results = _text("Changes in results")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("is_living") and not cleaned.get("living_justification"):
            self.add_error("living_justification", "Say why this review is living.")
        return cleaned


class StatementForm(forms.Form):
    plans = _text("Plans", 3, "What the team will do next, in a sentence or two.", most=2000)


class CriteriaForm:
    """The lines of criteria as they were sent: `kind-N`, `label-N`, `description-N`, `key-N`, in the page's order.

    Without script a list is ordered by numbers: `place-N`. A line without a label is taken out.
    """

    def __init__(self, data: Any = None, *, drafts: list[Draft] | None = None) -> None:
        self.errors: list[tuple[str, str]] = []
        self.why = (data.get("why", "") if data else "").strip()[:2000]
        self.lines = self._sent(data) if data else [self._line(place, one) for place, one in enumerate(drafts or [])]
        self.drafts = self._drafts() if data else drafts or []
        while sum(not line["label"] for line in self.lines) < N_BLANK:
            self.lines.append(self._line(len(self.lines), Draft(CriterionKind.EXCLUSION, "")))

    def is_valid(self) -> bool:
        return not self.errors

    def _line(self, number: int, draft: Draft) -> dict[str, Any]:
        return {
            "number": number,
            "place": number + 1,
            "key": str(draft.key or ""),
            "kind": draft.kind,
            "label": draft.label,
            "description": draft.description,
        }

    def _sent(self, data: Any) -> list[dict[str, Any]]:
        lines = []
        for number in range(MOST_CRITERIA):
            if f"label-{number}" not in data:
                break
            place = data.get(f"place-{number}", "")
            lines.append(
                {
                    "number": number,
                    "place": int(place) if place.isascii() and place.isdigit() and len(place) < 4 else number + 1,
                    "key": data.get(f"key-{number}", ""),
                    "kind": data.get(f"kind-{number}", ""),
                    "label": " ".join(data[f"label-{number}"].replace("\x00", "").split()),
                    "description": data.get(f"description-{number}", "").replace("\x00", "").strip(),
                }
            )
        return sorted(lines, key=lambda line: line["place"])

    def _drafts(self) -> list[Draft]:
        drafts, labels = [], set()
        for line in self.lines:
            if not line["label"]:
                continue
            if line["kind"] not in CriterionKind.values:
                self._wrong(line, "Say whether it includes or excludes.")
            elif len(line["label"]) > 120 or len(line["description"]) > 2000:
                self._wrong(line, "At most 120 characters, and 2,000 for the explanation.")
            elif line["label"].casefold() in labels:
                self._wrong(line, f"“{line['label']}” is there twice.")
            else:
                drafts.append(Draft(line["kind"], line["label"], line["description"], _uuid(line["key"])))
            labels.add(line["label"].casefold())
        return drafts

    def _wrong(self, line: dict[str, Any], why: str) -> None:
        self.errors.append((f"label-{line['number']}", why))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def initial(review: Review, form: type[forms.Form]) -> dict[str, Any]:
    """The review's present values of a form's fields."""
    return {name: getattr(review, name) for name in form.base_fields}
