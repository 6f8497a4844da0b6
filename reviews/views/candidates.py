"""The reports of a review: where they come from, lists of them, and each with its history and its full text."""

from celery import chain
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.forms import Form
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from reviews import tasks
from reviews.access import Seat, in_review
from reviews.actions import candidates as actions
from reviews.actions import full_texts, screening
from reviews.exports import reports_csv
from reviews.forms.candidates import FileForm, ReportsForm, SearchChoiceForm
from reviews.forms.screening import ClassificationForm, FullTextForm, ReopenForm, SettlementForm
from reviews.models import Candidate, ReviewSource
from reviews.queries import audit
from reviews.queries import candidates as queries
from reviews.queries.blinding import shown_rank
from reviews.queries.card import card_of, criteria_of
from reviews.rules.permissions import Permission
from reviews.rules.screening import ORDER
from reviews.terms import Stage, Verdict
from reviews.views.files import download
from studies.actions.importing import Refused
from studies.tasks import carry_on

A_PAGE = 50


@in_review(Permission.READ)
@require_safe
def sources(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _sources(request, seat)


@in_review(Permission.MANAGE_SEARCHES)
@require_POST
def add_search(request: HttpRequest, seat: Seat) -> HttpResponse:
    form = SearchChoiceForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            actions.add_search(seat.review, values["search"], by=request.user, kind=values["kind"], name=values["name"])
        except actions.FeedsAlready:
            form.add_error("search", "This search feeds the review already.")
        else:
            messages.success(request, "The search feeds this review from now on.")
            return redirect("reviews:sources", slug=seat.review.slug)
    return _sources(request, seat, search_form=form, form=form, status=422)


@in_review(Permission.MANAGE_SEARCHES)
@require_POST
def remove_search(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    actions.remove_search(get_object_or_404(seat.review.searches, pk=pk), by=request.user)
    messages.success(request, "The search feeds no more. What it brought stays.")
    return redirect("reviews:sources", slug=seat.review.slug)


@in_review(Permission.ADD_REPORTS)
@require_POST
def import_file(request: HttpRequest, seat: Seat) -> HttpResponse:
    form = FileForm(request.POST, request.FILES)
    if form.is_valid():
        values = form.cleaned_data
        try:
            run = actions.import_file(
                seat.review,
                by=request.user,
                file_name=values["file"].name,
                stream=values["file"],
                kind=values["kind"],
                name=values["name"],
                note=values["note"],
            )
        except Refused as error:
            form.add_error("file", str(error))
        else:
            _knock(run.pk)
            messages.success(request, "The file is being read; its reports join the review when it is.")
            return redirect("reviews:sources", slug=seat.review.slug)
    return _sources(request, seat, file_form=form, form=form, status=422)


@in_review(Permission.ADD_REPORTS)
@require_POST
def add_reports(request: HttpRequest, seat: Seat) -> HttpResponse:
    form = ReportsForm(request.POST)
    if not form.is_valid():
        return _sources(request, seat, reports_form=form, form=form, status=422)
    values = form.cleaned_data
    pmids, dois = values["identifiers"]
    added = actions.add_reports(
        seat.review, by=request.user, pmids=pmids, dois=dois, kind=values["kind"], name=values["name"]
    )
    if added.run:
        _knock(added.run.pk)
    asked = " The others are asked of PubMed and join when it answers." if added.run else ""
    messages.success(request, f"{added.n_new} reports added, {added.n_known} were there already.{asked}")
    return redirect("reviews:sources", slug=seat.review.slug)


def _sources(
    request: HttpRequest,
    seat: Seat,
    *,
    search_form: Form | None = None,
    file_form: Form | None = None,
    reports_form: Form | None = None,
    form: Form | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "seat": seat,
        "sources": queries.sources(seat.review),
        "searches": queries.searches(seat.review),
        "runs": queries.runs(seat.review),
        "search_form": search_form or SearchChoiceForm(auto_id="search_%s"),
        "file_form": file_form or FileForm(auto_id="file_%s"),
        "reports_form": reports_form or ReportsForm(auto_id="reports_%s"),
        "form": form,
        "megabytes": settings.UPLOAD_MEGABYTES,
    }
    return render(request, "reviews/sources/sources.html", context, status=status)


@in_review(Permission.READ)
@require_safe
def listing(request: HttpRequest, seat: Seat) -> HttpResponse:
    name, source = _asked(request, seat)
    found = queries.listed(seat.review, name, user=request.user, source=source.pk if source else None)
    numbers = queries.counts(seat.review, request.user)
    context = {
        "seat": seat,
        "name": name,
        "title": queries.NAMES[name],
        "source": source,
        "query": f"show={name}&" + (f"source={source.pk}&" if source else ""),
        "lists": [(key, label, numbers[key]) for key, label in queries.NAMES.items() if numbers[key] or key == name],
        "page": Paginator(found, A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "reviews/reports/reports.html", context)


@in_review(Permission.READ)
@require_safe
def export(request: HttpRequest, seat: Seat) -> HttpResponse:
    name, source = _asked(request, seat)
    text = reports_csv(seat.review, name, request.user, source.pk if source else None)
    return download(text, f"{seat.review.slug}-{name}")


def _asked(request: HttpRequest, seat: Seat) -> tuple[str, ReviewSource | None]:
    name, number = request.GET.get("show", "all"), request.GET.get("source", "")
    source = None
    if number.isascii() and number.isdigit() and len(number) < 10:
        source = get_object_or_404(ReviewSource, review=seat.review, pk=int(number))
    return (name if name in queries.NAMES else "all"), source


@in_review(Permission.READ)
@require_safe
def report(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    return _report(request, seat, _candidate(seat, pk))


@in_review(Permission.SCREEN)
@require_POST
def settle(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """A conflict's end: a third person's word, or what the reviewers agreed on."""
    candidate = _candidate(seat, pk)
    _, _, reasons = criteria_of(seat.review)
    form = SettlementForm(request.POST, stage=candidate.stage, reasons=reasons)
    if form.is_valid():
        try:
            screening.settle_conflict(
                candidate,
                by=request.user,
                said=form.said(),
                is_consensus=form.cleaned_data["is_consensus"],
                may_adjudicate=seat.may_adjudicate,
            )
        except screening.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The conflict is settled.")
            return _on(request, seat, candidate)
    return _report(request, seat, candidate, settlement=form, form=form, status=422)


@in_review(Permission.SCREEN)
@require_POST
def full_text(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    candidate = _candidate(seat, pk)
    form = FullTextForm(request.POST, request.FILES)
    if form.is_valid():
        values = form.cleaned_data
        try:
            if values["pdf"]:
                full_texts.upload(candidate, by=request.user, stream=values["pdf"])
            elif values["url"]:
                full_texts.add_link(candidate, by=request.user, url=values["url"])
            else:
                full_texts.mark_unavailable(candidate, by=request.user, why=values["why"])
        except full_texts.NotPossible as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The full text’s state is kept.")
            return _on(request, seat, candidate)
    return _report(request, seat, candidate, text_form=form, form=form, status=422)


@in_review(Permission.READ)
@require_safe
def pdf(request: HttpRequest, seat: Seat, pk: int) -> HttpResponseBase:
    """The uploaded PDF, for members alone and never shown inside a page of ours."""
    candidate = _candidate(seat, pk)
    path = full_texts.path_of(candidate.full_text_path) if candidate.full_text_path else None
    if path is None or not path.is_file():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"{candidate.report.identifier}.pdf")


@in_review(Permission.ADJUDICATE)
@require_POST
def classify(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    candidate = _candidate(seat, pk)
    form = ClassificationForm(request.POST)
    if form.is_valid():
        try:
            screening.classify(candidate, by=request.user, **form.cleaned_data)
        except screening.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The classification is kept.")
            return _on(request, seat, candidate)
    return _report(request, seat, candidate, form=form, status=422)


@in_review(Permission.MANAGE_SCREENING)
@require_POST
def reopen(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    candidate = _candidate(seat, pk)
    form = ReopenForm(request.POST)
    if not form.is_valid():
        return _report(request, seat, candidate, form=form, status=422)
    n = screening.reopen(seat.review, [candidate.pk], by=request.user, **form.cleaned_data)
    messages.success(request, "New decisions are asked for." if n else "It never came as far as that stage.")
    return _on(request, seat, candidate)


def _on(request: HttpRequest, seat: Seat, candidate: Candidate) -> HttpResponse:
    return redirect("reviews:report", slug=seat.review.slug, pk=candidate.pk)


def _candidate(seat: Seat, pk: int) -> Candidate:
    return get_object_or_404(Candidate.objects.select_related("report"), review=seat.review, pk=pk)


def _report(
    request: HttpRequest,
    seat: Seat,
    candidate: Candidate,
    *,
    settlement: SettlementForm | None = None,
    text_form: FullTextForm | None = None,
    form: Form | None = None,
    status: int = 200,
) -> HttpResponse:
    card = card_of(seat.review, candidate.pk, candidate.stage, request.user)
    candidate, history = card.candidate, queries.history(card.candidate, request.user)
    is_party = request.user.pk in queries.deciders(candidate)
    is_conflict = candidate.verdict == Verdict.CONFLICT
    found = audit.entries(audit.events(seat.review, about=("candidate", candidate.pk))[:100], request.user)
    context = {
        "seat": seat,
        "card": card,
        "candidate": candidate,
        "history": history,
        "labels": queries.reasons_named(history.decisions),
        "entries": found,
        "rank": shown_rank(candidate),
        "settlement": settlement,
        "may_settle": is_conflict and seat.may_adjudicate and not is_party,
        "may_agree": is_conflict and (seat.may_adjudicate or (seat.may_screen and is_party)),
        "text_form": text_form or FullTextForm(),
        "is_full_text": candidate.stage == Stage.FULL_TEXT,
        "classification_form": ClassificationForm(initial={"classification": candidate.classification}),
        "stages": [stage for stage in Stage if ORDER[stage] <= ORDER[candidate.stage]],
        "form": form,
    }
    return render(request, "reviews/reports/report.html", context, status=status)


def _knock(pk: int) -> None:
    """Read the run, then let what it found join; the sweeps repeat both if nobody hears this."""
    signatures = carry_on.si(pk), tasks.tick.si()
    transaction.on_commit(lambda: chain(*signatures).delay(), robust=True)
