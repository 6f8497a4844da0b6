"""Looking for duplicates among the reports of a review: certain pairs are merged, doubtful ones proposed."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from reviews.actions import dealing, log
from reviews.actions.duplicates import MARKED, link_of, root_of
from reviews.models import Candidate, DuplicateLink, PairProposal, Review
from reviews.models.candidates import NAMED_BY
from reviews.queries import duplicates as queries
from reviews.rules.blocking import pairs_of
from reviews.rules.duplicates import Judgement, Likeness, judge
from reviews.terms import DuplicateMethod, PairKind

_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look for duplicates came to."""

    n_reports: int
    n_merged: int
    n_proposed: int


def look_everywhere() -> None:
    """For every review with reports that were not compared yet: the sweep's call."""
    waiting = Candidate.objects.filter(compared_at=None, duplicate_of=None).values("review")
    for review in Review.objects.filter(pk__in=waiting):
        look(review)


def look(review: Review, *, everything: bool = False) -> Looked:
    """Merge certain pairs and propose doubtful ones among the reports that joined since the last look.

    A pair that a person has answered, or whose merge was taken back, is never touched again. Harmless when run twice.
    """
    candidates = queries.comparable(review)
    new = [i for i, one in enumerate(candidates) if everything or not one.is_compared]
    if not new:
        return Looked(0, 0, 0)
    shapes, ids = [one.shape for one in candidates], [one.id for one in candidates]
    # Judging takes its time: outside the transaction.
    judged = [(ids[i], ids[j], judge(shapes[i], shapes[j])) for i, j in pairs_of(shapes, new=new)]
    found = [pair for pair in judged if pair[2].likeness != Likeness.NONE]
    with transaction.atomic():
        Review.objects.select_for_update().get(pk=review.pk)
        n_merged, n_proposed = _Looking(review).take_over(sorted(found, key=lambda pair: -pair[2].score))
        Candidate.objects.filter(pk__in=[ids[i] for i in new]).update(compared_at=timezone.now())
        if n_merged or n_proposed:
            log.record("looked for duplicates", review, review=review, by=None, merged=n_merged, proposed=n_proposed)
            dealing.deal(review)
    return Looked(len(new), n_merged, n_proposed)


class _Looking:
    """One look's pairs on their way into the review; the number of statements does not depend on theirs."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self.answered = queries.settled_pairs(review)
        self.decided: set[int] = set()
        self.links: list[DuplicateLink] = []
        self.candidates: dict[int, Candidate] = {}

    def take_over(self, found: Sequence[tuple[int, int, Judgement]]) -> tuple[int, int]:
        certain = {pk for first, second, how in found if how.likeness == Likeness.CERTAIN for pk in (first, second)}
        # Whoever decides locks the candidate: only behind these locks is it known which have decisions.
        list(Candidate.objects.select_for_update().filter(pk__in=certain).order_by("pk").values_list("pk"))
        self.decided = queries.with_decisions(self.review)
        ids = {pk for first, second, _ in found for pk in (first, second)}
        standing = Candidate.objects.filter(duplicate_of=None)
        self.candidates = standing.reading(*NAMED_BY, "report__abstract").in_bulk(ids)
        doubtful = [pair for pair in found if not (pair[2].likeness == Likeness.CERTAIN and self._merge(*pair))]
        self._write()
        # Only now is known which candidates stand: a pair of dropped ones is a pair of those they went into.
        proposals = [proposal for pair in doubtful if (proposal := self._proposal(*pair))]
        n_before = PairProposal.objects.filter(review=self.review).count()
        PairProposal.objects.bulk_create(proposals, ignore_conflicts=True, batch_size=_BATCH)
        return len(self.links), PairProposal.objects.filter(review=self.review).count() - n_before

    def _roots(self, first: int, second: int) -> tuple[Candidate, Candidate] | None:
        """The two as they stand, unless one was merged meanwhile, they are one already, or people have answered."""
        if first not in self.candidates or second not in self.candidates or (first, second) in self.answered:
            return None
        one, other = sorted((root_of(self.candidates[pk]) for pk in (first, second)), key=lambda root: root.pk)
        return None if one.pk == other.pk or (one.pk, other.pk) in self.answered else (one, other)

    def _merge(self, first: int, second: int, judgement: Judgement) -> bool:
        """Whether the pair is settled; two that people have decided about wait for a person."""
        roots = self._roots(first, second)
        if roots is None:
            return True
        if all(root.pk in self.decided for root in roots):
            return False
        kept, dropped = sorted(roots, key=self._worth, reverse=True)
        self.links.append(link_of(kept, dropped, method=_method(judgement), score=judgement.score, by=None))
        return True

    def _worth(self, candidate: Candidate) -> tuple[bool, bool, bool, int]:
        """Which stays: what was decided about, else what has an abstract, a PMID, the lower number."""
        report = candidate.report
        return candidate.pk in self.decided, bool(report.abstract), bool(report.pmid), -candidate.pk

    def _write(self) -> None:
        DuplicateLink.objects.bulk_create(self.links, batch_size=_BATCH)
        Candidate.objects.bulk_update([link.dropped for link in self.links], MARKED, batch_size=_BATCH)
        merged = ((link.kept, _detail(link)) for link in self.links)
        log.record_all("merged", merged, review=self.review.pk, by=None)

    def _proposal(self, first: int, second: int, judgement: Judgement) -> PairProposal | None:
        roots = self._roots(first, second)
        if roots is None:
            return None
        is_certain = judgement.likeness == Likeness.CERTAIN
        return PairProposal(
            review=self.review,
            first=roots[0],
            second=roots[1],
            kind=PairKind.STUDY if judgement.likeness == Likeness.STUDY else PairKind.DUPLICATE,
            score=judgement.score,
            why=[*judgement.why, *(["both have decisions"] if is_certain else [])],
        )


def _method(judgement: Judgement) -> str:
    is_by_id = any("PMID" in words or "DOI" in words for words in judgement.why)
    return DuplicateMethod.IDENTIFIER if is_by_id else DuplicateMethod.SIMILARITY


def _detail(link: DuplicateLink) -> dict:
    return {"dropped": link.dropped_id, "link": link.pk, "method": str(link.method)}
