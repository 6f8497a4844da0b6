"""What may be one investigation: both sides, and a person's word on it."""

from django.contrib import messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from studies.access import needs
from studies.actions import grouping, linking
from studies.forms.trials import ProposalForm, ReasonForm
from studies.models import StudyGrouping, TrialLink
from studies.queries import proposals
from studies.rules.permissions import Permission
from studies.terms import ProposalState

_KINDS = {"link": (TrialLink, linking), "grouping": (StudyGrouping, grouping)}
_DONE = {"confirm": "They are one study now.", "reject": "They stay apart.", "undo": "It is as it was before."}


@needs(Permission.GROUP)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The proposals; a POST is somebody's own."""
    form = ProposalForm(request.POST or None, initial={"one": request.GET.get("one", "")})
    if request.method == "POST" and form.is_valid():
        try:
            grouping.propose(form.cleaned_data["one"], form.cleaned_data["other"], by=request.user)
        except grouping.NotPossible as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Proposed. It waits below for somebody to confirm it.")
            return redirect("studies:proposals")
    return _page(request, form, status=422 if form.is_bound else 200)


@needs(Permission.GROUP)
@require_POST
def decide(request: HttpRequest, kind: str, pk: int, act: str) -> HttpResponse:
    """One word on one proposal; a refusal is said on the page it came from."""
    if kind not in _KINDS or act not in _DONE:
        raise Http404
    model, actions = _KINDS[kind]
    row: Model = get_object_or_404(model, pk=pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, ProposalForm(), status=422, refusal="A reason has at most 500 characters.")
    try:
        _act(actions, act, row, request, form.cleaned_data["why"])
    except grouping.NotPossible as error:
        return _page(request, ProposalForm(), status=422, refusal=str(error))
    messages.success(request, _DONE[act])
    return redirect("studies:proposals")


def _act(actions: object, act: str, row: Model, request: HttpRequest, why: str) -> None:
    if act == "undo" and isinstance(row, StudyGrouping) and row.state == ProposalState.REJECTED:
        grouping.reopen(row, by=request.user)
    elif act == "undo":
        actions.undo(row, by=request.user)  # type: ignore[attr-defined]
    else:
        getattr(actions, act)(row, by=request.user, why=why)


def _page(request: HttpRequest, form: ProposalForm, *, status: int, refusal: str = "") -> HttpResponse:
    states = dict(proposals.STATES)
    state = request.GET.get("state", "")
    state = state if state in states else ProposalState.PROPOSED
    number = request.GET.get("page", "1")
    number = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1
    links_page, links = proposals.links(state, number)
    groupings_page, groupings = proposals.groupings(state, number)
    context = {
        "form": form,
        "refusal": refusal,
        "state": state,
        "states": proposals.STATES,
        "links": links,
        "groupings": groupings,
        "pages": max((links_page, groupings_page), key=lambda page: page.paginator.num_pages),
        "n_waiting": proposals.n_waiting(),
    }
    return render(request, "studies/trials/proposals.html", context, status=status)
