"""The flow diagram: page, pictures, tables, the rows behind a number, versions frozen and compared."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from reviews import exports
from reviews.access import Seat, in_review
from reviews.actions import flow as actions
from reviews.forms.analysis import FreezeForm
from reviews.models import FlowVersion, ReviewSource
from reviews.queries import flow as queries
from reviews.queries.flow import STEPS, Snapshot
from reviews.queries.flow_diagram import changed, drawn, label_of, statements
from reviews.rules.permissions import Permission
from reviews.statistics.flow_picture import picture
from reviews.views.files import download

A_PAGE = 50
_MEDIA = {"png": "image/png", "pdf": "application/pdf"}


@in_review(Permission.READ)
@require_safe
def page(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _page(request, seat, FreezeForm())


@in_review(Permission.MANAGE_SCREENING)
@require_POST
def freeze(request: HttpRequest, seat: Seat) -> HttpResponse:
    form = FreezeForm(request.POST)
    if form.is_valid():
        try:
            version = actions.freeze(seat.review, by=request.user, **form.cleaned_data)
        except actions.DoesNotAddUp:
            form.add_error(None, "The numbers contradict each other: nothing is frozen until they agree.")
        else:
            messages.success(request, f"Version {version.number} is frozen.")
            return redirect("reviews:flow", slug=seat.review.slug)
    return _page(request, seat, form, status=422)


@in_review(Permission.READ)
@require_safe
def compare(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Two versions number by number; `0` is the present."""
    one, other = (_version(seat, request.GET.get(name, "0")) for name in ("from", "to"))
    shown = [queries.thawed(v) if v else queries.snapshot(seat.review) for v in (one, other)]
    context = {
        "seat": seat,
        "versions": queries.versions(seat.review),
        "shown": shown,
        "rows": changed(*shown),
        "chosen": [v.number if v else 0 for v in (one, other)],
    }
    return render(request, "reviews/flow/compare.html", context)


@in_review(Permission.READ)
@require_safe
def rows(request: HttpRequest, seat: Seat, key: str) -> HttpResponse:
    found, context = _rows(request, seat, key)
    context["page"] = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    asked = request.GET.copy()
    asked.pop("page", None)
    context["query"] = f"{asked.urlencode()}&" if asked else ""
    return render(request, "reviews/flow/rows.html", context)


@in_review(Permission.READ)
@require_safe
def rows_csv(request: HttpRequest, seat: Seat, key: str) -> HttpResponse:
    found, context = _rows(request, seat, key)
    return download(exports.flow_rows_csv(found, context["unit"]), f"{seat.review.slug}-{key.replace('_', '-')}")


@in_review(Permission.READ)
@require_safe
def prisma_csv(request: HttpRequest, seat: Seat) -> HttpResponse:
    """PRISMA.csv with the keys of the reference implementation."""
    return download(exports.prisma_csv(_shown(request, seat)), f"{seat.review.slug}-PRISMA")


@in_review(Permission.READ)
@require_safe
def as_picture(request: HttpRequest, seat: Seat, kind: str) -> HttpResponse:
    if kind not in _MEDIA:
        raise Http404
    shown = _shown(request, seat)
    which = f"Version {shown.number} of" if shown.number else "As of"
    notes = f"{which} {shown.as_of:%d %B %Y, %H:%M} UTC. PRISMA 2020 flow diagram, counted from the review's rows."
    if shown.breaks:
        notes += " THE NUMBERS DO NOT ADD UP: see the review's page."
    data = picture(drawn(shown), kind, title=seat.review.title, notes=notes)
    answer = HttpResponse(data, content_type=_MEDIA[kind])
    name = f"{seat.review.slug}-flow-{timezone.now():%Y-%m-%d}.{kind}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _page(request: HttpRequest, seat: Seat, form: FreezeForm, *, status: int = 200) -> HttpResponse:
    shown = _shown(request, seat)
    context = {
        "seat": seat,
        "form": form,
        "shown": shown,
        "diagram": drawn(shown),
        "statements": statements(shown),
        "breaks": [(one, _labels(one.left_keys), _labels(one.right_keys)) for one in shown.breaks],
        "sources": [source for source in shown.sources if source.n],
        "steps": [(label, [source.steps.get(key, 0) for source in shown.sources if source.n]) for key, label in STEPS],
        "versions": queries.versions(seat.review),
        "version_query": f"version={shown.number}" if shown.number else "",
    }
    return render(request, "reviews/flow/flow.html", context, status=status)


def _labels(keys: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(key, label_of(key)) for key in keys]


def _shown(request: HttpRequest, seat: Seat) -> Snapshot:
    version = _version(seat, request.GET.get("version", "0"))
    return queries.thawed(version) if version else queries.snapshot(seat.review)


def _version(seat: Seat, text: str) -> FlowVersion | None:
    """The frozen version of that number; None for the present, which is 0. Raises 404."""
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Http404
    return get_object_or_404(FlowVersion, review=seat.review, number=int(text)) if int(text) else None


def _rows(request: HttpRequest, seat: Seat, key: str) -> tuple[object, dict]:
    source = request.GET.get("source")
    if source is not None:
        source = get_object_or_404(ReviewSource, review=seat.review, pk=source) if source.isdecimal() else None
        if source is None:
            raise Http404
    reason = request.GET.get("reason")
    version = _version(seat, request.GET.get("version", "0"))
    ids = queries.ids_behind(seat.review, key, source=source and source.pk, reason=reason, version=version)
    if ids is None:
        raise Http404
    unit = queries.unit_of(key)
    context = {
        "seat": seat,
        "key": key,
        "label": label_of(key),
        "source": source,
        "reason": queries.reason_label(reason) if reason is not None else "",
        "version": version,
        "unit": unit,
        "n": len(ids),
    }
    return queries.rows_behind(seat.review, key, ids), context
