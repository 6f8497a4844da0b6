"""Screening: take a card, decide, change one's mind, settle a conflict, look again."""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from reviews.actions import catalogue, dealing, log, verdicts
from reviews.actions.verdicts import as_words, needed_at, settle, words_of
from reviews.models import Candidate, CriteriaVersion, Criterion, Review, ReviewStage, ScreeningDecision
from reviews.queries import screening as queries
from reviews.queries.card import with_text
from reviews.rules import blinding
from reviews.rules import screening as rules
from reviews.terms import CardOrder, Classification, Decision, DecisionKind, Retrieval, Stage, Verdict
from studies.models import User

MOST_SECONDS = 3600  # a card left open over lunch says nothing about its difficulty


class Refused(Exception):
    """The decision is not taken; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one person says about one card."""

    decision: str
    reason: Criterion | None = None
    also: tuple[int, ...] = field(default_factory=tuple)  # ids of secondary reasons
    note: str = ""
    seconds: int = 0


@transaction.atomic
def take_next(
    review: Review, stage: ReviewStage, *, by: User, is_expert: bool, besides: Collection[int] = ()
) -> Candidate | None:
    """Hold the next card for this person, and read what it shows; `besides` are the cards they have open already."""
    if stage.is_closed:
        return None
    order = _order(review)
    waiting = queries.next_for(review, stage, user=by, is_expert=is_expert, order=order, besides=besides)
    # Another reviewer who takes a card in this very moment gets the next but one.
    candidate = with_text(waiting).select_for_update(skip_locked=True, of=("self",)).first()
    dealing.hold(review, by, candidate, order=order, besides=besides)
    return candidate


def _order(review: Review) -> str:
    """By relevance, but for the share that keeps the estimate of what remains honest."""
    is_by_chance = secrets.randbelow(100) < review.random_share
    return CardOrder.RANDOM if not review.is_ranked or is_by_chance else review.card_order


def _hold(candidate: Candidate, user: User, order: str) -> Candidate:
    candidate.held_by, candidate.held_until, candidate.held_order = user, timezone.now() + dealing.HELD_FOR, order
    candidate.save(update_fields=["held_by", "held_until", "held_order"])
    return candidate


@transaction.atomic
def open_card(candidate: Candidate, *, by: User) -> Candidate:
    """Hold a card that was asked for by name, unless somebody else has it open."""
    candidate = Candidate.objects.select_for_update().get(pk=candidate.pk)
    if dealing.is_held_by_another(candidate, by):
        raise Refused("Somebody else has this report open: it is held for 15 minutes.")
    return _hold(candidate, by, candidate.held_order if candidate.held_by_id == by.pk else CardOrder.RANDOM)


@transaction.atomic
def decide(
    candidate: Candidate,
    *,
    by: User,
    stage: str,
    said: Said,
    is_expert: bool = False,
) -> Candidate:
    """One person's word, or their change of mind while nobody has answered it. Raises Refused."""
    rule = _open_stage(candidate, stage)
    # Both reviewers may answer in the same second: settle one at a time.
    candidate = _locked(candidate)
    decisions, mine = _words(candidate, stage, by)
    if mine and mine.decision != Decision.WITHDRAWN:
        _may_change(candidate, stage, decisions)
    elif candidate.stage != stage or not rules.is_wanted(
        as_words(decisions), needed_at(rule), reviewer=by.pk, is_expert=is_expert
    ):
        raise Refused("This report has all the decisions it needs at this stage.")
    if stage == Stage.FULL_TEXT and candidate.retrieval != Retrieval.RETRIEVED:
        raise Refused("The full text has not been retrieved: add a link or a PDF first.")
    row = _write(candidate, stage, said, by=by, is_expert=is_expert, supersedes=mine)
    decisions = [one for one in decisions if mine is None or one.pk != mine.pk] + [row]
    if candidate.held_by_id == by.pk:
        candidate.held_by = candidate.held_until = None
    settle(candidate, stage, needed_at(rule), decisions)
    verb = "changed decision" if mine else "screened"
    log.record(verb, candidate, review=candidate.review_id, by=by, decision=row.pk)
    return candidate


