"""How far screening has come and what remains; the ranking's switch."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from reviews import tasks
from reviews.access import Seat, in_review
from reviews.actions import ranking as actions
from reviews.forms.analysis import RankingForm
from reviews.queries import ranking as queries
from reviews.rules.permissions import Permission


@in_review(Permission.READ)
@require_safe
def progress(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _page(request, seat, RankingForm(initial=vars(seat.review)))


@in_review(Permission.MANAGE_SCREENING)
@require_POST
def change_ranking(request: HttpRequest, seat: Seat) -> HttpResponse:
    form = RankingForm(request.POST)
    if not form.is_valid():
        return _page(request, seat, form, status=422)
    review = actions.change_ranking(seat.review, by=request.user, **form.cleaned_data)
    if review.is_ranked:
        transaction.on_commit(lambda: tasks.rank.delay(review.pk), robust=True)
    messages.success(request, "The ranking is set.")
    return redirect("reviews:progress", slug=seat.review.slug)


def _page(request: HttpRequest, seat: Seat, form: RankingForm, *, status: int = 200) -> HttpResponse:
    context = {"seat": seat, "form": form, "progress": queries.progress(seat.review)}
    return render(request, "reviews/analysis/progress.html", context, status=status)
