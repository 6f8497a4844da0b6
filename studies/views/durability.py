"""The page of durability: how long people were followed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies.queries.durability import BANDS, durability
from studies.queries.filters import Filters
from studies.queries.vocabulary import Vocabulary


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    vocabulary = Vocabulary()
    filters = Filters.read(request.GET.getlist, vocabulary.by_slug)
    context = {"durability": durability(filters, vocabulary), "filters": filters, "bands": BANDS}
    return render(request, "studies/durability.html", context)