@transaction.atomic
def undo(candidate: Candidate, *, by: User, stage: str) -> Candidate:
    """Take one's word back while blind; the card is undecided by this person again. Raises Refused."""
    rule = _open_stage(candidate, stage)
    candidate = _locked(candidate)
    decisions, mine = _words(candidate, stage, by)
    if mine is None or mine.decision == Decision.WITHDRAWN:
        raise Refused("You have said nothing about this report that could be taken back.")
    _may_change(candidate, stage, decisions)
    row = _write(candidate, stage, Said(Decision.WITHDRAWN), by=by, is_expert=False, supersedes=mine)
    settle(candidate, stage, needed_at(rule), [one for one in decisions if one.pk != mine.pk])
    _hold(candidate, by, mine.order_shown)
    log.record("took decision back", candidate, review=candidate.review_id, by=by, decision=row.pk)
    return candidate


@transaction.atomic
def settle_conflict(
    candidate: Candidate, *, by: User, said: Said, is_consensus: bool, may_adjudicate: bool
) -> Candidate:
    """A third person's word, or what the reviewers agreed on together with the reason why. Raises Refused."""
    stage = candidate.stage
    rule = _open_stage(candidate, stage)
    candidate = _locked(candidate)
    if (candidate.stage, candidate.verdict) != (stage, Verdict.CONFLICT):
        raise Refused("This report is no conflict (any more).")
    decisions = words_of(candidate, stage)
    words = as_words(decisions)
    if not is_consensus and not may_adjudicate:
        raise Refused("Only an adjudicator or a lead settles a conflict alone.")
    if not is_consensus and not rules.may_settle(words, reviewer=by.pk):
        raise Refused("A conflict is settled by a third person: you are one of those who disagree.")
    if is_consensus and not rules.may_agree(words, reviewer=by.pk, may_adjudicate=may_adjudicate):
        raise Refused("Consensus is recorded by one of those who disagree, by an adjudicator or by a lead.")
    if is_consensus and not said.note:
        raise Refused("Say how you came to agree.")
    kind = DecisionKind.CONSENSUS if is_consensus else DecisionKind.ADJUDICATION
    row = _write(candidate, stage, said, by=by, is_expert=True, kind=kind)
    settle(candidate, stage, needed_at(rule), [*decisions, row])
    verb = "recorded consensus" if is_consensus else "settled conflict"
    log.record(verb, candidate, review=candidate.review_id, by=by, decision=row.pk)
    return candidate


@transaction.atomic
def reopen(review: Review, candidates: Iterable[int], *, by: User, stage: str, why: str) -> int:
    """Ask for these reports' decisions at a stage anew: old rows stay, a new round begins. Answers how many."""
    found = Candidate.objects.named().select_for_update(of=("self",))
    found = found.filter(review=review, pk__in=list(candidates), duplicate_of=None).order_by("pk")
    # What never came as far as that stage is left alone.
    found = [candidate for candidate in found if rules.ORDER[stage] <= rules.ORDER[candidate.stage]]
    before = [{"stage": candidate.stage, "verdict": candidate.verdict} for candidate in found]
    was_included = [verdicts.back_to(candidate, stage) for candidate in found]
    verdicts.write(found)
    details = [{"before": stood, "stage": stage, "why": why} for stood in before]
    log.record_all("reopened", zip(found, details, strict=True), review=review.pk, by=by)
    if any(was_included):
        catalogue.tell_included()
    return len(found)


@transaction.atomic
def classify(candidate: Candidate, *, by: User, classification: str, why: str = "") -> Candidate:
    """Say of a report that passed full text whether it is included, ongoing, or cannot be classified yet."""
    candidate = _locked(candidate)
    if candidate.stage != Stage.FULL_TEXT or candidate.verdict != Verdict.INCLUDED:
        raise Refused("Only a report that passed the full text is classified.")
    if classification in (Classification.NONE, Classification.EXCLUDED):
        raise Refused("To exclude it, look at its full text again.")
    before, candidate.classification = candidate.classification, classification
    candidate.save(update_fields=["classification"])
    log.record("classified", candidate, review=candidate.review_id, by=by, before=before, after=classification, why=why)
    return candidate


