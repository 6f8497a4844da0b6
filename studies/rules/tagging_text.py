"""What is suggested from what: the text of a record, flattened for the rules, with the way back to the original."""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

MOST_READ = 20_000
# Every sort of dash, slash and blank becomes one blank, every sort of quote a straight one: all one to one.
_BLANKS = (
    "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d/\\\t\r\x0b\x0c\u00a0\u2002\u2003\u2009\u200a\u202f"
)
_QUOTES = "\u2018\u2019\u201a\u201b\u2032\u00b4`\uff07\u02bc"
_SAME_LENGTH = str.maketrans(
    dict.fromkeys(_BLANKS, " ") | dict.fromkeys(_QUOTES, "'") | dict.fromkeys("“”„‟«»″", '"') | {"\u00d7": "x"}
)
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi",
    "ψ": "psi", "ω": "omega", "Α": "Alpha", "Β": "Beta", "Γ": "Gamma", "Δ": "Delta", "Σ": "Sigma", "Ω": "Omega",
}  # fmt: skip
# A full stop after these ends no sentence.
_ABBREVIATED = ("vs", "e.g", "i.e", "al", "ca", "approx", "Fig", "Dr", "No", "resp")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
# Letters beyond ASCII, with the plain letter before them: an accent may follow it.
_ODD = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")
_MORE_BLANKS = re.compile(r"  +")
_POINT = re.compile(r"\.(?=\d)")
_STOP = re.compile(r"[.!?;\n](?:(?<!\n)(?=\s)|(?<=\n)(?=[A-Z]))")


@dataclass(frozen=True, slots=True)
class Text:
    """What a record says of itself. `publication_types` are pairs of MeSH id and name, `mesh` heading names."""

    title: str
    abstract: str
    keywords: tuple[str, ...] = ()
    mesh: tuple[str, ...] = ()
    publication_types: tuple[tuple[str, str], ...] = ()
    has_registration: bool = False
    is_registry_record: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One tag a record's own words suggest.

    `start` and `end` count characters of the field as it was handed in, so that field[start:end] is `phrase`; they are
    None where the field is a list. `strength`: title, abstract (keywords count as such), weak (show it unticked),
    derived (follows from other tags) or source (a publication type, a MeSH heading or the registry says so).
    """

    tag: str
    rule: str
    version: int
    field: str
    start: int | None
    end: int | None
    phrase: str
    strength: str


class Places:
    """The way back from a rewritten text: from where on each stretch stands elsewhere, and where.

    A stretch is (its own start, start in the former text, end of all its characters there or 0 if they stand
    one to one).
    """

    __slots__ = ("_begins", "_stretches")

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._stretches: list[tuple[int, int]] = []

    def add(self, begins: int, start: int, end: int = 0) -> None:
        self._begins.append(begins)
        self._stretches.append((start, end))

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self._of(start)[0], self._of(end - 1)[1]

    def _of(self, position: int) -> tuple[int, int]:
        at = bisect_right(self._begins, position) - 1
        start, end = self._stretches[at]
        if end:
            return start, end
        start += position - self._begins[at]
        return start, start + 1


@dataclass(frozen=True, slots=True)
class Flat:
    """One field ready for matching: `lower` and `cased` have equal length, `places` lead back step by step."""

    name: str
    original: str
    lower: str
    cased: str
    places: tuple[Places, ...] = ()
    stops: list[int] = field(default_factory=list)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of a place in the flat text."""
        for places in reversed(self.places):
            start, end = places.span(start, end)
        return start, end

    def sentence(self, position: int) -> int:
        """The number of the sentence in which the position lies."""
        return bisect_right(self.stops, position)

    def sentence_start(self, position: int) -> int:
        at = bisect_right(self.stops, position)
        return self.stops[at - 1] if at else 0


def flatten(name: str, original: str) -> Flat:
    """NFKC, one sort of dash and quote, Greek letters as words, in lower case and as written.

    Only so much of it is read as an abstract can hold: some records carry the abstracts of a whole conference.
    """
    original = original[:MOST_READ]
    places: list[Places] = []
    cased = original.translate(_SAME_LENGTH)
    if not cased.isascii() and not all(map(_keeps_its_place, set(_BEYOND_ASCII.findall(cased)))):
        cased = _rewritten(original, places)
    if "  " in cased:
        cased = _single_blanks(cased, places)
    # "0.3" becomes "0,3", so that a full stop always ends something.
    stops, cased = _stops(cased), _POINT.sub(",", cased.replace("\n", " "))
    lower = cased.lower()
    if len(lower) != len(cased):  # a few capitals have longer small forms
        lower = "".join(c if len(c.lower()) != 1 else c.lower() for c in cased)
    return Flat(name, original, lower, cased, tuple(places), stops)


def _keeps_its_place(character: str) -> bool:
    normal = unicodedata.normalize("NFKC", character)
    return normal == character and character not in _GREEK and not unicodedata.combining(character)


def _rewritten(original: str, places: list[Places]) -> str:
    """Character by character where it is not plain, a letter together with the accents that follow it."""
    places.append(moved := Places())
    out: list[str] = []
    length = at = 0

    def take(new: str, start: int, end: int = 0) -> None:
        nonlocal length
        if new:
            moved.add(length, start, end)
            out.append(new)
            length += len(new)

    for odd in _ODD.finditer(original):
        take(original[at : odd.start()].translate(_SAME_LENGTH), at)
        at = odd.start()
        while at < odd.end():
            end = at + 1
            while end < len(original) and unicodedata.combining(original[end]):
                end += 1
            new = unicodedata.normalize("NFKC", original[at:end].translate(_SAME_LENGTH)).translate(_SAME_LENGTH)
            take("".join(_GREEK.get(c, c) for c in new), at, end)
            at = end
    take(original[at:].translate(_SAME_LENGTH), at)
    return "".join(out)


def _single_blanks(cased: str, places: list[Places]) -> str:
    places.append(moved := Places())
    out: list[str] = []
    length = at = 0
    for blanks in _MORE_BLANKS.finditer(cased):
        moved.add(length, at)
        out.append(cased[at : blanks.start() + 1])
        length += blanks.start() + 1 - at
        at = blanks.end()
    moved.add(length, at)
    out.append(cased[at:])
    return "".join(out)


def _stops(cased: str) -> list[int]:
    return [
        m.end() for m in _STOP.finditer(cased) if not cased.endswith(_ABBREVIATED, max(0, m.start() - 6), m.start())
    ]
