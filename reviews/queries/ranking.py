"""What a ranking learns from, and how far screening has come: counts of settled reports, nobody's single word."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate

from django.db.models import Max

from reviews.models import Candidate, Ranking, Review, ScreeningDecision
from reviews.rules.screening import OPEN
from reviews.statistics import plots
from reviews.statistics.remaining import Remaining, random_sample, remaining
from reviews.terms import CardOrder, Decision, DecisionKind, Stage, Verdict


def labels(review: Review) -> tuple[dict[int, bool], int]:
    """Which candidates are relevant by the standing words at title and abstract, and how many words there are.

    Whoever settled a conflict has the last word; else one include or maybe is enough, for a maybe goes on.
    """
    said: dict[int, list[tuple[bool, bool]]] = defaultdict(list)
    found = _standing(review).values_list("candidate", "decision", "kind")
    for candidate, decision, kind in found:
        said[candidate].append((kind != DecisionKind.INDEPENDENT, decision != Decision.EXCLUDE))
    known = {}
    for candidate, words in said.items():
        settled = [is_relevant for is_settled, is_relevant in words if is_settled]
        known[candidate] = settled[-1] if settled else any(is_relevant for _, is_relevant in words)
    return known, n_decisions(review)


def _standing(review: Review):
    found = ScreeningDecision.objects.counting().filter(stage=Stage.TITLE_ABSTRACT)
    return found.filter(candidate__review=review, candidate__duplicate_of=None).order_by("pk")


def n_decisions(review: Review) -> int:
    """Every word at title and abstract, changes included: what grows whenever there is more to learn."""
    return ScreeningDecision.objects.filter(candidate__review=review, stage=Stage.TITLE_ABSTRACT).count()


def texts(review: Review) -> dict[int, tuple[str, str]]:
    """Title and abstract of every candidate that is not merged, by its id."""
    rows = Candidate.objects.filter(review=review).distinct_reports().order_by("pk")
    found = rows.values_list("pk", "report__title", "report__abstract").iterator(chunk_size=2000)
    return {pk: (title, " ".join(part.get("text", "") for part in abstract)) for pk, title, abstract in found}


def has_unscored(review: Review) -> bool:
    rows = Candidate.objects.filter(review=review, stage=Stage.TITLE_ABSTRACT, verdict__in=OPEN, rank=None)
    return rows.distinct_reports().exists()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far title and abstract screening has come. Conflicts are neither found nor screened until settled."""

    n_all: int
    n_screened: int
    n_found: int
    n_in_work: int
    estimate: Remaining
    plot: plots.Progress
    ranking: Ranking | None

    @property
    def share_screened(self) -> float | None:
        return self.n_screened / self.n_all if self.n_all else None


def progress(review: Review) -> Progress:
    """Three queries, however many reports."""
    last_word = dict(
        ScreeningDecision.objects.filter(candidate__review=review, stage=Stage.TITLE_ABSTRACT)
        .values("candidate")
        .annotate(last=Max("pk"))
        .values_list("candidate", "last")
    )
    by_chance = set(
        _standing(review)
        .filter(kind=DecisionKind.INDEPENDENT, order_shown=CardOrder.RANDOM)
        .values_list("candidate", flat=True)
    )
    rows = Candidate.objects.filter(review=review).distinct_reports().order_by("shuffle", "pk")
    standing = [(pk, _settled(stage, verdict)) for pk, stage, verdict in rows.values_list("pk", "stage", "verdict")]
    screened = sorted((last_word.get(pk, 0), found) for pk, found in standing if found is not None)
    curve = list(accumulate(int(found) for _, found in screened))
    n_sample = random_sample([found is not None for _, found in standing], [pk in by_chance for pk, _ in standing])
    estimate = remaining(
        n_all=len(standing),
        n_found=curve[-1] if curve else 0,
        n_sample=n_sample,
        n_relevant=sum(bool(found) for _, found in standing[:n_sample]),
        n_unread=len(standing) - len(screened),
    )
    return Progress(
        n_all=len(standing),
        n_screened=len(screened),
        n_found=estimate.n_found,
        n_in_work=len(standing) - len(screened),
        estimate=estimate,
        plot=plots.progress(curve, estimate),
        ranking=Ranking.objects.filter(review=review).first(),
    )


def _settled(stage: str, verdict: str) -> bool | None:
    """Whether the report passed title and abstract; None while it is undecided there."""
    if stage != Stage.TITLE_ABSTRACT:
        return True
    return {Verdict.EXCLUDED: False, Verdict.INCLUDED: True}.get(verdict)
