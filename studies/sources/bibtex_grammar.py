"""BibTeX's grammar: commands found one by one, so that a broken entry costs no other, each parsed by pybtex."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pybtex.database.input.bibtex import LowLevelParser, month_names
from pybtex.scanner import Pattern, PybtexSyntaxError, Token

_LONGEST = 1_000_000  # characters of one entry; longer is a file gone wrong
_LONGEST_MACRO = 10_000
_ALL_MACROS = 20_000_000  # characters that @string macros may add to one file: few bytes must not become many
_COMMAND = re.compile(r"(?<![\w.])@[ \t]{0,9}([A-Za-z]\w{0,40})\s{0,9}([{(])")
_AT_LINE_START = re.compile(r"[ \t]{0,3}@[ \t]{0,9}[A-Za-z]\w{0,40}\s{0,9}[{(]")
_ALONE = re.compile(r"\s{0,20}@[ \t]{0,9}[A-Za-z]\w{0,40}\s{0,20}")  # its brace is on the next line
_FIELD_OUTSIDE = re.compile(r"(?:^|[,}])\s{0,60}[A-Za-z][\w-]{0,40}[ \t]{0,20}=[ \t]{0,20}[{\"]")
_MARK = re.compile(r'[{}()"]')
_HEAD = re.compile(r"(@[ \t]{0,9}\w{1,41}\s{0,9}[{(]\s{0,50})([^,={}\"\n]{0,300}),")

Fields = list[tuple[str, str]]


class BrokenEntry(ValueError):
    """This entry cannot be read; the others can."""


@dataclass(slots=True)
class Block:
    """One command from its @ to its end: `line` counts from 1, `fault` says why it is not whole."""

    line: int
    command: str
    closer: str
    fault: str = ""
    parts: list[str] = field(default_factory=list)
    size: int = 0
    depth: int = 0
    quoted: bool = False

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def take(self, line: str, start: int, place: int) -> int:
        """Takes `line` from `start`, its marks from `place`; gives the place behind its end, or -1 if it goes on."""
        end = self._end(line, place)
        if self.size < _LONGEST:
            self.parts.append(line[start:] if end < 0 else line[start:end])
            self.size += len(self.parts[-1])
        return end

    def _end(self, line: str, place: int) -> int:
        for found in _MARK.finditer(line, place):
            mark = found[0]
            if mark == "{":
                self.depth += 1
            elif mark == "}":
                self.depth = max(self.depth - 1, 0)
                if self.depth == 0 and self.closer == "}":
                    return found.end()
            elif self.depth == 0 and mark == '"':
                self.quoted = not self.quoted
            elif self.depth == 0 and mark == self.closer and not self.quoted:
                return found.end()
        return -1


def blocks(lines: Iterable[str]) -> Iterator[Block]:
    """Every command of the file. One whose braces never close ends where the next begins at the start of a line."""
    running: Block | None = None
    ended: Block | None = None  # held back until it is known that none of its fields follow behind it
    for number, line in _headed(lines):
        if running and running.command != "comment" and _AT_LINE_START.match(line):
            running.fault = f"its braces do not close before the next entry, on line {number}"
            yield running
            running = None
        place = 0
        while running or not line.startswith("%"):  # many put a % before what should not count
            if running:
                place = running.take(line, place, place)
                if place < 0:
                    break
                ended, running = running, None
            found = _COMMAND.search(line, place)
            if ended and _FIELD_OUTSIDE.search(line[place : found.start() if found else None]):
                ended.fault = ended.fault or f"its braces close too early: a field follows outside, on line {number}"
            if not found:
                break
            if ended:
                yield ended
                ended = None
            running = Block(number, found[1].lower(), "}" if found[2] == "{" else ")")
            if (place := running.take(line, found.start(), found.end() - 1)) < 0:
                break
            ended, running = running, None
    if ended:
        yield ended
    if running:
        running.fault = "its braces never close"
        yield running


def _headed(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Numbered lines; an `@article` alone is joined with the line that holds its brace."""
    head = ""
    for number, raw in enumerate(lines, start=1):
        line = raw.lstrip("\ufeff")
        if head:
            yield number - 1, head + line
            head = ""
        elif "@" in line and _ALONE.fullmatch(line):
            head = line
        else:
            yield number, line
    if head:
        yield number, head


