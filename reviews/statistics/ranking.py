"""Which reports are likely to be relevant: TF-IDF and a linear model, learnt from the decisions made so far."""

import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

# scikit-learn takes two seconds and 100 MB to load: only what ranks pays for it.
if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_WORD = re.compile(r"\b\w\w+\b")
# A title says in ten words what the abstract says in two hundred: its words count as if they stood there once more.
TITLE_TIMES = 2
# Words of nearly every report tell nothing.
MOST_SHARE = 0.95
# Few decisions teach a wide matrix: it is held back. Of 0.1, 0.3 and 0.5 the best on the mean of three labelled sets.
PENALTY = 0.3
# An order needs few digits, and fewer the more it was learnt from: with 5,000 decisions scores made with twice this
# correlate to four nines with those made with a thousandth of it.
TOLERANCE = 0.05
MANY = 2500
# All relevant reports together weigh this many times all irrelevant ones: to miss one costs more than to read one.
RELEVANT_WEIGHT = 10.0


def text_of(title: str, abstract: str) -> str:
    """What is learnt from: the title, repeated, and the abstract."""
    return f"{' '.join([title] * TITLE_TIMES)} {abstract}"


def matrix_of(texts: Sequence[str]) -> "csr_matrix | None":
    """Words and pairs of words weighed by how rare they are, a row a text; None if the texts hold no words.

    Built once for a set of reports and kept: it does not depend on decisions.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    counts = _counted(texts)
    if counts is None:
        return None
    in_texts = np.bincount(counts.indices, minlength=counts.shape[1])
    # A word that is in every one of a handful of reports is no common word.
    if len(texts) > 20:
        counts = counts[:, in_texts <= MOST_SHARE * len(texts)]
    return TfidfTransformer(sublinear_tf=True).fit_transform(counts).tocsr()


def _counted(texts: Sequence[str]) -> "csr_matrix | None":
    """How often each word and each pair of neighbours stands in each text: all pairs at once, as numbers."""
    from scipy.sparse import coo_matrix

    place: dict[str, int] = {}
    numbers: list[int] = []
    lengths = []
    for text in texts:
        words = _WORD.findall(text.lower())
        numbers += [place.setdefault(word, len(place)) for word in words]
        lengths.append(len(words))
    if not numbers:
        return None
    word, row = np.array(numbers, dtype=np.int64), np.repeat(np.arange(len(texts)), lengths)
    is_pair = row[1:] == row[:-1]
    pair = len(place) * (1 + word[:-1][is_pair]) + word[1:][is_pair]
    codes, columns = np.unique(np.concatenate([word, pair]), return_inverse=True)
    rows = np.concatenate([row, row[1:][is_pair]])
    counts = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(codes)))
    return counts.tocsr()


def can_learn(relevant: Sequence[bool]) -> bool:
    """There is nothing to learn from until somebody has found one of each kind."""
    return any(relevant) and not all(relevant)


def scores(matrix: "csr_matrix", rows: Sequence[int], relevant: Sequence[bool]) -> np.ndarray:
    """A score for every row of the matrix, the more likely relevant the higher, learnt from `rows`."""
    from sklearn.svm import LinearSVC

    y = np.asarray(relevant, dtype=bool)
    n, n_relevant = len(y), int(y.sum())
    weights = np.where(y, 1 / n_relevant, 1 / (RELEVANT_WEIGHT * (n - n_relevant)))
    model = LinearSVC(C=PENALTY, tol=TOLERANCE * max(1, n / MANY), random_state=0)
    model.fit(matrix[np.asarray(rows)], y, sample_weight=weights * n / weights.sum())
    return model.decision_function(matrix)


@dataclass(frozen=True, slots=True)
class Replay:
    """A labelled set screened in the order of the ranking: `found` tells of each report read whether it was relevant.

    The two reports that were known beforehand are not among them.
    """

    found: tuple[bool, ...]
    first_relevant: int
    first_irrelevant: int

    @property
    def n_relevant(self) -> int:
        return sum(self.found)

    def recall(self, share: float) -> float:
        """Which part of the relevant reports is found after this share of the reports, rounded up to a whole one."""
        read = math.ceil(share * len(self.found))
        return sum(self.found[:read]) / self.n_relevant

    def reading_for(self, recall: float) -> int:
        """How many reports have to be read for this recall."""
        wanted, seen = math.ceil(recall * self.n_relevant), 0
        for number, is_relevant in enumerate(self.found, 1):
            seen += is_relevant
            if seen >= wanted:
                return number
        return len(self.found)

    def work_saved(self, recall: float = 0.95) -> float:
        """WSS: the share of reports left unread at this recall, less what reading at random would leave."""
        return 1 - self.reading_for(recall) / len(self.found) - (1 - recall)


def first_two(relevant: Sequence[bool], seed: int) -> tuple[int, int]:
    """One relevant and one irrelevant report, drawn by the seed; the same for every tool that is compared."""
    draw = random.Random(seed)  # noqa: S311 - a replay, no secret
    return (
        draw.choice([i for i, is_relevant in enumerate(relevant) if is_relevant]),
        draw.choice([i for i, is_relevant in enumerate(relevant) if not is_relevant]),
    )


def replay(matrix: "csr_matrix", relevant: Sequence[bool], *, seed: int) -> Replay:
    """Screen a labelled set from two known reports on, learning again step by step."""
    priors = first_two(relevant, seed)
    read = list(priors)
    for batch in _batches(matrix, relevant, read):
        read += batch
    return Replay(tuple(bool(relevant[i]) for i in read[2:]), *priors)


def growing_step(n_read: int) -> int:
    """One at a time at first, then every fiftieth part: a hundredth decision changes less than a tenth."""
    return max(1, n_read // 50)


def _batches(matrix: "csr_matrix", relevant: Sequence[bool], read: list[int]) -> Iterator[list[int]]:
    is_left = np.ones(len(relevant), dtype=bool)
    is_left[read] = False
    while is_left.any():
        found = scores(matrix, read, [relevant[i] for i in read])
        found[~is_left] = -np.inf
        n = min(growing_step(len(read)), int(is_left.sum()))
        batch = np.argsort(-found, kind="stable")[:n]
        is_left[batch] = False
        yield batch.tolist()
