"""References without a PMID: what ecitmatch is asked, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Match(StrEnum):
    """What ecitmatch says of a citation."""

    FOUND = "found"
    NOT_FOUND = "not found"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Citation:
    """A reference as far as it is known; `key` is the caller's own and unique among those asked together."""

    journal: str = ""
    year: str = ""
    volume: str = ""
    page: str = ""
    author: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class CitationMatch:
    """`pmid` when found; `candidates` when ambiguous and NCBI names them; `said` is NCBI's own word."""

    match: Match
    pmid: int | None = None
    candidates: tuple[int, ...] = ()
    said: str = ""


def lines(citations: Sequence[Citation]) -> str:
    """The `bdata` for a list of citations.

    They go under numbers of our own: a caller's key may hold the bars and line ends the format is made of.
    """
    return "\r".join(
        "|".join([*map(_plain, (c.journal, c.year, c.volume, c.page, c.author)), str(number), ""])
        for number, c in enumerate(citations)
    )


def matches(citations: Sequence[Citation], answer: str) -> dict[str, CitationMatch]:
    """By the citations' keys; a citation without a line in the answer is left out."""
    found = {}
    for line in answer.replace("\r", "\n").splitlines():
        *_, number, said = ["", "", *line.split("|")]
        if number.isdecimal() and int(number) < len(citations):
            found[citations[int(number)].key] = _match_from(said.strip())
    return found


def _plain(value: str) -> str:
    return " ".join(value.replace("|", " ").split())


def _match_from(said: str) -> CitationMatch:
    if said.isdecimal():
        return CitationMatch(Match.FOUND, int(said), said=said)
    if said.upper().startswith("AMBIGUOUS"):
        candidates = said[len("AMBIGUOUS") :].replace(",", " ").split()
        numbers = tuple(int(number) for number in candidates if number.isdecimal())
        return CitationMatch(Match.AMBIGUOUS, candidates=() if "(" in said else numbers, said=said)
    return CitationMatch(Match.NOT_FOUND, said=said)
