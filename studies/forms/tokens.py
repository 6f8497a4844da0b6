"""What somebody says of a new key to the API."""

from django import forms


class TokenForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="What it is for, so that you know later which one to revoke.")

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())
