"""The first page: the field at a glance."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from studies.access import reader
from studies.queries import evidence_map, home, news
from studies.queries.map_question import Question
from studies.queries.newness import newness
from studies.queries.vocabulary import Vocabulary
from studies.views import visits


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    now, vocabulary = timezone.now(), Vocabulary()
    question = Question.read(lambda name: ["1"] if name == "hide" else [], vocabulary)
    shown = evidence_map.evidence_map(question, vocabulary, now=now, reader=reader(request))
    new = newness(now, reader(request))
    context = {
        "glance": home.glance(),
        "notices": home.recent_notices(now),
        "new_trials": home.new_trials(vocabulary, new),
        "changes": news.page(home.CHANGES, size=home.FEW).items,
        "newest": home.newest(vocabulary, new),
        "map": shown,
        "new_days": settings.NEW_DAYS,
        "show_all": "",
    }
    return visits.remember_visit(request, render(request, "studies/home.html", context), now)
