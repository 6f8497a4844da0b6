"""Registered trials: the list, one of them, and what people bring of registries that cannot be asked."""

from collections.abc import Iterator

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studies.access import may, needs, reader
from studies.actions import registering
from studies.formats import table
from studies.forms.trials import RegistrationForm, TableForm, initial_of
from studies.models import TrialRegistration
from studies.queries import proposals, trial, trial_table, trials
from studies.queries.newness import newness
from studies.queries.trial_filters import TrialFilters
from studies.queries.vocabulary import Vocabulary
from studies.rules.permissions import Permission
from studies.sources.registration_table import NotATable
from studies.terms import FindingResult, RegistrationSource, Registry


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    vocabulary, filters = _asked(request)
    now = timezone.now()
    found = trials.listing(filters, vocabulary, new=newness(now, reader(request)), now=now)
    context = {
        "listing": found,
        "filters": filters,
        "export_query": filters.query(page=1),
        "n_waiting": proposals.n_waiting() if may(request.user, Permission.GROUP) else 0,
    }
    return render(request, "studies/trials/trials.html", context)


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    vocabulary, filters = _asked(request)
    now = timezone.now()
    found = trials.narrowed(filters, vocabulary, new=newness(now, reader(request)), now=now)

    def lines() -> Iterator[str]:
        yield table.BYTE_ORDER_MARK + table.lines([trial_table.COLUMNS])
        for batch in trial_table.rows(found, filters, now=now):
            yield table.lines(batch)

    headers = {"Content-Disposition": f'attachment; filename="stratum-trials-{now:%Y-%m-%d}.csv"'}
    return StreamingHttpResponse(lines(), content_type=table.MEDIA_TYPE, headers=headers)


@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    registration = trial.registration_of(number)
    if registration is None:
        raise Http404("No such registration is known here.")
    if registration.number != number:
        # Another spelling, or a number that the registry has given up.
        return redirect(registration)
    now = timezone.now()
    new = newness(now, reader(request))
    is_new = TrialRegistration.objects.filter(pk=registration.pk).new(new).exists()
    context = {
        "page": trial.page_of(registration, now=now),
        "is_new": is_new,
        "may_edit": _may_be_edited(registration.registry, registration.source),
    }
    return render(request, "studies/trials/trial.html", context)


@needs(Permission.MANAGE_CATALOGUE)
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """A registration by hand."""
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _entered(request, form)
    return _entry_page(request, form, TableForm(), status=422 if form.is_bound else 200)


@needs(Permission.MANAGE_CATALOGUE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, number: str) -> HttpResponse:
    registration = trial.registration_of(number)
    if registration is None or not _may_be_edited(registration.registry, registration.source):
        raise Http404("Only registrations that no registry states can be edited here.")
    form = RegistrationForm(request.POST or None, initial=initial_of(registration))
    if request.method == "POST" and form.is_valid():
        return _entered(request, form)
    return _entry_page(request, form, None, status=422 if form.is_bound else 200, registration=registration)


@needs(Permission.MANAGE_CATALOGUE)
@require_POST
def import_table(request: HttpRequest) -> HttpResponse:
    form = TableForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            return redirect(registering.import_table(file.name, file.read(), by=request.user))
        except NotATable as error:
            form.add_error("file", str(error))
    return _entry_page(request, RegistrationForm(), form, status=422)


def _entered(request: HttpRequest, form: RegistrationForm) -> HttpResponse:
    taken = registering.enter(form.registration, by=request.user)
    if taken.result == FindingResult.REJECTED:
        form.add_error(None, taken.reason)
        return _entry_page(request, form, None, status=422)
    messages.success(request, f"{form.registration.number} is kept.")
    return redirect("studies:trial", form.registration.number)


def _entry_page(
    request: HttpRequest,
    form: RegistrationForm,
    table_form: TableForm | None,
    *,
    status: int,
    registration: object = None,
) -> HttpResponse:
    context = {"form": form, "table_form": table_form, "registration": registration}
    return render(request, "studies/trials/enter.html", context, status=status)


def _may_be_edited(registry: str, source: str) -> bool:
    is_asked = registry == Registry.CLINICALTRIALS or not registry
    return not is_asked and source != RegistrationSource.REGISTRY


def _asked(request: HttpRequest) -> tuple[Vocabulary, TrialFilters]:
    vocabulary = Vocabulary()
    return vocabulary, TrialFilters.read(request.GET.getlist, vocabulary.by_slug)
