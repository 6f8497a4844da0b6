"""What a review tells about itself: its log, and its decisions as a file."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reviews import exports
from reviews.access import Seat, in_review
from reviews.queries import audit as queries
from reviews.rules.permissions import Permission
from reviews.views.files import download

A_PAGE = 100


@in_review(Permission.READ)
@require_safe
def log(request: HttpRequest, seat: Seat) -> HttpResponse:
    page = Paginator(queries.events(seat.review), A_PAGE).get_page(request.GET.get("page"))
    context = {"seat": seat, "page": page, "entries": queries.entries(page, request.user)}
    return render(request, "reviews/reporting/log.html", context)


@in_review(Permission.READ)
@require_safe
def log_csv(request: HttpRequest, seat: Seat) -> HttpResponse:
    return download(exports.log_csv(seat.review, request.user), f"{seat.review.slug}-log")


@in_review(Permission.READ)
@require_safe
def decisions_csv(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Decisions as far as this person may see them: what is still blind is left out."""
    return download(exports.decisions_csv(seat.review, request.user), f"{seat.review.slug}-decisions")
