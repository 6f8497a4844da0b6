"""PubMed's query language as far as the app uses it: terms, fields, dates, AND, OR and NOT from left to right."""

import calendar
import re
from dataclasses import dataclass, field
from datetime import date

from tests.ncbi.shelf import Entry, Shelf, plain

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<range>"?(?P<low>\d{4}(?:/\d{1,2}){0,2})"?\s*(?:\[[^\]]*\])?\s*:\s*"?(?P<high>\d{4}(?:/\d{1,2}){0,2})"?
            \s*\[(?P<range_tag>[^\]]*)\])
      | (?P<open>\() | (?P<close>\))
      | (?P<operator>AND|OR|NOT)(?=[\s("]|$)
      | "(?P<phrase>[^"]*)"?(?:\s*\[(?P<phrase_tag>[^\]]*)\])?
      | (?P<word>[^\s()"\[\]]+(?:\s+(?!AND\b|OR\b|NOT\b)[^\s()"\[\]:]+)*?)\s*\[(?P<word_tag>[^\]]*)\]
      | (?P<bare>[^\s()"\[\]]+)
      | (?P<stray>[\[\]])
    )""",
    re.X,
)
_TEXT_FIELDS = {
    ("tiab", "title/abstract", "text word", "tw"): ("title", "abstract", "keywords"),
    ("ti", "title"): ("title",),
    ("ab", "abstract"): ("abstract",),
    ("ot", "other term"): ("keywords",),
    ("pt", "publication type", "ptyp"): ("types",),
    ("ta", "journal", "jour"): ("journal",),
    ("au", "author", "auth"): ("authors",),
    ("si", "secondary source id"): ("numbers",),
    ("la", "language", "lang"): ("language",),
    ("all", "all fields", ""): ("title", "abstract", "keywords", "mesh", "types", "journal", "authors", "numbers"),
}
_FIELDS = {name: fields for names, fields in _TEXT_FIELDS.items() for name in names}
_DATES = {
    "crdt": "crdt",
    "date - create": "crdt",
    "edat": "edat",
    "mhda": "mhda",
    "mdat": "mdat",
    "lr": "mdat",
    "dp": "pdat",
    "pdat": "pdat",
}
_MESH = {"mesh", "mh", "mesh terms", "majr", "mesh:noexp"}
_STOP_WORDS = {"the", "of", "a", "an", "in", "on", "and", "for", "with", "by"}
_SPAN = re.compile(r"(\d{4})(?:/(\d{1,2}))?(?:/(\d{1,2}))?$")


@dataclass(slots=True)
class Answer:
    """PMIDs found, newest (highest) first, and what was dropped from the query."""

    pmids: list[int]
    translation: str = ""
    phrases_not_found: list[str] = field(default_factory=list)
    fields_not_found: list[str] = field(default_factory=list)
    phrases_ignored: list[str] = field(default_factory=list)
    quoted_not_found: list[str] = field(default_factory=list)


def search(shelf: Shelf, term: str, limits: list[tuple[str, str, str]] = ()) -> Answer:
    """`limits` are (datetype, mindate, maxdate) from the request's parameters."""
    answer = Answer([])
    reader = _Reader(shelf, _tokens(term), answer)
    found, answer.translation = reader.expression()
    hits = found if found is not None else set()
    for datetype, low, high in limits:
        hits = hits & _within(shelf, _DATES.get(datetype, "pdat"), low, high)
        answer.translation = f"({answer.translation}) AND {low}:{high}[{datetype}]"
    answer.pmids = sorted(hits, reverse=True)
    return answer


def _tokens(term: str) -> list[re.Match[str]]:
    tokens, position = [], 0
    while position < len(term.rstrip()):
        match = _TOKEN.match(term, position)
        if not match:
            break
        tokens.append(match)
        position = match.end()
    return tokens


class _Reader:
    """Reads tokens into a set of PMIDs; None stands for a part that PubMed drops."""

    def __init__(self, shelf: Shelf, tokens: list[re.Match[str]], answer: Answer) -> None:
        self.shelf, self.tokens, self.answer = shelf, tokens, answer
        self.position = 0

    def expression(self) -> tuple[set[int] | None, str]:
        found, text, operator = None, "", "AND"
        while self.position < len(self.tokens):
            token = self.tokens[self.position]
            self.position += 1
            if token["close"]:
                break
            if token["operator"]:
                operator = token["operator"]
                continue
            right, right_text = self._operand(token)
            if right is not None:
                text = f"{text} {operator} {right_text}" if found is not None else right_text
                found = _combine(found, operator, right)
            operator = "AND"
        return found, text

    def _operand(self, token: re.Match[str]) -> tuple[set[int] | None, str]:
        if token["open"]:
            found, text = self.expression()
            return found, f"({text})"
        if token["range"]:
            return self._range(token["low"], token["high"], token["range_tag"])
        if token["phrase"] is not None:
            return self._term(token["phrase"], token["phrase_tag"] or "", is_quoted=True)
        if token["stray"]:
            return None, ""
        return self._term(token["word"] or token["bare"], token["word_tag"] or "", is_quoted=False)

    def _range(self, low: str, high: str, tag: str) -> tuple[set[int] | None, str]:
        name = _DATES.get(tag.lower().strip())
        if not name:
            self.answer.fields_not_found.append(tag)
            return None, ""
        return _within(self.shelf, name, low, high), f"{low} : {high}[{tag}]"

    def _term(self, text: str, tag: str, *, is_quoted: bool) -> tuple[set[int] | None, str]:
        name = tag.lower().split(":~")[0].strip()
        if name in _DATES:
            return self._range(text, text, tag)
        if not tag and not is_quoted and text.lower() in _STOP_WORDS:
            self.answer.phrases_ignored.append(text)
            return None, ""
        if name in {"uid", "pmid"}:
            found = {int(text)} & set(self.shelf.entries) if text.isdigit() else set()
        elif name in {"doi", "aid", "lid"}:
            found = {e.pmid for e in list(self.shelf.entries.values()) if e.doi.lower() == text.lower()}
        elif name in _MESH:
            found = _matching(self.shelf, text, ("mesh",))
        else:
            if name not in _FIELDS:
                self.answer.fields_not_found.append(tag)
                name = ""
            found = _matching(self.shelf, text, _FIELDS[name])
        if not found:
            shown = f'"{text}"' if is_quoted else text
            not_found = self.answer.quoted_not_found if is_quoted else self.answer.phrases_not_found
            not_found.append(f"{shown}[{tag}]" if tag else shown)
            return None, ""
        return found, f'"{text}"[{tag or "All Fields"}]'


def _combine(left: set[int] | None, operator: str, right: set[int]) -> set[int]:
    if left is None:
        return right
    return {"AND": left & right, "OR": left | right, "NOT": left - right}[operator]


def _matching(shelf: Shelf, text: str, fields: tuple[str, ...]) -> set[int]:
    wanted = plain(text.rstrip("*"))
    if wanted == "  ":
        return set()
    if text.endswith("*"):
        wanted = wanted.rstrip()
    return {e.pmid for e in list(shelf.entries.values()) if any(wanted in e.words[name] for name in fields)}


def _within(shelf: Shelf, name: str, low: str, high: str) -> set[int]:
    first, last = _bound(low, is_upper=False), _bound(high, is_upper=True)
    return {e.pmid for e in list(shelf.entries.values()) if first <= _date(e, name) <= last}


def _date(entry: Entry, name: str) -> date:
    return entry.dates[name]


def _bound(text: str, *, is_upper: bool) -> date:
    found = _SPAN.match(text.strip())
    if not found:
        return date.max if is_upper else date.min
    year, month, day = (int(part) if part else 0 for part in found.groups())
    month = month or (12 if is_upper else 1)
    return date(year, month, day or (calendar.monthrange(year, month)[1] if is_upper else 1))
