"""How the catalogue's values look: badges of a notice, addresses that are safe to link."""

from urllib.parse import urlsplit

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from studies.terms import NoticeStatus

register = template.Library()

_LOOKS = {
    NoticeStatus.RETRACTED: "badge--solid",
    NoticeStatus.REMOVED: "badge--solid",
    NoticeStatus.CONCERN: "badge--danger",
    NoticeStatus.REPLACED: "badge--warn",
    NoticeStatus.CORRECTED: "badge--note",
}


@register.simple_tag
def notice_badge(status: int) -> SafeString | str:
    """The word of a notice in its colour; nothing for a study without one."""
    if not status:
        return ""
    status = NoticeStatus(status)
    return format_html('<span class="badge {}">{}</span>', _LOOKS[status], status.label)


@register.filter
def web_address(value: object) -> str:
    """The address if it is one of the web, else nothing: data from a source may hold `javascript:`."""
    text = str(value or "").strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in {"http", "https"} and parts.netloc else ""


@register.filter
def months(value: object) -> str:
    """A follow-up as people say it: "12 months", "1.5 months"."""
    if value is None:
        return ""
    number = f"{value:.1f}".removesuffix(".0")
    return f"{number} month" if number == "1" else f"{number} months"
