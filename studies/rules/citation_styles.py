"""Reads one reference in the styles people write: Vancouver, APA, Harvard, Nature, MLA, PubMed's own."""

import re
from dataclasses import dataclass

_MOST = 1_500  # characters of one reference
_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪİĶĹĻĽŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŹŻŽ"
_PARTICLE = (
    r"(?:(?:van|von|der|den|de|del|della|di|da|dos|du|la|le|al|el|bin|ibn|ter|ten|zu|af|Van|De|La|Al|El)[ '’-]){0,3}"
)
_FAMILY = rf"{_PARTICLE}[{_UPPER}][\w'’]{{1,30}}(?:[ -][{_UPPER}][\w'’]{{1,30}}){{0,2}}"
_INITIALS = rf"[{_UPPER}](?:(?:\.[ -]?[{_UPPER}]){{1,4}}|[{_UPPER}-]{{0,4}})(?!\w)\.?"
_VANCOUVER = rf"{_FAMILY} {_INITIALS}(?: (?:Jr|Sr|2nd|3rd)\.?)?"
_COMMA = rf"{_FAMILY}, (?:[{_UPPER}][\w'’-]{{1,30}}(?: {_INITIALS})?|{_INITIALS})"
_BEFORE = rf"(?:[{_UPPER}]\. ?){{1,4}}{_FAMILY}"
_GROUP = rf"(?:[{_UPPER}][\w-]{{1,30}} ){{0,8}}(?:Group|Consortium|Collaboration|Investigators|Committee|Network)"
_ONE = rf"(?:{_COMMA}|{_VANCOUVER}|{_BEFORE}|{_GROUP})"
_AND = r"(?:,? (?:and|&|und|et) |, (?:& ?)?|; ?)"
_ET_AL = r"(?:,?;? ?(?:\.\.\.|…)? ?(?:and others|et\.? al)\.?)"
_LIST = (
    rf"(?:{_ONE}(?:{_AND}{_ONE}){{0,60}}{_ET_AL}?|{_FAMILY}{_ET_AL}|"
    rf"{_FAMILY}(?: (?:and|&) {_FAMILY})?(?=,? \(?(?:19|20)\d\d))"
)
_YEAR_TEXT = r"\(?(?P<year>(?:19|20)\d\d)[a-z]?(?:, [A-Z][a-z]+(?: \d{1,2})?)?\)?"
_AUTHORS = re.compile(_LIST)
_THEN_YEAR = re.compile(rf"[.,:;]? ?{_YEAR_TEXT}[.,:;]? ")
_QUOTED = re.compile(r"[.,]? ?[\"“](?P<title>[^\"”]{15,400})[\"”],?\.? ?")
_ANY_YEAR = re.compile(r"(?<![\d/.:-])(?:19|20)\d\d(?![\d/])")
_END_OF_TITLE = re.compile(
    r"(?<=[^.\s])(?<! [A-Z])(?<!vs)(?<!et al)(?<!e\.g)(?<!i\.e)[.?!][\"”]? +(?=[A-Z0-9À-Þ\"“(\[])"
)
_JOURNAL = re.compile(
    rf"(?:In: )?(?P<journal>[{_UPPER}][^\d;:()\[\]]{{2,120}}?)(?: \([^()\d]{{2,40}}\))?[.,;]? ?"
    r"(?=\(?(?:19|20)\d\d|\d{1,4}[ (:,;.]|vol|$)",
    re.I,
)
# Possessive: a run of capitals can be cut into short words in a thousand million ways, and is not.
_ABBREVIATED = re.compile(rf"(?:[{_UPPER}][\w-]{{0,9}}+\.?+ ?+(?:& |and )?+){{2,9}}+")
_PLACE = re.compile(
    r"(?P<volume>\d{1,4})(?:\.\d{1,3})? ?(?:\((?:[\w .–-]{1,20})\))?(?: ?\((?:19|20)\d\d\))? ?[:,] ?"
    r"(?:no\. ?\d{1,3}, ?)?(?:pp?\.? ?)?(?P<page>[A-Za-z]{0,3}\d{1,7})"
)
_NOISE = re.compile(
    r"\(?\b(?:doi|pmid|pmcid|pubmed(?: id)?)\b ?[:=]? ?\S{0,200}\)?|https?://\S{1,300}|\bPMC ?\d{3,10}\b|"
    r"\b10\.\d{4,9}/\S{1,200}|\bAvailable (?:from|at):?.{0,300}|\[(?:cited|accessed|Internet)[^\]]{0,60}\]|"
    r"\bEpub \d{4}(?: [A-Z][a-z]{2}(?: \d{1,2})?)?\.?",
    re.I,
)


