"""What a reader sees when there is no page, or none for them; and the answer to "are you alive?"."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.http import require_safe


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    # Without the request: whatever broke (database, session, account) may be what a context processor asks for.
    return HttpResponse(get_template("500.html").render(), status=500)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers once the database answers; a monitor needs no more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")
