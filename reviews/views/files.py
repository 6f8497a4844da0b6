"""How a table leaves as a file."""

from django.http import HttpResponse
from django.utils import timezone

from studies.formats.table import MEDIA_TYPE


def download(text: str, name: str) -> HttpResponse:
    answer = HttpResponse(text, content_type=MEDIA_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'
    answer["Cache-Control"] = "private, no-store"
    return answer
