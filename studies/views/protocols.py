"""The page of protocols: what was given, how often, how deep, with what."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies.queries.filters import Filters
from studies.queries.protocols import protocols
from studies.queries.vocabulary import Vocabulary


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    vocabulary = Vocabulary()
    filters = Filters.read(request.GET.getlist, vocabulary.by_slug)
    context = {"protocols": protocols(filters, vocabulary), "filters": filters}
    return render(request, "studies/protocols.html", context)
