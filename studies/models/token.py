"""ApiToken, a key to the read API; Allowance, how much somebody has asked for within a span of time."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def in_force(self) -> "ApiTokenQuerySet":
        """Not revoked, and of an account that may still sign in."""
        return self.filter(revoked_at=None, user__is_active=True)


class ApiToken(models.Model):
    """One key of one person; only a digest of it is stored, `hint` is how it begins."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=16, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class Allowance(models.Model):
    """What one asker has used since `began_at`, shared by all processes (actions/allowances.py).

    `key` names what is counted and a digest of who asks: addresses of readers are not kept.
    """

    key = models.CharField(max_length=100, unique=True)
    began_at = models.DateTimeField(default=timezone.now, db_index=True)
    n_used = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.key}: {self.n_used}"
