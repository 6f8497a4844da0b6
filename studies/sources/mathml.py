"""MathML written out in one line of text, as far as a line can say it."""

import html
from collections.abc import Callable

from lxml import etree

from studies.sources.raised import lowered, raised

_ACCENTS = {"¯": "\u0304", "‾": "\u0304", "_": "\u0304", "^": "\u0302", "ˆ": "\u0302", "~": "\u0303", "˜": "\u0303"}
_ACCENTS |= {"˙": "\u0307", ".": "\u0307", "→": "\u20d7", "¨": "\u0308", "ˇ": "\u030c", "̲": "\u0332"}
_INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064")
_LEFT_OUT = frozenset({"annotation", "annotation-xml", "mprescripts", "none", "mphantom"})
_SPACED = frozenset("=<>≤≥≠≈≃≅∼±∈⊂⊆→⇒×∣∝")


def written(element: etree._Element) -> str:
    """`<msup><mi>x</mi><mn>2</mn></msup>` becomes `x²`, a fraction `a/b`; annotations are dropped."""
    if not isinstance(element.tag, str):
        return html.unescape(element.text or "")
    name = etree.QName(element).localname
    if name in _LEFT_OUT:
        return ""
    if name in {"mi", "mn", "mo", "mtext", "ms"}:
        return _token(name, element)
    if name == "mspace":
        return " "
    builder = _BUILDERS.get(name)
    children = list(element)
    if builder and len(children) >= _NEEDED[name]:
        return builder(element, [written(child) for child in children])
    if name == "mfenced":
        return _fenced(element)
    return (element.text or "").strip() + _row(element)


def _token(name: str, element: etree._Element) -> str:
    text = "".join(element.itertext()).translate(_INVISIBLE)
    if name == "mtext":
        return text
    text = text.strip()
    return f" {text} " if name == "mo" and text in _SPACED else text


def _row(element: etree._Element) -> str:
    """The children side by side; two names of which one is a word are kept apart (`sin x`)."""
    line = ""
    for child in element:
        text = written(child)
        if line and text and line[-1].isalpha() and text[0].isalpha() and (len(text) > 1 or _ends_in_word(line)):
            line += " "
        line += text + (child.tail or "").strip()
    return line


def _ends_in_word(line: str) -> bool:
    return len(line) > 1 and line[-2].isalpha()


def _fenced(element: etree._Element) -> str:
    inside = ", ".join(written(child) for child in element)
    return f"{element.get('open', '(')}{inside}{element.get('close', ')')}"


def _grouped(text: str) -> str:
    text = text.strip()
    return text if text.isalnum() or len(text) < 2 else f"({text})"


def _accented(base: str, accent: str, otherwise: Callable[[str], str]) -> str:
    accent = accent.strip()
    if accent in _ACCENTS and len(base.strip()) == 1:
        return base.strip() + _ACCENTS[accent]
    return base + otherwise(accent)


_BUILDERS: dict[str, Callable[[etree._Element, list[str]], str]] = {
    "msup": lambda _, parts: parts[0] + raised(parts[1].strip()),
    "msub": lambda _, parts: parts[0] + lowered(parts[1].strip()),
    "msubsup": lambda _, parts: parts[0] + lowered(parts[1].strip()) + raised(parts[2].strip()),
    "mover": lambda _, parts: _accented(parts[0], parts[1], raised),
    "munder": lambda _, parts: _accented(parts[0], parts[1], lowered),
    "munderover": lambda _, parts: parts[0] + lowered(parts[1].strip()) + raised(parts[2].strip()),
    "mfrac": lambda _, parts: f"{_grouped(parts[0])}/{_grouped(parts[1])}",
    "mroot": lambda _, parts: f"{raised(parts[1].strip())}√({parts[0].strip()})",
    "msqrt": lambda element, _: f"√({_row(element).strip()})",
    "mtable": lambda _, parts: "; ".join(part.strip() for part in parts),
    "mtr": lambda _, parts: ", ".join(part.strip() for part in parts),
    "mmultiscripts": lambda element, _: _multiscripts(element),
    "semantics": lambda _, parts: parts[0],
}
_NEEDED = {"msqrt": 1, "mtable": 1, "mtr": 1, "mmultiscripts": 1, "semantics": 1}
_NEEDED |= {"msubsup": 3, "munderover": 3, "msup": 2, "msub": 2, "mover": 2, "munder": 2, "mfrac": 2, "mroot": 2}


def _multiscripts(element: etree._Element) -> str:
    """A base with pairs of lowered and raised scripts behind it and, after `mprescripts`, before it."""
    base, *scripts = element
    before, after, side = "", "", "after"
    pair: list[str] = []
    for script in scripts:
        if isinstance(script.tag, str) and script.tag.endswith("mprescripts"):
            side, pair = "before", []
            continue
        pair.append(written(script))
        if len(pair) == 2:
            text = lowered(pair[0].strip()) + raised(pair[1].strip())
            before, after = (before + text, after) if side == "before" else (before, after + text)
            pair = []
    return before + written(base) + after
