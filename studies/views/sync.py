"""The Sync pages: searches and their schedule, runs and their progress, files, and the state of the workers."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studies.access import needs
from studies.actions import importing, pacing, running, searching
from studies.forms.searches import FileForm, SearchForm
from studies.models import Search, SearchRun
from studies.queries import processes as process_queries
from studies.queries import runs as queries
from studies.rules import schedules
from studies.rules.permissions import Permission
from studies.sources import entrez
from studies.tasks import call_worker
from studies.terms import FindingResult

RUNS_A_PAGE, FINDINGS_A_PAGE = 50, 100


@needs(Permission.SYNC)
@require_safe
def sync(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    rows = queries.search_rows(now)
    context = {
        "rows": [row for row in rows if row.search.query and not row.search.awaits_email],
        "awaiting": [row for row in rows if row.search.awaits_email],
        "jobs": [row for row in rows if not row.search.query],
        "overdue": [row for row in rows if row.is_overdue],
        "files": [queries.progress(run, now) for run in queries.history().filter(search=None)[:5]],
        "workers": process_queries.processes(now),
        "requests": process_queries.requests_last_hour(now),
        "per_second": pacing.per_second(),
        "per_hour": pacing.per_second() * 3600,
        "ncbi_email": settings.NCBI_EMAIL,
        "ncbi_has_key": bool(settings.NCBI_API_KEY),
    }
    return render(request, "studies/sync/sync.html", context)


@needs(Permission.SYNC)
@require_http_methods(["GET", "HEAD", "POST"])
def new_search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.POST or None, kinds=running.WORK)
    if request.method != "POST":
        return _search_page(request, form)
    if not form.is_valid():
        return _search_page(request, form, status=422)
    if "preview" in request.POST:
        return _search_page(request, form, preview=_preview(form))
    search = searching.create_search(by=request.user, **form.cleaned_data)
    messages.success(request, f"The search “{search}” is saved.")
    return redirect("studies:sync")


@needs(Permission.SYNC)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_search(request: HttpRequest, pk: int) -> HttpResponse:
    search = _search(pk)
    form = SearchForm(request.POST or None, search=search, kinds=running.WORK)
    if request.method != "POST":
        return _search_page(request, form)
    if not form.is_valid():
        return _search_page(request, form, status=422)
    if "preview" in request.POST:
        return _search_page(request, form, preview=_preview(form))
    searching.change_search(search, by=request.user, **form.cleaned_data)
    messages.success(request, "The search is changed.")
    return redirect("studies:sync")


def _search(pk: int) -> Search:
    return get_object_or_404(Search.objects.kept(), pk=pk)


def _search_page(request: HttpRequest, form: SearchForm, *, preview: dict | None = None, status: int = 200):
    context = {"form": form, "search": form.search, "preview": preview, "coming": _coming(form)}
    context["can_preview"] = form.source in searching.COUNTERS
    return render(request, "studies/sync/search_form.html", context, status=status)


def _coming(form: SearchForm) -> list[datetime]:
    """The next five runs by the schedule in the form, as far as it is one."""
    cleaned = getattr(form, "cleaned_data", {})
    schedule = cleaned.get("schedule") or (form.search.schedule if form.search and not form.is_bound else "")
    try:
        return schedules.next_runs(schedule, timezone.now())
    except schedules.BadSchedule:
        return []


def _preview(form: SearchForm) -> dict:
    """What the source answers now, or why it did not."""
    if form.source not in searching.COUNTERS:
        return {}
    try:
        return {"answer": searching.preview(form.cleaned_data["query"], form.source), "source": form.source}
    except entrez.SourceError as error:
        return {"trouble": str(error), "source": form.source}


@needs(Permission.SYNC)
@require_POST
def delete_search(request: HttpRequest, pk: int) -> HttpResponse:
    search = _search(pk)
    try:
        searching.delete_search(search, by=request.user)
    except searching.NotPossible as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"“{search}” is deleted. Its runs and what they found stay.")
    return redirect("studies:sync")


@needs(Permission.SYNC)
@require_POST
def run_now(request: HttpRequest, pk: int) -> HttpResponse:
    search = _search(pk)
    try:
        run = searching.request_run(search, by=request.user)
    except searching.AlreadyRunning:
        messages.error(request, "This search is running already.")
        return redirect("studies:sync")
    _knock(run)
    return redirect(run)


@needs(Permission.SYNC)
@require_POST
def pause_search(request: HttpRequest, pk: int) -> HttpResponse:
    search = searching.set_paused(_search(pk), True, by=request.user)
    messages.success(request, f"“{search}” will not run by itself until it is resumed.")
    return redirect("studies:sync")


@needs(Permission.SYNC)
@require_POST
def resume_search(request: HttpRequest, pk: int) -> HttpResponse:
    search = searching.set_paused(_search(pk), False, by=request.user)
    messages.success(request, f"“{search}” runs by its schedule again.")
    return redirect("studies:sync")


@needs(Permission.SYNC)
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("search", "")
    search = get_object_or_404(Search, pk=wanted) if wanted.isdigit() else None
    page = Paginator(queries.history(search), RUNS_A_PAGE).get_page(request.GET.get("page"))
    rows = [(run, queries.outcome(run)) for run in page]
    return render(request, "studies/sync/runs.html", {"page": page, "rows": rows, "search": search})


@needs(Permission.SYNC)
@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(SearchRun.objects.select_related("search", "by"), pk=pk)
    wanted = request.GET.get("result", "")
    wanted = wanted if wanted in FindingResult else ""
    context = {
        "run": found,
        "progress": queries.progress(found, timezone.now()),
        "page": Paginator(queries.findings(found, wanted), FINDINGS_A_PAGE).get_page(request.GET.get("page")),
        "results": queries.results(found),
        "result": wanted,
        "workers": process_queries.processes(timezone.now()),
    }
    return render(request, "studies/sync/run.html", context)


@needs(Permission.SYNC)
@never_cache
@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the run page that is alive; when the run's state turns, the whole page is asked for again."""
    return _live(request, pk, "studies/sync/_progress.html")


