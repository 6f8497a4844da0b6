"""Links of the frame, shown only where their page exists and marked where the reader is."""

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def nav_link(context: template.Context, name: str, label: str) -> SafeString | str:
    """A link of the main navigation: `page` on its own page, `true` on the pages beneath."""
    address = _address(name)
    if not address:
        return ""
    path = context["request"].path if "request" in context else ""
    current = "page" if path == address else "true" if path.startswith(address) else ""
    here = format_html(' aria-current="{}"', current) if current else ""
    return format_html('<a class="site-nav__link" href="{}"{}>{}</a>', address, here, label)


@register.simple_tag
def menu_link(name: str, label: str) -> SafeString | str:
    address = _address(name)
    return format_html('<a class="menu__item" href="{}">{}</a>', address, label) if address else ""
