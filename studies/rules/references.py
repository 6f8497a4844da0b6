"""Finds identifiers and whole references in any text: a list, a bibliography, a web page."""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from studies import identifiers
from studies.rules.citation_styles import Parsed, has_words_beside_ids, parsed

LONGEST_TEXT = 2_000_000  # characters
LONGEST_REFERENCE = 1_500
_FEWEST_WORDS_OF_A_TITLE = 4  # of a title that stands alone

_PMID = re.compile(
    r"(?:\bpmid\s{0,2}[:=]?\s{0,2}|\bpubmed\s?(?:id|pmid)?\s{0,2}[:=#]?\s{0,2}|pubmed\.ncbi\.nlm\.nih\.gov/|"
    r"ncbi\.nlm\.nih\.gov/pubmed/(?:\?term=)?|\bMED/)([1-9]\d{0,8})(?!\d)",
    re.I | re.A,
)
_PMCID = re.compile(r"(?<![A-Za-z0-9])PMC\s?:?\s?0{0,3}([1-9]\d{2,9})(?!\d)", re.I | re.A)
_DOI = re.compile(r"(?<![\w.])10\.\d{4,9}(?:\.\d{1,9})*/[^\s\"<>“”|]{1,290}", re.A)
# What a page puts behind a DOI without a blank.
_BEHIND_DOI = re.compile(r"(?:[.,;)\]]*(?:PMID|PMCID|Epub)\b.*|&(?:[a-z]{1,6};).*|[?#](?:utm_|sid=).*)$", re.I)
_NUMBERED = re.compile(r"\s{0,12}(?:\[\d{1,3}\]|\(\d{1,3}\)|\d{1,3}[.):](?=\s))")
_MARK = re.compile(r"\s{0,12}(?:\[\d{1,3}\]|\(\d{1,3}\)|\d{1,3}[.):](?=\s)|[•‣·▪*–—-](?=\s))\s{0,8}")
_PARTS = re.compile(r"[\s,;|]+")
_YEAR = re.compile(r"(?<![\d/.-])(?:19|20)\d\d(?!\d)")

_UNSEEN = ("script", "style", "head", "noscript")
_HREF = re.compile(r"<a\b[^<>]{0,500}?href\s{0,9}=\s{0,9}[\"']([^\"'<>]{1,400})[\"'][^<>]*>", re.I)
_BLOCK = re.compile(r"</?(?:p|div|li|ul|ol|tr|td|th|table|section|article|h[1-6]|br|dt|dd|blockquote)\b[^<>]*>", re.I)
_ANY_TAG = re.compile(r"<[/!?A-Za-z][^<>]*>")
_IS_HTML = re.compile(r"<!doctype html|<html\b|</(?:p|div|li|ul|ol|table|body)>", re.I)


@dataclass(frozen=True, slots=True)
class Cited:
    """A reference as far as it says what it means; `text` is what was pasted.

    `is_free` tells that the parts were read out of running text, where a part may have been misread: then the whole
    text speaks for itself as well.
    """

    text: str = ""
    title: str = ""
    author: str = ""
    year: int | None = None
    journal: str = ""
    volume: str = ""
    page: str = ""
    pmid: int | None = None
    pmcid: str = ""
    doi: str = ""
    registration: str = ""
    is_free: bool = False

    @property
    def has_id(self) -> bool:
        return bool(self.pmid or self.pmcid or self.doi or self.registration)

    @property
    def says_more(self) -> bool:
        """Whether there is anything beside an id that could be compared."""
        return bool(self.title or self.author or self.year or self.journal)

    def values(self) -> dict[str, Any]:
        """What is known, for keeping; the text is kept beside it."""
        return {name: value for name, value in asdict(self).items() if value and name != "text"}

    @classmethod
    def of(cls, text: str, values: dict[str, Any]) -> Self:
        return cls(text=text, **values)


def references_in(text: str) -> list[Cited]:
    """Every reference and every identifier, in order, each once."""
    text = _readable(text[:LONGEST_TEXT])
    words = [word for word in _PARTS.split(text) if word]
    alone = [_identifier(word) for word in words]
    if alone and all(alone):
        return _each_once(alone)
    found = [cited for chunk, is_numbered in _chunks(text) for cited in _cited(chunk, is_numbered)]
    if (
        not found
        and len(words) >= _FEWEST_WORDS_OF_A_TITLE
        and len(text.strip()) <= 500
        and len(text.strip().splitlines()) < 4
    ):
        title = " ".join(text.split())
        return [Cited(text=title, title=title, is_free=True)]
    return _each_once(found)


def _identifier(word: str) -> Cited | None:
    """The word as an identifier and nothing else."""
    word = word.strip("()[]<>\"'")
    if number := identifiers.pmid(word):
        return Cited(text=word, pmid=number)
    if name := identifiers.pmcid(word):
        return Cited(text=word, pmcid=name)
    if name := identifiers.doi(word):
        return Cited(text=word, doi=name)
    if registration := identifiers.registry_id(word):
        return Cited(text=word, registration=registration.number)
    if address := _ids(word):
        return replace(address[0], text=word) if len(address) == 1 else None
    return None


def _each_once(cited: Iterable[Cited]) -> list[Cited]:
    """The same id alone, or the same words, again and again is one question."""
    return list({_question(one): one for one in cited}.values())


