"""Screening: the queues, one card after the other, undo, and how each stage is run."""

from contextlib import suppress

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from reviews.access import Seat, in_review
from reviews.actions import dealing, stages
from reviews.actions import protocol as protocol_actions
from reviews.actions import screening as actions
from reviews.forms.screening import DecisionForm, OrderForm, StageForm
from reviews.models import Candidate, ReviewStage
from reviews.queries import screening as queries
from reviews.queries.card import Card, Criteria, card_for, card_of, criteria_of
from reviews.rules.permissions import Permission
from reviews.terms import Dealing, Stage

_MOST_AHEAD = 3


@in_review(Permission.READ)
@require_safe
def screening(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _overview(request, seat)


def _overview(request: HttpRequest, seat: Seat, *, form: object = None, status: int = 200) -> HttpResponse:
    found = queries.queues(seat.review, user=request.user, is_expert=seat.is_expert)
    context = {
        "seat": seat,
        "queues": [(queue, _stage_form(queue.stage)) for queue in found],
        "order_form": OrderForm(initial={"dealing": seat.review.dealing}),
        "form": form,
        "is_shared": seat.review.dealing == Dealing.SHARE,
    }
    return render(request, "reviews/screening/screening.html", context, status=status)


def _stage_form(stage: ReviewStage) -> StageForm:
    return StageForm(initial={"mode": stage.mode, "pilot_size": stage.pilot_size}, auto_id=f"{stage.stage}-%s")


@in_review(Permission.SCREEN)
@require_POST
def take(request: HttpRequest, seat: Seat, stage: str) -> HttpResponse:
    """Hold the next card and show it; from a card's page, the one after the cards that are open."""
    rule = _stage(seat, stage)
    if request.htmx and (here := _numbers(request, "open")):
        # The card was opened by its address: whoever reads it holds it.
        with suppress(actions.Refused):  # somebody else holds it, and the page says so
            actions.open_card(get_object_or_404(Candidate, review=seat.review, pk=here[0]), by=request.user)
        return _next(request, seat, rule, besides=here)
    return _next(request, seat, rule)


@in_review(Permission.SCREEN)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: HttpRequest, seat: Seat, stage: str, pk: int) -> HttpResponse:
    """One report to decide on. A POST decides and answers with the next, or with the one after `ahead`."""
    rule = _stage(seat, stage)
    if request.method != "POST":
        return _card(request, seat, rule, pk)
    criteria = criteria_of(seat.review)
    form = DecisionForm(request.POST, stage=stage, reasons=criteria[2])
    if not form.is_valid():
        return _card(request, seat, rule, pk, form=form, status=422)
    try:
        # The action reads and locks the row itself: it is not fetched here as well.
        candidate = Candidate(pk=pk, review=seat.review)
        actions.decide(candidate, by=request.user, stage=stage, said=form.said(), is_expert=seat.is_expert)
    except Candidate.DoesNotExist:
        raise Http404 from None
    except actions.Refused as error:
        form.add_error(None, str(error))
        return _card(request, seat, rule, pk, form=form, status=422)
    return _next(request, seat, rule, besides=_numbers(request, "ahead"), criteria=criteria)


@in_review(Permission.SCREEN)
@require_POST
def undo(request: HttpRequest, seat: Seat, stage: str) -> HttpResponse:
    """Take back one's last word at this stage, and show the card again."""
    rule = _stage(seat, stage)
    last = queries.my_last(seat.review, stage, request.user)
    if last is None:
        messages.error(request, "There is nothing of yours to take back at this stage.")
        return redirect("reviews:screening", slug=seat.review.slug)
    try:
        actions.undo(last.candidate, by=request.user, stage=stage)
    except actions.Refused as error:
        messages.error(request, str(error))
        return redirect("reviews:report", slug=seat.review.slug, pk=last.candidate_id)
    return redirect("reviews:card", slug=seat.review.slug, stage=rule.stage, pk=last.candidate_id)


