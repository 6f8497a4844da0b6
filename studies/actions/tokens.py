"""Keys to the read API: made, shown once, recognised by their digest, revoked."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from studies.models import ApiToken, AuditEvent, User

MOST = 20  # keys in force of one person
PREFIX = "stratum_"
_NOTED_EVERY = timedelta(minutes=1)


class TooMany(ValueError):
    """The person has as many keys as one may have; the message is a sentence for people."""


@transaction.atomic
def create_token(user: User, *, name: str) -> tuple[ApiToken, str]:
    """A new key; its secret is returned this once and stored nowhere. Raises TooMany."""
    User.objects.select_for_update().get(pk=user.pk)
    if ApiToken.objects.in_force().filter(user=user).count() >= MOST:
        raise TooMany(f"You have {MOST} tokens: revoke one you no longer use.")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(user=user, name=name, digest=digest(secret), hint=secret[: len(PREFIX) + 4])
    AuditEvent.objects.record("made an API token", token, by=user)
    return token, secret


@transaction.atomic
def revoke(token: ApiToken, *, by: User) -> None:
    """The key opens nothing any more; doing it twice is harmless."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        AuditEvent.objects.record("revoked an API token", token, by=by)


def token_of(secret: str) -> ApiToken | None:
    """The key in force with this secret, its use noted at most once a minute."""
    if not secret.startswith(PREFIX) or len(secret) > 100:
        return None
    token = ApiToken.objects.in_force().select_related("user").filter(digest=digest(secret)).first()
    if token:
        now = timezone.now()
        lately = Q(last_used_at=None) | Q(last_used_at__lt=now - _NOTED_EVERY)
        if token.last_used_at is None or token.last_used_at < now - _NOTED_EVERY:
            ApiToken.objects.filter(lately, pk=token.pk).update(last_used_at=now)
    return token


def digest(secret: str) -> str:
    """256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()
