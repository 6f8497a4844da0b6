"""The order by likely relevance: switch it on, learn it anew in the background while the old one serves."""

import time
from collections import OrderedDict
from collections.abc import Sequence

from django.db import connection, transaction

from reviews.actions import protocol
from reviews.models import Ranking, Review
from reviews.queries import ranking as queries
from reviews.statistics import ranking as statistics
from reviews.statistics.ranking import can_learn, growing_step, text_of
from studies.models import User

_KEPT_MATRICES = 3
_BATCH = 500  # reports written at once: a decision waits for no more than these
_WRITE = """
UPDATE reviews_candidate AS c SET rank = a.rank FROM unnest(%s::bigint[], %s::float8[]) AS a(id, rank)
WHERE c.id = a.id AND c.rank IS DISTINCT FROM a.rank
"""
# A worker keeps what it built: texts change rarely, decisions all the time.
_matrices: OrderedDict[int, tuple[tuple, object]] = OrderedDict()


def change_ranking(review: Review, *, by: User, is_ranked: bool, card_order: str, random_share: int) -> Review:
    """Whether there is a ranking, whether cards come by it, and which share comes by chance all the same."""
    values = {"is_ranked": is_ranked, "card_order": str(card_order), "random_share": random_share}
    return protocol.change_review(review, by=by, verb="changed ranking", **values)


def retrain(review: Review) -> Ranking | None:
    """Learn from the decisions so far and score what is undecided; None where there is nothing to learn from yet.

    Nothing is excluded by it. Harmless when run twice, or by two workers at once.
    """
    labels, n_decisions = queries.labels(review)
    if not can_learn(list(labels.values())):
        return None
    texts = queries.texts(review)
    ids = list(texts)
    known = [(place, labels[pk]) for place, pk in enumerate(ids) if pk in labels]
    matrix = _matrix(review, texts)
    if matrix is None:
        return None
    start = time.perf_counter()
    scores = statistics.scores(matrix, [place for place, _ in known], [is_relevant for _, is_relevant in known])
    milliseconds = round(1000 * (time.perf_counter() - start))
    _write(ids, scores.tolist())
    n_relevant = sum(is_relevant for _, is_relevant in known)
    return Ranking.objects.create(
        review=review,
        n_relevant=n_relevant,
        n_irrelevant=len(known) - n_relevant,
        n_scored=len(ids),
        n_decisions=n_decisions,
        milliseconds=milliseconds,
    )


def _matrix(review: Review, texts: dict[int, tuple[str, str]]) -> object:
    """The kept matrix, unless reports joined or left or their texts changed."""
    signature = tuple(sorted((pk, hash(said)) for pk, said in texts.items()))
    kept = _matrices.get(review.pk)
    if kept is None or kept[0] != signature:
        kept = signature, statistics.matrix_of([text_of(*said) for said in texts.values()])
        _matrices[review.pk] = kept
    _matrices.move_to_end(review.pk)
    while len(_matrices) > _KEPT_MATRICES:
        _matrices.popitem(last=False)
    return kept[1]


def _write(ids: Sequence[int], scores: Sequence[float]) -> None:
    for start in range(0, len(ids), _BATCH):
        part = slice(start, start + _BATCH)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_WRITE, [ids[part], scores[part]])


def is_due(review: Review) -> bool:
    """Whether there are enough decisions more than the last ranking knew, or reports that it has not scored."""
    last = Ranking.objects.filter(review=review).first()
    n = queries.n_decisions(review)
    if last is None:
        return n > 1
    return n - last.n_decisions >= growing_step(n) or queries.has_unscored(review)


def retrain_due() -> list[Ranking]:
    """Every review whose ranking is switched on and behind: the sweep's call."""
    due = [review for review in Review.objects.filter(is_ranked=True) if is_due(review)]
    return [made for review in due if (made := retrain(review))]
