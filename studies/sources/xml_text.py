"""Text of XML elements without markup: nothing glued, no exponent lost."""

import html
from collections.abc import Iterator

from lxml import etree

from studies.sources import mathml
from studies.sources.raised import lowered, raised

_MATH = "{http://www.w3.org/1998/Math/MathML}math"
# Elements that stand on lines of their own: their text is not part of a neighbouring word.
_BLOCKS = frozenset(
    {"DispFormula", "disp-formula", "disp-formula-group", "p", "list", "list-item", "def-list", "def-item", "def"}
    | {"term", "title", "break", "disp-quote", "verse-group", "verse-line", "statement", "tr", "td", "th", "label"}
    | {"sec", "speech", "preformat"}
)
_NOTHING: frozenset[str] = frozenset()


def plain(element: etree._Element | None, skip: frozenset[str] = _NOTHING) -> str:
    """The text of `element` on one line: MathML written out, raised and lowered text kept apart from its word.

    Elements named in `skip` are left out together with what they hold.
    """
    if element is None:
        return ""
    if not len(element):
        text = element.text
        return " ".join(text.split()) if text else ""
    return " ".join("".join(_pieces(element, skip)).split())


def _pieces(element: etree._Element, skip: frozenset[str]) -> Iterator[str]:
    if element.text:
        yield element.text
    for child in element:
        tag = child.tag
        if not isinstance(tag, str):  # an entity the parser left alone, such as &alpha;
            yield html.unescape(child.text or "")
        elif tag in skip:
            pass
        elif tag == "sup" or (tag == "xref" and _is_glued_citation(child)):
            yield raised(plain(child, skip))
        elif tag == "sub":
            yield lowered(plain(child, skip))
        elif tag == _MATH:
            yield mathml.written(child)
        elif tag in _BLOCKS:
            yield " "
            yield from _pieces(child, skip)
            yield " "
        else:
            yield from _pieces(child, skip)
        if child.tail:
            yield child.tail


def _is_glued_citation(xref: etree._Element) -> bool:
    """Whether a citation's number follows its word without bracket or space, as if it were raised."""
    before = xref.getprevious()
    parent = xref.getparent()
    text = (before.tail if before is not None else parent.text if parent is not None else "") or ""
    return xref.get("ref-type") == "bibr" and text[-1:].isalpha() and not (parent is not None and parent.tag == "sup")
