"""What a reader sees when there is no page, or none for them; and the answer to "are you alive?"."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.http import require_safe

from config.outage import RETRY_AFTER, is_outage

_AWAY = {"Retry-After": str(RETRY_AFTER)}


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """The last word on whatever a view or a middleware raised; called while that is being handled."""
    if is_outage(sys.exception()):
        return HttpResponse(get_template("503.html").render(), status=503, headers=_AWAY)
    # Without the request: whatever broke (database, session, account) may be what a context processor asks for.
    return HttpResponse(get_template("500.html").render(), status=500)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers once the database answers; a monitor needs no more."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError):
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain", headers=_AWAY)
    return HttpResponse("ok\n", content_type="text/plain")