class Macros:
    """The @string macros of one file, bounded in what they may add to it. A month is known from the start."""

    def __init__(self) -> None:
        self.known, self.spent = {name.lower(): text for name, text in month_names.items()}, 0

    def define(self, name: str, text: str) -> None:
        if len(text) > _LONGEST_MACRO:
            raise BrokenEntry(f"its text is longer than {_LONGEST_MACRO:,} characters")
        self.known[name.lower()] = text

    def expand(self, name: str) -> str:
        """A name that was never defined stands for itself: BibTeX warns and goes on (`month = sept`)."""
        text = self.known.get(name.lower(), name)
        self.spent += len(text)
        if self.spent > _ALL_MACROS:
            raise BrokenEntry("the file's @string macros unfold to more than any real file needs")
        return text


class _Parser(LowLevelParser):
    """pybtex's parser with our macros, and with one search where its own looks for each sign to the end of the text."""

    def __init__(self, text: str, macros: Macros) -> None:
        super().__init__(text, macros={})
        self.ours, self.added = macros, 0

    def substitute_macro(self, name: str) -> str:
        text = self.ours.expand(name)
        self.added += len(text)
        if self.added > _LONGEST:
            raise BrokenEntry(f"its macros unfold to more than {_LONGEST:,} characters")
        return text

    def skip_to(self, patterns: list[Pattern]) -> Token | None:
        wanted = _EITHER if len(patterns) == 2 else _QUOTED if len(patterns) == 3 else None
        if wanted is None:
            return super().skip_to(patterns)
        found = wanted.search(self.text, self.pos)
        if not found:
            return None
        value, self.pos = self.text[self.pos : found.end()], found.end()
        self.update_lineno(value)
        return Token(value, {"{": self.LBRACE, "}": self.RBRACE, '"': self.QUOTE}[found[0]])


_EITHER = re.compile(r"[{}]")
_QUOTED = re.compile(r'[{}"]')


def parsed(block: Block, macros: Macros) -> tuple[str, Fields]:
    """An entry's key and its fields in order, names in lower case; a @string only joins `macros`.

    Raises BrokenEntry with the reason, and with the line where it is not the entry's first.
    """
    head = _HEAD.match(block.text) if block.command not in {"string", "preamble"} else None
    key = " ".join(head[2].split()) if head else ""
    if block.fault or block.size > _LONGEST:
        raise BrokenEntry(block.fault or f"it is longer than {_LONGEST:,} characters")
    # Reference managers write keys with blanks, or none at all, which the grammar does not know.
    text = f"{head[1]}key,{block.text[head.end() :]}" if head else block.text
    try:
        _, body = next(iter(_Parser(text, macros)), ("", ("", [])))
    except PybtexSyntaxError as error:
        raise BrokenEntry(_reason(error, block)) from None
    if block.command == "string":
        macros.define(body[0] or "", "".join(body[1]))
    if block.command in {"string", "preamble"}:
        return "", []
    return key, [(name.lower(), "".join(values)) for name, values in body[1]]


def _reason(error: Any, block: Block) -> str:
    what = error.args[0] if error.args else "it cannot be read"
    line = block.line + error.lineno - 1
    return f"{what}, on line {line}" if line != block.line else what


def key_of(block: Block) -> str:
    """The key of an entry that may be broken, for the person who looks for it."""
    head = _HEAD.match(block.parts[0] if block.parts else "")
    return " ".join(head[2].split()) if head else ""
