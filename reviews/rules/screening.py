"""From decisions to a verdict: how many are needed, when they conflict, what a settlement makes of them."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from reviews.terms import Classification, Decision, DecisionKind, ScreeningMode, Stage, Verdict

ORDER = {stage: place for place, stage in enumerate(Stage)}
OPEN = (Verdict.NOT_SCREENED, Verdict.SCREENED_ONCE)
DECIDED = (Verdict.CONFLICT, Verdict.INCLUDED, Verdict.EXCLUDED)
# A maybe is not a no: the report goes on, and the full text answers.
_ADVANCES = {Decision.INCLUDE, Decision.MAYBE}


@dataclass(frozen=True, slots=True)
class Word:
    """One standing decision; `reason` is the key of its primary reason, the same in every version of the criteria."""

    reviewer: int
    decision: str
    reason: UUID | None = None
    kind: str = DecisionKind.INDEPENDENT
    is_expert: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """How many people have to decide, and whether one of them has to be an expert."""

    n: int
    expert: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the words come to; `reason` is the agreed primary reason of an exclusion, if they agree on one."""

    verdict: Verdict
    reason: UUID | None = None
    classification: Classification = Classification.NONE


def need(mode: str, n_pilot_reviewers: int = 2) -> Need:
    match ScreeningMode(mode):
        case ScreeningMode.SINGLE:
            return Need(1)
        case ScreeningMode.DOUBLE:
            return Need(2)
        case ScreeningMode.EXPERT:
            return Need(2, expert=True)
    return Need(max(2, n_pilot_reviewers))


def outcome(words: Sequence[Word], stage: str, needed: Need) -> Outcome:
    """What one candidate's standing words of one stage and round come to.

    A settlement by a third person or by consensus outweighs the words it settles. Until enough people have decided
    nothing is decided, whatever those who did may have said.
    """
    settled = [word for word in words if word.kind != DecisionKind.INDEPENDENT]
    if settled:
        return _agreed(settled, stage)
    if not words:
        return Outcome(Verdict.NOT_SCREENED)
    if len(words) < needed.n or (needed.expert and not any(word.is_expert for word in words)):
        return Outcome(Verdict.SCREENED_ONCE)
    return Outcome(Verdict.CONFLICT) if _disagree(words, stage) else _agreed(words, stage)


def _disagree(words: Sequence[Word], stage: str) -> bool:
    """Different decisions; at full text also exclusions for different primary reasons: one reason is counted."""
    if len({word.decision in _ADVANCES for word in words}) > 1:
        return True
    excluded = words[0].decision == Decision.EXCLUDE
    return stage == Stage.FULL_TEXT and excluded and len({word.reason for word in words}) > 1


def _agreed(words: Sequence[Word], stage: str) -> Outcome:
    is_full_text = stage == Stage.FULL_TEXT
    if words[0].decision == Decision.EXCLUDE:
        reasons = {word.reason for word in words}
        reason = reasons.pop() if len(reasons) == 1 else None
        return Outcome(Verdict.EXCLUDED, reason, Classification.EXCLUDED if is_full_text else Classification.NONE)
    if not is_full_text:
        return Outcome(Verdict.INCLUDED)
    is_unsure = any(word.decision == Decision.MAYBE for word in words)
    return Outcome(Verdict.INCLUDED, None, Classification.AWAITING if is_unsure else Classification.INCLUDED)


def is_wanted(words: Sequence[Word], needed: Need, *, reviewer: int, is_expert: bool) -> bool:
    """Whether one more word, by this person, is still asked for."""
    if any(word.reviewer == reviewer for word in words):
        return False
    left = needed.n - len(words)
    if needed.expert and not is_expert and not any(word.is_expert for word in words):
        return left > 1  # the last place is the expert's
    return left > 0 or (needed.expert and is_expert and not any(word.is_expert for word in words))


def may_settle(words: Sequence[Word], *, reviewer: int) -> bool:
    """A conflict is settled by a third person, never by one of those who made it."""
    return all(word.reviewer != reviewer for word in words)


def may_agree(words: Sequence[Word], *, reviewer: int, may_adjudicate: bool) -> bool:
    """What the reviewers agreed on is recorded by one of them, or by whoever settles conflicts in this review."""
    return may_adjudicate or any(word.reviewer == reviewer for word in words)


def place_by_chance(review: int, report: int) -> int:
    """A place in a random order that stays the same for ever: no row has to remember the dice."""
    return zlib.crc32(f"{review}:{report}".encode()) - 2**31
