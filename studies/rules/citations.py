"""When a source's count of citations is believed."""

from collections.abc import Sequence

PATIENCE = 2  # earlier months that must have said less as well


def is_doubtful(count: int, *, fact: int | None, doubts: Sequence[int]) -> bool:
    """Whether `count` contradicts the last number that was believed.

    Articles do not lose citations: fewer than before is an outage or a mistake, until the same source has said so in
    two earlier months (`doubts`, oldest first). That nobody cites it any more is never believed.
    """
    if fact is None or count >= fact:
        return False
    return count == 0 or len(doubts) < PATIENCE or max(doubts[-PATIENCE:]) >= fact
