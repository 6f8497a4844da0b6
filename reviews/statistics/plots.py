"""Numbers to coordinates: a page draws them as SVG, with a table that says the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reviews.statistics.remaining import Remaining

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 20, 16, 44
_POINTS = 200  # of a curve; more are not seen


@dataclass(frozen=True, slots=True)
class Mark:
    """A tick of an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Found against screened: the curve, the even line, what is expected with its interval as a band."""

    width: int
    height: int
    curve: str
    even: str
    x_marks: tuple[Mark, ...]
    y_marks: tuple[Mark, ...]
    base: float
    left: float
    right: float
    expected: float | None  # y
    band: tuple[float, float] | None  # y of the top, height

    @property
    def inner(self) -> float:
        return self.right - self.left


def progress(found: Sequence[int], estimate: Remaining, *, width: int = 640, height: int = 360) -> Progress:
    """`found` has the running count of relevant reports after each report screened."""
    most_x = max(estimate.n_all, len(found), 1)
    most_y = max(estimate.expected_high or 0, found[-1] if found else 0, 4)
    base, top = height - _BOTTOM, _TOP

    def x(value: float) -> float:
        return round(_LEFT + (width - _LEFT - _RIGHT) * value / most_x, 1)

    def y(value: float) -> float:
        return round(base - (base - top) * value / most_y, 1)

    step = max(1, math.ceil(len(found) / _POINTS))
    places = sorted({0, *range(0, len(found), step), len(found)})
    curve = " ".join(f"{x(n):g},{y(found[n - 1] if n else 0):g}" for n in places)
    total = estimate.expected if estimate.expected is not None else (found[-1] if found else 0)
    band = None
    if estimate.expected_high is not None and estimate.expected_low is not None:
        upper = y(estimate.expected_high)
        band = upper, round(max(1.0, y(estimate.expected_low) - upper), 1)
    return Progress(
        width=width,
        height=height,
        curve=curve,
        even=f"{x(0):g},{y(0):g} {x(most_x):g},{y(total):g}",
        x_marks=tuple(Mark(x(value), f"{value:,}") for value in ticks(most_x)),
        y_marks=tuple(Mark(y(value), f"{value:,}") for value in ticks(most_y)),
        base=base,
        left=_LEFT,
        right=width - _RIGHT,
        expected=y(estimate.expected) if estimate.expected is not None else None,
        band=band,
    )


def ticks(most: int) -> list[int]:
    """Round numbers from 0, at most seven."""
    step = 10 ** max(0, math.floor(math.log10(max(most, 1))) - 1)
    step = next(step * factor for factor in (1, 2, 5, 10, 20, 50) if most / (step * factor) <= 6)
    return list(range(0, most + 1, step))
