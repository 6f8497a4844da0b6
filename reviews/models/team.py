"""Membership, a person's role in a review; ReviewInvitation, a seat kept for an e-mail address."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviews.models.protocol import Review
from reviews.terms import Role


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> "MembershipQuerySet":
        return self.filter(left_at=None)


class Membership(models.Model):
    """A person in a review; who left keeps their row, for their decisions stay."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)
    is_expert = models.BooleanField("counts as an expert", default=False)
    share = models.PositiveSmallIntegerField("share of the reports", default=1)  # a weight beside the others'
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["joined_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["review", "user"], condition=Q(left_at=None), name="one_seat_a_member")
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display().lower()} of {self.review}"


class ReviewInvitationQuerySet(models.QuerySet["ReviewInvitation"]):
    def open(self) -> "ReviewInvitationQuerySet":
        """Neither used, nor taken back, nor expired."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())


class ReviewInvitation(models.Model):
    """An offer of a role in a review; only a digest of the link's secret is stored."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail address")
    role = models.CharField(max_length=12, choices=Role, default=Role.REVIEWER)
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewInvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.email} as {self.get_role_display().lower()}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()
