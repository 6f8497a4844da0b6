"""What people enter about tags, terms and searches they keep, turned into clean values."""

from collections.abc import Iterator
from itertools import groupby

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import ModelChoiceIterator
from django.http import QueryDict

from studies.models import Tag
from studies.queries.tagging import find_terms
from studies.terms import Facet, TagStatus

ACTS = [("accepted", "Accept"), ("rejected", "Reject"), ("take_back", "Take back"), ("add", "Add")]
LONGEST_REASON = 1000


class _ByFacet(ModelChoiceIterator):
    """The terms under the name of their facet, in the vocabulary's order."""

    def __iter__(self) -> Iterator[tuple[str, object]]:
        yield "", self.field.empty_label
        places = {facet: place for place, facet in enumerate(Facet.values)}
        tags = sorted(self.queryset, key=lambda tag: (places[tag.facet], tag.position, tag.label))
        for facet, own in groupby(tags, key=lambda tag: tag.facet):
            yield Facet(facet).label, [self.choice(tag) for tag in own]


class OfferedTerm(forms.ModelChoiceField):
    """A term by its slug, offered facet by facet."""

    iterator = _ByFacet

    def __init__(self, **kwargs: object) -> None:
        offered = Tag.objects.filter(is_retired=False)
        super().__init__(queryset=offered, to_field_name="slug", empty_label="Choose a term", **kwargs)


class TagForm(forms.Form):
    """One act on one tag of a study. For `add`, words that name one term are enough."""

    act = forms.ChoiceField(choices=ACTS, required=False)
    tag = forms.ModelChoiceField(queryset=Tag.objects.all(), to_field_name="slug", required=False)
    remove = forms.IntegerField(required=False, min_value=1, max_value=2**31)  # whose word an admin removes
    words = forms.CharField(label="Term", max_length=200, required=False)
    reason = forms.CharField(label="Why", max_length=LONGEST_REASON, required=False)

    def clean(self) -> dict:
        values = super().clean()
        if not values.get("act") and not values.get("remove"):
            raise ValidationError("Choose what to do.")
        if values.get("tag") is None and "tag" not in self.errors:
            if values.get("act") != "add":
                raise ValidationError("Choose a tag.")
            values["tag"] = self._named(values.get("words", ""))
        return values

    def _named(self, words: str) -> Tag | None:
        self.found = find_terms(words)
        exact = [tag for tag in self.found if words.casefold() in {w.casefold() for w in (tag.label, *tag.synonyms)}]
        if len(exact) == 1 or len(self.found) == 1:
            return (exact or self.found)[0]
        if self.found:
            self.add_error("words", "Several terms fit: choose one of them.")
        else:
            self.add_error("words", f"No term is called “{words}”." if words else "Say which term.")
        return None


class QueueForm:
    """The queue's page as it came back: an answer to each suggestion, and the terms to add."""

    def __init__(self, data: QueryDict) -> None:
        self.answers = dict(_answers(data))
        self.added = list(Tag.objects.filter(slug__in=data.getlist("add"), is_retired=False))
        self.words = data.get("words", "").strip()[:200]
        self.reason = data.get("reason", "").strip()[:LONGEST_REASON]

    def all_answers(self) -> dict[int, str]:
        """By the id of the term, what is said of it; what was left open is not there."""
        said = {pk: status for pk, status in self.answers.items() if status}
        return said | {tag.pk: TagStatus.ACCEPTED.value for tag in self.added}


def _answers(data: QueryDict) -> Iterator[tuple[int, str]]:
    for name in data:
        number = name.removeprefix("answer-")
        if name != number and number.isascii() and number.isdigit() and len(number) < 10:
            answer = data[name]
            yield int(number), answer if answer in (TagStatus.ACCEPTED, TagStatus.REJECTED) else ""


class BulkForm(forms.Form):
    act = forms.ChoiceField(
        label="What to do", choices=[("add", "Add a term"), ("remove", "Remove a term")], widget=forms.RadioSelect
    )
    tag = OfferedTerm(label="Term")
    reason = forms.CharField(
        label="Why",
        max_length=LONGEST_REASON,
        required=False,
        help_text="Needed where other people’s words are removed; kept in each study’s history.",
    )


class SavedSearchForm(forms.Form):
    name = forms.CharField(label="Name of the search", max_length=120)

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class MergeForm(forms.Form):
    tag = OfferedTerm(label="Term that goes")
    into = OfferedTerm(label="Term that stays")
