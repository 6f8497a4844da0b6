"""The team of a review: who belongs to it, who is invited, what each may do; leaving, and coming by a link."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from reviews.access import Seat, in_review
from reviews.actions import team as actions
from reviews.forms.team import AcceptForm, InvitationForm, MemberForm
from reviews.models import ReviewInvitation
from reviews.queries.protocol import work_of
from reviews.rules import permissions
from reviews.rules.permissions import Permission
from reviews.terms import Dealing, Role
from studies.actions.accounts import digest
from studies.models import User
from studies.views.accounts import MODEL_BACKEND
from studies.views.people import CONSOLE, hand_over


@in_review(Permission.READ)
@require_safe
def team(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _page(request, seat, InvitationForm())


@in_review(Permission.MANAGE_TEAM)
@require_POST
def invite(request: HttpRequest, seat: Seat) -> HttpResponse:
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _page(request, seat, form, status=422)
    try:
        invitation, secret = actions.invite(seat.review, by=request.user, **form.cleaned_data)
    except actions.AlreadyAMember:
        form.add_error("email", "This person belongs to the review already.")
    except actions.AlreadyInvited:
        form.add_error("email", "This address is invited already: send its invitation again instead.")
    else:
        return _hand_over(request, seat, invitation, secret)
    return _page(request, seat, form, status=422)


@in_review(Permission.MANAGE_TEAM)
@require_POST
def resend(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    try:
        invitation, secret = actions.resend(get_object_or_404(seat.review.invitations, pk=pk), by=request.user)
    except actions.NotOpen:
        messages.error(request, "This invitation was used or taken back.")
        return redirect("reviews:team", slug=seat.review.slug)
    return _hand_over(request, seat, invitation, secret)


@in_review(Permission.MANAGE_TEAM)
@require_POST
def take_back(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    try:
        invitation = actions.take_back(get_object_or_404(seat.review.invitations, pk=pk), by=request.user)
        messages.success(request, f"The invitation of {invitation.email} is taken back; its link no longer works.")
    except actions.NotOpen:
        messages.error(request, "This invitation was used or taken back already.")
    return redirect("reviews:team", slug=seat.review.slug)


@in_review(Permission.MANAGE_TEAM)
@require_POST
def change_member(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    member = get_object_or_404(seat.review.memberships.active(), pk=pk)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _page(request, seat, InvitationForm(), status=422, trouble="Choose a role, and a share from 1 to 20.")
    try:
        actions.change_member(member, by=request.user, **form.cleaned_data)
    except actions.LastLead:
        return _page(request, seat, InvitationForm(), status=422, trouble=_LAST_LEAD)
    messages.success(request, "The change is kept, and in the log.")
    return redirect("reviews:team", slug=seat.review.slug)


@in_review(Permission.MANAGE_TEAM)
@require_POST
def remove(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    member = get_object_or_404(seat.review.memberships.active(), pk=pk)
    try:
        actions.let_go(member, by=request.user)
    except actions.LastLead:
        return _page(request, seat, InvitationForm(), status=422, trouble=_LAST_LEAD)
    messages.success(request, f"{member.user} has left. Their decisions stay; what waited for them is for the others.")
    return redirect("reviews:team", slug=seat.review.slug)


@in_review(Permission.READ)
@require_POST
def leave(request: HttpRequest, seat: Seat) -> HttpResponse:
    if seat.membership is None:
        messages.error(request, "You are no member of this review.")
        return redirect("reviews:team", slug=seat.review.slug)
    try:
        actions.let_go(seat.membership, by=request.user)
    except actions.LastLead:
        return _page(request, seat, InvitationForm(), status=422, trouble=_LAST_LEAD)
    messages.success(request, f"You have left “{seat.review}”. Your decisions stay, under your name.")
    return redirect("reviews:reviews")


_LAST_LEAD = "A review needs a lead: make somebody else lead first."


def _page(
    request: HttpRequest, seat: Seat, form: InvitationForm, *, status: int = 200, trouble: str = ""
) -> HttpResponse:
    work = work_of(seat.review)
    members = seat.review.memberships.active().select_related("user")
    context = {
        "seat": seat,
        "form": form,
        "members": [(member, work.get(member.user_id, 0)) for member in members],
        "gone": seat.review.memberships.exclude(left_at=None).select_related("user"),
        "invitations": seat.review.invitations.filter(accepted_at=None, revoked_at=None).select_related("invited_by"),
        "roles": Role.choices,
        "is_shared": seat.review.dealing == Dealing.SHARE,
        "columns": permissions.columns(),
        "powers": permissions.table(),
        "trouble": trouble,
        "has_mail_server": settings.EMAIL_BACKEND != CONSOLE,
    }
    return render(request, "reviews/team/team.html", context, status=status)


def _hand_over(request: HttpRequest, seat: Seat, invitation: ReviewInvitation, secret: str) -> HttpResponse:
    link = settings.SITE_URL + reverse("reviews:invitation", args=[secret])
    context = {"seat": seat, "invitation": invitation, "link": link}
    where = {"done": "reviews:team", "slug": seat.review.slug}
    return hand_over(request, context, mail="review_invitation", page="reviews/team/hand_over.html", **where)


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """The page behind an invitation's link: one press for who is signed in, a new account for who has none."""
    found = ReviewInvitation.objects.open().filter(secret_digest=digest(secret)).select_related("review").first()
    if found is None:
        return render(request, "reviews/team/invitation_closed.html", status=410)
    has_account = User.objects.filter(email__iexact=found.email).exists()
    form = AcceptForm(request.POST or None, email=found.email)
    context = {"invitation": found, "form": form, "has_account": has_account}
    if request.method != "POST":
        return render(request, "reviews/team/invitation.html", context)
    try:
        if request.user.is_authenticated:
            member = actions.accept(found, user=request.user)
        elif has_account or not form.is_valid():
            return render(request, "reviews/team/invitation.html", context, status=422)
        else:
            member = actions.accept_with_new_account(found, **form.account())
            login(request, member.user, backend=MODEL_BACKEND)
    except actions.NotOpen:
        return render(request, "reviews/team/invitation_closed.html", status=410)
    except actions.AlreadyAMember:
        messages.error(request, "You belong to this review already.")
        return redirect(found.review)
    messages.success(request, f"Welcome. You are {member.get_role_display().lower()} of this review.")
    return redirect(found.review)
