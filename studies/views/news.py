"""The news: what has happened, by kind and page by page; and what somebody has seen of it."""

from itertools import groupby

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from studies.access import reader, signed_in
from studies.actions import seeing
from studies.models import Study, TrialRegistration
from studies.queries import news
from studies.queries.newness import new_in, newness
from studies.queries.news_filter import NewsFilter
from studies.views import visits


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    asked = NewsFilter.read(request.GET.getlist)
    shown = news.page(asked.kinds, cursor=asked.cursor)
    new = newness(now, reader(request))
    context = {
        "asked": asked,
        "days": [(day, list(items)) for day, items in groupby(shown.items, key=lambda item: item.at.date())],
        "next": asked.query(after=shown.next) if shown.next else "",
        "new": new_in(shown.items, new),
        "since_visit": visits.visit_before(request, now),
    }
    return visits.remember_visit(request, render(request, "studies/news/news.html", context), now)


@signed_in
@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """One study or trial that the reader has opened, or everything; the reader goes back to where they were."""
    match request.POST:
        case {"study": str(pk)} if _is_number(pk):
            seeing.see_study(get_object_or_404(Study, pk=pk), by=request.user)
        case {"registration": str(pk)} if _is_number(pk):
            seeing.see_registration(get_object_or_404(TrialRegistration, pk=pk), by=request.user)
        case {"all": _}:
            n = seeing.see_all(newness(timezone.now(), request.user), by=request.user)
            messages.success(request, f"{n:,} new trial{'' if n == 1 else 's'} marked as seen.")
        case _:
            return HttpResponse("Nothing is named that could have been seen.\n", status=422, content_type="text/plain")
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if is_ours else "studies:news")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
