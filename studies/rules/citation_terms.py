"""The words by which a title is looked for, in PubMed's query language."""

import re

from studies.rules.citation_comparison import telling
from studies.rules.citation_words import plain, words_of
from studies.rules.references import Cited

MOST_WORDS = 6
_FEWEST_LETTERS = 3
_WORD = re.compile(r"[A-Za-z]{3,40}")


def questions(cited: Cited) -> list[str]:
    """From the narrowest to the widest: titles with these words of these years, of any year, by the first author."""
    words = _words(cited.title)
    if len(words) < 2:
        return []
    titles = " AND ".join(f"{word}[ti]" for word in words)
    found = []
    if cited.year:
        found.append(f"{titles} AND {_years(cited.year)}")
    found.append(titles)
    if cited.year and (author := _author(cited.author)):
        some = " OR ".join(f"{word}[ti]" for word in words[:3])
        found.append(f"{author}[au] AND {_years(cited.year)} AND ({some})")
    return found


def _years(year: int) -> str:
    return f"{year - 1}:{year + 1}[dp]"


def _words(title: str) -> list[str]:
    """Long words that are spelled alike everywhere, in the order of the title; a torn last word is none."""
    said = words_of(title)
    text = title.rsplit(" ", 1)[0] if said.is_cut else title
    kept = set(telling(said.words))
    found = list(dict.fromkeys(word.lower() for word in _WORD.findall(text)))
    # What our spelling rules leave as it is, is written so in Britain as in America.
    certain = [word for word in found if word in kept] or [word for word in found if plain(word)[:-1] in kept]
    longest = sorted(certain, key=len, reverse=True)[:MOST_WORDS]
    return [word for word in certain if word in longest]


def _author(name: str) -> str:
    family = re.sub(r"\bet\.? al\b.*", "", name, flags=re.I).split(",")[0].strip()
    words = [
        word for word in re.findall(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*", family) if len(word) > 1 and not word.isupper()
    ]
    return plain(words[-1]) if words else ""
