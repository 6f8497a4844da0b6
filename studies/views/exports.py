"""Files of a list or of one study, and the page of formatted references."""

import tempfile

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from studies import exports
from studies.formats.references import STYLES
from studies.models import Study
from studies.queries import export
from studies.queries.filters import Filters
from studies.queries.study import where_now
from studies.queries.vocabulary import Vocabulary

_IN_MEMORY = 4 * 1024 * 1024


@require_safe
def of_list(request: HttpRequest, kind: str) -> HttpResponseBase:
    vocabulary, filters = _asked(request)
    said = export.provenance(filters, vocabulary, now=timezone.now(), path=_list_path(filters))
    return _file(request, kind, "studies", export.ids_of(filters, vocabulary), vocabulary, said)


@require_safe
def of_study(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    study, vocabulary = _study(pk), Vocabulary()
    said = export.provenance(None, vocabulary, now=timezone.now(), path=reverse("studies:study-short", args=[study.pk]))
    return _file(request, kind, f"study-{study.pk}", [study.pk], vocabulary, said)


@require_safe
def references_of_list(request: HttpRequest) -> HttpResponse:
    vocabulary, filters = _asked(request)
    said = export.provenance(filters, vocabulary, now=timezone.now(), path=_list_path(filters))
    return _references(request, export.ids_of(filters, vocabulary), vocabulary, said, back=_list_path(filters))


@require_safe
def references_of_study(request: HttpRequest, pk: int) -> HttpResponse:
    study, vocabulary = _study(pk), Vocabulary()
    said = export.provenance(None, vocabulary, now=timezone.now(), path=reverse("studies:study-short", args=[study.pk]))
    return _references(request, [study.pk], vocabulary, said, back=study.get_absolute_url())


def _study(pk: int) -> Study:
    """The study that this number leads to today."""
    if study := where_now(pk):
        return study
    raise Http404("There is no such study.")


def _asked(request: HttpRequest) -> tuple[Vocabulary, Filters]:
    vocabulary = Vocabulary()
    return vocabulary, Filters.read(request.GET.getlist, vocabulary.by_slug)


def _list_path(filters: Filters) -> str:
    return reverse("studies:studies") + filters.query(page=1)


def _file(
    request: HttpRequest, kind: str, what: str, ids: list[int], vocabulary: Vocabulary, said: export.Provenance
) -> HttpResponseBase:
    if kind not in exports.FORMATS:
        raise Http404("There is no such format.")
    form = exports.FORMATS[kind]
    headers = {"Content-Disposition": f'attachment; filename="{form.file_name(what, said)}"'}
    if request.method == "HEAD":
        return HttpResponse(content_type=form.media_type, headers=headers)
    if kind == "xlsx":
        return _spreadsheet(request, ids, vocabulary, said, form.file_name(what, said))
    pieces = exports.streamed(kind, ids, vocabulary, said)
    return StreamingHttpResponse(pieces, content_type=form.media_type, headers=headers)


def _spreadsheet(
    request: HttpRequest, ids: list[int], vocabulary: Vocabulary, said: export.Provenance, name: str
) -> HttpResponseBase:
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the answer closes it
    try:
        exports.write_spreadsheet(file, ids, vocabulary, said)
    except exports.TooMany as refusal:
        file.close()
        csv = f"{reverse('studies:export', args=['csv'])}?{request.GET.urlencode()}"
        return render(request, "studies/export_refused.html", {"refusal": refusal, "csv": csv}, status=422)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=name, content_type=exports.XLSX)


def _references(
    request: HttpRequest, ids: list[int], vocabulary: Vocabulary, said: export.Provenance, *, back: str
) -> HttpResponse:
    style = request.GET.get("style", "")
    style = style if style in STYLES else next(iter(STYLES))
    others = request.GET.copy()
    others.pop("style", None)
    context = {
        "references": exports.printed(ids, vocabulary, said, style),
        "total": len(ids),
        "most": exports.MOST_ON_A_PAGE,
        "style": style,
        "styles": [(name, label) for name, (label, _) in STYLES.items()],
        "rest": f"&{others.urlencode()}" if others else "",
        "said": said,
        "back": back,
    }
    return render(request, "studies/references.html", context)
