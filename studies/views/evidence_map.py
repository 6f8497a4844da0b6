"""The evidence map, and the studies of one of its cells."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url

from studies.access import reader
from studies.queries import evidence_map, map_cell, map_question
from studies.queries.filters import Filters
from studies.queries.map_question import Question
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet


@require_safe
@vary_on_headers("HX-Request")
def page(request: HttpRequest) -> HttpResponse:
    now, vocabulary = timezone.now(), Vocabulary()
    question = Question.read(request.GET.getlist, vocabulary)
    shown = evidence_map.evidence_map(question, vocabulary, now=now, reader=reader(request))
    context = {
        "map": shown,
        "new_days": settings.NEW_DAYS,
        "axes": map_question.axes(question),
        "segments": map_question.segments(question, vocabulary),
        "hidden_fields": map_question.other_fields(question),
        "evidence": map_question.EVIDENCE,
        "facets": Facet.choices,
        "show_all": question.query(hides_empty=False),
    }
    if request.htmx and not request.htmx.history_restore_request:
        # The form sends every field; the address keeps what says something.
        answer = push_url(render(request, "studies/map/_result.html", context), request.path + question.query())
    else:
        answer = render(request, "studies/map/map.html", context)
    return answer


@require_safe
def cell(request: HttpRequest) -> HttpResponse:
    """The first studies of a cell, for the card that opens beside it."""
    vocabulary = Vocabulary()
    filters = Filters.read(request.GET.getlist, vocabulary.by_slug)
    return render(request, "studies/map/_card.html", {"card": map_cell.card(filters, vocabulary)})
