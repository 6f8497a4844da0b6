"""A review's part of shared pages, and the tabs of its own."""

from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reviews.access import Seat
from reviews.queries import candidates
from reviews.queries.protocol import reviews_for
from reviews.rules.permissions import Permission
from studies.access import may, reader
from studies.rules.permissions import Permission as SitePermission

register = template.Library()

# (name of the address, label, what it needs); a page that does not exist (yet) is left out.
TABS = (
    ("review", "Protocol", Permission.READ_PROTOCOL),
    ("team", "Team", Permission.READ),
    ("sources", "Sources", Permission.READ),
    ("screening", "Screening", Permission.READ),
    ("reports", "Reports", Permission.READ),
    ("duplicates", "Duplicates", Permission.READ),
    ("progress", "Progress", Permission.READ),
    ("agreement", "Agreement", Permission.READ),
    ("flow", "Flow diagram", Permission.READ),
    ("log", "Log", Permission.READ),
)


@register.inclusion_tag("reviews/_tabs.html", takes_context=True)
def review_tabs(context: template.Context, seat: Seat) -> dict[str, Any]:
    """The pages of a review that this person may open, the present one marked."""
    path = context["request"].path
    tabs = []
    for name, label, permission in TABS:
        if not seat.may(permission):
            continue
        try:
            address = reverse(f"reviews:{name}", args=[seat.review.slug])
        except NoReverseMatch:
            continue
        is_here = path == address or (name != "review" and path.startswith(address))
        tabs.append((address, label, "page" if path == address else "true" if is_here else ""))
    return {"tabs": tabs}


@register.simple_tag(takes_context=True)
def reviews_link(context: template.Context) -> SafeString | str:
    """The link of the main navigation, where its reader may see any review or begin one."""
    request = context.get("request")
    if request is None or not hasattr(request, "user"):
        return ""
    if not (may(request.user, SitePermission.REVIEW) or reviews_for(reader(request)).exists()):
        return ""
    address = reverse("reviews:reviews")
    current = "page" if request.path == address else "true" if request.path.startswith(address) else ""
    here = format_html(' aria-current="{}"', current) if current else ""
    return format_html('<a class="site-nav__link" href="{}"{}>Reviews</a>', address, here)


@register.simple_tag(takes_context=True)
def n_waiting_for_screening(context: template.Context) -> int:
    """How many reports await a decision in the reviews that the reader may see."""
    request = context.get("request")
    return candidates.n_waiting(reviews_for(reader(request) if request else None))


@register.filter
def of(labels: dict[int, str], number: int) -> str:
    """The label of a secondary reason by its number."""
    return labels.get(number, "")
