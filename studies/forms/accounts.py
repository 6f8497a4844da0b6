"""What people type about accounts, turned into clean values."""

from django import forms
from django.contrib.auth.forms import (
    AuthenticationForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
    SetPasswordMixin,
)
from django.core.exceptions import ValidationError

from studies.models import User
from studies.terms import SiteRole

HOW_LONG = "At least 10 characters, and not a common password, your name or your address."


class EmailField(forms.EmailField):
    """Addresses are kept in small letters: people type them in any case."""

    def to_python(self, value: object) -> str:
        return super().to_python(value).strip().lower()


class SignInForm(AuthenticationForm):
    """Django's form, asking for the address it signs in by."""

    username = EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    error_messages = {
        "invalid_login": "This e-mail address and password do not fit together.",
        "inactive": "This account is closed.",
    }


class ResetForm(PasswordResetForm):
    email = EmailField(label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))


class NameForm(forms.Form):
    first_name = forms.CharField(
        label="Given name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        label="Family name",
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )


class AcceptForm(SetPasswordMixin, NameForm):
    """A name and a password for the account that an invitation opens."""

    password1, password2 = SetPasswordMixin.create_password_fields("Password", "Password, once more")

    def __init__(self, *args: object, email: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.email = email
        self.fields["password1"].help_text, self.fields["password2"].help_text = HOW_LONG, ""

    def clean(self) -> dict:
        cleaned = super().clean()
        self.validate_passwords("password1", "password2")
        names = {key: cleaned.get(key, "") for key in ("first_name", "last_name")}
        # The rules compare the password with the person's own name and address.
        self.validate_password_for_user(User(email=self.email, **names), "password1")
        return cleaned

    def account(self) -> dict[str, str]:
        names = {key: self.cleaned_data[key] for key in ("first_name", "last_name")}
        return names | {"password": self.cleaned_data["password1"]}


class NewPasswordForm(SetPasswordForm):
    """Django's form with our words."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = HOW_LONG
        self.fields["new_password2"].label, self.fields["new_password2"].help_text = "New password, once more", ""


class OwnPasswordForm(PasswordChangeForm):
    """Django's form with our words; the password in use is asked first."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = "Password now"
        del self.fields["old_password"].widget.attrs["autofocus"]
        self.fields["new_password1"].help_text = HOW_LONG
        self.fields["new_password2"].label, self.fields["new_password2"].help_text = "New password, once more", ""


class InvitationForm(forms.Form):
    email = EmailField(label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=SiteRole.choices, initial=SiteRole.CLINICIAN)

    def clean_email(self) -> str:
        email = self.cleaned_data["email"]
        if User.objects.filter(email__iexact=email).exists():
            raise ValidationError("This address has an account already.")
        return email


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=SiteRole.choices)
