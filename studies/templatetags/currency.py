"""The badge that says on every clinician's page how current the catalogue is."""

from django import template
from django.utils import timezone

from studies.queries.currency import currency

register = template.Library()


@register.inclusion_tag("components/currency.html", takes_context=True)
def currency_badge(context: template.Context) -> dict[str, object]:
    """The whole context goes along: a review's part of the badge is a tag of its own, and may ask who reads."""
    return {**context.flatten(), "currency": currency(timezone.now())}
