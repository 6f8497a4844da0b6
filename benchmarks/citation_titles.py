"""Measure the comparison of titles: the labelled pairs, every title against every other, and how long one takes.

python -m benchmarks.citation_titles
"""

import csv
import time
from collections import Counter
from itertools import permutations
from pathlib import Path

from benchmarks.machine import described
from studies.rules.citation_comparison import Likeness, likeness

PAIRS = Path(__file__).resolve().parents[1] / "tests" / "data" / "citation_titles.tsv"


def is_taken_for_same(cited: dict[str, str], actual: dict[str, str]) -> bool:
    return likeness(cited["cited"], actual["actual"], actual["vernacular"] or "") != Likeness.DIFFERENT


def main() -> None:
    with PAIRS.open(encoding="utf-8") as file:
        pairs = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    print(described())
    wrong, n = Counter(), Counter()
    for pair in pairs:
        n[pair["verdict"]] += 1
        if is_taken_for_same(pair, pair) != (pair["verdict"] == "same"):
            wrong[pair["verdict"]] += 1
            print(f"wrong ({pair['category']}): {pair['cited']} | {pair['actual']}")
    print(f"false mismatches: {wrong['same']} of {n['same']} pairs of one article")
    print(f"false matches: {wrong['different']} of {n['different']} pairs of two articles")
    started, crossed, mistaken = time.process_time(), 0, 0
    for one, other in permutations(pairs, 2):
        # Pairs of one family are labelled above; the rest are strangers to each other.
        if one["actual"][:12].lower() != other["actual"][:12].lower() and one["cited"][:12] != other["cited"][:12]:
            crossed += 1
            if is_taken_for_same(one, other):
                mistaken += 1
                print(f"alike: {one['cited']} | {other['actual']}")
    spent = time.process_time() - started
    print(
        f"crossed: {mistaken} of {crossed:,} taken for the same; {1e6 * spent / crossed:.0f} microseconds of CPU each"
    )


if __name__ == "__main__":
    main()