def _open_stage(candidate: Candidate, stage: str) -> ReviewStage:
    """How the stage is screened now, and until this decision is written: whoever changes that waits for the end of it.

    Taken before the candidate, as there: else each could wait for the other.
    """
    found = ReviewStage.objects.raw(
        f"SELECT * FROM {ReviewStage._meta.db_table} WHERE review_id = %s AND stage = %s FOR KEY SHARE",  # noqa: S608
        [candidate.review_id, stage],
    )
    rule: ReviewStage = found[0]
    if rule.is_closed:
        raise Refused("This stage is closed: a lead can open it again.")
    return rule


def _locked(candidate: Candidate) -> Candidate:
    """The candidate's own row, with what the log names its report by and the criteria that are in force."""
    newest = CriteriaVersion.objects.filter(review=OuterRef("review")).values("pk")[:1]
    found = Candidate.objects.named().select_for_update(of=("self",))
    found = found.annotate(criteria_in_force=Subquery(newest)).get(pk=candidate.pk, review=candidate.review_id)
    if found.duplicate_of_id:
        raise Refused("This report was merged into another one of the review: decide there.")
    return found


def _words(candidate: Candidate, stage: str, user: User) -> tuple[list[ScreeningDecision], ScreeningDecision | None]:
    """The standing words of the present round, and this person's own last one, which may be that they took it back."""
    found = ScreeningDecision.objects.filter(
        candidate=candidate, stage=stage, round=candidate.round, superseded_by=None
    ).select_related("primary_reason")
    read = ("reviewer", "kind", "decision", "is_expert", "order_shown", "primary_reason", "primary_reason__key")
    last = list(found.only(*read))
    own = (one for one in last if one.reviewer_id == user.pk and one.kind == DecisionKind.INDEPENDENT)
    return [one for one in last if one.decision != Decision.WITHDRAWN], next(own, None)


def _may_change(candidate: Candidate, stage: str, decisions: Collection[ScreeningDecision]) -> None:
    if not blinding.is_revealed(stage, candidate.stage, candidate.verdict):
        return
    is_touched = candidate.retrieval not in (Retrieval.SOUGHT, Retrieval.NOT_SOUGHT)
    has_gone_on = candidate.stage != stage and (is_touched or bool(words_of(candidate, candidate.stage)))
    is_settled = any(one.kind != DecisionKind.INDEPENDENT for one in decisions)
    if is_settled or not blinding.may_change(n_deciders=len(decisions), has_gone_on=has_gone_on):
        raise Refused("Everybody has decided, and the decisions are open: this one can no longer be changed.")


def _write(
    candidate: Candidate,
    stage: str,
    said: Said,
    *,
    by: User,
    is_expert: bool,
    kind: str = DecisionKind.INDEPENDENT,
    supersedes: ScreeningDecision | None = None,
) -> ScreeningDecision:
    excludes = said.decision == Decision.EXCLUDE
    if excludes and stage == Stage.FULL_TEXT and said.reason is None:
        raise Refused("Choose the one primary reason: a full text is not excluded without.")
    if said.reason and said.reason.version_id != candidate.criteria_in_force:
        raise Refused("The criteria have changed since this card was opened: choose the reason again.")
    is_dealt = candidate.held_by_id == by.pk and candidate.held_order
    return ScreeningDecision.objects.create(
        candidate=candidate,
        stage=stage,
        round=candidate.round,
        kind=kind,
        reviewer=by,
        is_expert=is_expert,
        decision=said.decision,
        primary_reason=said.reason if excludes else None,
        secondary_reasons=sorted(set(said.also) - {said.reason.pk if said.reason else 0}) if excludes else [],
        note=said.note,
        seconds_spent=min(max(0, said.seconds), MOST_SECONDS),
        criteria_version_id=candidate.criteria_in_force,
        order_shown=candidate.held_order if is_dealt else CardOrder.RANDOM,
        rank_shown=candidate.rank,
        supersedes=supersedes,
    )
