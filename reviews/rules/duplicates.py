"""Whether two reports are one: the thresholds, and the judgement of a pair."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from rapidfuzz.distance import OSA, Indel, JaroWinkler

from reviews.rules.record_shape import Author, Shape, journals_agree


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Similarities from 0 to 1 (Jaro-Winkler, of abstracts the share of common letters); the only place they stand."""

    title_worth_a_look: float = 0.85
    title_with_same_doi: float = 0.90
    author_agrees: float = 0.75
    given_name_agrees: float = 0.80
    abstract_is_one: float = 0.90
    abstract_is_another: float = 0.75
    letters_of_a_telling_title: int = 30
    years_apart: int = 1


THRESHOLDS = Thresholds()
# Two titles that differ by one of these at the beginning are a document and a word about it.
_ABOUT_ANOTHER = (
    "CORRECTION", "CORRIGENDUM", "ERRATUM", "ADDENDUM", "RETRACTION", "RETRACTED", "EXPRESSION OF CONCERN", "COMMENT",
    "COMMENTARY", "REPLY", "RESPONSE", "AUTHOR REPLY", "AUTHORS REPLY", "RE", "LETTER", "EDITORIAL", "DISCUSSION",
    "INVITED",
)  # fmt: skip
_ROMAN = {"I", "II", "III", "IV", "V", "VI"}
_SHORT = 5  # letters below which one wrong letter is another word


