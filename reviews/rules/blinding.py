"""Who sees whose decision: the one place that says so."""

from reviews.rules.screening import DECIDED, ORDER


def is_revealed(stage: str, candidate_stage: str, verdict: str) -> bool:
    """Whether what was said at `stage`, and the score by which reports are ordered, may be seen by others.

    True once everybody who had to decide at that stage has; a candidate that went on has been decided there, and one
    that was sent back is blind again.
    """
    if ORDER[stage] < ORDER[candidate_stage]:
        return True
    return stage == candidate_stage and verdict in DECIDED


def may_change(*, n_deciders: int, has_gone_on: bool) -> bool:
    """A mind is changed while blind: before anybody else decided, and before the full text was touched.

    `n_deciders` counts the people with a standing word, the one who asks among them; where more are needed than
    have decided, the candidate is not revealed and the caller does not ask.
    """
    return n_deciders <= 1 and not has_gone_on
