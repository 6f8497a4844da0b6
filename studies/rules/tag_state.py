"""What a study's statements about one term come to: the one place that decides which tags count."""

from collections.abc import Iterable

from studies.terms import TagOrigin, TagState, TagStatus

# A disputed tag counts nowhere until one of the two gives way: a map that counts it would take a side.
APPLIED = frozenset({TagState.ACCEPTED, TagState.STARTER})


def state_of(statements: Iterable[tuple[str, str]]) -> TagState:
    """The state after `statements`, pairs of origin and status; at least one.

    People stand above the starter data, and the starter data above the rules: a rule alone decides nothing.
    """
    said = set(statements)
    is_accepted = (TagOrigin.PERSON, TagStatus.ACCEPTED) in said
    is_rejected = (TagOrigin.PERSON, TagStatus.REJECTED) in said
    if is_accepted and is_rejected:
        return TagState.DISPUTED
    if is_accepted:
        return TagState.ACCEPTED
    if is_rejected:
        return TagState.REJECTED
    return TagState.STARTER if (TagOrigin.STARTER, TagStatus.ACCEPTED) in said else TagState.SUGGESTED


def answer_of(statements: Iterable[tuple[str, str]]) -> TagStatus:
    """What people have answered to a rule's suggestion; SUGGESTED while nobody has. `statements` as above."""
    answers = {
        TagState.ACCEPTED: TagStatus.ACCEPTED,
        TagState.REJECTED: TagStatus.REJECTED,
        TagState.DISPUTED: TagStatus.DISPUTED,
    }
    return answers.get(state_of(statements), TagStatus.SUGGESTED)
