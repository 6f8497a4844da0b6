"""Reviews and their protocols: the list, a new review, its question, its living parameters, its criteria."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from reviews.access import Seat, in_review
from reviews.actions import protocol as actions
from reviews.actions import screening
from reviews.forms.protocol import CriteriaForm, LivingForm, ReviewForm, ScreeningForm, StatementForm, initial
from reviews.queries import protocol as queries
from reviews.queries import reporting
from reviews.queries.card import criteria_of
from reviews.rules.permissions import Permission
from studies.access import may, needs, reader
from studies.rules.permissions import Permission as SitePermission


@require_safe
def reviews(request: HttpRequest) -> HttpResponse:
    """Every review whose protocol the reader may see."""
    context = {
        "lines": queries.lines(reader(request)),
        "may_begin": may(request.user, SitePermission.REVIEW),
    }
    return render(request, "reviews/protocol/reviews.html", context)


@needs(SitePermission.REVIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        review = actions.create_review(by=request.user, **form.cleaned_data)
        messages.success(request, "The review is begun. Write its criteria next.")
        return redirect("reviews:criteria", slug=review.slug)
    status = 422 if request.method == "POST" else 200
    return render(request, "reviews/protocol/new.html", {"form": form}, status=status)


@in_review(Permission.READ_PROTOCOL)
@require_safe
def review(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The protocol as it stands, with every version of its criteria."""
    version, inclusion, exclusion = criteria_of(seat.review)
    context = {
        "seat": seat,
        "version": version,
        "inclusion": inclusion,
        "exclusion": exclusion,
        "versions": queries.versions(seat.review),
        "stages": reporting.stages(seat.review),
        "sources": reporting.searches(seat.review),
        "statements": seat.review.status_statements.select_related("by")[:12],
    }
    return render(request, "reviews/protocol/review.html", context)


@in_review(Permission.EDIT_PROTOCOL)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _change(request, seat, ReviewForm, "Question and PICO", "changed protocol")


@in_review(Permission.EDIT_PROTOCOL)
@require_http_methods(["GET", "HEAD", "POST"])
def words(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _change(request, seat, ScreeningForm, "Words highlighted on cards", "changed highlighted words")


@in_review(Permission.EDIT_PROTOCOL)
@require_http_methods(["GET", "HEAD", "POST"])
def living(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _change(request, seat, LivingForm, "Living review", "changed living parameters")


def _change(request: HttpRequest, seat: Seat, form_class: type, title: str, verb: str) -> HttpResponse:
    form = form_class(request.POST or None, initial=initial(seat.review, form_class))
    if request.method == "POST":
        # A form of one unticked box is sent empty; it is a form all the same.
        form = form_class(request.POST)
        if form.is_valid():
            actions.change_review(seat.review, by=request.user, verb=verb, **form.cleaned_data)
            messages.success(request, "The change is kept, and in the log.")
            return redirect(seat.review)
    context = {"seat": seat, "form": form, "title": title}
    return render(request, "reviews/protocol/edit.html", context, status=422 if request.method == "POST" else 200)


@in_review(Permission.EDIT_PROTOCOL)
@require_POST
def state_status(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The monthly statement of a living review; its numbers are counted, not typed."""
    form = StatementForm(request.POST)
    if not form.is_valid():
        context = {"seat": seat, "form": form, "title": "Statement of status"}
        return render(request, "reviews/protocol/edit.html", context, status=422)
    numbers = reporting.status_numbers(seat.review)
    actions.state_status(seat.review, by=request.user, plans=form.cleaned_data["plans"], **numbers)
    messages.success(request, "The statement is published with today’s numbers.")
    return redirect(seat.review)


@in_review(Permission.EDIT_PROTOCOL)
@require_http_methods(["GET", "HEAD", "POST"])
def criteria(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Write the criteria. After the first decision a change is a new version, and asks what to look at again."""
    version, _, _ = criteria_of(seat.review)
    n_decisions = queries.n_decisions(seat.review)
    form = CriteriaForm(request.POST or None, drafts=actions.drafts_of(version) if version else [])
    if request.method == "POST":
        form = CriteriaForm(request.POST)
        if form.is_valid():
            written = actions.write_criteria(seat.review, by=request.user, drafts=form.drafts, why=form.why)
            if n_decisions and version and written.number != version.number:
                return redirect("reviews:revisit", slug=seat.review.slug)
            messages.success(request, "The criteria are kept.")
            return redirect(seat.review)
    context = {"seat": seat, "form": form, "version": version, "n_decisions": n_decisions}
    return render(request, "reviews/protocol/criteria.html", context, status=422 if request.method == "POST" else 200)


@in_review(Permission.EDIT_PROTOCOL)
@require_http_methods(["GET", "HEAD", "POST"])
def revisit(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Which decisions by older criteria to ask for again."""
    groups = queries.groups_to_revisit(seat.review)
    version, _, _ = criteria_of(seat.review)
    if request.method == "POST":
        wanted = set(request.POST.getlist("group"))
        chosen = [group for group in groups if group.name in wanted]
        why = f"Criteria {version.number}: {request.POST.get('why', '').strip()[:1000]}".rstrip(": ")
        n = sum(
            screening.reopen(
                seat.review,
                queries.candidates_to_revisit(seat.review, group.name).values_list("pk", flat=True),
                by=request.user,
                stage=group.stage,
                why=why,
            )
            for group in chosen
        )
        messages.success(request, f"{n} reports are asked for again." if n else "No decision is asked for again.")
        return redirect("reviews:screening", slug=seat.review.slug)
    return render(request, "reviews/protocol/revisit.html", {"seat": seat, "groups": groups, "version": version})
