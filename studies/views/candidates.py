"""Articles that studies here cite or are cited by, and that are not in the catalogue yet."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from studies.access import needs
from studies.actions import citations
from studies.actions.planning import pmids_in
from studies.queries import candidates as queries
from studies.rules.permissions import Permission
from studies.tasks import call_worker

MOST = 500  # PMIDs asked for at once
LAST_PAGE = 1000


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@needs(Permission.SYNC)
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """Ask PubMed for the articles chosen; what comes is a run like any other."""
    pmids = pmids_in(" ".join(request.POST.getlist("pmid")[:MOST]))
    if not pmids:
        return _page(request, refusal="Choose at least one article.", status=422)
    run = citations.import_candidates(pmids[:MOST], by=request.user)
    transaction.on_commit(lambda: call_worker(run), robust=True)
    return redirect(run)


def _page(request: HttpRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    way = request.GET.get("way", "cited")
    number = request.GET.get("page", "1")
    number = int(number) if number.isascii() and number.isdigit() and 1 <= int(number[:6]) <= LAST_PAGE else 1
    found = queries.page_of(way if way in queries.WAYS else "cited", number)
    return render(request, "studies/candidates.html", {"page": found, "refusal": refusal}, status=status)
