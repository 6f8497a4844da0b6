"""How far reviewers agree beyond chance: Cohen's kappa with what must stand beside it, and Fleiss' kappa."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_Z = 1.96  # of a 95 % interval


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two reviewers over the same reports. A value that the numbers do not define is None, never 0.

    `table` has the first reviewer's words as rows and the second's as columns. `prevalence` and `bias` are indices of
    a 2x2 table and None for any other.
    """

    table: tuple[tuple[int, ...], ...]
    n: int
    observed: float | None
    expected: float | None
    kappa: float | None
    se: float | None
    low: float | None
    high: float | None
    pabak: float | None
    ac1: float | None
    prevalence: float | None
    bias: float | None

    @property
    def n_agreed(self) -> int:
        return sum(row[i] for i, row in enumerate(self.table))


def two_raters(table: Sequence[Sequence[int]]) -> Agreement:
    """Cohen (1960) with its large-sample standard error, Byrt's PABAK and indices, Gwet's AC1, of a square table."""
    q, n = len(table), sum(map(sum, table))
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    if not n:
        return Agreement(_frozen(table), 0, *[None] * 10)
    # Whole numbers as long as possible: p_e = 1 must be seen exactly.
    by_chance = sum(row * column for row, column in zip(rows, columns, strict=True))
    observed, expected = sum(table[i][i] for i in range(q)) / n, by_chance / n**2
    kappa = se = None
    if by_chance != n**2:
        kappa = (observed - expected) / (1 - expected)
        se = math.sqrt(observed * (1 - observed) / n) / (1 - expected)
    shares = [(row + column) / (2 * n) for row, column in zip(rows, columns, strict=True)]
    gamma = sum(share * (1 - share) for share in shares) / (q - 1)
    return Agreement(
        table=_frozen(table),
        n=n,
        observed=observed,
        expected=expected,
        kappa=kappa,
        se=se,
        low=kappa - _Z * se if kappa is not None else None,
        high=kappa + _Z * se if kappa is not None else None,
        pabak=(q * observed - 1) / (q - 1),
        ac1=(observed - gamma) / (1 - gamma),
        prevalence=(table[0][0] - table[1][1]) / n if q == 2 else None,
        bias=(table[0][1] - table[1][0]) / n if q == 2 else None,
    )


def tabulated(pairs: Iterable[tuple[str, str]], words: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The square table of pairs of words, in the order of `words`."""
    place = {word: i for i, word in enumerate(words)}
    table = [[0] * len(words) for _ in words]
    for first, second in pairs:
        table[place[first]][place[second]] += 1
    return _frozen(table)


@dataclass(frozen=True, slots=True)
class ManyRaters:
    """More than two reviewers, any of whom may have judged a report, each report by `n_raters` of them."""

    n: int
    n_raters: int
    observed: float | None
    expected: float | None
    kappa: float | None
    se: float | None
    low: float | None
    high: float | None


def fleiss(counts: Sequence[Sequence[int]]) -> ManyRaters:
    """Fleiss (1971). A row a report: how many reviewers said each word; all rows have the same sum, at least 2.

    The standard error is that of Fleiss, Nee and Landis (1979): it holds under chance agreement, so its interval is a
    rough one.
    """
    n = len(counts)
    m = sum(counts[0]) if n else 0
    if any(sum(row) != m for row in counts):
        raise ValueError("Every report must have the same number of words.")
    if not n or m < 2:
        return ManyRaters(n, m, *[None] * 6)
    totals = [sum(column) for column in zip(*counts, strict=True)]
    shares = [total / (n * m) for total in totals]
    observed = sum(sum(k * (k - 1) for k in row) for row in counts) / (n * m * (m - 1))
    expected = sum(share**2 for share in shares)
    if max(totals) == n * m:  # one word throughout: chance agrees always
        return ManyRaters(n, m, observed, 1.0, *[None] * 4)
    kappa = (observed - expected) / (1 - expected)
    spread = sum(share * (1 - share) for share in shares)
    skew = sum(share * (1 - share) * (1 - 2 * share) for share in shares)
    se = math.sqrt(2 * (spread**2 - skew) / (n * m * (m - 1))) / spread
    return ManyRaters(n, m, observed, expected, kappa, se, kappa - _Z * se, kappa + _Z * se)


def _frozen(table: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in table)
