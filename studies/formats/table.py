"""Comma-separated rows for spreadsheets, with no cell that a spreadsheet would run as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

from studies.sources.table import harmless

MEDIA_TYPE = "text/csv; charset=utf-8"
# Without it Excel takes UTF-8 for the code page of the country.
BYTE_ORDER_MARK = "\ufeff"
Cell = str | int | float | None


# Only a text that begins with one of these needs a second look; an export has millions of cells.
_DOUBTFUL = frozenset("'=+-@\t\r\n＝＋－＠")


def lines(rows: Iterable[Sequence[Cell]]) -> str:
    """The rows as one text; texts are made harmless, numbers stay numbers."""
    text = io.StringIO()
    csv.writer(text).writerows(
        [harmless(cell) if cell.__class__ is str and cell[:1] in _DOUBTFUL else cell for cell in row] for row in rows
    )
    return text.getvalue()
