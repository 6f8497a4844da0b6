"""Accounts: people sign in with their e-mail address and have one site role."""

from typing import ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from studies.rules.permissions import Permission, is_allowed
from studies.terms import SiteRole


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: object) -> "User":
        """Create an account; without a password it cannot sign in until one is set by invitation or reset."""
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password) if password else user.set_unusable_password()
        user.save(using=self._db)
        return user

    def create_admin(self, email: str, password: str | None = None, **extra: object) -> "User":
        return self.create_user(email, password, role=SiteRole.ADMIN, is_staff=True, is_superuser=True, **extra)

    create_superuser = create_admin

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username or "")


class User(AbstractUser):
    """One person. The role says what they may do on the site; reviews add roles of their own."""

    username = None
    email = models.EmailField("e-mail address", unique=True)
    role = models.CharField(max_length=12, choices=SiteRole, default=SiteRole.VISITOR)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    @property
    def may_tag(self) -> bool:
        return is_allowed(self.role, Permission.TAG)

    @property
    def may_group(self) -> bool:
        return is_allowed(self.role, Permission.GROUP)

    @property
    def is_admin(self) -> bool:
        return self.role == SiteRole.ADMIN


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        """Neither used, nor taken back, nor expired."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """A seat kept for one e-mail address; only a digest of the link's secret is stored."""

    email = models.EmailField("e-mail address")
    role = models.CharField(max_length=12, choices=SiteRole, default=SiteRole.CLINICIAN)
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="invitations")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.email} as {self.get_role_display()}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()
