"""The People page: who has an account, who is invited, and what each may do."""

from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from studies.access import needs
from studies.actions import accounts
from studies.forms.accounts import InvitationForm, RoleForm
from studies.models import Invitation, User
from studies.rules.permissions import PERMISSIONS, Permission
from studies.terms import SiteRole

CONSOLE = "django.core.mail.backends.console.EmailBackend"


@needs(Permission.MANAGE_PEOPLE)
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    return _page(request, InvitationForm())


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        invitation, secret = accounts.invite(by=request.user, **form.cleaned_data)
    except accounts.AlreadyAMember:
        form.add_error("email", "This address has an account already.")
    except accounts.AlreadyInvited:
        form.add_error("email", "This address is invited already: send its invitation again instead.")
    else:
        return _hand_over(request, invitation, secret)
    return _page(request, form, status=422)


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        invitation, secret = accounts.resend(get_object_or_404(Invitation, pk=pk), by=request.user)
    except accounts.NotOpen:
        messages.error(request, "This invitation was used or taken back.")
        return redirect("studies:people")
    return _hand_over(request, invitation, secret)


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        invitation = accounts.take_back(get_object_or_404(Invitation, pk=pk), by=request.user)
        messages.success(request, f"The invitation of {invitation.email} is taken back; its link no longer works.")
    except accounts.NotOpen:
        messages.error(request, "This invitation was used or taken back already.")
    return redirect("studies:people")


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def change_role(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _page(request, InvitationForm(), status=422, trouble="Choose one of the roles.")
    try:
        person = accounts.change_role(person, by=request.user, role=form.cleaned_data["role"])
        messages.success(request, f"{person} is now {person.get_role_display().lower()}.")
    except accounts.LastAdmin:
        return _page(request, InvitationForm(), status=422, trouble=f"{person} is the last admin and has to stay one.")
    return redirect("studies:people")


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=pk)
    try:
        accounts.deactivate(person, by=request.user)
        messages.success(request, f"The account of {person} is closed. What they did stays, under their name.")
    except accounts.LastAdmin:
        trouble = f"{person} is the last admin: make somebody else admin first."
        return _page(request, InvitationForm(), status=422, trouble=trouble)
    return redirect("studies:people")


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    person = accounts.reactivate(get_object_or_404(User, pk=pk), by=request.user)
    messages.success(request, f"The account of {person} is open again.")
    return redirect("studies:people")


@needs(Permission.MANAGE_PEOPLE)
@never_cache
@require_POST
def reset_link(request: HttpRequest, pk: int) -> HttpResponse:
    """For somebody whom no mail reaches: the admin passes the link on."""
    person = get_object_or_404(User, pk=pk, is_active=True)
    parts = [urlsafe_base64_encode(force_bytes(person.pk)), accounts.reset_token(person, by=request.user)]
    link = settings.SITE_URL + reverse("password_reset_confirm", args=parts)
    return render(request, "studies/people/hand_over.html", {"person": person, "link": link})


def _page(request: HttpRequest, form: InvitationForm, *, status: int = 200, trouble: str = "") -> HttpResponse:
    context = {
        "form": form,
        "people": User.objects.order_by("-is_active", "email"),
        "invitations": Invitation.objects.filter(accepted_at=None, revoked_at=None).select_related("invited_by"),
        "roles": SiteRole.choices,
        "powers": _powers(),
        "has_mail_server": settings.EMAIL_BACKEND != CONSOLE,
        "trouble": trouble,
    }
    return render(request, "studies/people/people.html", context, status=status)


def _powers() -> list[tuple[str, list[Permission]]]:
    """Each role with what it may do beyond the role before it."""
    before: frozenset[Permission] = frozenset()
    powers = []
    for role in SiteRole:
        powers.append((role.label, [power for power in Permission if power in PERMISSIONS[role] - before]))
        before = PERMISSIONS[role]
    return powers


def _hand_over(request: HttpRequest, invitation: Invitation, secret: str) -> HttpResponse:
    link = settings.SITE_URL + reverse("studies:invitation", args=[secret])
    context = {"invitation": invitation, "link": link}
    return hand_over(request, context, mail="invitation", page="studies/people/hand_over.html", done="studies:people")


@never_cache
def hand_over(
    request: HttpRequest, context: dict[str, Any], *, mail: str, page: str, done: str, **where: Any
) -> HttpResponse:
    """Mail the `link` to who is invited; where no mail can be sent, show it in this one answer.

    Only a digest of it is kept. `mail` names the texts of the message, `done` the page to go on to.
    """
    if settings.EMAIL_BACKEND == CONSOLE:
        return render(request, page, context)
    address, words = context["invitation"].email, context | {"site_url": settings.SITE_URL}
    try:
        subject = render_to_string(f"emails/{mail}_subject.txt", words).strip()
        send_mail(subject, render_to_string(f"emails/{mail}.txt", words), None, [address])
    except (SMTPException, OSError) as error:
        return render(request, page, context | {"mail_trouble": str(error) or type(error).__name__})
    messages.success(request, f"The invitation is on its way to {address}.")
    return redirect(done, **where)
