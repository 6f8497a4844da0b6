"""Searches that a person keeps: save, list, delete."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from studies.access import needs
from studies.actions import searches_kept as actions
from studies.forms.tagging import SavedSearchForm
from studies.models import SavedSearch
from studies.queries.filters import Filters
from studies.queries.listing import chips_of
from studies.queries.vocabulary import Vocabulary
from studies.rules.permissions import Permission


@needs(Permission.KEEP_SEARCHES)
@require_http_methods(["GET", "HEAD", "POST"])
def saved(request: HttpRequest) -> HttpResponse:
    """One's searches; the address of a POST is the question that is kept."""
    vocabulary = Vocabulary()
    filters = Filters.read(request.GET.getlist, vocabulary.by_slug)
    form = SavedSearchForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            search = actions.keep(by=request.user, query_string=filters.query(page=1), **form.cleaned_data)
        except actions.NameTaken as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"“{search}” is saved.")
            return redirect("studies:saved")
    context = {
        "form": form,
        "searches": SavedSearch.objects.filter(user=request.user),
        "query": filters.query(page=1),
        "chips": tuple(chips_of(filters, vocabulary)),
        "asks": request.method == "POST" or bool(request.GET),
    }
    return render(request, "studies/tagging/saved.html", context, status=422 if request.method == "POST" else 200)


@needs(Permission.KEEP_SEARCHES)
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    search = get_object_or_404(SavedSearch, pk=pk, user=request.user)
    actions.let_go(search, by=request.user)
    messages.success(request, f"“{search}” is deleted.")
    return redirect("studies:saved")
