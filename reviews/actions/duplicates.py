"""Duplicates as people settle them: merge two candidates into one, take a merge back, answer a proposed pair."""

from django.db import transaction
from django.utils import timezone

from reviews.actions import dealing, log, verdicts
from reviews.models import Candidate, DuplicateLink, PairProposal, Review, ReviewStage
from reviews.terms import DuplicateMethod, PairAnswer, PairKind, Verdict
from studies.actions import grouping
from studies.models import User

# What a merge writes on the candidate that is dropped.
MARKED = ["duplicate_of", "held_by", "held_until"]


class Refused(Exception):
    """The merge is not made; the message is one sentence for people."""


def root_of(candidate: Candidate) -> Candidate:
    """The candidate it was merged into, however many merges that took."""
    while candidate.duplicate_of_id:
        candidate = candidate.duplicate_of
    return candidate


def link_of(kept: Candidate, dropped: Candidate, *, method: str, score: float | None, by: User | None) -> DuplicateLink:
    """The row of a merge, unsaved; the dropped candidate is marked. Both keep their decisions, the kept one's count."""
    link = DuplicateLink(kept=kept, dropped=dropped, method=method, score=score, by=by)
    dropped.duplicate_of, dropped.held_by, dropped.held_until = kept, None, None
    return link


@transaction.atomic
def merge(kept: Candidate, dropped: Candidate, *, by: User) -> DuplicateLink:
    """A person's word that two candidates are one report, and whose decisions count. Raises Refused."""
    # In this order, as a look for duplicates does: the review, then its candidates.
    Review.objects.select_for_update().get(pk=kept.review_id)
    found = Candidate.objects.select_for_update(of=("self",)).in_bulk(sorted((kept.pk, dropped.pk)))
    kept, dropped = found[kept.pk], found[dropped.pk]
    if kept.pk == dropped.pk or kept.review_id != dropped.review_id:
        raise Refused("Only two different reports of one review can be merged.")
    if kept.duplicate_of_id or dropped.duplicate_of_id:
        raise Refused("One of them has been merged already.")
    link = link_of(kept, dropped, method=DuplicateMethod.PERSON, score=None, by=by)
    link.save()
    dropped.save(update_fields=MARKED)
    log.record("merged", kept, review=kept.review_id, by=by, dropped=dropped.pk, link=link.pk, method=link.method)
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
    review = Review.objects.select_for_update().get(pk=link.kept.review_id)
    dropped = Candidate.objects.select_for_update().get(pk=link.dropped_id)
    dropped.duplicate_of = None
    dropped.save(update_fields=["duplicate_of"])
    if dropped.verdict == Verdict.SCREENED_ONCE:
        # While it was merged the stage may have come to ask for fewer decisions.
        stage = ReviewStage.objects.get(review=review, stage=dropped.stage)
        verdicts.settle(dropped, stage.stage, verdicts.needed_at(stage), verdicts.words_of(dropped, stage.stage))
    _settle(link.kept, link.dropped, PairAnswer.APART, by)
    log.record("took merge back", link.kept, review=review, by=by, dropped=link.dropped_id, link=link.pk, why=why)
    dealing.deal(review, by=by)
    return link


@transaction.atomic
def group_as_study(proposal: PairProposal, *, by: User) -> PairProposal:
    """Two reports of one study: grouped in the catalogue, and every decision stays where it is. Raises Refused."""
    proposal = PairProposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
    if proposal.answer == PairAnswer.GROUPED:
        return proposal
    if proposal.answer != PairAnswer.NONE:
        raise Refused(f"This pair has been answered already: {proposal.get_answer_display().lower()}.")
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
