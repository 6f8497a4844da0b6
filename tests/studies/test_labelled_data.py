"""The labelled set is sound: its slugs, facets, parts and marks are what a measurement may rest on."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "data" / "labelled"
VOCABULARY = Path(__file__).resolve().parents[2] / "studies" / "vocabulary.json"
PARTS = {part: json.loads((FOLDER / f"{part}.json").read_text()) for part in ("first", "second", "third")}
RECORDS = [record for part in PARTS.values() for record in part]
SLUGS = {
    facet["facet"]: {term["slug"] for term in facet["terms"]} for facet in json.loads(VOCABULARY.read_text())["facets"]
}
KEYS = {
    "id",
    "synthetic",
    "title",
    "abstract",
    "keywords",
    "mesh",
    "publication_types",
    "expected",
    "model",
    "relevance",
    "note",
}
WORDS = re.compile(r"\w+")


# Ten words: the names of the cells with their abbreviations alone run to nine.
def runs_of_words(text: str, length: int = 10) -> set[tuple[str, ...]]:
    words = WORDS.findall(text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_holds_at_least_110_records(part):
    records = PARTS[part]

    assert len(records) >= 110


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["id"])
def test_a_record_is_complete_and_marked_synthetic(record):
    words = len(record["abstract"].split())

    assert set(record) == KEYS
    assert record["synthetic"] is True
    assert record["title"].strip() and record["note"].strip()
    assert 120 <= words <= 260
    assert record["model"] in {"human", "animal", "in-vitro", "none"}
    assert record["relevance"] in {"in", "near", "out"}
    assert all(re.fullmatch(r"D\d+", ui) and name for ui, name in record["publication_types"])


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["id"])
def test_every_expected_slug_belongs_to_the_facet_it_stands_under(record):
    strangers = {facet: set(slugs) - SLUGS[facet] for facet, slugs in record["expected"].items()}

    assert set(record["expected"]) == set(SLUGS)
    assert not any(strangers.values()), strangers
    assert all(len(slugs) == len(set(slugs)) for slugs in record["expected"].values())


def test_no_two_records_share_an_id_or_a_title():
    ids = Counter(record["id"] for record in RECORDS)
    titles = Counter(record["title"].casefold() for record in RECORDS)

    assert max(ids.values()) == 1
    assert max(titles.values()) == 1


def test_the_second_half_shares_no_run_of_ten_words_with_what_the_rules_are_tuned_on():
    first, second, third = (
        set().union(*(runs_of_words(record["abstract"]) for record in records)) for records in PARTS.values()
    )

    assert not (first | third) & second


@pytest.mark.parametrize("part", PARTS)
def test_a_part_expects_every_term_of_the_vocabulary_at_least_once(part):
    expected = {slug for record in PARTS[part] for slugs in record["expected"].values() for slug in slugs}

    assert set().union(*SLUGS.values()) - expected == set()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_holds_laboratory_work_reviews_and_records_off_the_subject(part):
    models = Counter(record["model"] for record in PARTS[part])
    relevance = Counter(record["relevance"] for record in PARTS[part])

    assert models["animal"] + models["in-vitro"] >= 15
    assert models["none"] >= 5
    assert relevance["out"] >= 15
