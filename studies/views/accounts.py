"""Signing in and out, a forgotten password, an accepted invitation, and one's own account."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash, views
from django.contrib.auth.decorators import login_not_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from studies.access import signed_in
from studies.actions import accounts
from studies.forms.accounts import AcceptForm, NameForm, NewPasswordForm, OwnPasswordForm, ResetForm, SignInForm
from studies.models import Invitation, Subscription

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class FormPage:
    """Django's form views take PUT as well, and answer 200 to a form they refuse; ours say 422."""

    http_method_names = ["get", "head", "post", "options"]

    @login_not_required
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        # Django looks at the method only after it has looked at the link or the account.
        if request.method.lower() not in self.http_method_names:
            return self.http_method_not_allowed(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def form_invalid(self, form: Form) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SignIn(FormPage, views.LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True


class Reset(FormPage, views.PasswordResetView):
    """Answers the same whether or not the address has an account."""

    form_class = ResetForm
    email_template_name = "emails/reset.txt"
    subject_template_name = "emails/reset_subject.txt"
    success_url = reverse_lazy("password_reset_done")
    # The address in the mail is the configured one: the request's Host is whatever the asker wrote.
    extra_email_context = {"site_url": settings.SITE_URL}


class ResetConfirm(FormPage, views.PasswordResetConfirmView):
    form_class = NewPasswordForm
    success_url = reverse_lazy("home")

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        accounts.change_password(self.user, by=self.user, password=form.cleaned_data["new_password1"])
        del self.request.session[views.INTERNAL_RESET_SESSION_TOKEN]
        login(self.request, self.user, backend=MODEL_BACKEND)
        messages.success(self.request, "Your password is changed and you are signed in.")
        return redirect(self.success_url)


@login_not_required
def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What Django answers with when a form comes without its token: sent from elsewhere, or open for too long."""
    return render(request, "registration/stale_form.html", status=403)


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """The page behind an invitation's link: a name and a password open the account."""
    found = Invitation.objects.open().filter(secret_digest=accounts.digest(secret)).first()
    if found is None:
        return render(request, "registration/invitation_closed.html", status=410)
    form = AcceptForm(request.POST or None, email=found.email)
    if request.method != "POST":
        return render(request, "registration/invitation.html", {"form": form, "invitation": found})
    if not form.is_valid():
        return render(request, "registration/invitation.html", {"form": form, "invitation": found}, status=422)
    try:
        user = accounts.accept(found, **form.account())
    except accounts.NotOpen:
        return render(request, "registration/invitation_closed.html", status=410)
    login(request, user, backend=MODEL_BACKEND)
    messages.success(request, f"Welcome, {user}. Your account is open.")
    return redirect("home")


@signed_in
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponseBase:
    """One's own name and password; the button pressed says which of the two forms is meant."""
    changes_password = "change_password" in request.POST
    changes_name = request.method == "POST" and not changes_password
    user = request.user
    initial = {"first_name": user.first_name, "last_name": user.last_name}
    name_form = NameForm(request.POST if changes_name else None, initial=initial)
    password_form = OwnPasswordForm(user, request.POST if changes_password else None)
    if changes_password and password_form.is_valid():
        user = accounts.change_password(user, by=user, password=password_form.cleaned_data["new_password1"])
        update_session_auth_hash(request, user)
        messages.success(request, "Your password is changed. Other places where you were signed in are signed out.")
        return redirect("studies:account")
    if changes_name and name_form.is_valid():
        accounts.change_name(user, by=user, **name_form.cleaned_data)
        messages.success(request, "Your name is changed.")
        return redirect("studies:account")
    context = {"name_form": name_form, "password_form": password_form, "form": name_form}
    context["n_alerts"] = Subscription.objects.live().filter(user=user).count()
    if changes_password:
        context["form"] = password_form
    return render(request, "registration/account.html", context, status=422 if request.method == "POST" else 200)
