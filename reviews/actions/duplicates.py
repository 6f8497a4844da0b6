"""Duplicates: look for them, merge two candidates into one, take a merge back, answer a proposed pair."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from reviews.actions import dealing, log
from reviews.models import Candidate, DuplicateLink, PairProposal, Review
from reviews.queries import duplicates as queries
from reviews.rules.blocking import pairs_of
from reviews.rules.duplicates import Judgement, Likeness, judge
from reviews.terms import DuplicateMethod, PairAnswer, PairKind
from studies.actions import grouping
from studies.models import User

_BATCH = 2000


class Refused(Exception):
    """The merge is not made; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look for duplicates came to."""

    n_reports: int
    n_merged: int
    n_proposed: int


def look(review: Review, *, everything: bool = False) -> Looked:
    """Merge certain pairs and propose doubtful ones among the reports that joined since the last look.

    A pair that a person has answered, or whose merge was taken back, is never touched again. Harmless when run twice.
    """
    candidates = queries.comparable(review)
    new = [i for i, one in enumerate(candidates) if everything or not one.is_compared]
    if not new:
        return Looked(0, 0, 0)
    shapes = [one.shape for one in candidates]
    # Judging takes its time: outside the transaction.
    found = [(i, j, judge(shapes[i], shapes[j])) for i, j in pairs_of(shapes, new=new)]
    with transaction.atomic():
        Review.objects.select_for_update().get(pk=review.pk)
        n_merged, n_proposed = _take_over(review, [one.id for one in candidates], found)
        compared = [candidates[i].id for i in new]
        Candidate.objects.filter(pk__in=compared).update(compared_at=timezone.now())
        if n_merged or n_proposed:
            log.record("looked for duplicates", review, review=review, by=None, merged=n_merged, proposed=n_proposed)
            dealing.deal(review)
    return Looked(len(new), n_merged, n_proposed)


def _take_over(review: Review, ids: Sequence[int], found: Iterable[tuple[int, int, Judgement]]) -> tuple[int, int]:
    answered = queries.settled_pairs(review)
    decided = queries.with_decisions(review)
    n_merged, proposals = 0, []
    for i, j, judgement in sorted(found, key=lambda pair: -pair[2].score):
        pair = ids[i], ids[j]
        if judgement.likeness == Likeness.NONE or pair in answered:
            continue
        if judgement.likeness == Likeness.CERTAIN:
            first, second = (Candidate.objects.get(pk=pk) for pk in pair)
            if first.duplicate_of_id or second.duplicate_of_id:
                first, second = root_of(first), root_of(second)
                if first.pk == second.pk:
                    continue
            if not (first.pk in decided and second.pk in decided):
                kept, dropped = _ordered(first, second, decided)
                _link(kept, dropped, method=_method(judgement), score=judgement.score, by=None)
                n_merged += 1
                continue
        proposals.append(_proposal(review, pair, judgement))
    made = PairProposal.objects.bulk_create(proposals, ignore_conflicts=True, batch_size=_BATCH)
    return n_merged, len(made)


def _method(judgement: Judgement) -> str:
    is_by_id = any("PMID" in words or "DOI" in words for words in judgement.why)
    return DuplicateMethod.IDENTIFIER if is_by_id else DuplicateMethod.SIMILARITY


def _proposal(review: Review, pair: tuple[int, int], judgement: Judgement) -> PairProposal:
    why = list(judgement.why)
    if judgement.likeness == Likeness.CERTAIN:
        why.append("both have decisions")
    kind = PairKind.STUDY if judgement.likeness == Likeness.STUDY else PairKind.DUPLICATE
    return PairProposal(
        review=review, first_id=min(pair), second_id=max(pair), kind=kind, score=judgement.score, why=why
    )


def _ordered(first: Candidate, second: Candidate, decided: set[int]) -> tuple[Candidate, Candidate]:
    """Which stays: what was decided about, else what has an abstract, a PMID, the lower number."""

    def worth(candidate: Candidate) -> tuple[bool, bool, bool, int]:
        report = candidate.report
        return candidate.pk in decided, bool(report.abstract), bool(report.pmid), -candidate.pk

    kept, dropped = sorted((first, second), key=worth, reverse=True)
    return kept, dropped


def root_of(candidate: Candidate) -> Candidate:
    """The candidate it was merged into, however many merges that took."""
    while candidate.duplicate_of_id:
        candidate = candidate.duplicate_of
    return candidate


def _link(kept: Candidate, dropped: Candidate, *, method: str, score: float | None, by: User | None) -> DuplicateLink:
    """Both keep their decisions; only the kept one's count, and the dropped one stands as it stood."""
    link = DuplicateLink.objects.create(
        kept=kept,
        dropped=dropped,
        method=method,
        score=score,
        by=by,
        restored={"stage": dropped.stage, "verdict": dropped.verdict, "round": dropped.round},
    )
    dropped.duplicate_of, dropped.held_by, dropped.held_until = kept, None, None
    dropped.save(update_fields=["duplicate_of", "held_by", "held_until"])
    log.record("merged", kept, review=kept.review_id, by=by, dropped=dropped.pk, link=link.pk, method=str(method))
    return link


