"""What somebody pastes or sends to have citations checked."""

from django import forms

from studies.rules.references import LONGEST_TEXT


class CheckForm(forms.Form):
    text = forms.CharField(
        label="References or identifiers",
        max_length=LONGEST_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "autocapitalize": "off"}),
        help_text="PMIDs, PMCIDs, DOIs, NCT numbers, whole references, a bibliography, or the text of a web page.",
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".nbib,.ris,.bib,.txt,.csv,.xml,.html,.htm,.md,.gz"}),
        help_text="nbib, RIS, BibTeX, CSV or PubMed XML, or any text; at most 4 MB.",
    )

    def clean(self) -> dict:
        cleaned = super().clean()
        file = cleaned.get("file")
        if not file and not (cleaned.get("text") or "").strip() and not self.errors:
            raise forms.ValidationError("Paste a reference or an identifier, or choose a file.")
        if file and file.size > MOST_BYTES:
            self.add_error("file", "This file is larger than 4 MB.")
        return cleaned


MOST_BYTES = 4 * 1024 * 1024
