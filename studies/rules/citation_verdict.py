"""What comparing a reference with the article found comes to: which parts were compared, and which differ."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from studies.rules import citation_comparison as comparison
from studies.rules.citation_comparison import Likeness
from studies.rules.citation_styles import has_words_beside_ids
from studies.rules.citation_words import Words, sentences_of, words_of
from studies.rules.references import Cited

TITLE, AUTHOR, YEAR, JOURNAL, IDENTIFIER = "title", "first author", "year", "journal", "identifier"
_FEWEST_WORDS = 4  # of a title that is looked for in running text
_AUTHORS_WITHIN = 4  # words from the start of a reference


@dataclass(frozen=True, slots=True)
class Found:
    """An article as its source describes it; `authors` as `Yin X`, `notice_status` a value of terms.NoticeStatus."""

    title: str = ""
    vernacular: str = ""
    authors: tuple[str, ...] = ()
    n_authors: int = 0
    years: tuple[int, ...] = ()
    journals: tuple[str, ...] = ()
    volume: str = ""
    pages: str = ""
    pmid: int | None = None
    pmcid: str = ""
    doi: str = ""
    registration: str = ""
    notice_status: int = 0
    study: int | None = None  # of our catalogue
    source: str = ""

    def values(self) -> dict[str, Any]:
        """For keeping: what is known, of the authors no more than a page shows."""
        short = replace(self, authors=self.authors[:3], n_authors=self.n_authors or len(self.authors))
        return {name: value for name, value in asdict(short).items() if value}

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        lists = {name: tuple(values.get(name, ())) for name in ("authors", "years", "journals")}
        return cls(**{**values, **lists})


@dataclass(frozen=True, slots=True)
class Comparison:
    """`is_partly`: the cited title lacks the end of the one found; `is_unread`: words stand there that say something
    of the article, and could not be read.
    """

    compared: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    is_partly: bool = False
    is_unread: bool = False

    @property
    def is_match(self) -> bool:
        return not (self.differences or self.is_unread)

    @property
    def is_proof(self) -> bool:
        """Whether a search by title may take this for the article: its title, and nothing against it."""
        beside = {AUTHOR, YEAR, JOURNAL} & set(self.compared)
        return self.is_match and TITLE in self.compared and (not self.is_partly or bool(beside))


def compare(cited: Cited, found: Found) -> Comparison:
    """Only what both sides say is compared; an id that was cited and belongs to another article differs."""
    results: dict[str, bool] = {}
    likeness = _title(cited, found)
    if likeness is not None:
        results[TITLE] = likeness != Likeness.DIFFERENT
    if cited.author and found.authors:
        results[AUTHOR] = _is_same_author(cited, found.authors)
    if cited.year and found.years:
        results[YEAR] = comparison.is_same_year(cited.year, found.years)
    if cited.journal and found.journals:
        results[JOURNAL] = _is_same_journal(cited, found.journals)
    if not _ids_agree(cited, found):
        results[IDENTIFIER] = False
    is_unread = not cited.says_more and has_words_beside_ids(cited.text)
    if is_unread and _is_in(cited.text, words_of(found.title).words):
        results[TITLE], is_unread = True, False
    differences = tuple(name for name, is_same in results.items() if not is_same)
    return Comparison(tuple(results), differences, likeness == Likeness.PARTLY, is_unread)


def _title(cited: Cited, found: Found) -> Likeness | None:
    if not cited.title or not found.title:
        return None
    likeness = comparison.likeness(cited.title, found.title, found.vernacular)
    if likeness == Likeness.DIFFERENT and cited.is_free and _stands_in(cited, found.title):
        return Likeness.SAME
    return likeness


def _stands_in(cited: Cited, title: str) -> bool:
    """Whether the title stands whole in the reference, from the start of a sentence to the end of one."""
    wanted = words_of(title)
    return words_of(cited.title).about == wanted.about and _is_in(cited.text, wanted.words)


def _is_in(text: str, wanted: Sequence[str]) -> bool:
    if len(wanted) < _FEWEST_WORDS:
        return False
    words = sentences_of(text)
    return any(_is_at(words, wanted, place) for place in (0, *sorted(words.breaks)))


def _is_at(text: Words, wanted: Sequence[str], place: int) -> bool:
    end = place + len(wanted)
    return text.words[place:end] == tuple(wanted) and (end in text.breaks or end == len(text.words))


def _is_same_author(cited: Cited, authors: Sequence[str]) -> bool:
    if comparison.is_same_author(cited.author, authors[0]):
        return True
    beginning = " ".join(cited.text.split()[:_AUTHORS_WITHIN]) if cited.is_free else ""
    family = comparison.family_of(authors[0])
    return bool(family) and bool(beginning) and family <= comparison.family_of(beginning)


def _is_same_journal(cited: Cited, journals: Sequence[str]) -> bool:
    if comparison.is_same_journal(cited.journal, journals):
        return True
    text = f" {' '.join(sentences_of(cited.text).words)} " if cited.is_free else ""
    return any(f" {' '.join(sentences_of(name).words)} " in text for name in journals if name)


def _ids_agree(cited: Cited, found: Found) -> bool:
    """Whether no id cited is another than the article's own."""
    pairs = ((cited.pmid, found.pmid), (cited.pmcid, found.pmcid), (cited.doi, found.doi))
    return all(ours == theirs for ours, theirs in pairs if ours and theirs)
