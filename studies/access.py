"""From a request to the right to make it: who is asking, and may they."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from studies.models import User
from studies.rules.permissions import Permission, is_allowed
from studies.terms import SiteRole

View = Callable[..., HttpResponseBase]


def role_of(user: User | AnonymousUser) -> SiteRole:
    """Somebody who has not signed in is a visitor."""
    return SiteRole(user.role) if user.is_authenticated else SiteRole.VISITOR


def reader(request: HttpRequest) -> User | None:
    """Who is signed in, if anybody is."""
    return request.user if request.user.is_authenticated else None


def may(user: User | AnonymousUser, permission: Permission) -> bool:
    if settings.REQUIRE_LOGIN and not user.is_authenticated:
        return False
    return is_allowed(role_of(user), permission)


def needs(permission: Permission) -> Callable[[View], View]:
    """Close a view: strangers are asked to sign in, people without the permission get 403."""

    def close(view: View) -> View:
        @wraps(view)
        def closed(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if may(request.user, permission):
                return view(request, *args, **kwargs)
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            raise PermissionDenied(f"Your role does not let you {permission}.")

        return closed

    return close


def signed_in(view: View) -> View:
    """Close a view to strangers; every account may use it."""

    @wraps(view)
    def closed(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.user.is_authenticated else ask_to_sign_in(request)

    return closed


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send a stranger to the sign-in page, and back afterwards to where they were reading."""
    answer = redirect_to_login(_came_from(request))
    # htmx would follow a redirect quietly and put the sign-in page into a corner of the page that asked.
    return HttpResponseClientRedirect(answer.url) if getattr(request, "htmx", False) else answer


def _came_from(request: HttpRequest) -> str:
    if request.method in ("GET", "HEAD") and not getattr(request, "htmx", False):
        return request.get_full_path()
    # The address of a POST or of a fragment is no page to come back to.
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if is_ours else ""


def client_address(request: HttpRequest) -> str:
    """The address that failed sign-ins are counted under: the nearest proxy's word when we stand behind one."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.BEHIND_PROXY else ""
    return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