@in_review(Permission.MANAGE_SCREENING)
@require_POST
def change_stage(request: HttpRequest, seat: Seat, stage: str) -> HttpResponse:
    """Another mode, or closing and opening."""
    rule = _stage(seat, stage)
    match request.POST.get("do"):
        case "close":
            stages.close_stage(rule, by=request.user)
        case "open":
            stages.open_stage(rule, by=request.user)
        case _:
            form = StageForm(request.POST, auto_id=f"{stage}-%s")
            if not form.is_valid():
                return _overview(request, seat, form=form, status=422)
            stages.change_stage(rule, by=request.user, **form.cleaned_data)
    messages.success(request, "The change is kept, and in the log.")
    return redirect("reviews:screening", slug=seat.review.slug)


@in_review(Permission.MANAGE_SCREENING)
@require_POST
def change_dealing(request: HttpRequest, seat: Seat) -> HttpResponse:
    """By share or by pull; shares are dealt at once."""
    form = OrderForm(request.POST)
    if not form.is_valid():
        return _overview(request, seat, form=form, status=422)
    review = protocol_actions.change_review(seat.review, by=request.user, verb="changed dealing", **form.cleaned_data)
    n = dealing.deal(review, by=request.user)
    messages.success(request, f"{n} reports are dealt." if n else "The change is kept.")
    return redirect("reviews:screening", slug=review.slug)


def _stage(seat: Seat, stage: str) -> ReviewStage:
    if stage not in Stage.values:
        raise Http404
    return ReviewStage.objects.get(review=seat.review, stage=stage)


def _numbers(request: HttpRequest, name: str) -> list[int]:
    """Ids of cards that the page has open already."""
    given = request.POST.getlist(name)[:_MOST_AHEAD]
    return [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 15]


def _next(
    request: HttpRequest,
    seat: Seat,
    rule: ReviewStage,
    *,
    besides: list[int] | None = None,
    criteria: Criteria | None = None,
) -> HttpResponse:
    candidate = actions.take_next(seat.review, rule, by=request.user, is_expert=seat.is_expert, besides=besides or ())
    if request.htmx:
        if candidate is None:
            return render(request, "reviews/screening/_done.html", {"seat": seat, "stage": rule})
        # Its reader has said nothing about it yet: that is how it was chosen.
        card = card_for(seat.review, candidate, criteria or criteria_of(seat.review))
        return _shown(request, seat, rule, card)
    if candidate is None:
        messages.success(request, "Nothing waits for you at this stage.")
        return redirect("reviews:screening", slug=seat.review.slug)
    return redirect("reviews:card", slug=seat.review.slug, stage=rule.stage, pk=candidate.pk)


def _card(
    request: HttpRequest,
    seat: Seat,
    rule: ReviewStage,
    pk: int,
    *,
    form: DecisionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    try:
        found = card_of(seat.review, pk, rule.stage, request.user)
    except Candidate.DoesNotExist:
        raise Http404 from None
    return _shown(request, seat, rule, found, form=form, status=status)


def _shown(
    request: HttpRequest,
    seat: Seat,
    rule: ReviewStage,
    card: Card,
    *,
    form: DecisionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "seat": seat,
        "stage": rule,
        "card": card,
        "form": form,
        "said": _said(form, card),
        "is_full_text": rule.stage == Stage.FULL_TEXT,
        "is_held": dealing.is_held_by_another(card.candidate, request.user),
    }
    template = "reviews/screening/_card.html" if request.htmx else "reviews/screening/card.html"
    return render(request, template, context, status=status)


def _said(form: DecisionForm | None, card: Card) -> dict[str, object]:
    """What the card shows as answered: what was just sent, or one's own standing word."""
    if form is not None:
        return {
            "reason": form.data.get("reason", ""),
            "also": set(form.data.getlist("also")),
            "note": form.data.get("note", ""),
        }
    mine = card.mine
    if mine is None:
        return {"reason": "", "also": set(), "note": ""}
    return {
        "decision": mine.decision,
        "reason": str(mine.primary_reason_id or ""),
        "also": set(map(str, mine.secondary_reasons)),
        "note": mine.note,
    }
