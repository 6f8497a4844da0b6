"""What an admin types about searches and files, turned into clean values."""

from collections.abc import Collection

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from studies.models import Search
from studies.rules import schedules
from studies.terms import ResultUse, RunKind

# What NCBI accepts in one POST is far more; a longer text is a paste by mistake.
LONGEST_QUERY = 20_000
# An empty value would read as "nothing chosen".
_BY_HAND, _OWN = "by-hand", "cron"
# What an admin may write a query for; everything else comes with Stratum.
_SOURCES = {RunKind.SEARCH: "PubMed", RunKind.TRIALS: "ClinicalTrials.gov"}
_QUERY_HELP = {
    RunKind.PMIDS: ("PMIDs", "Numbers, parted by spaces, commas or lines."),
    RunKind.PMC: ("PMCIDs", "Numbers, parted by spaces, commas or lines."),
    RunKind.TRIALS: ("Query", "One parameter of the registry a line: query.cond=…, query.intr=…, query.term=…"),
}


class SearchForm(forms.Form):
    name = forms.CharField(max_length=200, help_text="As it stands in lists and in the methods of a review.")
    kind = forms.ChoiceField(label="Source", initial=RunKind.SEARCH)
    query = forms.CharField(
        label="Query",
        max_length=LONGEST_QUERY,
        help_text="For PubMed exactly as in its search box: field tags, AND, OR, NOT, brackets. For ClinicalTrials.gov"
        " one parameter a line: query.cond=…, query.intr=…, query.term=…",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocapitalize": "off"}),
    )
    use = forms.ChoiceField(label="What to do with the results", choices=ResultUse, initial=ResultUse.ADD)
    schedule = forms.TypedChoiceField(
        label="Runs",
        initial=schedules.WEEKLY,
        coerce=lambda value: "" if value == _BY_HAND else value,
        help_text="By itself, as long as a worker is there; and whenever somebody starts it.",
    )
    cron = forms.CharField(
        label="Cron expression",
        required=False,
        max_length=100,
        help_text="Minute, hour, day, month, weekday, in UTC: “30 2 * * 1-5” is each weekday at 02:30.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off"}),
    )
    overlap_days = forms.IntegerField(
        label="Overlap in days",
        min_value=0,
        max_value=365,
        initial=14,
        help_text="Sources add records days after their date: each run looks back so far beyond the last success.",
    )

    def __init__(
        self, *args: object, search: Search | None = None, kinds: Collection[str] = (), **kwargs: object
    ) -> None:
        if search:
            kept = {name: getattr(search, name) for name in ("name", "query", "use", "overlap_days")}
            kwargs["initial"] = kept | {"schedule": search.schedule or _BY_HAND}
        super().__init__(*args, **kwargs)
        self.search = search
        self.fields["kind"].choices = [(kind, name) for kind, name in _SOURCES.items() if kind in kinds]
        if search:
            self._fit(search)
        offered = dict.fromkeys([*schedules.PRESETS, search.schedule if search else schedules.BY_HAND])
        choices = [(cron or _BY_HAND, schedules.in_words(cron)) for cron in offered]
        self.fields["schedule"].choices = [*choices, (_OWN, "By a cron expression")]

    def _fit(self, search: Search) -> None:
        """The source stays; a standing job has no question, and ids asked by number no results to choose from."""
        del self.fields["kind"]
        if not search.query:
            for name in ("query", "use", "overlap_days"):
                del self.fields[name]
        elif search.kind in (RunKind.PMIDS, RunKind.PMC):
            del self.fields["use"]
        if "query" in self.fields and search.kind in _QUERY_HELP:
            self.fields["query"].label, self.fields["query"].help_text = _QUERY_HELP[search.kind]

    @property
    def source(self) -> str:
        """The kind of search this form is about, as far as it is known."""
        if self.search:
            return self.search.kind
        return getattr(self, "cleaned_data", {}).get("kind") or RunKind.SEARCH

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        others = Search.objects.kept()
        if self.search:
            others = others.exclude(pk=self.search.pk)
        if others.filter(name__iexact=name).exists():
            raise ValidationError("Another search has this name.")
        return name

    def clean(self) -> dict[str, object]:
        """The cron expression takes the place of the choice that points to it."""
        cron = self.cleaned_data.pop("cron", "").strip()
        if self.cleaned_data.get("schedule") == _OWN:
            self._take_cron(cron)
        elif cron:
            self.add_error(
                "cron", f"Choose “{dict(self.fields['schedule'].choices)[_OWN]}” above, or leave this empty."
            )
        return self.cleaned_data

    def _take_cron(self, cron: str) -> None:
        if not cron:
            self.add_error("cron", "Write the expression, or choose another schedule above.")
            return
        try:
            schedules.next_run(cron, timezone.now())
        except schedules.BadSchedule as error:
            self.add_error("cron", str(error))
        self.cleaned_data["schedule"] = " ".join(cron.split())


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
