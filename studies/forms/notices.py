"""What an admin enters about notices, turned into clean values."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from studies import identifiers
from studies.models import Report, Study
from studies.terms import NoticeKind

LONGEST_REASON = 1000


class ReasonForm(forms.Form):
    """Why somebody says that a notice does not hold."""

    why = forms.CharField(label="Why", max_length=LONGEST_REASON)


class ReadAsForm(forms.Form):
    """What a notice is, where its source's word is not the whole story; without a kind, as its source says."""

    kind = forms.ChoiceField(
        label="Read it as", choices=[("", "As its source says"), *NoticeKind.choices], required=False
    )
    why = forms.CharField(label="Why", max_length=LONGEST_REASON, required=False)

    def clean(self) -> dict:
        values = super().clean()
        if values.get("kind") and not values.get("why"):
            self.add_error("why", "Say why, and where that can be read.")
        return values


class NoticeForm(forms.Form):
    """A notice that no source has stated yet."""

    report = forms.ModelChoiceField(queryset=Report.objects.none(), empty_label=None)
    kind = forms.ChoiceField(label="What happened", choices=NoticeKind.choices)
    citation = forms.CharField(
        label="Where it can be read",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The notice's own reference, or the address and date of the page that states it.",
    )
    issued_on = forms.DateField(
        label="Issued on", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    notice_pmid = forms.CharField(label="PMID of the notice", max_length=20, required=False)
    notice_doi = forms.CharField(label="DOI of the notice", max_length=400, required=False)
    note = forms.CharField(label="Note", max_length=2000, required=False)

    def __init__(self, *args: object, study: Study, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["report"].queryset = study.reports.order_by("pk").only("title", "pmid", "pmcid", "doi")

    def clean_issued_on(self) -> object:
        day = self.cleaned_data["issued_on"]
        if day and day > timezone.localdate():
            raise ValidationError("This day has not come yet.")
        return day

    def clean_notice_pmid(self) -> int | None:
        text = self.cleaned_data["notice_pmid"]
        if text and not identifiers.pmid(text):
            raise ValidationError("This is no PMID.")
        return identifiers.pmid(text) if text else None

    def clean_notice_doi(self) -> str:
        text = self.cleaned_data["notice_doi"]
        if text and not identifiers.doi(text):
            raise ValidationError("This is no DOI.")
        return identifiers.doi(text)


class RetractionFileForm(forms.Form):
    """The Retraction Watch file, as a file or by its address."""

    file = forms.FileField(
        label="File",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv"}),
        help_text="retraction_watch.csv, as Crossref publishes it.",
    )
    url = forms.CharField(
        label="Address",
        required=False,
        max_length=1000,
        validators=[URLValidator(schemes=["http", "https"])],
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )

    def clean_file(self) -> object:
        file = self.cleaned_data["file"]
        most = settings.UPLOAD_MEGABYTES * 1024 * 1024
        if file and file.size > most:
            raise ValidationError(
                f"This file has {filesizeformat(file.size)}; at most {filesizeformat(most)} are taken at once."
            )
        return file

    def clean(self) -> dict:
        values = super().clean()
        if not self.errors and bool(values.get("file")) == bool(values.get("url")):
            raise ValidationError("Choose a file or give an address: one of the two.")
        return values
