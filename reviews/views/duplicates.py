"""Pairs that may be one report, side by side; merges, and taking them back."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from reviews.access import Seat, in_review
from reviews.actions import duplicates as actions
from reviews.forms.analysis import MergeForm, WhyForm
from reviews.models import Candidate, DuplicateLink, PairProposal
from reviews.queries import duplicates as queries
from reviews.rules.permissions import Permission
from reviews.terms import PairKind

A_PAGE = 10
A_LIST = 50


@in_review(Permission.READ)
@require_safe
def duplicates(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _page(request, seat)


@in_review(Permission.READ)
@require_safe
def merges(request: HttpRequest, seat: Seat) -> HttpResponse:
    page = Paginator(queries.merges(seat.review), A_LIST).get_page(request.GET.get("page"))
    context = {"seat": seat, "page": page, "may_merge": seat.may(Permission.MERGE)}
    return render(request, "reviews/duplicates/merges.html", context)


@in_review(Permission.MERGE)
@require_POST
def merge(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    proposal = get_object_or_404(PairProposal, review=seat.review, pk=pk)
    pair = proposal.first_id, proposal.second_id
    form = MergeForm(request.POST, pair=pair)
    if not form.is_valid():
        return _page(request, seat, trouble="Say which of the two stays.", status=422)
    kept = form.cleaned_data["kept"]
    dropped = pair[0] if kept == pair[1] else pair[1]
    try:
        actions.merge(Candidate.objects.get(pk=kept), Candidate.objects.get(pk=dropped), by=request.user)
    except actions.Refused as error:
        return _page(request, seat, trouble=str(error), status=422)
    messages.success(request, "The two are one report now. The merge can be taken back.")
    return redirect("reviews:duplicates", slug=seat.review.slug)


@in_review(Permission.MERGE)
@require_POST
def keep_apart(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    actions.keep_apart(get_object_or_404(PairProposal, review=seat.review, pk=pk), by=request.user)
    messages.success(request, "The two stay apart; the pair is not proposed again.")
    return redirect("reviews:duplicates", slug=seat.review.slug)


@in_review(Permission.MERGE)
@require_POST
def group(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    try:
        actions.group_as_study(get_object_or_404(PairProposal, review=seat.review, pk=pk), by=request.user)
    except actions.Refused as error:
        return _page(request, seat, trouble=str(error), status=422)
    messages.success(request, "The two reports are one study now; every decision stays where it was.")
    return redirect("reviews:duplicates", slug=seat.review.slug)


@in_review(Permission.MERGE)
@require_POST
def unmerge(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    link = get_object_or_404(DuplicateLink, kept__review=seat.review, pk=pk)
    form = WhyForm(request.POST)
    why = form.cleaned_data["why"] if form.is_valid() else ""
    actions.unmerge(link, by=request.user, why=why)
    messages.success(request, "The merge is taken back; both stand as they stood.")
    return redirect("reviews:merges", slug=seat.review.slug)


def _page(request: HttpRequest, seat: Seat, *, trouble: str = "", status: int = 200) -> HttpResponse:
    kind = PairKind.STUDY if request.GET.get("show") == PairKind.STUDY else PairKind.DUPLICATE
    found = queries.open_pairs(seat.review).filter(kind=kind)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "seat": seat,
        "kind": kind,
        "page": page,
        "pairs": list(queries.shown_pairs(list(page), request.user)),
        "numbers": queries.numbers(seat.review),
        "may_merge": seat.may(Permission.MERGE),
        "trouble": trouble,
        "query": f"show={kind}&",
    }
    return render(request, "reviews/duplicates/duplicates.html", context, status=status)
