"""How far a tagging rule can be trusted, from what people answered to it."""

from dataclasses import dataclass
from math import sqrt

FLOOR = 0.8
ENOUGH_ANSWERS = 20
TICKED = frozenset({"title", "abstract", "derived", "source"})
_Z = 1.959964  # the 97.5 % quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Standing:
    """Answers to one rule; disputed ones are no answer yet."""

    accepted: int = 0
    rejected: int = 0

    @property
    def n_answers(self) -> int:
        return self.accepted + self.rejected

    @property
    def precision(self) -> float | None:
        return self.accepted / self.n_answers if self.n_answers else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.accepted, self.n_answers)

    @property
    def is_demoted(self) -> bool:
        """Whether its suggestions are shown unticked from now on."""
        return self.n_answers >= ENOUGH_ANSWERS and wilson(self.accepted, self.n_answers)[0] < FLOOR


def wilson(hits: int, n: int) -> tuple[float, float] | None:
    """The 95 % score interval of a proportion (Wilson 1927); None without a trial."""
    if not n:
        return None
    share, square = hits / n, _Z * _Z
    middle = share + square / (2 * n)
    half = _Z * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, (middle - half) / (1 + square / n)), min(1.0, (middle + half) / (1 + square / n))


def is_ticked(strength: str, standing: Standing) -> bool:
    """Whether a suggestion comes ticked: weak ones never, nor those of a rule that people have come to mistrust."""
    return strength in TICKED and not standing.is_demoted
