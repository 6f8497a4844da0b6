"""Tagging by people: on a study's page, and in the queue that brings one study after the other."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studies.access import needs
from studies.actions import tagging as actions
from studies.actions.vocabulary_changes import TermError, undo_merge
from studies.forms.tagging import QueueForm, TagForm
from studies.models import Study, TagBatch, User
from studies.queries import tagging as queries
from studies.queries import tagging_queue
from studies.queries.filters import Filters
from studies.queries.listing import chips_of
from studies.queries.study import page_of
from studies.queries.vocabulary import Vocabulary
from studies.rules.permissions import Permission
from studies.terms import BatchKind

_PASSED = "tagging_passed"  # in the session: studies this person has been shown and went on from
_MOST_PASSED = 2000


@needs(Permission.TAG)
@require_POST
def tag_study(request: HttpRequest, pk: int) -> HttpResponse:
    """One act on one tag, from the study's own page."""
    study = get_object_or_404(Study.objects.for_list(), pk=pk)
    form = TagForm(request.POST)
    if not form.is_valid():
        return _study_page(request, study, form, status=422)
    try:
        _act(study, form.cleaned_data, request.user)
    except actions.ReasonMissing as error:
        form.add_error("reason", str(error))
        return _study_page(request, study, form, refused=form.cleaned_data["tag"], status=422)
    except actions.TaggingError as error:
        form.add_error(None, str(error))
        return _study_page(request, study, form, status=422)
    if request.htmx:
        return _study_page(request, Study.objects.for_list().get(pk=pk), TagForm(), acted=form.cleaned_data["tag"])
    return redirect(study.get_absolute_url() + "#tags")


def _act(study: Study, values: dict, user: User) -> None:
    tag, reason = values["tag"], values["reason"]
    if values["remove"] or values["act"] == "take_back":
        author = get_object_or_404(User, pk=values["remove"]) if values["remove"] else user
        actions.take_back(study, tag, by=user, author=author, reason=reason)
    else:
        status = "rejected" if values["act"] == "rejected" else "accepted"
        actions.answer(study, by=user, answers={tag.pk: status}, reason=reason)


def _study_page(
    request: HttpRequest, study: Study, form: TagForm, *, acted=None, refused=None, status: int = 200
) -> HttpResponse:
    """`acted` is the tag that was answered, `refused` one whose answer lacks its reason: there the focus goes."""
    context = {"page": page_of(study, request.user), "form": form, "acted": acted, "refused": refused}
    template = "studies/tagging/_answered.html" if request.htmx else "studies/study.html"
    return render(request, template, context, status=status)


@needs(Permission.TAG)
@require_http_methods(["GET", "HEAD", "POST"])
def queue(request: HttpRequest) -> HttpResponse:
    """The next study that waits, under the same filters as the list of studies; `study` asks for a certain one."""
    vocabulary = Vocabulary()
    filters = Filters.read(request.GET.getlist, vocabulary.by_slug)
    if request.method == "POST":
        return _answered(request, filters, vocabulary)
    asked = request.GET.get("study", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 10:
        study = get_object_or_404(Study.objects.for_list(), pk=int(asked))
    else:
        study = tagging_queue.next_study(filters, vocabulary, passed=request.session.get(_PASSED, []))
    return _queue_page(request, filters, vocabulary, study)


def _answered(request: HttpRequest, filters: Filters, vocabulary: Vocabulary) -> HttpResponse:
    if request.POST.get("do") == "again":
        request.session.pop(_PASSED, None)
        return redirect(request.path + filters.query(page=1))
    number = request.POST.get("study", "")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return _queue_page(request, filters, vocabulary, None, trouble="Say which study is meant.", status=422)
    study = get_object_or_404(Study.objects.for_list(), pk=int(number))
    form = QueueForm(request.POST)
    if request.POST.get("do") == "find":
        return _queue_page(request, filters, vocabulary, study, form=form)
    if request.POST.get("do") != "skip":
        try:
            actions.answer(study, by=request.user, answers=form.all_answers(), reason=form.reason)
        except actions.TaggingError as error:
            return _queue_page(request, filters, vocabulary, study, form=form, trouble=str(error), status=422)
    request.session[_PASSED] = [*request.session.get(_PASSED, []), study.pk][-_MOST_PASSED:]
    return redirect(request.path + filters.query(page=1))


def _queue_page(
    request: HttpRequest,
    filters: Filters,
    vocabulary: Vocabulary,
    study: Study | None,
    *,
    form: QueueForm | None = None,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    page = page_of(study, request.user) if study else None
    lines = page.tags if page else ()
    answers = form.answers if form else {}
    context = {
        "page": page,
        "open": [(line, _offered(line, answers)) for line in lines if line.is_open],
        "settled": [line for line in lines if not line.is_open],
        "added": form.added if form else [],
        "words": form.words if form else "",
        "found": queries.find_terms(form.words) if form and form.words else [],
        "reason": form.reason if form else "",
        "trouble": trouble,
        "chips": tuple(chips_of(filters, vocabulary)),
        "query": filters.query(page=1),
        "n_waiting": tagging_queue.waiting(filters, vocabulary).count(),
        "n_passed": len(request.session.get(_PASSED, [])),
        "latest": TagBatch.objects.filter(by=request.user, undone_at=None, kind=BatchKind.STUDY).first(),
    }
    return render(request, "studies/tagging/queue.html", context, status=status)


def _offered(line: queries.TagLine, answers: dict[int, str]) -> str:
    """The answer that is ticked: what the page said when it came, or what the rules' standing suggests."""
    return answers.get(line.tag.pk, "accepted" if line.is_ticked else "")


@needs(Permission.TAG)
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """What the type-ahead offers for the words so far: boxes to tick in the queue, buttons on a study's page."""
    words = request.GET.get("words", "").replace("\x00", "")[:200]
    context = {"found": queries.find_terms(words), "words": words}
    template = "_found_buttons" if request.GET.get("for") == "study" else "_found"
    return render(request, f"studies/tagging/{template}.html", context)


@needs(Permission.TAG)
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """How each rule has fared: what it suggested, and what people answered."""
    return render(request, "studies/tagging/rules.html", {"rows": tagging_queue.rule_rows()})


@needs(Permission.TAG)
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an act back; from the queue the study comes again."""
    batch = get_object_or_404(TagBatch, pk=pk)
    try:
        if batch.kind == BatchKind.MERGE:
            return _undo_merge(request, batch)
        n = actions.undo(batch, by=request.user)
    except (actions.TaggingError, TermError) as error:
        messages.error(request, str(error))
        return _back(request)
    left = len(batch.changes) - n
    rest = f" {left} had changed since and stayed as they are." if left else ""
    messages.success(request, f"Undone: {batch.said}.{rest}")
    studies = {change["study"] for change in batch.changes}
    request.session[_PASSED] = [i for i in request.session.get(_PASSED, []) if i not in studies]
    return _back(request, study=min(studies, default=None))


@needs(Permission.MANAGE_CATALOGUE)
def _undo_merge(request: HttpRequest, batch: TagBatch) -> HttpResponse:
    tag = undo_merge(batch, by=request.user)
    messages.success(request, f"“{tag}” is a term of its own again.")
    return redirect("studies:vocabulary")


def _back(request: HttpRequest, study: int | None = None) -> HttpResponse:
    """To the page that asked, if it is one of ours; the queue shows the study again."""
    page = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return redirect("studies:tag")
    if study and page.partition("?")[0] == reverse("studies:tag"):
        page += f"{'&' if '?' in page else '?'}study={study}"
    return redirect(page)
