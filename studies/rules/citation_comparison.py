"""Whether what was cited is what was found: titles, first authors, years and journals, with every threshold here."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from enum import Enum

from studies.rules.citation_words import About, Words, plain, words_of

# The thresholds, set against the labelled pairs in tests/data/citation_titles.tsv.
FEWEST_WORDS_OF_A_PREFIX = 3  # telling words of a title that was cited without its subtitle
FEWEST_WORDS_OF_A_CUT = 5  # of a title that breaks off in an ellipsis
FEWEST_WORDS_OF_A_TORN = 6  # of a title that breaks off without one
WORDS_A_TYPO = 5  # one misprint is forgiven for so many telling words
WORDS_A_LEFT_OUT = 8  # one word left out is forgiven for so many telling words
YEARS_APART = 1  # online and in print


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LIGHT = _set("a an the and of on in for to by from at as with its their is are der die das le la les et")
# Words that any study may have in its title: they say what kind of article it is, not which.
_GENERIC = _set(
    "systematic review meta analyzis analysis randomized controlled control trial study case report series editorial "
    "introduction conclusion letter comment prospective retrospective pilot clinical literature"
)
# One of these more or less makes another article.
_TELLING = _set(
    "no not without fail failed never protocol plan rationale design reply response update part erratum correction "
    "addendum follow followup long cost animal human murine rat mouse mice pig porcine rabbit vitro vivo versus "
    "network secondary post interim preliminary final child adult men women male female"
)
# A subtitle with one of these belongs to a later or an earlier article under the same heading.
_ANOTHER_ARTICLE = _set(
    "protocol plan rationale reply response update part erratum correction addendum follow followup long"
)
# One letter apart and yet another thing.
_NOT_MISPRINTS = frozenset(
    frozenset(pair.split("/"))
    for pair in _set(
        "facial/fascial topical/tropical elastin/elastic casual/causal adduction/abduction perioral/peroral "
        "silicon/silicone sulfate/sulfite nitrate/nitrite insulin/inulin fibrin/fibril fibrin/fibroin keratin/keratic "
        "isotopic/isotropic breast/breath ileum/ilium lumbar/lumber desert/dessert"
    )
)
_PARTICLES = _set("van von der den de del della di da dos du la le el al bin ibn ter ten zu af st")
_DIGIT = re.compile(r"\d")


class Likeness(Enum):
    """How two titles stand to each other; PARTLY is the same title with its end left out."""

    SAME = "same"
    PARTLY = "partly"
    DIFFERENT = "different"


def likeness(cited: str, found: str, vernacular: str = "") -> Likeness:
    """The cited title against the one found, and against its original in another language."""
    best = _compared(words_of(cited), words_of(found))
    if best != Likeness.SAME and vernacular:
        other = _compared(words_of(cited), words_of(vernacular))
        best = other if other != Likeness.DIFFERENT else best
    return best


def _compared(cited: Words, found: Words) -> Likeness:
    if cited.about != found.about or not cited.words or not found.words:
        return Likeness.DIFFERENT
    if "".join(cited.words) == "".join(found.words):
        return Likeness.SAME
    shorter, longer = sorted((cited, found), key=lambda title: len(title.words))
    matcher = SequenceMatcher(None, shorter.words, longer.words, autojunk=False)
    blocks = [block for block in matcher.get_opcodes() if not _is_equal(block, shorter.words, longer.words)]
    tail = _tail(blocks, shorter, longer)
    if tail is not None and not _may_lack(tail, shorter, longer):
        return Likeness.DIFFERENT
    inner = blocks[:-1] if tail is not None else blocks
    if not _are_forgiven([(shorter.words[a:b], longer.words[c:d]) for _, a, b, c, d in inner], telling(shorter.words)):
        return Likeness.DIFFERENT
    return Likeness.PARTLY if tail else Likeness.SAME


Block = tuple[str, int, int, int, int]


def _is_equal(block: Block, shorter: Sequence[str], longer: Sequence[str]) -> bool:
    """Equal, or only parted into words otherwise: `split face` and `split-face` and `splitface`."""
    kind, a, b, c, d = block
    return kind == "equal" or "".join(shorter[a:b]) == "".join(longer[c:d])


def _tail(blocks: Sequence[Block], shorter: Words, longer: Words) -> tuple[str, ...] | None:
    """The words at the end that only the longer title has; None where the ends are alike or differ otherwise."""
    if not blocks or blocks[-1][4] != len(longer.words) or blocks[-1][2] != len(shorter.words):
        return None
    _, a, b, c, d = blocks[-1]
    if a == b:
        return longer.words[c:d]
    last = shorter.words[a]
    if shorter.is_cut and b - a == 1 and len(last) > 2 and longer.words[c].startswith(last):
        return longer.words[c + 1 : d] or (longer.words[c],)
    return None


def _may_lack(tail: Sequence[str], shorter: Words, longer: Words) -> bool:
    """Whether a citation may leave that out and still mean the article."""
    n_told = len(telling(shorter.words))
    if shorter.is_cut:
        return n_told >= FEWEST_WORDS_OF_A_CUT
    if _ANOTHER_ARTICLE & set(tail):
        return False
    if len(longer.words) - len(tail) in longer.breaks:
        return n_told >= FEWEST_WORDS_OF_A_PREFIX
    return n_told >= FEWEST_WORDS_OF_A_TORN


def telling(words: Sequence[str]) -> list[str]:
    """The words that say which article it is."""
    return [word for word in words if word not in _LIGHT and word not in _GENERIC]


def _are_forgiven(differences: Sequence[tuple[Sequence[str], Sequence[str]]], told: Sequence[str]) -> bool:
    """Misprints, and a word left out of many; never a number, and never a word for another."""
    n_typos = n_left_out = 0
    for ours, theirs in differences:
        ours, theirs = ([w for w in words if w not in _LIGHT] for words in (ours, theirs))
        if len(ours) == len(theirs):
            if not all(_is_misprint(one, other) for one, other in zip(ours, theirs, strict=True)):
                return False
            n_typos += len(ours)
        elif ours and theirs:
            return False
        else:
            extra = [*ours, *theirs]
            if any(_DIGIT.search(word) or word in _TELLING for word in extra):
                return False
            n_left_out += len(extra)
    return n_typos <= max(len(told) // WORDS_A_TYPO, int(len(told) > 2)) and n_left_out <= len(told) // WORDS_A_LEFT_OUT


def _is_misprint(one: str, other: str) -> bool:
    """One letter wrong, missing, too many or exchanged with its neighbour; in short words only one missing."""
    if _DIGIT.search(one + other) or one[0] != other[0] or frozenset((one, other)) in _NOT_MISPRINTS:
        return False
    if min(len(one), len(other)) < 5 and (len(one) == len(other) or one[-1] != other[-1] or len(one + other) < 7):
        return False
    return _is_one_apart(one, other)


def _is_one_apart(one: str, other: str) -> bool:
    if len(one) > len(other):
        one, other = other, one
    start = next((i for i, char in enumerate(one) if char != other[i]), len(one))
    if len(other) - len(one) == 1:
        return one[start:] == other[start + 1 :]
    if len(one) != len(other):
        return False
    swapped = one[start + 1 : start + 2] + one[start : start + 1] + one[start + 2 :]
    return one[start + 1 :] == other[start + 1 :] or swapped == other[start:]


def is_same_author(cited: str, found: str) -> bool:
    """Family names, whatever the given names and the accents. `found` is as sources write it: `Yin X`."""
    ours, theirs = family_of(cited), family_of(found)
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours)


_INITIALS = re.compile(r"[A-Z](?:[.\s-]{0,2}[A-Z]){0,3}\.?")
_GIVEN_BEHIND = re.compile(r"^([^,]{1,80}),")


def family_of(name: str) -> frozenset[str]:
    """The words of a family name (or of a group's) without particles, initials and the ways to write an umlaut."""
    name = re.sub(r"\bet\.? al\b.*|&.*|;.*", "", name, flags=re.I).strip(" .,")
    if found := _GIVEN_BEHIND.match(name):
        name = found[1]
    words = [word for word in name.replace("-", " ").split() if not _INITIALS.fullmatch(word.strip("."))]
    plain_words = (re.sub(r"([aou])e", r"\1", plain(word).strip(".'’")) for word in words)
    kept = [re.sub(r"[^\w]", "", word) for word in plain_words]
    return frozenset(word for word in kept if word and word not in _PARTICLES) or frozenset(kept)


def is_same_year(cited: int, found: Sequence[int]) -> bool:
    """Against the years in print and online."""
    return any(abs(cited - year) <= YEARS_APART for year in found)


def is_same_journal(cited: str, names: Sequence[str]) -> bool:
    """The full name, an abbreviation of it, or its initials; `names` are those that the source gives."""
    return any(_is_same_journal(_journal_words(cited), _journal_words(name)) for name in names if name)


def _journal_words(name: str) -> list[str]:
    name = re.split(r"\s[:=]\s|:|\(", name)[0]
    return [word for word in re.findall(r"[^\W_]+", plain(name)) if word not in _LIGHT]


def _is_same_journal(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    if not ours or not theirs:
        return False
    if "".join(ours) == "".join(theirs) or _abbreviates(ours, theirs) or _abbreviates(theirs, ours):
        return True
    for one, other in ((ours, theirs), (theirs, ours)):
        if len(one) == 1 and len(one[0]) > 2 and one[0] == "".join(word[0] for word in other):
            return True
    return False


def _abbreviates(short: Sequence[str], long: Sequence[str]) -> bool:
    """Each word begins a word of the other, in the same order, and none of the other is left out."""
    return len(short) == len(long) and all(
        word.startswith(part) or part.startswith(word) or _is_contraction(part, word)
        for part, word in zip(short, long, strict=True)
    )


def _is_contraction(part: str, word: str) -> bool:
    """`natl` for `national`, `intl` for `international`."""
    letters = iter(word)
    return len(part) > 2 and part[0] == word[0] and all(char in letters for char in part)


__all__ = ["About", "Likeness", "family_of", "is_same_author", "is_same_journal", "is_same_year", "likeness", "telling"]
