"""The first page: the field at a glance."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from studies.queries import evidence_map, home
from studies.queries.map_question import Question
from studies.queries.vocabulary import Vocabulary
from studies.views import visits


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    now, vocabulary = timezone.now(), Vocabulary()
    before = visits.visit_before(request, now)
    question = Question.read(lambda name: ["1"] if name == "hide" else [], vocabulary)
    shown = evidence_map.evidence_map(question, vocabulary, now=now, new_since=before or now - evidence_map.NEW_FOR)
    context = {
        "glance": home.glance(),
        "currency": home.currency(),
        "notices": home.recent_notices(now),
        "newest": home.newest(vocabulary, now),
        "map": shown,
        "since_visit": before,
        "show_all": "",
    }
    return visits.remember_visit(request, render(request, "studies/home.html", context), now)
