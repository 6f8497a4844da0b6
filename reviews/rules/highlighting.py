"""Where a review's words stand in a text."""

import re
from collections.abc import Iterable

from studies.rules.marked_text import Span


def spans(text: str, words: Iterable[str], key: str) -> list[Span]:
    """Whole words and phrases in any case; one that ends with * stands for every word that begins so."""
    found = []
    for word in words:
        pattern = _pattern(word)
        found += [Span(hit.start(), hit.end(), key) for hit in pattern.finditer(text)] if pattern else []
    return found


def _pattern(word: str) -> re.Pattern[str] | None:
    is_stem = word.endswith("*")
    parts = [re.escape(part) for part in word.rstrip("*").split()]
    if not parts:
        return None
    end = r"\w{0,40}" if is_stem else r"(?!\w)"
    return re.compile(r"(?<!\w)" + r"\s{1,3}".join(parts) + end, re.IGNORECASE)
