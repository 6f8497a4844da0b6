"""Notices of a study as an admin judges them, and the Retraction Watch file."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from studies.access import needs
from studies.actions import importing, notice_acts, retraction_watch
from studies.forms.notices import NoticeForm, ReadAsForm, ReasonForm, RetractionFileForm
from studies.models import Notice, Study
from studies.queries.notices import notices_of
from studies.rules.permissions import Permission
from studies.tasks import call_worker


@needs(Permission.MANAGE_CATALOGUE)
@require_http_methods(["GET", "HEAD", "POST"])
def of_study(request: HttpRequest, pk: int) -> HttpResponse:
    """Every notice of the study's reports, in force or not, and the form for one that no source has stated."""
    study = get_object_or_404(Study.objects.for_list(), pk=pk)
    form = NoticeForm(request.POST or None, study=study)
    if request.method != "POST":
        return _page(request, study, form)
    if not form.is_valid():
        return _page(request, study, form, status=422)
    notice_acts.enter(by=request.user, **form.cleaned_data)
    messages.success(request, "The notice is entered, and shows wherever the study does.")
    return redirect("studies:notices", pk)


@needs(Permission.MANAGE_CATALOGUE)
@require_POST
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    form = ReasonForm(request.POST)
    return _judge(request, pk, form, lambda notice: notice_acts.dismiss(notice, by=request.user, **form.cleaned_data))


@needs(Permission.MANAGE_CATALOGUE)
@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    return _judge(request, pk, None, lambda notice: notice_acts.restore(notice, by=request.user))


@needs(Permission.MANAGE_CATALOGUE)
@require_POST
def read_as(request: HttpRequest, pk: int) -> HttpResponse:
    form = ReadAsForm(request.POST)
    return _judge(request, pk, form, lambda notice: notice_acts.read_as(notice, by=request.user, **form.cleaned_data))


def _judge(
    request: HttpRequest, pk: int, form: ReasonForm | ReadAsForm | None, act: Callable[[Notice], object]
) -> HttpResponse:
    notice = get_object_or_404(Notice.objects.select_related("report__study"), pk=pk, report__isnull=False)
    study = notice.report.study
    if form is not None and not form.is_valid():
        refusal = " ".join(error for errors in form.errors.values() for error in errors)
        return _page(request, study, NoticeForm(study=study), refused=(notice.pk, refusal), status=422)
    try:
        act(notice)
    except notice_acts.NotPossible as error:
        messages.error(request, str(error))
    return redirect("studies:notices", study.pk)


def _page(
    request: HttpRequest,
    study: Study,
    form: NoticeForm,
    *,
    refused: tuple[int, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    lines = notices_of(study, refused=refused)
    context = {"study": study, "form": form, "lines": lines, "read_as": ReadAsForm().fields["kind"].choices}
    return render(request, "studies/notices.html", context, status=status)


@needs(Permission.SYNC)
@require_http_methods(["GET", "HEAD", "POST"])
def retractions(request: HttpRequest) -> HttpResponse:
    """Bring the Retraction Watch file, or say where it is."""
    form = RetractionFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file, url = form.cleaned_data["file"], form.cleaned_data["url"]
        try:
            if file:
                run = retraction_watch.request_file(file.name, file, by=request.user)
            else:
                run = retraction_watch.request_url(url, by=request.user)
        except importing.Refused as error:
            form.add_error("file", str(error))
        else:
            transaction.on_commit(lambda: call_worker(run), robust=True)
            return redirect(run)
    context = {"form": form, "megabytes": settings.UPLOAD_MEGABYTES, "usual": settings.RETRACTION_WATCH_URL}
    return render(request, "studies/sync/retractions.html", context, status=422 if request.method == "POST" else 200)
