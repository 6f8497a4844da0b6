"""Which pairs of many reports are worth judging: four rounds of blocking, then a glance at the titles."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cpdist

from reviews.rules.duplicates import THRESHOLDS
from reviews.rules.record_shape import Shape

Key = tuple[object, ...]
_TITLE_LETTERS = 40  # a subtitle lost or a slip near the end leaves the beginning as it was
_CHUNK = 500_000

# Pairs that agree on any line of any round; a line with an empty part makes no key.
ROUNDS: tuple[tuple[Callable[[Shape], Key], ...], ...] = (
    (
        lambda r: (r.pmid,),
        lambda r: (r.pmcid,),
        lambda r: (r.doi,),
        lambda r: (_title(r), r.pages),
        lambda r: (r.author, _title(r)),
        lambda r: (_title(r), r.abstract[:100]),
    ),
    (
        lambda r: (r.author, r.year, r.pages),
        lambda r: (_journal(r), r.volume, r.pages),
        lambda r: (r.isbn, r.volume, r.pages),
        lambda r: (_title(r), r.isbn),
    ),
    (
        lambda r: (r.year, r.pages, r.volume),
        lambda r: (r.year, r.issue, r.volume, _journal(r)),
        lambda r: (r.year, r.pages, r.issue),
    ),
    (
        lambda r: (r.author, r.year),
        lambda r: (r.year, _title(r)),
        lambda r: (_title(r), r.volume),
        lambda r: (_title(r), _journal(r)),
    ),
)


def pairs_of(records: Sequence[Shape], *, new: Iterable[int] | None = None) -> list[tuple[int, int]]:
    """Positions (smaller first) of pairs that share a block and whose titles, or identifiers, are alike.

    With `new`, only pairs with at least one of these positions: old pairs were judged before.
    """
    wanted = None if new is None else set(new)
    found = np.empty(0, dtype=np.int64)
    for lines in ROUNDS:
        made = (np.fromiter(_of_line(records, line, wanted), dtype=np.int64) for line in lines)
        found = np.union1d(found, np.unique(np.concatenate([*made])))
    first, second = np.divmod(found, max(len(records), 1))
    kept = _alike(records, first, second)
    pairs = set(zip(first[kept].tolist(), second[kept].tolist(), strict=True))
    return sorted(pairs | set(_by_registration(records, wanted)))


def _title(record: Shape) -> str:
    """Empty for a title that says nothing, such as "Editorial": it would put half a journal into one block."""
    return record.main[:_TITLE_LETTERS] if len(record.main) >= 12 else ""


def _journal(record: Shape) -> str:
    """The initials of the journal's longest name: the same for its abbreviation."""
    name = max(record.journals, key=len, default="")
    return "".join(word[0] for word in name.split(" ") if word and word not in ("OF", "AND", "THE", "FOR", "IN"))


def _of_line(records: Sequence[Shape], line: Callable[[Shape], Key], wanted: set[int] | None) -> Iterator[int]:
    for block in _blocks(records, line):
        for at, i in enumerate(block):
            for j in block[at + 1 :]:
                if wanted is None or i in wanted or j in wanted:
                    yield i * len(records) + j


def _blocks(records: Sequence[Shape], line: Callable[[Shape], Key]) -> Iterator[list[int]]:
    blocks: dict[Key, list[int]] = defaultdict(list)
    for position, record in enumerate(records):
        key = line(record)
        if all(key):
            blocks[key].append(position)
    return (block for block in blocks.values() if len(block) > 1)


def _alike(records: Sequence[Shape], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Whether a pair shares an identifier, or the titles or their main parts are alike enough to look further."""
    kept = np.zeros(len(first), dtype=bool)
    for start in range(0, len(first), _CHUNK):
        part = slice(start, start + _CHUNK)
        ones = [records[i] for i in first[part]]
        others = [records[j] for j in second[part]]
        kept[part] = _scores([r.squeezed for r in ones], [r.squeezed for r in others]) > 0
        for at in np.flatnonzero(~kept[part]):
            a, b = ones[at], others[at]
            same_id = (a.doi and a.doi == b.doi) or (a.pmid and a.pmid == b.pmid) or (a.pmcid and a.pmcid == b.pmcid)
            kept[start + at] = bool(same_id) or a.main == b.squeezed or b.main == a.squeezed
    return kept


def _scores(ones: list[str], others: list[str]) -> np.ndarray:
    cutoff = THRESHOLDS.title_worth_a_look
    return cpdist(ones, others, scorer=JaroWinkler.similarity, score_cutoff=cutoff, dtype=np.float32)


def _by_registration(records: Sequence[Shape], wanted: set[int] | None) -> Iterator[tuple[int, int]]:
    """Reports that name the same trial: two reports of one study, whatever their titles."""
    named: dict[str, list[int]] = defaultdict(list)
    for position, record in enumerate(records):
        for number in record.registrations:
            named[number].append(position)
    for block in named.values():
        for at, i in enumerate(block):
            yield from ((i, j) for j in block[at + 1 :] if wanted is None or i in wanted or j in wanted)
