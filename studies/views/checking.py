"""Check a citation: paste, wait, read the verdicts, ask again, take them along."""

from collections.abc import Iterator

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studies.access import client_address, may, needs, reader
from studies.actions import allowances, checking, worked_example
from studies.formats import table
from studies.forms.checking import CheckForm
from studies.models import CitationCheck
from studies.queries import checks as queries
from studies.rules.permissions import Permission
from studies.tasks import call_worker, check_citations


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    form = CheckForm(request.POST or None, request.FILES or None, initial={"text": request.GET.get("q", "")[:2000]})
    if request.method != "POST":
        return _form_page(request, form)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    try:
        check = _requested(request, form)
    except checking.NothingFound as nothing:
        form.add_error("file" if form.cleaned_data["file"] else "text", str(nothing))
        return _form_page(request, form, status=422)
    except allowances.Exhausted as exhausted:
        form.add_error(None, f"From here as much has been checked as is allowed within an hour. {exhausted}")
        return _form_page(request, form, status=429)
    _knock(check)
    return redirect(check)


def _requested(request: HttpRequest, form: CheckForm) -> CitationCheck:
    who = {"by": reader(request), "address": client_address(request)}
    if file := form.cleaned_data["file"]:
        return checking.request_check("", file=file, name=file.name, **who)
    text = form.cleaned_data["text"]
    return checking.request_check(text, file=checking.pasted(text), **who)


def _form_page(request: HttpRequest, form: CheckForm, *, status: int = 200) -> HttpResponse:
    example = worked_example.example()
    line = queries.line_of(example.references.select_related("study").first()) if example else None
    context = {"form": form, "example": example, "line": line, "example_text": worked_example.EXAMPLE}
    return render(request, "studies/check/check.html", context, status=status)


@never_cache
@require_safe
def result(request: HttpRequest, token: str) -> HttpResponse:
    check = get_object_or_404(CitationCheck, token=token)
    shown = queries.page_of(
        check,
        verdict=request.GET.get("verdict", ""),
        page=request.GET.get("page", ""),
        shows_all="all" in request.GET,
    )
    context = {"page": shown, "check": check, "may_import": may(request.user, Permission.SYNC)}
    context |= dict(zip(("done", "total"), queries.progress_of(check), strict=True))
    return _private(render(request, "studies/check/result.html", context))


@never_cache
@require_safe
def progress(request: HttpRequest, token: str) -> HttpResponse:
    """The part of the page that is alive; once all is answered the whole page is asked for again."""
    check = get_object_or_404(CitationCheck, token=token)
    done, total = queries.progress_of(check)
    answer = render(request, "studies/check/_progress.html", {"check": check, "done": done, "total": total})
    if not check.is_open:
        answer["HX-Refresh"] = "true"
    return _private(answer)


@never_cache
@require_safe
def as_csv(request: HttpRequest, token: str) -> StreamingHttpResponse:
    check = get_object_or_404(CitationCheck, token=token)
    answer = StreamingHttpResponse(_pieces(check), content_type=table.MEDIA_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="stratum-citations-{check.asked_at:%Y-%m-%d}.csv"'
    return _private(answer)


def _pieces(check: CitationCheck) -> Iterator[str]:
    yield table.BYTE_ORDER_MARK
    for row in queries.table_of(check):
        yield table.lines([row])


@require_POST
def repeat(request: HttpRequest, token: str) -> HttpResponse:
    check = get_object_or_404(CitationCheck, token=token)
    try:
        check = checking.repeat(check, by=reader(request), address=client_address(request))
    except allowances.Exhausted as exhausted:
        messages.error(request, f"From here as much has been checked as is allowed within an hour. {exhausted}")
    else:
        _knock(check)
    return redirect(check)


@needs(Permission.SYNC)
@require_POST
def import_matches(request: HttpRequest, token: str) -> HttpResponse:
    check = get_object_or_404(CitationCheck, token=token)
    run = checking.import_matches(check, by=request.user)
    if run is None:
        messages.info(request, "Every match is in the catalogue already.")
        return redirect(check)
    transaction.on_commit(lambda: call_worker(run), robust=True)
    return redirect(run)


def _private(answer: HttpResponse) -> HttpResponse:
    """Whoever has the address may read it; nobody else shall be led to it."""
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _knock(check: CitationCheck) -> None:
    # A queue out of order must not fail the page: the rows are written, and the sweep finds them.
    if check.is_open:
        transaction.on_commit(lambda: check_citations.delay(check.pk), robust=True)
