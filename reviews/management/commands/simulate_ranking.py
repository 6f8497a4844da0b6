"""`manage.py simulate_ranking FILE`: screen a labelled set in the order of the ranking, and what that would save."""

import csv
import gzip
import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviews.statistics.ranking import Replay, matrix_of, replay, text_of

SHARES = (0.05, 0.10, 0.20, 0.30, 0.50)
_YES = {"1", "1.0", "true", "yes", "y", "included"}
_NO = {"0", "0.0", "false", "no", "n", "excluded"}
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


class Command(BaseCommand):
    help = "Replay a labelled set (.csv or .csv.gz with the columns title, abstract, label_included)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--seed", type=int, default=1, help="draws the two reports known at the beginning")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        texts, relevant = read_labelled(options["file"])
        if not 2 <= sum(relevant) < len(relevant):
            raise CommandError(f"{options['file']}: needs two relevant reports and an irrelevant one at least.")
        matrix = matrix_of(texts)
        if matrix is None:
            raise CommandError(f"{options['file']}: there are no words in the titles and abstracts.")
        found = _figures(options["file"].name, options["seed"], replay(matrix, relevant, seed=options["seed"]))
        self.stdout.write(json.dumps(found) if options["json"] else _sentences(found))


def read_labelled(path: Path) -> tuple[list[str], list[bool]]:
    """The texts and whether each was included."""
    texts, relevant = [], []
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            missing = {"title", "abstract", "label_included"} - set(rows.fieldnames or ())
            if missing:
                raise CommandError(f"{path}: there is no column {', '.join(sorted(missing))}.")
            for row in rows:
                texts.append(text_of(row["title"] or "", row["abstract"] or ""))
                relevant.append(_label(path, rows.line_num, row["label_included"]))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path}: {getattr(error, 'strerror', None) or error}.") from None
    return texts, relevant


def _label(path: Path, line: int, text: str | None) -> bool:
    word = (text or "").strip().lower()
    if word not in _YES | _NO:
        raise CommandError(f"{path}, line {line}: label_included is {text!r}, neither 1 nor 0.")
    return word in _YES


def _figures(name: str, seed: int, run: Replay) -> dict[str, Any]:
    return {
        "file": name,
        "seed": seed,
        "records": len(run.found) + 2,
        "relevant": run.n_relevant + 1,
        "first_relevant": run.first_relevant,
        "first_irrelevant": run.first_irrelevant,
        "recall": {f"{share:.0%}": round(run.recall(share), 4) for share in SHARES},
        "n95": run.reading_for(0.95),
        "wss95": round(run.work_saved(0.95), 4),
    }


def _sentences(found: dict[str, Any]) -> str:
    lines = [
        f"{found['file']}: {found['records']:,} records, {found['relevant']:,} relevant, seed {found['seed']}",
        *(f"recall after {share:>3}  {value:.3f}" for share, value in found["recall"].items()),
        f"WSS@95            {found['wss95']:.3f}  (95 % found after {found['n95']:,} records)",
    ]
    return "\n".join(lines)
