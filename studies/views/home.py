"""The first page: the field at a glance."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from studies.queries import home
from studies.queries.vocabulary import Vocabulary


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    now, vocabulary = timezone.now(), Vocabulary()
    context = {
        "glance": home.glance(),
        "currency": home.currency(),
        "notices": home.recent_notices(now),
        "newest": home.newest(vocabulary, now),
        "matrix": home.matrix(vocabulary, reverse("studies:studies")),
    }
    return render(request, "studies/home.html", context)
