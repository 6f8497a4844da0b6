"""The log of one study, as a page and as a file."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies.formats import table
from studies.models import Study
from studies.queries import study_log as queries
from studies.queries.study import where_now

A_PAGE = 100


@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    study = _study(pk)
    found = Paginator(queries.events(study), A_PAGE).get_page(request.GET.get("page"))
    context = {"study": study, "page": found, "entries": queries.entries(found)}
    return render(request, "studies/study_log.html", context)


@require_safe
def as_csv(request: HttpRequest, pk: int) -> HttpResponse:
    study = _study(pk)
    text = table.BYTE_ORDER_MARK + table.lines([queries.COLUMNS, *queries.rows(queries.events(study))])
    headers = {"Content-Disposition": f'attachment; filename="stratum-study-{study.pk}-log.csv"'}
    return HttpResponse(text, content_type=table.MEDIA_TYPE, headers=headers)


def _study(pk: int) -> Study:
    study = where_now(pk)
    if study is None:
        raise Http404
    return study
