"""Coordinates of plots, worked out on the server: a page draws them as SVG, with a table that says the same."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 480  # of every plot, in its own units
_LEFT, _RIGHT = 24, 24
_RADIUS = 6


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A value, or a span from `x` to `x2`; `row` counts upwards where spots would cover each other."""

    x: float
    x2: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One quantity in one unit: a dot a study."""

    label: str
    spots: tuple[Spot, ...]
    ticks: tuple[Tick, ...]
    height: float
    is_log: bool
    width: int = WIDTH

    @property
    def base(self) -> float:
        return self.height - 24


def strip(label: str, spans: Sequence[tuple[float, float, str]]) -> Strip:
    """Dots stacked over an axis; logarithmic where the largest is a hundred times the smallest or more."""
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    is_log = low > 0 and high / low >= 100
    at = scale(low, high, is_log=is_log)
    ticks = tuple(Tick(at(value), short(value)) for value in _ticks(low, high, is_log=is_log))
    placed: list[tuple[float, float, int, str]] = []
    for start, end, words in sorted(spans):
        x, x2 = at(start), at(end)
        level = next(
            level
            for level in range(len(spans))
            if all(level != other or x - x_end > 2 * _RADIUS + 1 for _, x_end, other, _ in placed)
        )
        placed.append((x, x2, level, words))
    height = 44 + (2 * _RADIUS + 3) * (1 + max(level for _, _, level, _ in placed))
    spots = tuple(
        Spot(x, x2, round(height - 34 - level * (2 * _RADIUS + 3), 1), words) for x, x2, level, words in placed
    )
    return Strip(label, spots, ticks, height, is_log)


class scale:
    """From a value to a place on the axis."""

    def __init__(self, low: float, high: float, *, is_log: bool = False) -> None:
        self.is_log = is_log
        if is_log:
            self.low, self.high = math.floor(math.log10(low)), math.ceil(math.log10(high))
        else:
            self.low, self.high = 0, max(high * 1.04, 1)
        if self.high == self.low:
            self.high += 1

    def __call__(self, value: float) -> float:
        value = math.log10(value) if self.is_log else value
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (value - self.low) / (self.high - self.low), 1)


def _ticks(low: float, high: float, *, is_log: bool) -> Iterable[float]:
    if is_log:
        return [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    step = 10 ** math.floor(math.log10(max(high, 1) / 2))
    step = next(step * factor for factor in (1, 2, 5, 10) if high / (step * factor) <= 8)
    return [step * number for number in range(int(high / step) + 1)]


def short(value: float) -> str:
    """A number of an axis: 20 million is "20 M"."""
    for size, letter in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


@dataclass(frozen=True, slots=True)
class Bubble:
    """How many studies lie at one place of a lane."""

    x: float
    radius: float
    n: int
    months: float


@dataclass(frozen=True, slots=True)
class Lane:
    label: str
    y: float
    bubbles: tuple[Bubble, ...]


@dataclass(frozen=True, slots=True)
class Lanes:
    """One lane a group over a common axis of months; the axis grows with the root, so that short ones keep apart.

    A lane's name stands above it: beside it, it would take a phone's whole width.
    """

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    height: float
    width: int = 760

    @property
    def base(self) -> float:
        return self.height - 30


_MONTHS = (0, 1, 3, 6, 12, 24, 36, 60, 120, 240, 480, 960)


def lanes(groups: Sequence[tuple[str, Counter[float]]]) -> Lanes:
    """`groups` are (label, how many studies by months); few places a lane, however many studies."""
    longest = max((months for _, counter in groups for months in counter), default=12)
    end = next((months for months in _MONTHS if months >= longest), longest)
    plot = Lanes((), (), 0)
    left, room = _LEFT, plot.width - _LEFT - 40

    def at(months: float) -> float:
        return round(left + room * math.sqrt(months / (end or 1)), 1)

    most = max((n for _, counter in groups for n in _rounded(counter).values()), default=1)
    drawn = []
    for place, (label, counter) in enumerate(groups):
        bubbles = tuple(
            Bubble(at(months), round(4.5 + 10 * math.sqrt((n - 1) / max(most, 12)), 1), n, months)
            for months, n in sorted(_rounded(counter).items())
        )
        drawn.append(Lane(label, 40 + 48 * place, bubbles))
    ticks = tuple(Tick(at(months), f"{months}") for months in _MONTHS if months <= end)
    return Lanes(tuple(drawn), ticks, 48 * len(groups) + 44)


def _rounded(counter: Counter[float]) -> Counter[float]:
    """Half months below six, months up to two years, then half years: a lane stays short."""
    rounded: Counter[float] = Counter()
    for months, n in counter.items():
        step = 0.5 if months < 6 else 1 if months < 24 else 6
        rounded[round(months / step) * step] += n
    return rounded
