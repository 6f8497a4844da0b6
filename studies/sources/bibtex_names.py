"""Authors in BibTeX: names parted by `and`, groups whole in braces, particles before the last name."""

import re
from collections.abc import Iterator

from studies.sources.latex import plain
from studies.sources.names import author_of, initials_of
from studies.sources.record import Author

_MARK = re.compile(r"[{}]|(?<=\s)and(?=\s)", re.I)
_INITIALS = re.compile(r"(?:[A-Z]\.?[\s-]?){1,4}")
_SUFFIXED = re.compile(r"([^,]+),\s*((?:Jr|Sr)\.?|I{2,3}|IV)\s*,([^,]+)", re.I)
_LONGEST = 500  # characters of one name
_TIE = "\ue000"  # holds a group of words in braces together; a private character, as no decoder touches it


def authors_in(value: str) -> tuple[tuple[Author, ...], bool]:
    """The authors in order, and whether these are all (`and others` says no)."""
    value = " ".join(value.split())
    authors: list[Author] = []
    complete = True
    for name in _names(value):
        if name.lower().strip("{}. ") in {"others", "et al"}:
            complete = False
        elif author := _author(name[:_LONGEST]):
            authors.append(author)
    return tuple(authors), complete


def _names(value: str) -> Iterator[str]:
    """Parted at each `and` outside of braces."""
    depth = start = 0
    for found in _MARK.finditer(value):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
        elif depth == 0:
            yield value[start : found.start()].strip()
            start = found.end()
    yield value[start:].strip()


def _author(name: str) -> Author | None:
    if _is_whole_in_braces(name):
        text = plain(name)
        return Author(collective=text) if text else None
    text = plain(_tied(name)).strip(" ,;")
    if "," in text or _TIE not in text:
        text = text.replace(_TIE, " ")
    if found := _SUFFIXED.fullmatch(text):  # BibTeX writes `Smith, Jr., John`
        text = f"{found[1]}, {found[3]}, {found[2]}"
    known = author_of(text)
    if known is None or "," in text or known.collective:
        return known
    return _in_order(text)


def _is_whole_in_braces(name: str) -> bool:
    if not (name.startswith("{") and name.endswith("}")):
        return False
    depth = 0
    for place, char in enumerate(name):
        depth += (char == "{") - (char == "}")
        if depth == 0:
            return place == len(name) - 1 and not name.startswith("{\\")
    return False


def _tied(name: str) -> str:
    """Blanks within braces do not part a name: `Maria {de la Cruz}`."""
    depth, chars = 0, []
    for char in name:
        depth += (char == "{") - (char == "}")
        chars.append(_TIE if char == " " and depth > 0 else char)
    return "".join(chars)


def _in_order(text: str) -> Author | None:
    """`T F Smith`, `Ludwig van Beethoven`; a `Smith JA` of PubMed is known by its initials at the end."""
    words = text.split(" ")
    first = next((place for place, word in enumerate(words[:-1]) if place and word[:1].islower()), len(words) - 1)
    fore, last = " ".join(words[:first]), " ".join(words[first:])
    if _INITIALS.fullmatch(last) and not _INITIALS.fullmatch(fore):
        return author_of(text)
    return Author(last=last.replace(_TIE, " "), fore=fore.replace(_TIE, " "), initials=initials_of(fore))
