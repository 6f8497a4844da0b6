"""When somebody who signed in was here before, as their own browser remembers it."""

from datetime import UTC, datetime, timedelta

from django.http import HttpRequest, HttpResponse

VISITS = "visits"  # a cookie of two times: the last page of the visit before, and of this one
_APART = timedelta(hours=8)  # a longer pause begins a new visit
_KEPT_FOR = timedelta(days=400)


def visit_before(request: HttpRequest, now: datetime) -> datetime | None:
    """When the signed-in reader was last here before this visit, as their browser remembers it."""
    times = _times(request) if request.user.is_authenticated else []
    if not times:
        return None
    before, latest = times
    return latest if now - latest > _APART else before if before < latest else None


def remember_visit(request: HttpRequest, answer: HttpResponse, now: datetime) -> HttpResponse:
    """Kept in the browser of people who signed in: reading a page writes nothing into the database."""
    if request.user.is_authenticated:
        before = visit_before(request, now) or now
        answer.set_cookie(
            VISITS,
            f"{before.timestamp():.0f}.{now.timestamp():.0f}",
            max_age=_KEPT_FOR,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure(),
        )
    return answer


def _times(request: HttpRequest) -> list[datetime]:
    parts = request.COOKIES.get(VISITS, "").split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 12 for part in parts):
        return []
    return [datetime.fromtimestamp(int(part), UTC) for part in parts]
