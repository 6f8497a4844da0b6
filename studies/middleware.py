"""What every request passes: the bound on its size, and the door that REQUIRE_LOGIN closes."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve, reverse

from studies import access
from studies.rules.permissions import Permission

Answer = Callable[[HttpRequest], HttpResponse]
# What the other fields of a form with a file may take.
_BESIDE_THE_FILE = 1024 * 1024


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


class RequireLogin:
    """A view opts out with Django's `login_not_required`, as its own sign-in and reset views do."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: tuple, kwargs: dict) -> HttpResponse | None:
        if not settings.REQUIRE_LOGIN or not getattr(view, "login_required", True):
            return None
        return None if request.user.is_authenticated else access.ask_to_sign_in(request)
