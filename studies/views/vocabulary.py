"""The vocabulary: every term and how often it is used; admins retire, merge and delete here."""

from collections import defaultdict

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from studies.access import needs
from studies.actions import vocabulary_changes as actions
from studies.forms.tagging import MergeForm
from studies.models import Tag, TagBatch
from studies.rules.permissions import Permission
from studies.terms import BatchKind, Facet, TagOrigin


@needs(Permission.MANAGE_CATALOGUE)
@require_safe
def vocabulary(request: HttpRequest) -> HttpResponse:
    return _page(request, MergeForm())


@needs(Permission.MANAGE_CATALOGUE)
@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Retire, bring back or delete one term; the button pressed says which."""
    tag = get_object_or_404(Tag, pk=pk)
    act = next((name for name in ("retire", "bring_back", "delete") if name in request.POST), "")
    if not act:
        return _page(request, MergeForm(), trouble="Say what is to become of the term.", status=422)
    try:
        getattr(actions, act)(tag, by=request.user)
    except actions.TermError as error:
        return _page(request, MergeForm(), trouble=str(error), status=422)
    done = {"retire": "is retired", "bring_back": "is offered again", "delete": "is deleted"}[act]
    messages.success(request, f"“{tag.label}” {done}.")
    return redirect("studies:vocabulary")


@needs(Permission.MANAGE_CATALOGUE)
@require_POST
def merge(request: HttpRequest) -> HttpResponse:
    form = MergeForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        batch = actions.merge(form.cleaned_data["tag"], into=form.cleaned_data["into"], by=request.user)
    except actions.TermError as error:
        form.add_error(None, str(error))
        return _page(request, form, status=422)
    messages.success(request, f"Done: {batch.said}. {batch.n_studies} studies carry the term that stays.")
    return redirect("studies:vocabulary")


def _page(request: HttpRequest, form: MergeForm, *, trouble: str = "", status: int = 200) -> HttpResponse:
    by_facet = defaultdict(list)
    # A term with open suggestions alone is in use too: the next reading would suggest it again.
    counted = Count("study_tags__study", filter=~Q(study_tags__origin=TagOrigin.RULE), distinct=True)
    for tag in Tag.objects.annotate(
        n_studies=counted, n_words=Count("study_tags", distinct=True), n_below=Count("children", distinct=True)
    ).select_related("parent", "merged_into"):
        by_facet[tag.facet].append(tag)
    context = {
        "facets": [(facet.label, by_facet[facet]) for facet in Facet if by_facet[facet]],
        "form": form,
        "trouble": trouble,
        "mergers": TagBatch.objects.filter(kind=BatchKind.MERGE, undone_at=None).select_related("by")[:10],
    }
    return render(request, "studies/tagging/vocabulary.html", context, status=status)
