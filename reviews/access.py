"""From a request to the review its user may touch: strangers get 404, members without the permission 403."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

from reviews.models import Membership, Review
from reviews.rules.permissions import Permission, permissions_of
from studies.access import View, ask_to_sign_in
from studies.models import User


@dataclass(frozen=True, slots=True)
class Seat:
    """Who asks, in which review, and what they may do there."""

    review: Review
    user: User | None
    membership: Membership | None
    powers: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        return permission in self.powers

    @property
    def is_expert(self) -> bool:
        return bool(self.membership and self.membership.is_expert)

    @property
    def may_screen(self) -> bool:
        return self.may(Permission.SCREEN)

    @property
    def may_read(self) -> bool:
        return self.may(Permission.READ)

    @property
    def may_add(self) -> bool:
        return self.may(Permission.ADD_REPORTS)

    @property
    def may_adjudicate(self) -> bool:
        return self.may(Permission.ADJUDICATE)

    @property
    def may_edit(self) -> bool:
        return self.may(Permission.EDIT_PROTOCOL)

    @property
    def may_manage_team(self) -> bool:
        return self.may(Permission.MANAGE_TEAM)

    @property
    def may_manage_searches(self) -> bool:
        return self.may(Permission.MANAGE_SEARCHES)

    @property
    def may_manage_screening(self) -> bool:
        return self.may(Permission.MANAGE_SCREENING)


def seat_of(request: HttpRequest, slug: str) -> Seat | None:
    """None for a review that this person may know nothing of, and for one that is not there."""
    user = request.user if request.user.is_authenticated else None
    # A member's seat and its review in one query: every request asks for them.
    seats = Membership.objects.active().select_related("review")
    membership = seats.filter(user=user, review__slug=slug).first() if user else None
    review = membership.review if membership else Review.objects.filter(slug=slug).first()
    if review is None:
        return None
    powers = permissions_of(
        role=membership.role if membership else "",
        is_site_admin=bool(user and user.is_admin),
        is_public=review.is_public,
    )
    return Seat(review, user, membership, powers) if powers else None


def in_review(permission: Permission) -> Callable[[View], View]:
    """Close a view of a review: it gets the seat of who asks instead of the slug."""

    def close(view: View) -> View:
        @wraps(view)
        def closed(request: HttpRequest, slug: str, *args: object, **kwargs: object) -> HttpResponseBase:
            if settings.REQUIRE_LOGIN and not request.user.is_authenticated:
                return ask_to_sign_in(request)
            seat = seat_of(request, slug)
            if seat and seat.may(permission):
                return view(request, seat, *args, **kwargs)
            if not request.user.is_authenticated:
                # Whether or not there is such a review: the answer tells a stranger nothing.
                return ask_to_sign_in(request)
            # Anybody may read the protocol of a public review; of the rest they are strangers all the same.
            if seat is None or not (seat.membership or seat.user.is_admin):
                raise Http404
            raise PermissionDenied(f"Your role in this review does not let you {permission}.")

        closed.permission = permission
        return closed

    return close
