"""One study: everything the catalogue knows of it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from studies.access import reader
from studies.queries.newness import new_among, newness
from studies.queries.study import page_of, where_now


@require_safe
def page(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    study = where_now(pk)
    if study is None:
        raise Http404
    if study.pk != pk:
        return redirect(study)
    if slug != study.slug:
        # Titles are corrected: an old address leads to the one in use, for now.
        return redirect(study)
    new = newness(timezone.now(), reader(request))
    context = {"page": page_of(study, reader(request)), "is_new": study.pk in new_among([study], new)}
    return render(request, "studies/study.html", context)
