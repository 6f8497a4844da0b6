"""The labelled set is sound: its slugs, facets, halves and marks are what a measurement may rest on."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "data" / "labelled"
VOCABULARY = Path(__file__).resolve().parents[2] / "studies" / "vocabulary.json"
HALVES = {half: json.loads((FOLDER / f"{half}.json").read_text()) for half in ("first", "second")}
RECORDS = [record for half in HALVES.values() for record in half]
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


@pytest.mark.parametrize("half", HALVES)
def test_a_half_holds_at_least_110_records(half):
    records = HALVES[half]

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


def test_the_halves_share_no_run_of_ten_words():
    first, second = (
        set().union(*(runs_of_words(record["abstract"]) for record in records)) for records in HALVES.values()
    )

    assert not first & second


@pytest.mark.parametrize("half", HALVES)
def test_a_half_expects_every_term_of_the_vocabulary_at_least_once(half):
    expected = {slug for record in HALVES[half] for slugs in record["expected"].values() for slug in slugs}

    assert set().union(*SLUGS.values()) - expected == set()


@pytest.mark.parametrize("half", HALVES)
def test_a_half_holds_laboratory_work_reviews_and_records_off_the_subject(half):
    models = Counter(record["model"] for record in HALVES[half])
    relevance = Counter(record["relevance"] for record in HALVES[half])

    assert models["animal"] + models["in-vitro"] >= 15
    assert models["none"] >= 5
    assert relevance["out"] >= 15