class Likeness(StrEnum):
    """What a pair of reports is."""

    CERTAIN = "certain"  # one report, merged without asking
    DOUBTFUL = "doubtful"  # a person decides
    STUDY = "study"  # two reports of one study: to be grouped, never merged
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` is the likeness of the titles; `why` says what agreed and what did not, in words for people."""

    likeness: Likeness
    score: float = 0.0
    why: tuple[str, ...] = ()


_NOTHING = Judgement(Likeness.NONE)


def judge(one: Shape, other: Shape, at: Thresholds = THRESHOLDS) -> Judgement:
    """Identifiers first; then title, authors, abstract and place, where any contradiction forbids certainty.

    The logic is that of rule-based de-duplication as published for systematic reviews, in rules of our own: a merge
    that is wrong costs a study, a pair that is shown to a person costs a glance.
    """
    if _shared(one.pmid, other.pmid) or _shared(one.pmcid, other.pmcid):
        return Judgement(Likeness.CERTAIN, 1.0, ("the same PMID or PMCID",))
    evidence = _Evidence(one, other, at)
    if evidence.is_word_about_another:
        return _NOTHING
    if one.doi and one.doi == other.doi:
        return evidence.with_one_doi()
    if one.is_preprint != other.is_preprint:
        return evidence.of_a_preprint()
    if _conflict(one.doi, other.doi) or _conflict(one.pmid, other.pmid):
        return evidence.with_two_ids()
    return evidence.without_ids()


class _Evidence:
    """What speaks for and against a pair; each is worked out when somebody asks."""

    def __init__(self, one: Shape, other: Shape, at: Thresholds) -> None:
        self.one, self.other, self.at = one, other, at

    @cached_property
    def title(self) -> float:
        return JaroWinkler.similarity(self.one.squeezed, self.other.squeezed)

    @cached_property
    def authors(self) -> float | None:
        return author_likeness(self.one.authors, self.other.authors, self.at)

    @cached_property
    def journals(self) -> bool | None:
        return journals_agree(self.one.journals, self.other.journals)

    @cached_property
    def abstracts(self) -> float | None:
        return abstract_likeness(self.one, self.other)

    @property
    def is_word_about_another(self) -> bool:
        return _begins_about(self.one.title) != _begins_about(self.other.title)

    @cached_property
    def is_one_title(self) -> bool:
        return is_one_title(self.one, self.other)

    @property
    def is_shortened_title(self) -> bool:
        """One source left the subtitle out."""
        return self.one.squeezed == self.other.main or self.other.squeezed == self.one.main

    @property
    def authors_agree(self) -> bool:
        return self.authors is not None and self.authors >= self.at.author_agrees

    @property
    def is_one_abstract(self) -> bool:
        return (
            self.abstracts is not None
            and self.abstracts >= self.at.abstract_is_one
            and same_numbers(self.one, self.other)
        )

    @property
    def is_another_abstract(self) -> bool:
        return self.abstracts is not None and not self.is_one_abstract

    @property
    def years_apart(self) -> int:
        return abs(self.one.year - self.other.year) if self.one.year and self.other.year else 0

    @property
    def is_one_place(self) -> bool:
        """The same first page, in the same volume where both give one, and no other journal."""
        return bool(_shared(self.one.pages, self.other.pages)) and not self.is_another_place

    @property
    def is_another_place(self) -> bool:
        names = ("pages", "volume", "issue")
        return self.journals is False or any(_conflict(getattr(self.one, n), getattr(self.other, n)) for n in names)

    @property
    def shares_a_registration(self) -> bool:
        return bool(self.one.registrations & self.other.registrations)

    def with_one_doi(self) -> Judgement:
        """A DOI names one document, but files hold wrong ones, and a supplement may have one for all its abstracts."""
        is_title = self.title >= self.at.title_with_same_doi or self.is_shortened_title
        if is_title and self.authors in (None, *_at_least(self.authors, self.at.author_agrees)) and not self._differs():
            return Judgement(Likeness.CERTAIN, self.title, ("the same DOI", "the titles agree"))
        return Judgement(Likeness.DOUBTFUL, self.title, ("the same DOI", *self.doubts()))

    def _differs(self) -> bool:
        return not (self.is_one_title or self.is_shortened_title) and self.is_another_abstract

    def of_a_preprint(self) -> Judgement:
        is_title = self.title >= self.at.title_with_same_doi or self.is_one_title or self.is_shortened_title
        if is_title and self.authors_agree and self.years_apart <= 3:
            return Judgement(Likeness.STUDY, self.title, ("a preprint and an article of the same title",))
        return self._by_registration()

    def with_two_ids(self) -> Judgement:
        """Two DOIs or two PMIDs are two documents until a person says otherwise."""
        if self.shares_a_registration:
            return self._by_registration()
        if self.is_one_title and self.authors_agree and not _conflict(self.one.pmid, self.other.pmid):
            return Judgement(Likeness.DOUBTFUL, self.title, ("the titles agree", "two DOIs", *self.doubts()))
        return _NOTHING

    def without_ids(self) -> Judgement:
        is_title = self.is_one_title or (self.is_shortened_title and (self.is_one_abstract or self.is_one_place))
        if is_title and self.is_certain:
            return Judgement(Likeness.CERTAIN, self.title, ("title, authors and place agree",))
        if self.shares_a_registration and (self.is_another_abstract or self.is_another_place or self.years_apart):
            return self._by_registration()
        return self._worth_a_look()

    @property
    def is_certain(self) -> bool:
        """Given one title: authors, or abstract and place, and nothing that contradicts."""
        if self.years_apart > self.at.years_apart or self.is_another_abstract or self.is_another_place:
            return False
        if self.authors is None:
            return self.is_one_abstract and (self.is_one_place or self.journals is True)
        if not self.authors_agree:
            return False
        if self.is_one_abstract or self.is_one_place:
            return True
        is_telling = len(self.one.squeezed) >= self.at.letters_of_a_telling_title
        return is_telling and self.journals is True and not self.years_apart

    def _worth_a_look(self) -> Judgement:
        # Titles of parts, weeks and species are nearly one: a number that differs is not worth anybody's time.
        if self.title < self.at.title_worth_a_look or number_words(self.one) != number_words(self.other):
            return _NOTHING
        is_people = self.authors_agree or (self.is_one_title and (self.authors is None or self.is_one_abstract))
        if not is_people or (self.is_another_abstract and not self.is_one_title and self._is_elsewhere):
            return _NOTHING
        return Judgement(Likeness.DOUBTFUL, self.title, (f"titles alike to {self.title:.0%}", *self.doubts()))

    @property
    def _is_elsewhere(self) -> bool:
        return self.is_another_place and (self.abstracts or 0) < self.at.abstract_is_another

    def _by_registration(self) -> Judgement:
        if not self.shares_a_registration:
            return _NOTHING
        numbers = ", ".join(sorted(self.one.registrations & self.other.registrations))
        return Judgement(Likeness.STUDY, self.title, (f"both name {numbers}",))

    def doubts(self) -> tuple[str, ...]:
        """What keeps a pair from being certain."""
        said = (
            (not (self.is_one_title or self.is_shortened_title), "the titles differ"),
            (self.authors is None, "authors are missing"),
            (self.authors is not None and not self.authors_agree, "the authors differ"),
            (self.is_another_abstract, "the abstracts differ"),
            (self.abstracts is None, "no two abstracts to compare"),
            (self.years_apart > self.at.years_apart, f"{self.years_apart} years apart"),
            (self.journals is False, "the journals differ"),
            (_conflict(self.one.pages, self.other.pages), "the pages differ"),
            (_conflict(self.one.volume, self.other.volume), "the volumes differ"),
        )
        return tuple(words for holds, words in said if holds)


def is_one_title(one: Shape, other: Shape) -> bool:
    """The same words, up to one wrong, missing or exchanged letter in a longer word; numbers must be equal."""
    if one.squeezed == other.squeezed:
        return bool(one.squeezed)
    a, b = one.title.split(" "), other.title.split(" ")
    left, right = _without(a, b), _without(b, a)
    if len(left) != len(right) or len(left) > 3:
        return False
    return all(_is_one_word(x, y) for x, y in zip(left, right, strict=True))


def _is_one_word(one: str, other: str) -> bool:
    if min(len(one), len(other)) < _SHORT or not (one.isalpha() and other.isalpha()):
        return False
    return OSA.distance(one, other) <= 1


def _without(words: list[str], others: list[str]) -> list[str]:
    """The words that the other title does not have, repeats counted."""
    left = list(others)
    return [word for word in words if word not in left or left.remove(word)]


def number_words(record: Shape) -> list[str]:
    """Numbers and Roman numerals of a title in order: what tells parts, weeks and years apart."""
    return [w for w in record.title.split(" ") if w in _ROMAN or any(letter.isdigit() for letter in w)]


def author_likeness(one: tuple[Author, ...], other: tuple[Author, ...], at: Thresholds = THRESHOLDS) -> float | None:
    """Which share of the shorter list the longer one has; None where a source names nobody.

    0 where the first authors' given names are both spelt out and differ: one surname, two people.
    """
    if not one or not other:
        return None
    first, second = one[0], other[0]
    if first.family == second.family and _are_two_names(first.full_given, second.full_given, at):
        return 0.0
    short, long = sorted((one, other), key=len)
    straight = _share(short, {author.family for author in long})
    # Some files have the family name where the given name belongs.
    turned = _share(tuple(Author(a.given.replace(" ", "")) for a in short), {author.family for author in long})
    if len(short) == 1 and first.family != second.family and not turned:
        return JaroWinkler.similarity(first.family, second.family) * 0.75
    return max(straight, turned)


def _are_two_names(one: str, other: str, at: Thresholds) -> bool:
    return bool(one and other) and JaroWinkler.similarity(one, other) < at.given_name_agrees


def _share(authors: tuple[Author, ...], families: set[str]) -> float:
    return sum(author.family in families for author in authors) / len(authors)


def abstract_likeness(one: Shape, other: Shape) -> float | None:
    """Of the part that both have; None where one has none, or too little to tell."""
    length = min(len(one.abstract), len(other.abstract))
    if length < 60:
        return None
    return Indel.normalized_similarity(one.abstract[:length], other.abstract[:length])


def same_numbers(one: Shape, other: Shape) -> bool:
    """The numbers of the shorter abstract stand in the longer in the same order; the last may be cut."""
    short, long = sorted((one, other), key=lambda record: len(record.abstract))
    numbers = short.numbers[:-1] if len(short.abstract) < len(long.abstract) else short.numbers
    return numbers == long.numbers[: len(numbers)]


def _begins_about(title: str) -> bool:
    return any(title.startswith(word) and title[len(word) : len(word) + 1] in (" ", "") for word in _ABOUT_ANOTHER)


def _shared(one: object, other: object) -> bool:
    return bool(one) and one == other


def _conflict(one: object, other: object) -> bool:
    """Both say something, and not the same."""
    return bool(one) and bool(other) and one != other


def _at_least(value: float | None, limit: float) -> tuple[float, ...]:
    return (value,) if value is not None and value >= limit else ()
