"""The list of studies: search, facets, sorting; the URL is the state."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    return render(request, "studies/studies.html")
