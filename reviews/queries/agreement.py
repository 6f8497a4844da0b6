"""Agreement between reviewers: first independent decisions, before anything was settled, per stage and pair."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from django.db.models import F, Q

from reviews.models import Review, ScreeningDecision
from reviews.queries.blinding import REVEALED
from reviews.rules.agreement import Agreement, ManyRaters, fleiss, tabulated, two_raters
from reviews.terms import Decision, Stage
from studies.models import User

_TWO, _THREE = (Decision.INCLUDE, Decision.EXCLUDE), (Decision.INCLUDE, Decision.MAYBE, Decision.EXCLUDE)


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two reviewers at one stage; `three` is their table with maybe apart, if either ever said maybe."""

    first: User
    second: User
    two: Agreement
    three: Agreement | None


@dataclass(frozen=True, slots=True)
class StageAgreement:
    """All pairs of one stage; `many` is Fleiss' kappa where more than two reviewers took part."""

    stage: Stage
    pairs: tuple[PairAgreement, ...]
    many: ManyRaters | None
    n_reviewers: int


def agreement(review: Review, *, is_pilot: bool = False, is_final: bool = False) -> list[StageAgreement]:
    """Both stages. `is_final` takes each person's last word, not the first; `is_pilot` the pilot's sample alone."""
    return [_stage(review, stage, is_pilot, is_final) for stage in Stage]


def _stage(review: Review, stage: Stage, is_pilot: bool, is_final: bool) -> StageAgreement:
    words: dict[int, dict[int, str]] = defaultdict(dict)
    for candidate, reviewer, decision in _rows(review, stage, is_pilot, is_final):
        words[candidate][reviewer] = decision
    by_pair: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    for said in words.values():
        for first, second in combinations(sorted(said), 2):
            by_pair[first, second].append((said[first], said[second]))
    people = User.objects.in_bulk({pk for pair in by_pair for pk in pair})
    pairs = (_pair(people[first], people[second], both) for (first, second), both in by_pair.items())
    return StageAgreement(
        stage=stage,
        pairs=tuple(sorted(pairs, key=lambda pair: -pair.two.n)),
        many=_many(words.values()) if len(people) > 2 else None,
        n_reviewers=len(people),
    )


def _rows(review: Review, stage: Stage, is_pilot: bool, is_final: bool) -> Iterable[tuple[int, int, str]]:
    """One word a person and candidate, of the first round at the stage: what was said once more knew what it was about.

    Only of candidates whose decisions are open: a table of one would tell a reviewer what the other said.
    """
    found = ScreeningDecision.objects.independent().of_first_round()
    found = found.filter(candidate__review=review, stage=stage)
    found = found.filter(REVEALED | Q(candidate__round__gt=F("round")))
    found = found.standing() if is_final else found.filter(supersedes=None)
    if is_pilot:
        name = "is_full_text_pilot" if stage == Stage.FULL_TEXT else "is_pilot"
        found = found.filter(**{f"candidate__{name}": True})
    return found.exclude(decision=Decision.WITHDRAWN).values_list("candidate", "reviewer", "decision")


def _pair(first: User, second: User, said: Sequence[tuple[str, str]]) -> PairAgreement:
    merged = [(_advancing(one), _advancing(other)) for one, other in said]
    has_maybe = any(Decision.MAYBE in pair for pair in said)
    return PairAgreement(
        first=first,
        second=second,
        two=two_raters(tabulated(merged, _TWO)),
        three=two_raters(tabulated(said, _THREE)) if has_maybe else None,
    )


def _advancing(decision: str) -> str:
    """A maybe lets a report go on, as an include does."""
    return Decision.EXCLUDE if decision == Decision.EXCLUDE else Decision.INCLUDE


def _many(words: Iterable[dict[int, str]]) -> ManyRaters | None:
    """Over the reports that as many reviewers judged as most reports have; others would need another formula."""
    sizes = Counter(len(said) for said in words if len(said) > 1)
    if not sizes:
        return None
    usual = max(sizes, key=lambda size: (sizes[size], size))
    rows = []
    for said in words:
        if len(said) == usual:
            count = Counter(map(_advancing, said.values()))
            rows.append([count[word] for word in _TWO])
    return fleiss(rows)
