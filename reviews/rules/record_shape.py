"""A report as de-duplication compares it: every field folded to what two sources would spell alike."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from studies import identifiers

_GREEK = {
    ord(letter): f" {word} "
    for letters, word in (
        ("αΑ", "ALPHA"),
        ("βΒ", "BETA"),
        ("γΓ", "GAMMA"),
        ("δΔ", "DELTA"),
        ("κΚ", "KAPPA"),
        ("µμΜ", "MU"),
        ("ωΩ", "OMEGA"),
    )
    for letter in letters
}
_LETTERS = str.maketrans({"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "đ": "d"})
_MARKUP = re.compile(r"<[^<>]{1,40}>")
_IN_ANOTHER_LANGUAGE = re.compile(r"\[(?:article )?in [a-z]+\]", re.I)
_SUBTITLE = re.compile(r":\s|\?\s|\s[-–—]\s")
_LABEL = re.compile(
    r"\b(?:BACKGROUND|INTRODUCTION|OBJECTIVES?|AIMS?|PURPOSE|METHODS?|MATERIALS AND METHODS|PATIENTS AND METHODS|"
    r"RESULTS?|FINDINGS|CONCLUSIONS?|INTERPRETATION)\s*:\s*",
)
_COPYRIGHT = re.compile(r"(?:©|\(C\)|COPYRIGHT).{0,200}$", re.S)
_ACCENT = re.compile("[\u0300-\u036f]")
_NOT_ALPHANUMERIC = re.compile(r"[^A-Z0-9]+")
_UMLAUT = re.compile(r"([AOU])E(?=[^AEIOU])")  # Mueller is Müller
_NUMBER = re.compile(r"\d+")
_PAGE = re.compile(r"[A-Z]{0,3}\d+")
_NOBODY = {"ANONYMOUS", "ANON", "NO AUTHORS LISTED", "UNKNOWN", ""}
_PREPRINTS = ("10.1101/20", "10.21203/rs.", "10.20944/preprints", "10.2139/ssrn", "10.31219/", "10.2196/preprints")
_LITTLE = {"OF", "AND", "THE", "FOR", "IN", "ON", "A", "AN", "DE", "DER", "DIE", "LA", "UND", "ET"}
ABSTRACT_LENGTH = 600  # letters of an abstract that are compared


def fold(text: str) -> str:
    """Upper case without accents, markup and punctuation, Greek letters as words."""
    text = _MARKUP.sub("", text) if "<" in text else text
    if not text.isascii():
        text = _ACCENT.sub("", unicodedata.normalize("NFKD", text.translate(_LETTERS).translate(_GREEK)))
    return _NOT_ALPHANUMERIC.sub(" ", text.upper()).strip()


@dataclass(frozen=True, slots=True)
class Author:
    """`family` without blanks; `given` as far as the source has it, initials only when it is short."""

    family: str
    given: str = ""

    @property
    def key(self) -> str:
        return f"{self.family}{self.given[:1]}"

    @property
    def full_given(self) -> str:
        """The first given name, if it is spelt out."""
        first = self.given.split(" ")[0]
        return first if len(first) > 3 else ""


@dataclass(frozen=True, slots=True)
class Shape:
    """One report, folded. Empty text, None and 0 say that the source does not give it."""

    pmid: int | None
    pmcid: str
    doi: str
    isbn: str
    title: str  # folded, one blank between words
    squeezed: str  # the title without blanks
    main: str  # the title before its subtitle, without blanks
    authors: tuple[Author, ...]
    abstract: str
    numbers: tuple[str, ...]  # in what is compared of the abstract
    journals: tuple[str, ...]  # full and abbreviated
    year: int
    volume: str
    issue: str
    pages: str  # the first page
    is_preprint: bool
    registrations: frozenset[str]

    @property
    def author(self) -> str:
        """The first author, as a key."""
        return self.authors[0].key if self.authors else ""


def shape(
    *,
    title: str,
    abstract: str = "",
    authors: Iterable[tuple[str, str]] = (),
    journals: Sequence[str] = (),
    year: int | None = None,
    volume: str = "",
    issue: str = "",
    pages: str = "",
    doi: str = "",
    pmid: int | None = None,
    pmcid: str | None = "",
    isbn: str = "",
    is_preprint: bool = False,
    registrations: Iterable[str] = (),
) -> Shape:
    """Fold what a source gives; `authors` are (family, given)."""
    bare = _IN_ANOTHER_LANGUAGE.sub("", title)
    folded = fold(bare)
    subtitle = _SUBTITLE.search(bare)
    text = folded_abstract(abstract)
    number = identifiers.doi(doi) if doi else ""
    return Shape(
        pmid=pmid,
        pmcid=pmcid or "",
        doi=number,
        isbn=_NOT_ALPHANUMERIC.sub("", isbn.upper()),
        title=folded,
        squeezed=folded.replace(" ", ""),
        main=fold(bare[: subtitle.start()]).replace(" ", "") if subtitle else folded.replace(" ", ""),
        authors=tuple(_authors(authors)),
        abstract=text,
        numbers=tuple(_NUMBER.findall(text)),
        journals=tuple(filter(None, {fold(name): None for name in journals})),
        year=year or 0,
        volume=_NOT_ALPHANUMERIC.sub("", volume.upper()),
        issue=_NOT_ALPHANUMERIC.sub("", issue.upper()),
        pages=first_page(pages),
        is_preprint=is_preprint or is_preprint_doi(number),
        registrations=frozenset(registrations),
    )


def is_preprint_doi(doi: str) -> bool:
    """bioRxiv and medRxiv, Research Square, Preprints.org, SSRN, OSF, JMIR Preprints."""
    return doi.startswith(_PREPRINTS)


def folded_abstract(text: str) -> str:
    """The first letters of an abstract without the labels of its sections and its copyright line."""
    if not text:
        return ""
    upper = _COPYRIGHT.sub("", text.upper()) if len(text) < 5000 else text.upper()
    return fold(_LABEL.sub("", upper[: ABSTRACT_LENGTH + 200]))[:ABSTRACT_LENGTH]


def first_page(pages: str) -> str:
    """`S45` of "pp. S45-9": sources shorten the last page, some leave it out."""
    text = re.sub(r"^\s*P{1,2}\.?\s*", "", pages.upper())
    found = _PAGE.search(text)
    return found[0] if found else ""


def _authors(pairs: Iterable[tuple[str, str]]) -> Iterable[Author]:
    for family, given in pairs:
        family, given = fold(family), fold(given)
        if family not in _NOBODY:
            yield Author(_UMLAUT.sub(r"\1", family.replace(" ", "")), given)


def journals_agree(one: Sequence[str], other: Sequence[str]) -> bool | None:
    """Whether two journals may be one, by name or by abbreviation; None where either is not given."""
    if not one or not other:
        return None
    return any(_is_one_journal(a, b) for a in one for b in other)


def _is_one_journal(one: str, other: str) -> bool:
    long, short = ([w for w in name.split(" ") if w not in _LITTLE] for name in (one, other))
    if long == short:
        return True
    if len(long) != len(short):
        return False
    return all(a.startswith(b) or b.startswith(a) for a, b in zip(long, short, strict=True))
