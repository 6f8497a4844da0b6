"""PRISMA 2020's diagram as coordinates: boxes, their lines of text and the arrows between them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LINE = 17  # height of a line of text
LETTER = 6.7  # mean width of a letter
PAD = 10
GAP = 34  # between rows, room for an arrow
_BAR = 30
_SIDE_GAP = 28


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement of a box: words with a number, and the key of the list behind it; both may be missing."""

    words: str
    n: int | None = None
    key: str = ""
    query: str = ""
    indent: int = 0
    is_strong: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    x: float
    y: float
    key: str
    query: str
    is_strong: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """A box on paper; `kind` is `head`, `box`, `note` (work in progress) or `bar`."""

    kind: str
    name: str
    x: float
    y: float
    width: float
    height: float
    lines: tuple[Line, ...]

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line through these points; its last one has the head."""

    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)

    @property
    def head(self) -> str:
        (x0, _), (x, y) = self.points[-2:]
        if x == x0:
            return f"{x:g},{y:g} {x - 4:g},{y - 7:g} {x + 4:g},{y - 7:g}"
        side = -7 if x > x0 else 7
        return f"{x:g},{y:g} {x + side:g},{y - 4:g} {x + side:g},{y + 4:g}"


@dataclass(frozen=True, slots=True)
class Diagram:
    width: float
    height: float
    boxes: tuple[Drawn, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """What is to be drawn: `place` is (column, row), `notes` is work in progress drawn beneath it in grey."""

    name: str
    column: str
    row: int
    entries: Sequence[Entry]
    kind: str = "box"


_WIDTHS = {"previous": 190, "main": 250, "side": 250, "other": 220, "other_side": 220}


def diagram(boxes: Sequence[Box], bars: Sequence[tuple[str, int, int]], arrows: Iterable[tuple[str, str]]) -> Diagram:
    """Lay boxes out in columns and rows; `bars` are (words, first row, last row), `arrows` pairs of names of boxes."""
    lefts, width = _columns([box.column for box in boxes])
    heights: dict[int, float] = {}
    texts: dict[int, list[Line]] = {}
    stacks: dict[tuple[str, int], float] = {}
    for number, box in enumerate(boxes):
        texts[number] = _written(box.entries, lefts[box.column], _WIDTHS[box.column])
        place = (box.column, box.row)
        stacks[place] = stacks.get(place, -8) + 8 + _height(texts[number])
        heights[box.row] = max(heights.get(box.row, 0), stacks[place])
    tops, height = _rows(heights)
    drawn, filled = [], {}
    for number, box in enumerate(boxes):
        place = (box.column, box.row)
        top = filled.get(place, tops[box.row])
        size = _height(texts[number])
        filled[place] = top + size + 8
        lines = tuple(Line(t.text, t.x, t.y + top, t.key, t.query, t.is_strong) for t in texts[number])
        drawn.append(Drawn(box.kind, box.name, lefts[box.column], top, _WIDTHS[box.column], size, lines))
    drawn += [_bar(words, tops[first], tops[last] + heights[last]) for words, first, last in bars]
    named = {box.name: box for box in drawn}
    joined = [_arrow(named[a], named[b]) for a, b in arrows if a in named and b in named]
    return Diagram(width, height, tuple(drawn), tuple(joined))


def _columns(used: Iterable[str]) -> tuple[dict[str, float], float]:
    used, lefts, x = set(used), {}, _BAR + 16.0
    for name, width in _WIDTHS.items():
        if name in used:
            lefts[name] = x
            x += width + _SIDE_GAP
    return lefts, x - _SIDE_GAP + 4


def _rows(heights: Mapping[int, float]) -> tuple[dict[int, float], float]:
    tops, y = {}, 4.0
    for row in sorted(heights):
        tops[row] = y
        y += heights[row] + GAP
    return tops, y - GAP + 6


def _written(entries: Iterable[Entry], left: float, width: float) -> list[Line]:
    lines: list[Line] = []
    for entry in entries:
        shift = PAD + 12 * entry.indent
        words = entry.words if entry.n is None else f"{entry.words} (n = {entry.n:,})"
        letter = LETTER * 1.1 if entry.is_strong else LETTER
        for part in wrapped(words, int((width - PAD - shift) / letter)):
            y = PAD + 12 + LINE * len(lines)
            lines.append(Line(part, left + shift, y, entry.key, entry.query, entry.is_strong))
    return lines


def wrapped(words: str, most: int) -> list[str]:
    """Lines of at most so many letters; a number in brackets is not parted, a longer word is."""
    words = words.replace("(n = ", "(n\u00a0=\u00a0")
    lines = [""]
    for word in words.split(" "):
        while len(word) > most:
            lines += [word[:most]]
            word = word[most:]
        if len(lines[-1]) + len(word) + 1 <= most and lines[-1]:
            lines[-1] += " " + word
        elif lines[-1]:
            lines.append(word)
        else:
            lines[-1] = word
    return lines


def _height(lines: Sequence[Line]) -> float:
    return 2 * PAD + LINE * len(lines) - 2


def _bar(words: str, top: float, bottom: float) -> Drawn:
    middle = (top + bottom) / 2
    return Drawn("bar", words, 2, top, _BAR, bottom - top, (Line(words, 2 + _BAR / 2, middle, "", "", True),))


def _arrow(one: Drawn, other: Drawn) -> Arrow:
    """Straight down in a column, straight to the right beside, else round a corner."""
    (x, _), (to_x, to_y) = one.middle, other.middle
    if abs(x - to_x) < 1:
        return Arrow(((x, one.y + one.height), (x, other.y)))
    if one.y == other.y:
        y = one.y + min(one.height, other.height) / 2
        return Arrow(((one.x + one.width, y), (other.x, y)))
    end = other.x if x < to_x else other.x + other.width
    return Arrow(((x, one.y + one.height), (x, to_y), (end, to_y)))
