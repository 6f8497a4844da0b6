"""The language of the phrases in the rules, and the one pass that finds all of them in a text.

    adipose (tissue)? derived stem cells?    words; what is in (…)? may be missing; ? after a letter likewise
    (stem|stromal) cells                     one or the other
    rejuvenat*                               any ending
    (deep|fine)+ lines, (deep|fine)* lines   up to four of these words, or up to four or none
    nano ?fat                                one word or two
    aged #                                   a number
    applied ~ (skin|face)                    up to 60 characters of the same sentence between
    centella @ derived                       something short in parentheses may stand between
    umbilical cord !(blood)                  not followed by
    <cells>                                  a word list of the data file
    MN                                       a phrase with a capital is matched as written, any other in any case

Text is matched flat (see tagging_text): hyphens and slashes are blanks there. A phrase begins at the beginning of a
word and its parts are bounded, so the time it takes grows with the length of the text and no faster.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from studies.rules.tagging_text import Flat

_KEY, _LONG, _LONGEST = 4, 6, 11
_NUMBER = "#"
_BETWEEN, _ENDS = {"~", "@"}, {" ", "|", ")"}
_MOST_KEPT = 250_000  # words, or beginnings, of which the matcher remembers what it found out
_LONGEST_KEPT = 40  # characters; what is longer is a formula or a sequence, and not met again
_WORD = re.compile(r"\w+")
_HEAD = re.compile(rf"\w{{1,{_KEY}}}")
_TOLD = re.compile(r"\w+(?: \w*)*")
_MACRO = re.compile(r"<([\w-]+)>")
_GAP = r"\b[^\w.;]*(?:[^.;]{0,60}?[^\w.;])??"
_ASIDE = r"(?:\([^()]{1,24}\)[ ,]*)?"


# A pattern, whether it is for the text in lower case, and the entries that its groups stand for.
_Try = tuple[Callable[[str, int], re.Match[str] | None], bool, tuple[int, ...]]
_new = tuple.__new__  # half the time of Hit(…), a hundred times a record


class PhraseError(ValueError):
    """A phrase that is not written in the language above."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a phrase: its pattern and how it can begin, cut after the characters that matter.

    Where it begins with a group, `choices` are the pieces that result from each: none is tried at another's words.
    """

    pattern: str
    heads: frozenset[str]
    optional: bool = False
    choices: tuple["_Part", ...] = ()


class Hit(NamedTuple):
    """Entry number `entry` was met in field number `field` of a text, at this place of the flat text."""

    entry: int
    field: int
    start: int
    end: int


class Matcher:
    """All phrases of all entries. The first letters at a word say which phrases are tried there."""

    def __init__(self, entries: Iterable[tuple[int, Iterable[str]]], macros: Mapping[str, str]) -> None:
        self._phrases: dict[str, dict[tuple[int, bool], set[str]]] = {}
        for number, written in entries:
            for phrase in written:
                whole = expanded(phrase, macros)
                for pattern, keys in compiled(whole):
                    for key in keys:
                        own = self._phrases.setdefault(key, {})
                        own.setdefault((number, whole == whole.lower()), set()).add(pattern)
        # What may begin at a key; None: not compiled yet.
        self._tries: dict[str, list[_Try] | None] = dict.fromkeys(self._phrases)
        after = "|".join(re.escape(key.removeprefix(_NUMBER)) for key in self._phrases if key.startswith(_NUMBER))
        self._after_numbers = re.compile(rf"\d(?<=\b\d)\w*(?={after or '(?!)'})")
        words = [key for key in self._phrases if not key.startswith(_NUMBER)]
        self._heads = {key[:length] for key in words for length in range(1, _LONG + 1)}
        self._matches: dict[str, Callable[[str, int], re.Match[str] | None]] = {}
        # Words come again and again, and most of them begin no phrase: what has been found out is kept.
        self._begins: dict[str, tuple[int, ...]] = {}
        self._tried_at: dict[str, tuple[list[_Try], set[str]]] = {}
        self._longer: dict[str, set[str]] = {}
        for key in words:
            if len(key) == _LONGEST:
                self._longer.setdefault(key[:_LONG], set()).add(key)

    def hits(self, flat: Flat, field: int) -> list[Hit]:
        """Every entry at every place where it begins."""
        hits: list[Hit] = []
        lower, cased, begins, tried_at = flat.lower, flat.cased, self._begins, self._tried_at
        at = 0
        for token in lower.split(" "):
            places = begins.get(token)
            if places is None:
                places = self._places(token)
            for place in places:
                start = at + place
                beginning = lower[start : start + _LONG]
                tries, longer = tried_at.get(beginning) or self._tries_at(beginning)
                if longer and (key := lower[start : start + _LONGEST]) in longer:
                    tries = [*tries, *(self._tries[key] or self._compiled(key))]
                for match, in_any_case, entries in tries:
                    found = match(lower if in_any_case else cased, start)
                    if found and (last := found.lastindex):
                        if last == len(entries) == 1:
                            hits.append(_new(Hit, (entries[0], field, start, found.end(1))))
                            continue
                        for entry, (_, end) in zip(entries, found.regs[1:], strict=True):
                            if end > 0:
                                hits.append(_new(Hit, (entry, field, start, end)))
            at += len(token) + 1
        for number in self._after_numbers.finditer(lower):
            start, end = number.span()
            key = _NUMBER + lower[end : end + _LONG - 2]
            for match, _, entries in self._tries[key] or self._compiled(key):
                found = match(lower, start)
                if found and found.lastindex:
                    hits += [
                        Hit(entry, field, start, end)
                        for entry, (_, end) in zip(entries, found.regs[1:], strict=True)
                        if end > 0
                    ]
        return hits

    def _places(self, token: str) -> tuple[int, ...]:
        """Where in the token (letters without a blank) words begin that may begin a phrase."""
        if len(self._begins) >= _MOST_KEPT:
            self._begins.clear()
        words = ((word.start(), word[0]) for word in _WORD.finditer(token))
        places = tuple(place for place, word in words if word[:_KEY] in self._tries or word[:_LONG] in self._heads)
        if len(token) <= _LONGEST_KEPT:
            self._begins[token] = places
        return places

    def _tries_at(self, beginning: str) -> tuple[list[_Try], set[str]]:
        """What is tried at a word that begins with these six characters, and the longer keys that begin so."""
        if len(self._tried_at) >= _MOST_KEPT:
            self._tried_at.clear()
        head = _HEAD.match(beginning)[0]  # type: ignore[index]
        keys = [key for key in dict.fromkeys((head, beginning)) if key in self._tries]
        tries = [t for key in keys for t in self._tries[key] or self._compiled(key)]
        self._tried_at[beginning] = found = tries, self._longer.get(beginning, set())
        return found

    def _compiled(self, key: str) -> list[_Try]:
        """Compiled when first met, all that begins at a key as one: a group an entry, none of which has to be met."""
        tries = []
        for in_any_case in (True, False):
            phrases = {entry: found for (entry, case), found in self._phrases[key].items() if case == in_any_case}
            # The longest pattern goes first: as a rule it is the most particular one.
            groups = ["|".join(sorted(found, key=lambda p: (-len(p), p))) for found in phrases.values()]
            if len(groups) == 1:
                tries.append((self._match(f"({groups[0]})"), in_any_case, tuple(phrases)))
            elif groups:
                pattern = "".join(f"(?=({group})|)" for group in groups)
                tries.append((self._match(pattern), in_any_case, tuple(phrases)))
        self._tries[key] = tries
        return tries

    def _match(self, pattern: str) -> Callable[[str, int], re.Match[str] | None]:
        """Compiled once: a phrase of many beginnings has as many keys."""
        if pattern not in self._matches:
            self._matches[pattern] = re.compile(pattern).match
        return self._matches[pattern]


def expanded(phrase: str, macros: Mapping[str, str]) -> str:
    """The phrase with its word lists written out; lists may name other lists."""
    for _ in range(5):
        if not (names := _MACRO.findall(phrase)):
            return phrase
        if missing := [name for name in names if name not in macros]:
            raise PhraseError(f"No word list is called {missing[0]!r}: {phrase}")
        phrase = _MACRO.sub(lambda found: macros[found[1]], phrase)
    raise PhraseError(f"The word lists name one another: {phrase}")


def compiled(phrase: str) -> list[tuple[str, set[str]]]:
    """Patterns, to be matched at the beginning of a word, and the keys of the words where each may begin."""
    reader = _Reader(phrase)
    part = reader.sequence()
    if reader.rest():
        raise PhraseError(f"Cannot read {reader.rest()!r} in {phrase!r}.")
    return [
        (choice.pattern + r"(?!\w)", {_key(head, phrase) for head in choice.heads}) for choice in part.choices or [part]
    ]


def _key(head: str, phrase: str) -> str:
    """As many of its first characters as the phrase tells: eleven, six, four of its first word or that word whole."""
    head = head.lower()
    if head.startswith(_NUMBER):
        if phrase != phrase.lower() or len(head) < _LONG - 1 or re.search(r"[*#]", head[1 : _LONG - 1]):
            raise PhraseError(f"After a number {_LONG - 3} small letters of the next word have to be told: {phrase!r}.")
        return head[: _LONG - 1]
    for length in (_LONGEST, _LONG):
        if len(head) >= length and _TOLD.fullmatch(head, 0, length):
            return head[:length]
    word = re.match(r"[\w*]*", head)[0][:_KEY]  # type: ignore[index]
    if not word or "*" in word:
        raise PhraseError(f"A phrase begins with at least {_KEY} letters or a whole word: {phrase!r}.")
    return word


class _Reader:
    """A recursive descent over one phrase."""

    def __init__(self, phrase: str) -> None:
        self._phrase, self._at = phrase, 0

    def rest(self) -> str:
        return self._phrase[self._at :]

    def sequence(self) -> _Part:
        items = [self._item()]
        while self.rest().startswith(" "):
            self._at += 1
            items.append(self._item())
        return _joined(items, self._phrase)

    def _item(self) -> _Part:
        first = self.rest()[:1]
        if first in _BETWEEN:
            self._at += 1
            return _Part(first, frozenset())
        if first == "!":
            self._at += 1
            return _Part(rf"(?![ ,]*{self._atom().pattern}(?!\w))", frozenset({""}), optional=True)
        atoms = [self._atom()]
        while (first := self.rest()[:1]) and (first not in _ENDS or self.rest().startswith(" ?")):
            atoms.append(self._atom())
        if len(atoms) == 1:
            return atoms[0]
        heads = {""}
        for atom in atoms:
            heads = _appended(heads, atom.heads)
        return _Part("".join(atom.pattern for atom in atoms), frozenset(heads))

    def _atom(self) -> _Part:
        if self._took(" ?"):
            return _Part(" *", frozenset({"", " "}))
        if self._took("("):
            return self._repeated(self._group())
        if self._took("*"):
            return _Part(r"\w*", frozenset({"*" * _LONGEST}))
        if self._took("#"):
            return _Part(r"\d+(?:[.,]\d+)?", frozenset({_NUMBER}))
        self._took("\\")
        first = self.rest()[:1]
        if not first or first in {" ", "|", "?"}:
            raise PhraseError(f"A word is missing at {self._at} in {self._phrase!r}.")
        self._at += 1
        # "L\\*" is a word and a star, not any ending: no word begins with what stands for the star.
        part = _Part(re.escape(first), frozenset({"\0" if first == "*" else first}))
        return _Part(f"{part.pattern}?", part.heads | {""}) if self._took("?") else part

    def _took(self, mark: str) -> bool:
        if not self.rest().startswith(mark):
            return False
        self._at += len(mark)
        return True

    def _repeated(self, group: _Part) -> _Part:
        if self._took("?"):
            return _Part(f"(?:{group.pattern})?", group.heads | {""}, optional=True)
        many = f"{group.pattern}(?: +{group.pattern}){{0,3}}"
        if self._took("+"):
            return _Part(many, group.heads)
        if self._took("*"):
            return _Part(f"(?:{many})?", group.heads | {""}, optional=True)
        return group

    def _group(self) -> _Part:
        choices = [self.sequence()]
        while self.rest().startswith("|"):
            self._at += 1
            choices.append(self.sequence())
        if not self.rest().startswith(")"):
            raise PhraseError(f"A parenthesis is not closed in {self._phrase!r}.")
        self._at += 1
        # Longest first, so that "cells" is not cut to "cell" inside a longer phrase.
        patterns = sorted((choice.pattern for choice in choices), key=len, reverse=True)
        heads = frozenset().union(*(choice.heads for choice in choices))
        return _Part(
            f"(?:{'|'.join(patterns)})", heads, choices=tuple(c for own in choices for c in own.choices or [own])
        )


def _joined(items: list[_Part], phrase: str) -> _Part:
    needed = [at for at, item in enumerate(items) if item.heads and not item.optional]
    if not needed:
        raise PhraseError(f"Nothing in {phrase!r} has to be there.")
    pattern, heads = "", {""}
    for at, item in enumerate(items):
        after_gap = at > 0 and items[at - 1].pattern == "~"
        before_gap = at + 1 < len(items) and items[at + 1].pattern == "~"
        if item.pattern == "~":
            pattern += _GAP
            heads = _appended(heads, {"*"})
        elif item.pattern == "@":
            pattern += _ASIDE if at < needed[-1] else f"(?: +{_ASIDE})?"
            heads = heads | _appended(heads, {"*"})
        elif item.pattern.startswith("(?!"):
            pattern += item.pattern
        elif not item.optional:
            pattern += item.pattern + ("" if at >= needed[-1] or before_gap else " +")
            heads = _appended(heads, item.heads if at == needed[-1] else _closed(item.heads))
        elif at < needed[-1]:
            pattern += f"(?:{item.pattern[3:-2]} +)?" if not after_gap else item.pattern
            heads = heads | _appended(heads, _closed(item.heads))
        else:
            pattern += f"(?: +{item.pattern[3:-2]})?"
    choices = tuple(_joined([choice, *items[1:]], phrase) for choice in items[0].choices)
    return _Part(pattern, frozenset(head for head in heads if head), choices=choices)


def _closed(heads: Iterable[str]) -> set[str]:
    """A blank follows: the word is over."""
    return {head + " " if head else head for head in heads}


def _appended(heads: Iterable[str], more: Iterable[str]) -> set[str]:
    return {(head + tail)[:_LONGEST] for head, tail in product(heads, more)}
