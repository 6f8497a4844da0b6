"""Accounts: invite, accept, give a role, close; every change audited, never without an admin."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils import timezone

from studies.models import AuditEvent, Invitation, User
from studies.terms import SiteRole


class AlreadyAMember(Exception):
    """The address has an account."""


class AlreadyInvited(Exception):
    """The address has an open invitation."""


class LastAdmin(Exception):
    """The change would leave the site without an admin."""


class NotOpen(Exception):
    """The invitation was used, taken back, or has expired."""


def digest(secret: str) -> str:
    """What is stored of an invitation's secret: enough to recognise it, not enough to use it."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def invite(*, by: User, email: str, role: SiteRole | str) -> tuple[Invitation, str]:
    """Keep a seat for an address; the secret of its link is returned this once and stored nowhere."""
    email = email.strip().lower()
    # Two admins may invite the same person in the same second: settle one at a time.
    list(_admins().select_for_update())
    if User.objects.filter(email__iexact=email).exists():
        raise AlreadyAMember
    if Invitation.objects.open().filter(email=email).exists():
        raise AlreadyInvited
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        email=email, role=role, invited_by=by, secret_digest=digest(secret), expires_at=_expiry()
    )
    AuditEvent.objects.record("invited", invitation, by=by, email=email, role=str(role))
    return invitation, secret


@transaction.atomic
def resend(invitation: Invitation, *, by: User) -> tuple[Invitation, str]:
    """Give the invitation a new secret and a new term; the old link stops working."""
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.accepted_at or invitation.revoked_at:
        raise NotOpen
    secret = secrets.token_urlsafe(32)
    invitation.secret_digest = digest(secret)
    invitation.expires_at = _expiry()
    invitation.save(update_fields=["secret_digest", "expires_at"])
    AuditEvent.objects.record("resent invitation", invitation, by=by)
    return invitation, secret


@transaction.atomic
def take_back(invitation: Invitation, *, by: User) -> Invitation:
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.accepted_at or invitation.revoked_at:
        raise NotOpen
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    AuditEvent.objects.record("took back invitation", invitation, by=by)
    return invitation


@transaction.atomic
def accept(invitation: Invitation, *, first_name: str, last_name: str, password: str) -> User:
    """Turn an open invitation into an account, once."""
    invitation = Invitation.objects.select_for_update().open().filter(pk=invitation.pk).first()
    if invitation is None or User.objects.filter(email__iexact=invitation.email).exists():
        raise NotOpen
    create = User.objects.create_admin if invitation.role == SiteRole.ADMIN else User.objects.create_user
    extra = {} if invitation.role == SiteRole.ADMIN else {"role": invitation.role}
    user = create(invitation.email, password, first_name=first_name, last_name=last_name, **extra)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    AuditEvent.objects.record("accepted invitation", user, by=user, invitation=invitation.pk, role=invitation.role)
    return user


@transaction.atomic
def open_account(*, email: str, first_name: str, last_name: str, password: str) -> User:
    """An account for somebody who was asked in by a team, not by an admin: it may read the site and no more."""
    if User.objects.filter(email__iexact=email).exists():
        raise AlreadyAMember
    user = User.objects.create_user(email, password, role=SiteRole.VISITOR, first_name=first_name, last_name=last_name)
    AuditEvent.objects.record("opened account", user, by=user, role=user.role)
    return user


@transaction.atomic
def change_role(user: User, *, by: User, role: SiteRole | str) -> User:
    user = _claim(user, keeps_admin=role == SiteRole.ADMIN)
    before, user.role = user.role, role
    user.is_staff = user.is_superuser = role == SiteRole.ADMIN
    user.save(update_fields=["role", "is_staff", "is_superuser"])
    AuditEvent.objects.record("changed role", user, by=by, before=before, after=str(role))
    return user


@transaction.atomic
def deactivate(user: User, *, by: User) -> User:
    """Close an account; its sessions end with the next request, its work and name stay."""
    user = _claim(user, keeps_admin=False)
    user.is_active = False
    user.save(update_fields=["is_active"])
    AuditEvent.objects.record("deactivated", user, by=by)
    return user


@transaction.atomic
def reactivate(user: User, *, by: User) -> User:
    user.is_active = True
    user.save(update_fields=["is_active"])
    AuditEvent.objects.record("reactivated", user, by=by)
    return user


@transaction.atomic
def reset_token(user: User, *, by: User) -> str:
    """The secret of a link that sets a new password, to be handed over by an admin; audited, as it is a key."""
    AuditEvent.objects.record("made a reset link", user, by=by)
    return default_token_generator.make_token(user)


@transaction.atomic
def change_name(user: User, *, by: User, first_name: str, last_name: str) -> User:
    before = str(user)
    user.first_name, user.last_name = first_name, last_name
    user.save(update_fields=["first_name", "last_name"])
    AuditEvent.objects.record("changed name", user, by=by, before=before)
    return user


@transaction.atomic
def change_password(user: User, *, by: User, password: str) -> User:
    user.set_password(password)
    user.save(update_fields=["password"])
    AuditEvent.objects.record("changed password", user, by=by)
    return user


def _admins():
    return User.objects.filter(role=SiteRole.ADMIN, is_active=True).order_by("pk")


def _claim(user: User, *, keeps_admin: bool) -> User:
    """The account's own row, locked together with every admin's, so that two admins cannot demote each other."""
    admins = list(_admins().select_for_update())
    if not keeps_admin and [admin.pk for admin in admins] == [user.pk]:
        raise LastAdmin
    return User.objects.select_for_update().get(pk=user.pk)


def _expiry():
    return timezone.now() + timedelta(days=settings.INVITATION_DAYS)
