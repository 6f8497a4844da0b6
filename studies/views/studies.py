"""The list of studies: search, facets, sorting; the URL is the state."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect, push_url

from studies.access import reader
from studies.models import Study
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.listing import listing as listing_of
from studies.queries.vocabulary import Vocabulary


@require_safe
@vary_on_headers("HX-Request")
def listing(request: HttpRequest) -> HttpResponse:
    vocabulary = Vocabulary()
    filters = Filters.read(request.GET.getlist, vocabulary.by_slug)
    study, identifier = search.by_identifier(filters.words) if filters.words else (None, "")
    if study:
        return _go_to(request, study)
    context = {
        "listing": listing_of(filters, vocabulary, now=timezone.now(), reader=reader(request)),
        "identifier": identifier,
    }
    if request.htmx and not request.htmx.history_restore_request:
        # The form sends every field; the address keeps what says something.
        return push_url(render(request, "studies/_results.html", context), request.path + filters.query())
    return render(request, "studies/studies.html", context)


def _go_to(request: HttpRequest, study: Study) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRedirect(study.get_absolute_url())
    return redirect(study)