@transaction.atomic
def merge(kept: Candidate, dropped: Candidate, *, by: User) -> DuplicateLink:
    """A person's word that two candidates are one report, and whose decisions count. Raises Refused."""
    found = Candidate.objects.select_for_update(of=("self",)).in_bulk(sorted((kept.pk, dropped.pk)))
    kept, dropped = found[kept.pk], found[dropped.pk]
    if kept.pk == dropped.pk or kept.review_id != dropped.review_id:
        raise Refused("Only two different reports of one review can be merged.")
    if kept.duplicate_of_id or dropped.duplicate_of_id:
        raise Refused("One of them has been merged already.")
    link = _link(kept, dropped, method=DuplicateMethod.PERSON, score=None, by=by)
    _settle(kept, dropped, PairAnswer.MERGED, by)
    dealing.deal(kept.review, by=by)
    return link


@transaction.atomic
def unmerge(link: DuplicateLink, *, by: User, why: str = "") -> DuplicateLink:
    """Take a merge back: the dropped one stands again as it stood. It is not merged by a rule again."""
    link = DuplicateLink.objects.select_for_update(of=("self",)).select_related("kept", "dropped").get(pk=link.pk)
    if link.undone_at:
        return link
    link.undone_at, link.undone_by = timezone.now(), by
    link.save(update_fields=["undone_at", "undone_by"])
    Candidate.objects.filter(pk=link.dropped_id).update(duplicate_of=None)
    review = link.kept.review
    _settle(link.kept, link.dropped, PairAnswer.APART, by)
    log.record("took merge back", link.kept, review=review, by=by, dropped=link.dropped_id, link=link.pk, why=why)
    dealing.deal(review, by=by)
    return link


@transaction.atomic
def group_as_study(proposal: PairProposal, *, by: User) -> PairProposal:
    """Two reports of one study: grouped in the catalogue, and every decision stays where it is. Raises Refused."""
    proposal = PairProposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
    first, second = proposal.first.report.study, proposal.second.report.study
    if first.pk != second.pk:
        try:
            grouping.group(first, second, by=by, why=f"Two reports of one study, by review {proposal.review}")
        except grouping.NotPossible as error:
            raise Refused(str(error)) from None
    _answer(proposal, PairAnswer.GROUPED, by)
    log.record("grouped as one study", proposal.first, review=proposal.review_id, by=by, other=proposal.second_id)
    return proposal


@transaction.atomic
def keep_apart(proposal: PairProposal, *, by: User) -> PairProposal:
    """They are different: do not ask again."""
    proposal = PairProposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
    if proposal.answer == PairAnswer.NONE:
        _answer(proposal, PairAnswer.APART, by)
        log.record("kept apart", proposal.first, review=proposal.review_id, by=by, other=proposal.second_id)
    return proposal


def _settle(one: Candidate, other: Candidate, answer: str, by: User) -> None:
    """The pair as answered, whether or not it was ever proposed."""
    pair = {"first_id": min(one.pk, other.pk), "second_id": max(one.pk, other.pk)}
    proposal, _ = PairProposal.objects.get_or_create(
        **pair, defaults={"review_id": one.review_id, "kind": PairKind.DUPLICATE}
    )
    _answer(proposal, answer, by)


def _answer(proposal: PairProposal, answer: str, by: User) -> None:
    proposal.answer, proposal.answered_by, proposal.answered_at = answer, by, timezone.now()
    proposal.save(update_fields=["answer", "answered_by", "answered_at"])


def look_everywhere() -> None:
    """For every review with reports that were not compared yet: the sweep's call."""
    waiting = Candidate.objects.filter(compared_at=None, duplicate_of=None).values("review")
    for review in Review.objects.filter(pk__in=waiting):
        look(review)
