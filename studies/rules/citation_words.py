"""A title as the words that count when two titles are compared: spelling, markup and punctuation evened out."""

import html
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

MAX_TITLE = 1000  # characters; a longer one is no title
_TAG = re.compile(r"</?[A-Za-z][A-Za-z:]{0,20}(?:\s[^<>]{0,200})?/?>")
_ACRONYM = re.compile(r"\s?\((?=[^()]{0,9}[A-Z][^()]{0,9}[A-Z])[A-Za-z0-9-]{2,10}\)")
_ELLIPSIS = re.compile(r"\s*(?:\[?(?:\.{3,}|…)\]?)\s*$")
_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"[:.?!;,()\[\]\"“”]|—|\s[-–]+\s")
_BREAK = re.compile(r"[:.?!;([]|—|\s[-–]+\s")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
_GREEK_LETTERS = str.maketrans(_GREEK)
_COUNTING = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_NUMBERS = {word: str(number) for number, word in enumerate(_COUNTING.split(" "))}
_NUMBERS |= {"first": "1", "second": "2", "third": "3", "1st": "1", "2nd": "2", "3rd": "3"}
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_COUNTED = {"type", "phase", "part", "grade", "stage", "class", "level", "collagen", "volume"}
_LONE_ROMAN = {"i": "1", "v": "5", "x": "10"}
# Both sides are treated alike, so a rule that hits too much does no harm; one that hits too little costs a match.
_SPELLINGS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        ("ae|oe", "e"),
        ("geing$", "ging"),
        ("our", "or"),
        ("is(e|ed|es|er|ing|ation|able)$", r"iz\1"),
        ("ys(e|ed|er|ing)$", r"yz\1"),
        ("([tb])re$", r"\1er"),
        ("ll(ed|ing|er)$", r"l\1"),
        ("ogue$", "og"),
        ("mme$", "m"),
        ("(def|off|lic|pret)ence$", r"\1ense"),
        ("sulph", "sulf"),
        ("^grey", "gray"),
        ("^leuc", "leuk"),
    )
)
_LABELS = re.compile(
    r"^(?:original (?:article|research|paper)|research article|review(?: article)?|mini-?review|short communication|"
    r"brief report|case report|regular paper)\s*:\s*",
    re.I,
)
_ENDINGS = re.compile(
    r"\s*[\[(](?:review|letter|editorial|comment|article in [a-z]+|in [a-z]+|author'?s transl)[\])]\s*\.?\s*$", re.I
)
# "RETRACTED: X" is X, marked by its publisher; "Retraction: X" is the notice about it.
_MARKED = re.compile(r"^\[?\s*(?:retracted|withdrawn)(?: article| paper)?\s*[\]:.]\s*", re.I)
_ANOTHERS = {
    "correction": r"(?:author |publisher )?(?:correction|corrigend(?:um|a)|errat(?:um|a)|addendum)",
    "retraction": r"(?:retraction|withdrawal)(?: note| notice)?|notice of (?:retraction|withdrawal)|removal notice",
    "concern": r"(?:editorial )?expression of concern",
    "comment": r"(?:invited |editorial )?comment(?:s|ary)?|discussion|editorial|letter(?: to the editor)?|"
    r"(?:(?:the )?authors?['’]?s?['’]? )?(?:reply|response)|in reply|rebuttal|re",
}
# It says about what, behind a colon or in quotation marks: "Response to radiation" is about itself.
_ABOUT_ANOTHER = {
    kind: re.compile(rf"^\[?\s*(?:{words})(?:\s+(?:to|for|on|of|in|regarding|re))?\s*(?:[:.–—]|(?=[\"“”'‘«]))\s*", re.I)
    for kind, words in _ANOTHERS.items()
}


class About(StrEnum):
    """What the article is about: something of its own, or another article."""

    ITSELF = ""
    CORRECTION = "correction"
    RETRACTION = "retraction"
    CONCERN = "concern"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Words:
    """A title's words in order; `breaks` are the places of words that begin a sentence or a subtitle."""

    words: tuple[str, ...]
    breaks: frozenset[int] = frozenset()
    about: About = About.ITSELF
    is_cut: bool = False  # it ends in an ellipsis


def words_of(title: str) -> Words:
    """The words of a title, in one spelling."""
    text = _TAG.sub("", html.unescape(title[:MAX_TITLE])).strip()
    text = _MARKED.sub("", _LABELS.sub("", text))
    about = About.ITSELF
    for kind, pattern in _ABOUT_ANOTHER.items():
        if found := pattern.match(text):
            about, text = About(kind), text[found.end() :]
            break
    is_cut = bool(_ELLIPSIS.search(text))
    text = _ENDINGS.sub("", _ELLIPSIS.sub("", text))
    words, breaks = _split(plain(_ACRONYM.sub("", text)), _BREAK)
    return Words(words, breaks, about, is_cut)


def sentences_of(text: str) -> Words:
    """The words of running text, with a break wherever a title could begin or end."""
    text = _TAG.sub("", html.unescape(text[: 2 * MAX_TITLE]))
    return Words(*_split(plain(_ACRONYM.sub("", text)), _SENTENCE))


def plain(text: str) -> str:
    """Small letters without accents, Greek letters by name."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_GREEK_LETTERS)
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).translate(_LETTERS)


def _split(text: str, parting: re.Pattern[str]) -> tuple[tuple[str, ...], frozenset[int]]:
    words: list[str] = []
    breaks: set[int] = set()
    end = 0
    for found in _WORD.finditer(text):
        if words and parting.search(text, end, found.start()):
            breaks.add(len(words))
        words.append(_spelled(found[0], words[-1] if words else ""))
        end = found.end()
    return tuple(words), frozenset(breaks)


def _spelled(word: str, before: str) -> str:
    """The word as a number, in American spelling and in the singular."""
    if before in _COUNTED and word in _LONE_ROMAN:
        return _LONE_ROMAN[word]
    if number := _NUMBERS.get(word) or _ROMAN.get(word):
        return number
    if len(word) < 4 or not word.isalpha():
        return word
    word = _singular(word)
    for pattern, to in _SPELLINGS:
        word = pattern.sub(to, word)
    return word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and word[-2] not in "sui" else word
