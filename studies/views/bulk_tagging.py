"""Tagging many studies at once: choose, see what would change, apply; each act can be undone as one."""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from studies.access import needs
from studies.actions import bulk_tagging as actions
from studies.actions.tagging import TaggingError
from studies.forms.tagging import BulkForm
from studies.models import Study, TagBatch
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.listing import chips_of
from studies.queries.vocabulary import Vocabulary
from studies.rules.permissions import Permission

_SHOWN = 25


@dataclass(frozen=True, slots=True)
class Chosen:
    """The studies meant: those named, or all of a search; `query` says the same as an address, `search` as a list."""

    ids: list[int]
    query: str
    chips: tuple
    is_search: bool
    search: str


@needs(Permission.TAG)
@require_http_methods(["GET", "HEAD", "POST"])
def bulk(request: HttpRequest) -> HttpResponse:
    chosen = _chosen(request)
    form = BulkForm(request.POST if request.method == "POST" else None, initial={"act": "add"})
    if request.method != "POST":
        return _page(request, chosen, form)
    if not chosen.ids:
        form.add_error(None, "No study is chosen: select some in the list of studies.")
    if not form.is_valid():
        return _page(request, chosen, form, status=422)
    values = form.cleaned_data
    wish = {"tag": values["tag"], "by": request.user, "adds": values["act"] == "add", "reason": values["reason"]}
    plan = actions.plan(chosen.ids, **wish)
    # What was not seen is not applied: another term may have been chosen since, or the search have grown.
    if "apply" not in request.POST or request.POST.get("seen") != _seen(form, plan):
        return _page(request, chosen, form, plan=plan)
    try:
        batch = actions.apply(chosen.ids, **wish)
    except TaggingError as error:
        form.add_error(None, str(error))
        return _page(request, chosen, form, status=422)
    if batch is None:
        form.add_error(None, "Nothing is left to change.")
        return _page(request, chosen, form, status=422)
    messages.success(request, f"Done: {batch.said}.")
    return redirect("studies:tag_batch", batch.pk)


@needs(Permission.TAG)
@require_safe
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """One act, with its way back."""
    found = get_object_or_404(TagBatch.objects.select_related("by"), pk=pk)
    ids = sorted({change["study"] for change in found.changes if "study" in change})[:_SHOWN]
    may_undo = found.undone_at is None and (found.by_id == request.user.pk or request.user.is_admin)
    context = {"batch": found, "studies": Study.objects.for_list().filter(pk__in=ids), "may_undo": may_undo}
    return render(request, "studies/tagging/batch.html", context)


def _chosen(request: HttpRequest) -> Chosen:
    vocabulary = Vocabulary()
    filters = Filters.read(request.GET.getlist, vocabulary.by_slug)
    pairs, search_query = filters.pairs(), filters.query(page=1)
    if request.GET.get("every"):
        ids = search.ids_of(filters, vocabulary)
        query = "?" + urlencode([*pairs, ("every", 1)])
        return Chosen(ids, query, tuple(chips_of(filters, vocabulary)), is_search=True, search=search_query)
    given = {v for v in request.GET.getlist("study") if v.isascii() and v.isdigit() and len(v) < 10}
    ids = sorted(Study.objects.filter(pk__in=map(int, list(given)[:200])).values_list("pk", flat=True))
    query = "?" + urlencode([*pairs, *(("study", i) for i in ids)])
    return Chosen(ids, query, (), is_search=False, search=search_query)


def _seen(form: BulkForm, plan: actions.Plan) -> str:
    """What a preview shows, in short: the act, the term, and the studies that change."""
    studies = ",".join(map(str, plan.study_ids))
    said = f"{form.cleaned_data['act']} {form.cleaned_data['tag'].pk} {studies}"
    return sha256(said.encode()).hexdigest()[:24]


def _page(
    request: HttpRequest, chosen: Chosen, form: BulkForm, *, plan: actions.Plan | None = None, status: int = 200
) -> HttpResponse:
    shown = plan.study_ids if plan else chosen.ids
    context = {
        "chosen": chosen,
        "form": form,
        "plan": plan,
        "seen": _seen(form, plan) if plan else "",
        "n_chosen": len(chosen.ids),
        "n_changed": len(plan.study_ids) if plan else 0,
        "most": actions.MOST,
        "studies": Study.objects.for_list().filter(pk__in=shown[:_SHOWN]).order_by("pk"),
        "n_more": max(len(shown) - _SHOWN, 0),
        "others": plan and any(word.by_id != request.user.pk for word in plan.words),
    }
    return render(request, "studies/tagging/bulk.html", context, status=status)