_WORD = re.compile(r"\b[^\W\d_]{2,}\b")
_ANY_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def has_words_beside_ids(text: str) -> bool:
    """Whether the text says more of an article than its identifiers: some words, or one and a year."""
    rest = _NOISE.sub(" ", text)
    n = len(_WORD.findall(rest))
    return n >= 3 or (n > 0 and bool(_ANY_YEAR.search(rest)))


@dataclass(frozen=True, slots=True)
class Parsed:
    """The parts of a reference; `author` is the first one."""

    title: str
    author: str = ""
    year: int | None = None
    journal: str = ""
    volume: str = ""
    page: str = ""


def parsed(text: str) -> Parsed | None:
    """The parts of a reference; None for what has not the shape of one: authors, a year and a title."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    line = " ".join(" ".join(lines).split())[:_MOST]
    return _authors_first(line) or _title_first(line)


def _authors_first(line: str) -> Parsed | None:
    authors = _AUTHORS.match(line)
    if not authors:
        return None
    rest = line[authors.end() :]
    year = _THEN_YEAR.match(rest)
    if year:
        return _made(authors[0], int(year["year"]), rest[year.end() :])
    if quoted := _QUOTED.match(rest):
        return _made(authors[0], None, quoted["title"].rstrip(".,") + ". " + rest[quoted.end() :])
    if not re.match(r"[.:,]? ", rest) or authors[0] == line:
        return None
    return _made(authors[0], None, rest.lstrip(".:, "))


def _title_first(line: str) -> Parsed | None:
    """As PubMed prints a record to be copied: title, authors, journal."""
    for end in list(_END_OF_TITLE.finditer(line))[:4]:
        authors = _AUTHORS.match(line, end.end())
        if authors and (authors[0].endswith(".") or line.startswith(". ", authors.end())):
            title = line[: end.start() + 1].strip()
            found = _made(authors[0], None, f"{title} {line[authors.end() :].lstrip('. ')}", n_title=len(title))
            if found:
                return found
    return None


def _made(authors: str, year: int | None, rest: str, *, n_title: int = 0) -> Parsed | None:
    clean = " ".join(_NOISE.sub(" ", rest).split())
    title, behind = _parted(clean, n_title, has_year=bool(year))
    years = [int(found[0]) for found in _ANY_YEAR.finditer(behind)]
    year = year or (years[0] if years else None)
    if not year or len(title.split()) < 2 or not re.search(r"[^\W\d_]{3}", title):
        return None
    journal = _JOURNAL.match(behind)
    place = _PLACE.search(behind, journal.end() if journal else 0)
    return Parsed(
        title=title,
        author=first_author(authors),
        year=year,
        journal=journal["journal"].strip(" .,;") if journal else "",
        volume=place["volume"] if place else "",
        page=place["page"] if place else "",
    )


def _parted(text: str, n_title: int, *, has_year: bool) -> tuple[str, str]:
    """Title and what follows it: the journal is the sentence that numbers or a year come after."""
    if n_title:
        return text[:n_title].rstrip(" ."), text[n_title:].strip()
    ends = list(_END_OF_TITLE.finditer(text))
    for end in ends:
        behind = text[end.end() :]
        journal = _JOURNAL.match(behind)
        if journal and _is_a_journal(journal["journal"]):
            return text[: end.start() + 1].rstrip(" ."), behind
    if ends:
        return text[: ends[0].start() + 1].rstrip(" ."), text[ends[0].end() :]
    return (text.rstrip(" .,;"), "") if has_year else ("", text)


def _is_a_journal(name: str) -> bool:
    """One sentence of few words, or abbreviations each with its full stop."""
    return len(name.split()) <= 14 and (not _END_OF_TITLE.search(f"{name} X") or bool(_ABBREVIATED.fullmatch(name)))


def first_author(authors: str) -> str:
    """`Yin X` out of any list of authors."""
    found = re.match(_ONE, authors) or re.match(_FAMILY, authors)
    return (found[0] if found else authors).strip(" ,;&")
