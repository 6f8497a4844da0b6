"""What leads type about their team."""

from django import forms

from reviews.terms import Role
from studies.forms.accounts import AcceptForm, EmailField

__all__ = ["AcceptForm", "InvitationForm", "MemberForm"]


class InvitationForm(forms.Form):
    email = EmailField(label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=Role.choices, initial=Role.REVIEWER)


class MemberForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)
    is_expert = forms.BooleanField(required=False)
    share = forms.IntegerField(min_value=1, max_value=20)
