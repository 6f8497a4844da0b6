"""How a cell of the evidence map looks. Four hundred of them make a page: markup is written here, and kept short."""

from collections.abc import Iterable

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.html import conditional_escape
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
    return mark_safe("".join(_cell(cell, address) for cell in cells))  # noqa: S308 - numbers, words and queries escaped


def _cell(cell: Cell, address: str) -> str:
    if not cell.total:
        words = f"{cell.n_waiting:,} waiting" if cell.gap == "waiting" else _GAPS[cell.gap]
        return f"<td class={cell.gap}>{words}"
    number = f"<b>{cell.total:,}</b>"
    marks = "".join(f"<i class={mark.code}>{mark.n}</i>" for mark in cell.marks)
    badges = f"<u>{cell.n_new} new</u>" if cell.n_new else ""
    badges += f"<s>{cell.n_noticed}</s>" if cell.n_noticed else ""
    shade = "r" if cell.is_registered_only else f"d{cell.shade}"
    query = conditional_escape(cell.query)
    return f'<td class={shade}><a href="{address}?{query}" aria-label="{_said(cell)}">{number}{marks}{badges}</a>'


def _said(cell: Cell) -> str:
    """The same numbers in words, for whoever does not see the marks."""
    parts = [f"{mark.n} {mark.word}" for mark in cell.marks]
    if cell.n_new:
        parts.append(f"{cell.n_new} new")
    if cell.n_noticed:
        parts.append(f"{cell.n_noticed} with a notice")
    return f"{intcomma(cell.total)}: {', '.join(parts)}"
