"""Teams: invite, take in, give roles, let go; what a member leaves open goes back to the others."""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from reviews.actions import dealing, log, verdicts
from reviews.models import Membership, Review, ReviewInvitation, ReviewStage
from reviews.rules.permissions import Permission, permissions_of
from reviews.terms import Role, ScreeningMode
from studies.actions import accounts
from studies.actions.accounts import digest
from studies.models import User


class AlreadyAMember(Exception):
    """The person belongs to the review."""


class AlreadyInvited(Exception):
    """The address has an open invitation to this review."""


class LastLead(Exception):
    """The change would leave the review without a lead."""


class NotOpen(Exception):
    """The invitation was used, taken back, or has expired."""


@transaction.atomic
def invite(review: Review, *, by: User, email: str, role: str) -> tuple[ReviewInvitation, str]:
    """Keep a seat for an address; the secret of its link is returned this once and stored nowhere."""
    _claim(review)
    email = email.strip().lower()
    if review.memberships.active().filter(user__email__iexact=email).exists():
        raise AlreadyAMember
    if review.invitations.open().filter(email=email).exists():
        raise AlreadyInvited
    secret = secrets.token_urlsafe(32)
    invitation = ReviewInvitation.objects.create(
        review=review, email=email, role=role, invited_by=by, secret_digest=digest(secret), expires_at=_expiry()
    )
    log.record("invited", invitation, review=review, by=by, email=email, role=str(role))
    return invitation, secret


@transaction.atomic
def resend(invitation: ReviewInvitation, *, by: User) -> tuple[ReviewInvitation, str]:
    """Give the invitation a new secret and a new term; the old link stops working."""
    invitation = _unanswered(invitation)
    secret = secrets.token_urlsafe(32)
    invitation.secret_digest, invitation.expires_at = digest(secret), _expiry()
    invitation.save(update_fields=["secret_digest", "expires_at"])
    log.record("resent invitation", invitation, review=invitation.review_id, by=by)
    return invitation, secret


@transaction.atomic
def take_back(invitation: ReviewInvitation, *, by: User) -> ReviewInvitation:
    invitation = _unanswered(invitation)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    log.record("took back invitation", invitation, review=invitation.review_id, by=by)
    return invitation


@transaction.atomic
def accept(invitation: ReviewInvitation, *, user: User) -> Membership:
    """Whoever holds the link takes the seat, once, under the account they are signed in with."""
    invitation = ReviewInvitation.objects.select_for_update().open().filter(pk=invitation.pk).first()
    if invitation is None:
        raise NotOpen
    review = _claim(invitation.review)
    if review.memberships.active().filter(user=user).exists():
        raise AlreadyAMember
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    seat = Membership.objects.create(
        review=review, user=user, role=invitation.role, is_expert=invitation.role in (Role.LEAD, Role.ADJUDICATOR)
    )
    log.record("joined", seat, review=review, by=user, invitation=invitation.pk, role=seat.role)
    return seat


@transaction.atomic
def accept_with_new_account(invitation: ReviewInvitation, **account: Any) -> Membership:
    """For somebody without an account: it may read the site, and do in the review what the role lets it."""
    user = accounts.open_account(email=invitation.email, **account)
    return accept(invitation, user=user)


@transaction.atomic
def change_member(seat: Membership, *, by: User, role: str, is_expert: bool, share: int) -> Membership:
    """Give a member another role or share; who no longer screens leaves nothing held or dealt."""
    seat = _seat(seat, keeps_lead=role == Role.LEAD)
    before = {"role": seat.role, "is_expert": seat.is_expert, "share": seat.share}
    after = {"role": str(role), "is_expert": is_expert, "share": share}
    if before == after:
        return seat
    seat.role, seat.is_expert, seat.share = role, is_expert, share
    seat.save(update_fields=["role", "is_expert", "share"])
    log.record("changed member", seat, review=seat.review_id, by=by, before=before, after=after)
    if not _screens(role):
        _free_slots(seat)
    return seat


@transaction.atomic
def let_go(seat: Membership, *, by: User) -> Membership:
    """End a membership, by oneself or by a lead. Decisions stay; held and dealt reports go back to the others."""
    seat = _seat(seat, keeps_lead=False)
    if seat.left_at:
        return seat
    seat.left_at = timezone.now()
    seat.save(update_fields=["left_at"])
    log.record("left" if by == seat.user else "removed member", seat, review=seat.review_id, by=by, role=seat.role)
    _free_slots(seat)
    return seat


def _free_slots(seat: Membership) -> None:
    """Nothing waits for somebody who no longer screens."""
    dealing.free(seat.review, seat.user)
    for stage in ReviewStage.objects.filter(review=seat.review_id, mode=ScreeningMode.PILOT):
        n = max(2, dealing.screeners(seat.review).count())
        if n < stage.n_pilot_reviewers:
            stage.n_pilot_reviewers = n
            stage.save(update_fields=["n_pilot_reviewers"])
            verdicts.settle_open(seat.review, stage)


def _screens(role: str) -> bool:
    return Permission.SCREEN in permissions_of(role=role)


def _claim(review: Review) -> Review:
    """Two leads may change the team in the same second: settle one at a time."""
    return Review.objects.select_for_update().get(pk=review.pk)


def _seat(seat: Membership, *, keeps_lead: bool) -> Membership:
    review = _claim(seat.review)
    leads = review.memberships.active().filter(role=Role.LEAD, user__is_active=True)
    if not keeps_lead and [lead.pk for lead in leads] == [seat.pk]:
        raise LastLead
    return Membership.objects.select_related("review", "user").get(pk=seat.pk)


def _unanswered(invitation: ReviewInvitation) -> ReviewInvitation:
    invitation = ReviewInvitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.accepted_at or invitation.revoked_at:
        raise NotOpen
    return invitation


def _expiry() -> Any:
    return timezone.now() + timedelta(days=settings.INVITATION_DAYS)
