"""An abstract as one text for the rules, and the way from places in it back to its sections, marked."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_GAP = "\n"


@dataclass(frozen=True, slots=True)
class Span:
    """A phrase between two places of a text; several may overlap."""

    start: int
    end: int
    key: Hashable


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with the keys of every phrase that covers it."""

    text: str
    keys: tuple[Hashable, ...] = ()


def joined(sections: Sequence[Mapping[str, str]]) -> str:
    """The sections with their labels; the labels tell the rules which sentences are background."""
    return _GAP.join(_lead(section) + section.get("text", "") for section in sections)


def by_section(sections: Sequence[Mapping[str, str]], spans: Iterable[Span]) -> list[list[Span]]:
    """The spans of the joined text as spans of each section's own text; what lies in a label is left out."""
    spans, found, start = list(spans), [], 0
    for section in sections:
        start += len(_lead(section))
        found.append(shifted(spans, start, len(section.get("text", ""))))
        start += len(section.get("text", "")) + len(_GAP)
    return found


def shifted(spans: Iterable[Span], start: int, length: int) -> list[Span]:
    """The parts of spans that lie in the `length` characters from `start`, counted from there."""
    cut = (Span(max(s.start - start, 0), min(s.end - start, length), s.key) for s in spans)
    return [span for span in cut if span.start < span.end]


def pieces(text: str, spans: Iterable[Span]) -> list[Piece]:
    """The text cut wherever a phrase begins or ends; the pieces joined are the text."""
    spans = shifted(spans, 0, len(text))
    places = sorted({0, len(text), *(s.start for s in spans), *(s.end for s in spans)})
    found = []
    for start, end in pairwise(places):
        # A blank between two overlapping phrases is nothing to mark.
        inside = text[start:end].strip()
        keys = dict.fromkeys(s.key for s in spans if inside and s.start <= start and end <= s.end)
        found.append(Piece(text[start:end], tuple(keys)))
    return found


def _lead(section: Mapping[str, str]) -> str:
    label = section.get("label") or section.get("category") or ""
    return f"{label}: " if label else ""
