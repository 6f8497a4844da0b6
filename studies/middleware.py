"""What every request passes: the bound on its size, the API's door, and the one that REQUIRE_LOGIN closes."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.http import ConditionalGetMiddleware
from django.urls import Resolver404, resolve, reverse

from studies import access
from studies.actions import metering, tokens
from studies.rules.permissions import Permission

Answer = Callable[[HttpRequest], HttpResponse]
# What the other fields of a form with a file may take.
_BESIDE_THE_FILE = 1024 * 1024
API = "/api/v1/"


class BoundedBody:
    """Refuses a request by the size it announces, before any of it is kept."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if not announced.isdigit() or int(announced) > self._most(request):
            return HttpResponse("This is more than can be sent at once.\n", status=413, content_type="text/plain")
        return self.get_response(request)

    def _most(self, request: HttpRequest) -> int:
        if request.path == reverse("studies:import"):
            takes_files = access.may(request.user, Permission.SYNC)
        else:
            takes_files = request.user.is_authenticated and _name_of(request.path) in settings.UPLOAD_PAGES
        if not takes_files:
            return settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return settings.UPLOAD_MEGABYTES * 1024 * 1024 + _BESIDE_THE_FILE


def _name_of(path: str) -> str:
    try:
        return resolve(path).view_name
    except Resolver404:
        return ""


class ApiDoor:
    """Before every request to the API: whose token is it, and may they ask so often? Behind it: ETags.

    Pages are never opened by a token, nor does a session's user change because of one.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = ConditionalGetMiddleware(get_response)
        self.pages = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(API):
            return self.pages(request)
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        who, most = f"address {access.client_address(request)}", settings.API_A_MINUTE
        if scheme:
            token = tokens.token_of(secret.strip()) if scheme.lower() == "bearer" else None
            request.user = token.user if token else AnonymousUser()
            if token is None:
                return self._refused(request, who, most)
            who, most = f"token {token.pk}", settings.API_TOKEN_A_MINUTE
        metered = metering.meter(settings.API_METER, who, most=most)
        if not metered.is_allowed:
            answer = _problem(429, "You ask too often: wait a little, or send a token.")
            answer["Retry-After"] = str(metered.seconds)
            return answer
        answer = _for_programs(self.get_response(request))
        answer["X-RateLimit-Limit"], answer["X-RateLimit-Remaining"] = str(most), str(metered.n_left)
        answer["Vary"] = "Authorization, Cookie"
        answer.setdefault("Cache-Control", "private, no-cache")
        return answer

    def _refused(self, request: HttpRequest, who: str, most: int) -> HttpResponse:
        """Guesses at tokens are counted like any other request."""
        metered = metering.meter(settings.API_METER, who, most=most)
        if not metered.is_allowed:
            return _problem(429, "You ask too often.")
        answer = _problem(401, "This token is unknown or revoked.")
        answer["WWW-Authenticate"] = "Bearer"
        return answer


def _for_programs(answer: HttpResponse) -> HttpResponse:
    """What the site would tell a person in a page, a program is told in JSON: the address is wrong, or the method."""
    if answer.status_code < 400 or answer.get("Content-Type", "").startswith("application/json"):
        return answer
    told = _problem(answer.status_code, answer.reason_phrase)
    for name in {"Allow", "Retry-After"} & set(answer.headers):
        told[name] = answer[name]
    return told


def _problem(status: int, detail: str) -> HttpResponse:
    return JsonResponse({"detail": detail}, status=status)


class RequireLogin:
    """A view opts out with Django's `login_not_required`, as its own sign-in and reset views do."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: tuple, kwargs: dict) -> HttpResponse | None:
        if not settings.REQUIRE_LOGIN or not getattr(view, "login_required", True):
            return None
        if request.user.is_authenticated:
            return None
        if request.path.startswith(API):
            return _problem(401, "This site asks for an account: send a token.")
        return access.ask_to_sign_in(request)
