"""Version 1 of the read API: its addresses, each a question to the queries that the pages ask."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.http import require_safe
from ninja import NinjaAPI, Query
from ninja.errors import HttpError

from studies.access import may, reader
from studies.api import answers, questions, schemas
from studies.queries import evidence_map, keyset, news
from studies.queries import facets as facet_counts
from studies.queries.map_question import Question
from studies.queries.study import page_of, where_now
from studies.queries.vocabulary import Vocabulary
from studies.rules.permissions import Permission
from studies.terms import NewsKind

_ABOUT = (
    "Living evidence on stem-cell treatment for skin rejuvenation, to be read by programs. Everything that the pages "
    "show can be read without an account, unless this site asks for one; a token raises the limit of requests. "
    "Pages are read by `cursor`: a row that is there when you begin is read exactly once, whatever comes in meanwhile. "
    "A study with a notice says so in `notice`: read it before you use the row."
)
api = NinjaAPI(
    title="Stratum",
    version="1.0.0",
    description=_ABOUT,
    docs_url=None,
    docs_decorator=require_safe,
    openapi_url="/openapi.json",
    urls_namespace="api",
)
_PROBLEMS = dict.fromkeys((401, 403, 422, 429), schemas.Problem)
_OR_NOT_FOUND = _PROBLEMS | {404: schemas.Problem}


def reads(view: Callable[..., Any]) -> Callable[..., Any]:
    """The same right as reading a page."""

    @wraps(view)
    def let_in(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if may(request.user, Permission.READ):
            return view(request, *args, **kwargs)
        if request.user.is_authenticated:
            raise HttpError(403, f"Your role does not let you {Permission.READ}.")
        raise HttpError(401, "This site asks for an account: send a token.")

    return let_in


@api.get("/studies", response={200: schemas.StudyPage, **_PROBLEMS}, url_name="studies", summary="Studies")
@reads
def studies(request: HttpRequest, asked: Query[questions.StudyQuestion]) -> Any:
    """The studies of the Studies page under the same filters, in the order of their ids."""
    vocabulary = Vocabulary()
    found = keyset.studies(questions.filters_of(request, vocabulary), vocabulary)
    page = keyset.page_after(found, int(asked.cursor or 0), asked.limit)
    return {
        "total": None if asked.cursor else found.count(),
        "results": [answers.study_line(study, vocabulary) for study in page.rows],
        "next": _cursor(page),
    }


@api.get("/studies/{int:pk}", response={200: schemas.StudyWhole, **_OR_NOT_FOUND}, url_name="study", summary="A study")
@reads
def study(request: HttpRequest, pk: int) -> Any:
    """One study whole: notices first, then reports, tags, protocol and registrations.

    A number that was grouped into another study answers as that study, whose `id` says so.
    """
    found = where_now(pk) if pk <= questions.LARGEST_ID else None
    if not found:
        raise HttpError(404, "Not Found")
    return answers.study_whole(page_of(found, reader(request)), Vocabulary())


@api.get("/facets", response={200: schemas.Facets, **_PROBLEMS}, url_name="facets", summary="Facets")
@reads
def facets(request: HttpRequest, asked: Query[questions.StudyFilter]) -> Any:
    """How many studies each term has, under all the other filters."""
    vocabulary = Vocabulary()
    counts = facet_counts.count(questions.filters_of(request, vocabulary), vocabulary)
    return answers.facets(counts, vocabulary)


@api.get("/map", response={200: schemas.MapAnswer, **_PROBLEMS}, url_name="map", summary="The evidence map")
@reads
def evidence(request: HttpRequest, asked: Query[questions.MapQuestion]) -> Any:
    """Unique studies of every pair of terms of two facets, and of what kind each gap is."""
    vocabulary = Vocabulary()
    questions.filters_of(request, vocabulary)
    if asked.rows == asked.columns:
        raise HttpError(422, "The rows and the columns are the same facet.")
    question = Question.read(request.GET.getlist, vocabulary)
    shown = evidence_map.evidence_map(question, vocabulary, now=timezone.now(), reader=reader(request))
    return answers.map_of(shown)


@api.get("/trials", response={200: schemas.TrialPage, **_PROBLEMS}, url_name="trials", summary="Trials")
@reads
def trials(request: HttpRequest, asked: Query[questions.TrialQuestion]) -> Any:
    """Registrations in trial registries, in the order in which they were first met."""
    found = keyset.trials(status=asked.status, registry=asked.registry, linked=asked.linked)
    page = keyset.page_after(found, int(asked.cursor or 0), asked.limit)
    return {"results": [answers.trial(one) for one in page.rows], "next": _cursor(page)}


@api.get("/notices", response={200: schemas.NoticePage, **_PROBLEMS}, url_name="notices", summary="Notices")
@reads
def notices(request: HttpRequest, asked: Query[questions.PageQuestion]) -> Any:
    """Retractions, concerns and corrections in force, of reports in the catalogue."""
    page = keyset.page_after(keyset.notices(), int(asked.cursor or 0), asked.limit)
    return {"results": [answers.notice(one, one.report.study_id) for one in page.rows], "next": _cursor(page)}


@api.get("/events", response={200: schemas.EventPage, **_PROBLEMS}, url_name="events", summary="Events")
@reads
def events(request: HttpRequest, asked: Query[questions.EventQuestion]) -> Any:
    """What has happened, newest day first: new studies and trials, changes, notices."""
    cursor = news.Cursor.read(asked.cursor) if asked.cursor else None
    if asked.cursor and cursor is None:
        raise HttpError(422, "The cursor is none of ours.")
    page = news.page(list(NewsKind), cursor=cursor, size=asked.limit)
    return {"results": [answers.event(item) for item in page.items], "next": page.next or None}


@api.get("/searches", response={200: schemas.SearchList, **_PROBLEMS}, url_name="searches", summary="Searches")
@reads
def searches(request: HttpRequest) -> Any:
    """What is asked of the sources, word for word, and when they last answered in full."""
    return {"results": [answers.search(one, last) for one, last in keyset.searches()]}


def _cursor(page: keyset.Page) -> str | None:
    return None if page.next is None else str(page.next)
