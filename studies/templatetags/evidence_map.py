"""How a cell of the evidence map looks. Four hundred of them make a page: markup is written here, and kept short."""

from collections.abc import Iterable

from django import template
from django.utils.safestring import SafeString, mark_safe

from studies.queries.evidence_map import Cell, Line

register = template.Library()

_GAPS = {"searched": "none found", "never": "none known", "outside": "out of scope"}


@register.simple_tag
def map_line(line: Line, address: str) -> SafeString:
    """The cells of one row, its total first."""
    return _cells((line.total, *line.cells), address)


@register.simple_tag
def map_foot(total: Cell, cells: Iterable[Cell], address: str) -> SafeString:
    return _cells((total, *cells), address)


def _cells(cells: Iterable[Cell], address: str) -> SafeString:
    return mark_safe("".join(_cell(cell, address) for cell in cells))  # noqa: S308 - numbers, our words, and queries of urlencode


def _cell(cell: Cell, address: str) -> str:
    if not cell.total:
        words = f"{cell.n_waiting:,} waiting" if cell.gap == "waiting" else _GAPS[cell.gap]
        return f"<td class={cell.gap}>{words}"
    # An element of its own for each kind of design is five bytes less than a class, four thousand times.
    marks = "".join(f" <m-{m.kind.letter}>{m.n} {m.kind.word}</m-{m.kind.letter}>" for m in cell.marks)
    badges = f" <u>{cell.n_new} new</u>" if cell.n_new else ""
    badges += f" <s>{cell.n_noticed} notice{'' if cell.n_noticed == 1 else 's'}</s>" if cell.n_noticed else ""
    shade = "d0" if cell.is_registered_only else f"d{cell.shade}"
    # A bare & is right in an address whose names are no entities followed by a semicolon; &amp; would cost 3 kB.
    return f'<td class={shade}><a href="{address}?{cell.query}"><b>{cell.total:,}</b>{marks}{badges}</a>'
