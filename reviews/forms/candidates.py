"""What people name as sources: searches, files, single reports."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from reviews.actions.candidates import identifiers_in
from reviews.terms import SourceKind
from studies.models import Search

MOST_AT_ONCE = 500


class SourceForm(forms.Form):
    """The kind and name that PRISMA counts by."""

    kind = forms.ChoiceField(label="Kind of source", choices=SourceKind)
    name = forms.CharField(
        label="Name of the source", max_length=120, help_text="PubMed, Embase, the society’s website …"
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class SearchChoiceForm(SourceForm):
    search = forms.ModelChoiceField(Search.objects.none(), label="Search", empty_label=None)

    field_order = ["search", "kind", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["search"].queryset = Search.objects.order_by("name")
        self.fields["kind"].initial, self.fields["name"].initial = SourceKind.DATABASE, "PubMed"


class FileForm(SourceForm):
    note = forms.CharField(
        label="Platform, date and strategy",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="As run: PRISMA-S asks for the full strategy of each database.",
    )
    file = forms.FileField(label="File", help_text="RIS, nbib, BibTeX, CSV, PubMed or PMC XML; also gzipped.")


class ReportsForm(SourceForm):
    identifiers = forms.CharField(
        label="PMIDs or DOIs",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Parted by blanks or lines. What the catalogue does not have is asked of PubMed.",
    )

    field_order = ["identifiers", "kind", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].initial = SourceKind.CITATION

    def clean_identifiers(self) -> tuple[list[int], list[str]]:
        pmids, dois, rest = identifiers_in(self.cleaned_data["identifiers"])
        if rest:
            raise ValidationError(f"Neither a PMID nor a DOI: {', '.join(rest[:5])}")
        if not pmids and not dois:
            raise ValidationError("Name at least one report.")
        if len(pmids) + len(dois) > MOST_AT_ONCE:
            raise ValidationError(f"At most {MOST_AT_ONCE} at once.")
        return pmids, dois
