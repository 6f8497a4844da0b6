"""Agreement between reviewers, as a page and as a table."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reviews import exports
from reviews.access import Seat, in_review
from reviews.queries.agreement import agreement
from reviews.rules.permissions import Permission
from reviews.views.files import download


@in_review(Permission.READ)
@require_safe
def page(request: HttpRequest, seat: Seat) -> HttpResponse:
    is_pilot, is_final = _asked(request)
    context = {
        "seat": seat,
        "stages": agreement(seat.review, is_pilot=is_pilot, is_final=is_final),
        "is_pilot": is_pilot,
        "is_final": is_final,
    }
    return render(request, "reviews/analysis/agreement.html", context)


@in_review(Permission.READ)
@require_safe
def as_csv(request: HttpRequest, seat: Seat) -> HttpResponse:
    is_pilot, is_final = _asked(request)
    text = exports.agreement_csv(seat.review, is_pilot=is_pilot, is_final=is_final)
    return download(text, f"{seat.review.slug}-agreement")


def _asked(request: HttpRequest) -> tuple[bool, bool]:
    return request.GET.get("of") == "pilot", request.GET.get("words") == "last"
