"""How good the suggestions are: precision and recall per facet over the labelled records.

    python -m benchmarks.tag_quality [--part first|second|third|all] [--errors]

Ticked suggestions count (every strength but weak); a weak one is neither right nor wrong, but it is no recall either.
"""

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studies.rules.tagging import Text, model_of, relevance, suggest
from studies.rules.tagging_rules import rule_book

LABELLED = Path(__file__).resolve().parents[1] / "tests" / "data" / "labelled"
PARTS = ("first", "second", "third")  # the rules are tuned on the first and the third
# Where a floor is kept, facets stand together: the smaller ones are too small alone.
GROUPS = {
    "sources": ("sources",),
    "products": ("products",),
    "donors and processing": ("donors", "processings"),
    "deliveries": ("deliveries",),
    "outcomes": ("outcomes",),
    "designs": ("designs",),
    "populations": ("populations",),
    "comparators": ("comparators",),
}


@dataclass
class Score:
    """Tags of one group over all records; `errors` are (record, "+" or "-", tag, phrase)."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    errors: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def records(part: str) -> list[dict[str, Any]]:
    return json.loads((LABELLED / f"{part}.json").read_text(encoding="utf-8"))


def text_of(record: dict[str, Any]) -> Text:
    return Text(
        title=record["title"],
        abstract=record["abstract"],
        keywords=tuple(record.get("keywords", ())),
        mesh=tuple(record.get("mesh", ())),
        publication_types=tuple((ui, name) for ui, name in record.get("publication_types", ())),
        has_registration=bool(record.get("has_registration")),
        is_registry_record=bool(record.get("is_registry_record")),
    )


def scores(labelled: list[dict[str, Any]]) -> dict[str, Score]:
    """One score for each group of facets."""
    facets = rule_book().facets
    found = {group: Score() for group in GROUPS}
    for record in labelled:
        ticked = {s.tag: s.phrase for s in suggest(text_of(record)) if s.strength != "weak"}
        for group, names in GROUPS.items():
            expected = {tag for name in names for tag in record["expected"].get(name, ()) if not tag.endswith("-nr")}
            got = {tag for tag in ticked if facets[tag] in names}
            score = found[group]
            score.right += len(expected & got)
            score.wrong += len(got - expected)
            score.missed += len(expected - got)
            score.errors += [(record["id"], "+", tag, ticked[tag]) for tag in sorted(got - expected)]
            score.errors += [(record["id"], "-", tag, "") for tag in sorted(expected - got)]
    return found


def agreement(labelled: list[dict[str, Any]]) -> Counter:
    """How often the species and the relevance agree with the label, where the label says one."""
    count: Counter = Counter()
    for record in labelled:
        text = text_of(record)
        if record.get("model"):
            count["model", (model_of(text).kind or "none") == record["model"]] += 1
        if record.get("relevance"):
            count["relevance", relevance(text, suggest(text)) == record["relevance"]] += 1
    return count


def total(found: dict[str, Score]) -> Score:
    return Score(*(sum(getattr(score, name) for score in found.values()) for name in ("right", "wrong", "missed")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=(*PARTS, "all"), default="all")
    parser.add_argument("--errors", action="store_true")
    asked = parser.parse_args()
    for part in PARTS if asked.part == "all" else (asked.part,):
        labelled = records(part)
        found = scores(labelled)
        print(f"{part} part, {len(labelled)} records")
        for group, score in [*found.items(), ("all", total(found))]:
            n = score.right + score.missed
            print(f"  {group:22} precision {score.precision:.3f}  recall {score.recall:.3f}  ({n} expected)")
        count = agreement(labelled)
        for what in ("model", "relevance"):
            asked_for = count[what, True] + count[what, False]
            print(f"  {what:22} agrees in {count[what, True]} of {asked_for}")
        if asked.errors:
            for group, score in found.items():
                for error in score.errors:
                    print("   ", group, *error)


if __name__ == "__main__":
    main()
