"""How sure it is that a report publishes a registered trial: grounds, likeness, and the thresholds of both."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from studies.terms import LinkBasis

# By the ground alone. What a source itself states is firm; a name in a text may be that of another trial.
_SURE = {
    LinkBasis.PERSON: 1.0,
    LinkBasis.REGISTRY: 0.95,
    LinkBasis.RELATION: 0.95,
    LinkBasis.DATABANK: 0.95,
    LinkBasis.RESULT: 0.95,
    LinkBasis.STARTER: 0.9,
    LinkBasis.DERIVED: 0.85,
    LinkBasis.TEXT: 0.8,
    LinkBasis.SIMILAR: 0.0,  # as alike as they are
}
FIRM = 0.8  # from here a trial is not said to be without a publication
PROPOSED = 0.5  # from here people are asked
_MANY = 3  # numbers in one report: it speaks of several trials
_PASSING_MENTION = 0.5  # a review, or a report of several trials, names this one among others
_FURTHER_GROUND = 0.02
_HIGHEST_ALIKE = 0.75  # likeness is never firm
_STOP = frozenset(
    "a an and as at by for from in into is of on or the to with versus vs via trial study clinical".split()  # noqa: SIM905
)
_WORD = re.compile(r"[a-z0-9]+")
_EARLIEST = 0  # days between the start and a report of results


@dataclass(frozen=True, slots=True)
class Subject:
    """What two sides are compared by."""

    title: str
    people: frozenset[str] = frozenset()  # folded family names, or words of a sponsor's name
    starts: date | None = None  # of a registration: its start; of a report: its publication


def score(bases: Collection[str], *, n_named: int = 1, is_review: bool = False, alike: float = 0.0) -> float:
    """0 to 1. `n_named` is how many registrations the report names, `alike` what `likeness` says."""
    if not bases:
        return 0.0
    each = [_of_ground(LinkBasis(basis), n_named, is_review, alike) for basis in bases]
    return round(min(max(each) + _FURTHER_GROUND * (len(each) - 1), 0.99 if LinkBasis.PERSON not in bases else 1.0), 2)


def is_firm(value: float) -> bool:
    """Whether a link of this score counts before a person has confirmed it."""
    return value >= FIRM


def likeness(registration: Subject, report: Subject) -> float:
    """How alike title, people and dates are, 0 to 0.75; 0 for a report older than the trial's start."""
    if registration.starts and report.starts and (report.starts - registration.starts).days < _EARLIEST:
        return 0.0
    ours, theirs = words(registration.title), words(report.title)
    shared = ours & theirs
    if len(shared) < 3:
        return 0.0
    titles = 2 * len(shared) / (len(ours) + len(theirs))
    people = 0.15 if registration.people & report.people else 0.0
    dates = 0.05 if registration.starts and report.starts else 0.0
    return round(min(titles * 0.7 + people + dates, _HIGHEST_ALIKE), 2)


def words(text: str) -> frozenset[str]:
    """The words of a title that tell it from another, folded."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return frozenset(w[:-1] if len(w) > 4 and w.endswith("s") else w for w in _WORD.findall(folded)) - _STOP


def _of_ground(basis: LinkBasis, n_named: int, is_review: bool, alike: float) -> float:
    if basis == LinkBasis.SIMILAR:
        return alike
    sure = _SURE.get(basis, 0.0)
    if basis in (LinkBasis.TEXT, LinkBasis.DATABANK) and (is_review or n_named > _MANY):
        return _PASSING_MENTION
    if basis == LinkBasis.TEXT and n_named > 1:
        return 0.6
    return sure
