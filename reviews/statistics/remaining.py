"""How many relevant reports remain: estimated from those that were read in random order, never from the ranking."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 30  # random reports below which an estimate would be a guess
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Remaining:
    """`n_sample` reports drawn at random held `n_relevant`; of all, so many are expected, with a 95 % interval.

    `left`, `low` and `high` are what remains beside those found; None while the sample is too small.
    """

    n_all: int
    n_found: int
    n_sample: int
    n_relevant: int
    expected: float | None = None
    expected_low: int | None = None
    expected_high: int | None = None

    @property
    def left(self) -> float | None:
        return None if self.expected is None else max(0.0, self.expected - self.n_found)

    @property
    def low(self) -> int | None:
        return None if self.expected_low is None else max(0, self.expected_low - self.n_found)

    @property
    def high(self) -> int | None:
        return None if self.expected_high is None else max(0, self.expected_high - self.n_found)


def random_sample(was_read: Sequence[bool], was_random: Sequence[bool]) -> int:
    """How long the beginning of the random order is that has been read throughout.

    Reports come in their random order. Random cards walk along it, so that its beginning is a simple random sample
    whoever read its members and why; it ends with a random card, for what the ranking read beyond is no sample.
    """
    n = 0
    for place, (is_read, is_random) in enumerate(zip(was_read, was_random, strict=True), 1):
        if not is_read:
            break
        if is_random:
            n = place
    return n


def remaining(n_all: int, n_found: int, n_sample: int, n_relevant: int, n_unread: int) -> Remaining:
    """The number of relevant reports among all, and its exact interval for a sample without replacement.

    The interval holds every number that would give a sample like this one with at least 2.5 % on either side
    (Clopper-Pearson's argument with the hypergeometric distribution). Neither it nor the estimate has less than what
    was found, or more than what was found and the `n_unread` reports that are not settled; where none are left,
    nothing is estimated.
    """
    if n_all and not n_unread:
        return Remaining(n_all, n_found, n_sample, n_relevant, float(n_found), n_found, n_found)
    if n_sample < min(FEWEST, n_all) or not n_all:
        return Remaining(n_all, n_found, n_sample, n_relevant)
    from scipy.stats import hypergeom  # takes a second to load, and few processes need it

    possible = np.arange(n_relevant, n_all - n_sample + n_relevant + 1)
    at_least = hypergeom.sf(n_relevant - 1, n_all, possible, n_sample)
    at_most = hypergeom.cdf(n_relevant, n_all, possible, n_sample)
    held = possible[(at_least > _TAIL) & (at_most > _TAIL)]
    most = n_found + n_unread
    return Remaining(
        *(n_all, n_found, n_sample, n_relevant),
        expected=min(max(n_all * n_relevant / n_sample, n_found), most),
        expected_low=min(max(int(held.min()), n_found), most),
        expected_high=min(max(int(held.max()), n_found), most),
    )