def _question(cited: Cited) -> tuple[object, ...]:
    """What is asked; of a reference that could not be read the text is all there is."""
    if not (cited.has_id or cited.says_more):
        return (cited.text,)
    beside = (cited.text,) if cited.has_id and not cited.says_more and has_words_beside_ids(cited.text) else ()
    said = (cited.title, cited.author, cited.year, cited.journal)
    return (cited.pmid, cited.pmcid, cited.doi, cited.registration, *said, *beside)


def _readable(text: str) -> str:
    """The text of a page's source; the addresses of its links stay beside them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if not _IS_HTML.search(text[:200_000]):
        return text
    for name in _UNSEEN:
        text = _without(name, text)
    text = _HREF.sub(lambda found: f" {found[1]} " if _ids(found[1]) else "", text)
    return html.unescape(_ANY_TAG.sub("", _BLOCK.sub("\n\n", text)))


def _without(name: str, text: str) -> str:
    """Less every element of this name; one that never ends hides nothing."""
    kept, place = [], 0
    for start in re.finditer(rf"<{name}\b", text, re.I):
        if start.start() < place:
            continue
        end = re.compile(rf"</{name}\s{{0,9}}>", re.I).search(text, start.end())
        if not end:
            break
        kept.append(text[place : start.start()])
        place = end.end()
    return " ".join([*kept, text[place:]])


def _chunks(text: str) -> Iterator[tuple[str, bool]]:
    """The text in portions that may be a reference each, and whether a number says that it is one."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        lines = [line for line in paragraph.split("\n") if line.strip()]
        marked = [bool(_MARK.match(line)) for line in lines]
        if sum(marked) > 1 or (marked and marked[0]):
            yield from _at_marks(lines, marked)
        elif len(lines) > 1 and all(_stands_alone(line) for line in lines):
            yield from ((line, False) for line in lines)
        elif lines:
            yield "\n".join(lines), False


def _at_marks(lines: list[str], marked: list[bool]) -> Iterator[tuple[str, bool]]:
    """A new portion at each number or bullet; what stands before the first is one as well."""
    portion: list[str] = []
    is_numbered = False
    for line, is_marked in zip(lines, marked, strict=True):
        if is_marked and portion:
            yield "\n".join(portion), is_numbered
            portion = []
        if not portion:
            is_numbered = bool(_NUMBERED.match(line))
        portion.append(_MARK.sub("", line, count=1) if is_marked else line)
    yield "\n".join(portion), is_numbered


def _stands_alone(line: str) -> bool:
    """Whether a line among others looks like a whole reference of its own."""
    return bool(_ids(line)) or _identifier(line.strip()) is not None or (len(line) > 40 and bool(_YEAR.search(line)))


def _cited(chunk: str, is_numbered: bool) -> Iterator[Cited]:
    """One reference, or every identifier of running text, or nothing.

    What a list numbers and dates is a reference even where it cannot be read: it must not go lost in silence.
    """
    ids = _ids(chunk)
    line = " ".join(chunk.split())
    is_one = len(line) <= LONGEST_REFERENCE and len(_papers(ids)) <= 1
    said = parsed(chunk) if is_one else None
    if said:
        yield _whole(line, ids, said)
    elif is_one and _papers(ids):
        yield _joined(line if len(line) <= 300 else "", ids)
    elif ids:
        yield from ids
    elif (alone := _identifier(line)) is not None:
        yield alone
    elif is_numbered and is_one and len(line) > 40 and _YEAR.search(line):
        yield Cited(text=line, is_free=True)


def _whole(line: str, ids: list[Cited], said: Parsed) -> Cited:
    papers = [one for one in ids if not one.registration]
    joined = _joined(line, papers) if papers else Cited(text=line)
    return replace(
        joined,
        title=said.title,
        author=said.author,
        year=said.year,
        journal=said.journal,
        volume=said.volume,
        page=said.page,
        is_free=True,
    )


def _joined(line: str, ids: list[Cited]) -> Cited:
    """The PMID, PMCID and DOI of one paper as one; a registration that is named with them is not what is cited."""
    papers = [one for one in ids if not one.registration] or ids
    values = {k: v for one in papers for k, v in one.values().items()}
    return Cited.of(line or papers[0].text, values)


def _papers(ids: list[Cited]) -> set[int]:
    """The places of ids that cannot be of one paper: the second of a kind begins another."""
    kinds = [next(iter(one.values())) for one in ids]
    n_most = max((kinds.count(kind) for kind in set(kinds)), default=0)
    return set(range(n_most))


def _ids(text: str) -> list[Cited]:
    """Every identifier in running text in order, each once."""
    found: dict[tuple[str, str | int], tuple[int, Cited]] = {}
    for match in _PMID.finditer(text):
        found.setdefault(("pmid", int(match[1])), (match.start(), Cited(text=match[0], pmid=int(match[1]))))
    for match in _PMCID.finditer(text):
        name = f"PMC{match[1]}"
        found.setdefault(("pmcid", name), (match.start(), Cited(text=name, pmcid=name)))
    for match in _DOI.finditer(text):
        if name := identifiers.doi(_BEHIND_DOI.sub("", match[0])):
            found.setdefault(("doi", name), (match.start(), Cited(text=name, doi=name)))
    for registration, start, _ in identifiers.registry_ids(text):
        number = registration.number
        found.setdefault(("registration", number), (start, Cited(text=number, registration=number)))
    return [cited for _, cited in sorted(found.values(), key=lambda place: place[0])]
