"""How good and how quick de-duplication is: `python -m benchmarks.duplicates [--errors] [--many N] [--review N]`.

The labelled pairs are those of tests/data/duplicates. Sensitivity and precision are of the automatic part: what is
merged without asking. With --many it also blocks and judges that many invented records in memory; with --review it
lets a review of that many candidates look for duplicates, from rows to rows, in a database of its own.
"""

import argparse
import json
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import django

from benchmarks.machine import temporary_database
from reviews.rules.blocking import pairs_of
from reviews.rules.duplicates import Judgement, Likeness, judge
from reviews.rules.record_shape import Shape, shape
from tests.data.duplicates.make_pairs import SAME, base

PAIRS = Path(__file__).resolve().parents[1] / "tests" / "data" / "duplicates" / "pairs.json"


def shape_of(record: dict[str, Any]) -> Shape:
    """A labelled record as the rules compare it."""
    return shape(
        title=record["title"],
        abstract=record["abstract"],
        authors=[_parted(name) for name in record["authors"]],
        journals=[record["journal"]],
        year=record["year"],
        volume=record["volume"],
        issue=record["issue"],
        pages=record["pages"],
        doi=record["doi"],
        pmid=record["pmid"],
        is_preprint=record["kind"] == "preprint",
        registrations=record["registrations"],
    )


def _parted(name: str) -> tuple[str, str]:
    family, comma, given = name.partition(", ")
    if not comma:
        family, _, given = name.rpartition(" ")
    return (family, given) if family else (given, "")


def judged() -> list[tuple[dict[str, Any], Judgement]]:
    pairs = json.loads(PAIRS.read_text(encoding="utf-8"))
    return [(pair, judge(shape_of(pair["a"]), shape_of(pair["b"]))) for pair in pairs]


def figures(found: list[tuple[dict[str, Any], Judgement]]) -> dict[str, float]:
    """Of the automatic part, and of both parts together (`shown` counts what a person sees as well)."""
    count = Counter((pair["label"], judgement.likeness) for pair, judgement in found)
    same = sum(n for (label, _), n in count.items() if label == "same")
    merged = sum(n for (_, likeness), n in count.items() if likeness == Likeness.CERTAIN)
    study = sum(n for (label, _), n in count.items() if label == "study")
    return {
        "pairs": len(found),
        "same": same,
        "sensitivity": count["same", Likeness.CERTAIN] / same,
        "precision": count["same", Likeness.CERTAIN] / merged if merged else 1.0,
        "wrongly merged": merged - count["same", Likeness.CERTAIN],
        "sensitivity with people": (count["same", Likeness.CERTAIN] + count["same", Likeness.DOUBTFUL]) / same,
        "shown to people": sum(n for (_, likeness), n in count.items() if likeness == Likeness.DOUBTFUL) / len(found),
        "studies proposed": count["study", Likeness.STUDY] / study,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--many", type=int, default=0)
    parser.add_argument("--review", type=int, default=0)
    asked = parser.parse_args()
    found = judged()
    for name, value in figures(found).items():
        print(f"{name:26} {value:.3f}" if isinstance(value, float) else f"{name:26} {value}")
    by_kind: dict[str, Counter] = defaultdict(Counter)
    for pair, judgement in found:
        by_kind[f"{pair['label']}: {pair['kind']}"][judgement.likeness] += 1
    for kind, counter in by_kind.items():
        print(f"  {kind:62}", ", ".join(f"{likeness} {n}" for likeness, n in counter.most_common()))
    if asked.errors:
        for pair, judgement in found:
            if (pair["label"] == "same") != (judgement.likeness == Likeness.CERTAIN):
                print(pair["id"], pair["label"], pair["kind"], judgement, pair["a"]["title"], "|", pair["b"]["title"])
    if asked.many:
        _many(asked.many)
    if asked.review:
        with temporary_database() as environment:
            os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings")
            django.setup()
            _review(asked.review)


def invented(n: int) -> list[dict[str, Any]]:
    """Records with the variety of a database: words and surnames as unevenly common as in print, one in ten twice."""
    rng = random.Random(7)
    words, names = _common(rng, 6000), _common(rng, 8000)
    journals = [" ".join(next(words) for _ in range(4)) for _ in range(1500)]
    records = []
    for _ in range(n * 9 // 10):
        title = " ".join(next(words) for _ in range(rng.randint(7, 16)))
        authors = [f"{next(names)}, {next(names)}" for _ in range(rng.randint(1, 8))]
        text = " ".join(next(words) for _ in range(120))
        own = {"title": title, "authors": authors, "abstract": text, "journal": rng.choice(journals)}
        records.append(base(rng) | own)
    for record in rng.sample(records, n - len(records)):
        copy = json.loads(json.dumps(record))
        for change in rng.choice([*SAME.values()]):
            change(copy, rng)
        records.append(copy)
    return records


def _common(rng: random.Random, n: int) -> Iterator[str]:
    """Endless words; the second is nearly as common as the first, the hundredth a thirtieth."""
    words = ["".join(rng.choices("aeiourstlnmkd", k=rng.randint(4, 10))).capitalize() for _ in range(n)]
    weights = [1 / place for place in range(3, n + 3)]
    while True:
        yield from rng.choices(words, weights, k=10_000)


def _many(n: int) -> None:
    records = invented(n)
    start = time.process_time()
    shapes = [shape_of(record) for record in records]
    folded = time.process_time()
    pairs = pairs_of(shapes)
    blocked = time.process_time()
    count = Counter(judge(shapes[i], shapes[j]).likeness for i, j in pairs)
    end = time.process_time()
    print(f"{n:,} records folded in {folded - start:.1f} s, paired in {blocked - folded:.1f} s ({len(pairs):,} pairs),")
    print(f"judged in {end - blocked:.1f} s, together {end - start:.1f} s of one core: {dict(count)}")


def _review(n: int) -> None:
    from reviews.actions import comparing
    from reviews.models import DuplicateLink

    review = _filled(n)
    start, cpu = time.perf_counter(), time.process_time()
    looked = comparing.look(review)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"{n:,} candidates compared in {seconds:.1f} s ({cpu:.1f} s of one core in Python):")
    print(
        f"{looked.n_merged:,} merged, {looked.n_proposed:,} proposed, {DuplicateLink.objects.count():,} rows of merges"
    )


def _filled(n: int) -> Any:
    """A review with one candidate for each invented record."""
    from reviews.actions.protocol import create_review
    from reviews.models import Candidate
    from studies.models import Report, Study, User

    lead = User.objects.create_user("lead@example.org", "a benchmark's password", role="reviewer")
    review = create_review(by=lead, title="Benchmark")
    records = invented(n)
    studies = Study.objects.bulk_create([Study() for _ in records], batch_size=2000)
    reports = Report.objects.bulk_create(
        (_report(record, study) for record, study in zip(records, studies, strict=True)), batch_size=2000
    )
    rows = (Candidate(review=review, report=report, added_how="file") for report in reports)
    Candidate.objects.bulk_create(rows, batch_size=2000)
    return review


def _report(record: dict[str, Any], study: Any) -> Any:
    from studies import identifiers
    from studies.models import Report

    people = [_parted(name) for name in record["authors"]]
    same = {name: record[name] for name in ("title", "journal", "volume", "issue", "pages", "kind")}
    return Report(
        study=study,
        doi=identifiers.doi(record["doi"]),
        abstract=[{"text": record["abstract"]}],
        authors=[{"last": family, "fore": given} for family, given in people],
        published_on=date(record["year"], 1, 1),
        **same,
    )


if __name__ == "__main__":
    main()