@needs(Permission.SYNC)
@never_cache
@require_safe
def run_line(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for one line of the Sync page."""
    return _live(request, pk, "studies/sync/_line.html")


def _live(request: HttpRequest, pk: int, template: str) -> HttpResponse:
    found = get_object_or_404(SearchRun, pk=pk)
    live = queries.progress(found, timezone.now())
    answer = render(request, template, {"run": found, "progress": live})
    if request.GET.get("phase") not in (None, live.phase):
        answer["HX-Refresh"] = "true"
    return answer


@needs(Permission.SYNC)
@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    return _steer(request, pk, searching.pause)


@needs(Permission.SYNC)
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    answer = _steer(request, pk, searching.resume)
    _knock(get_object_or_404(SearchRun, pk=pk))
    return answer


@needs(Permission.SYNC)
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return _steer(request, pk, searching.cancel)


@needs(Permission.SYNC)
@require_POST
def take_listed(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(SearchRun, pk=pk)
    try:
        taking = searching.take_listed(found, by=request.user)
    except searching.NotPossible as error:
        messages.error(request, str(error))
        return redirect(found)
    _knock(taking)
    return redirect(taking)


def _steer(request: HttpRequest, pk: int, verb: Callable[..., object]) -> HttpResponse:
    found = get_object_or_404(SearchRun, pk=pk)
    try:
        verb(found, by=request.user)
    except searching.NotPossible as error:
        messages.error(request, str(error))
    return redirect(found)


@needs(Permission.SYNC)
@require_http_methods(["GET", "HEAD", "POST"])
def import_file(request: HttpRequest) -> HttpResponse:
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return _file_page(request, form)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            found = importing.request_import(file.name, file, by=request.user)
        except importing.Refused as error:
            form.add_error("file", str(error))
        else:
            _knock(found)
            return redirect(found)
    return _file_page(request, form, status=422)


def _file_page(request: HttpRequest, form: FileForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "megabytes": settings.UPLOAD_MEGABYTES}
    return render(request, "studies/sync/import.html", context, status=status)


def _knock(run: SearchRun) -> None:
    # A queue out of order must not fail the page: the run's row is written, and the sweep finds it.
    transaction.on_commit(lambda: call_worker(run), robust=True)
