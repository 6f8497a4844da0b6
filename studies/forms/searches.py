"""What an admin types about searches and files, turned into clean values."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat

from studies.models import Search
from studies.rules import schedules
from studies.terms import RunKind

# What NCBI accepts in one POST is far more; a longer text is a paste by mistake.
LONGEST_QUERY = 20_000
# An empty value would read as "nothing chosen".
_BY_HAND = "by-hand"


class SearchForm(forms.Form):
    name = forms.CharField(max_length=200, help_text="As it stands in lists and in the methods of a review.")
    query = forms.CharField(
        label="PubMed query",
        max_length=LONGEST_QUERY,
        help_text="Exactly as in PubMed's search box: field tags, AND, OR, NOT and brackets are understood.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocapitalize": "off"}),
    )
    schedule = forms.TypedChoiceField(
        label="Runs",
        initial=schedules.WEEKLY,
        coerce=lambda value: "" if value == _BY_HAND else value,
        help_text="By itself, as long as a worker is there; and whenever somebody starts it.",
    )
    overlap_days = forms.IntegerField(
        label="Overlap in days",
        min_value=0,
        max_value=365,
        initial=14,
        help_text="PubMed adds some records days after their date: each run looks back this far beyond the last one.",
    )

    def __init__(self, *args: object, search: Search | None = None, **kwargs: object) -> None:
        if search:
            kept = {name: getattr(search, name) for name in ("name", "query", "overlap_days")}
            kwargs["initial"] = kept | {"schedule": search.schedule or _BY_HAND}
        super().__init__(*args, **kwargs)
        self.search = search
        if search and search.kind != RunKind.SEARCH:
            self.fields["query"].label = "PMCIDs" if search.kind == RunKind.PMC else "PMIDs"
            self.fields["query"].help_text = "Numbers, parted by spaces, commas or lines."
        offered = dict.fromkeys([*schedules.PRESETS, search.schedule if search else schedules.BY_HAND])
        self.fields["schedule"].choices = [(cron or _BY_HAND, schedules.in_words(cron)) for cron in offered]

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        others = Search.objects.exclude(pk=self.search.pk) if self.search else Search.objects.all()
        if others.filter(name__iexact=name).exists():
            raise ValidationError("Another search has this name.")
        return name


class FileForm(forms.Form):
    file = forms.FileField(
        label="File",
        widget=forms.ClearableFileInput(attrs={"accept": ".xml,.gz,.nbib,.txt,.ris,.bib,.csv,.nxml,.medline"}),
    )

    def clean_file(self) -> object:
        file = self.cleaned_data["file"]
        most = settings.UPLOAD_MEGABYTES * 1024 * 1024
        if file.size > most:
            raise ValidationError(
                f"This file has {filesizeformat(file.size)}; at most {filesizeformat(most)} are taken at once."
            )
        return file
