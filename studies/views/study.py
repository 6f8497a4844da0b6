"""One study: everything the catalogue knows of it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from studies.models import Study


@require_safe
def page(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    study = get_object_or_404(Study.objects.for_list(), pk=pk)
    if slug != study.slug:
        return redirect(study, permanent=True)
    return render(request, "studies/study.html", {"study": study})
