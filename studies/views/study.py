"""One study: everything the catalogue knows of it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from studies.access import reader
from studies.models import Study
from studies.queries.newness import new_among, newness
from studies.queries.study import page_of


@require_safe
def page(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    study = get_object_or_404(Study.objects.for_list(), pk=pk)
    if slug != study.slug:
        # Titles are corrected: an old address leads to the one in use, for now.
        return redirect(study)
    new = newness(timezone.now(), reader(request))
    context = {"page": page_of(study, reader(request)), "is_new": study.pk in new_among([study], new)}
    return render(request, "studies/study.html", context)
