"""The menu by which a list or a study leaves the catalogue."""

from django import template

from studies.exports import FORMATS

register = template.Library()


@register.inclusion_tag("components/export.html")
def export_menu(query: str = "", study: int | None = None) -> dict[str, object]:
    """`query` is the query string of a list; `study` the number of one study."""
    return {
        "query": query,
        "study": study,
        "export_formats": [(kind.name, kind.label, kind.hint) for kind in FORMATS.values()],
    }
