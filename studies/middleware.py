"""Closes all reading to strangers where REQUIRE_LOGIN says so."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from studies import access


class RequireLogin:
    """A view opts out with Django's `login_not_required`, as its own sign-in and reset views do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: tuple, kwargs: dict) -> HttpResponse | None:
        if not settings.REQUIRE_LOGIN or not getattr(view, "login_required", True):
            return None
        return None if request.user.is_authenticated else access.ask_to_sign_in(request)
