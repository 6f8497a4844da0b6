"""Which records are one report: single rules, and the labelled pairs as a whole."""

from itertools import combinations

import pytest

from benchmarks.duplicates import figures, judged, shape_of
from reviews.rules.blocking import pairs_of
from reviews.rules.duplicates import Likeness, judge
from reviews.rules.record_shape import Shape, first_page, fold, journals_agree, shape
from tests.data.duplicates.make_pairs import pairs

ABSTRACT = (
    "Background: nanofat is offered for wrinkles. Methods: 24 women were treated. "
    "Results: depth fell by 18 % at week 12. Conclusions: it may help a little."
)


def a_record(**other) -> Shape:
    values = {
        "title": "Intradermal nanofat for periorbital wrinkles: a split-face trial",
        "abstract": ABSTRACT,
        "authors": [("Müller", "Jörg"), ("Kim", "Ji-Hoon")],
        "journals": ["Journal of Invented Dermatology"],
        "year": 2021,
        "volume": "12",
        "issue": "3",
        "pages": "123-129",
    }
    return shape(**values | other)


@pytest.mark.parametrize(
    ("other", "likeness"),
    [
        ({}, Likeness.CERTAIN),
        ({"title": "Intradermal NANOFAT for peri-orbital wrinkles - a split-face trial."}, Likeness.CERTAIN),
        ({"authors": [("Mueller", "J")], "pages": "123-9"}, Likeness.CERTAIN),
        ({"authors": [("Nguyen", "T")]}, Likeness.DOUBTFUL),
        ({"authors": [("Muller", "J"), ("Kim", "JH")], "abstract": ""}, Likeness.CERTAIN),
        ({"journals": ["J Invent Dermatol"], "abstract": "", "pages": "", "volume": "", "issue": ""}, Likeness.CERTAIN),
        ({"year": 2024}, Likeness.DOUBTFUL),
        ({"authors": []}, Likeness.CERTAIN),
        ({"title": "Intradermal nanofat for perioral wrinkles: a split-face trial"}, Likeness.DOUBTFUL),
        ({"abstract": ABSTRACT.replace("24 women", "42 women")}, Likeness.DOUBTFUL),
        ({"title": "Correction to: Intradermal nanofat for periorbital wrinkles: a split-face trial"}, Likeness.NONE),
        ({"title": "Something else entirely about the hair of mice", "abstract": ""}, Likeness.NONE),
    ],
)
def test_a_pair_without_identifiers_is_judged_by_all_that_it_says(other, likeness):
    assert judge(a_record(), a_record(**other)).likeness == likeness
    assert judge(a_record(**other), a_record()).likeness == likeness


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ({"pmid": 5}, {"pmid": 5, "title": "Another title altogether, by a slip"}, Likeness.CERTAIN),
        ({"pmid": 5}, {"pmid": 6}, Likeness.NONE),
        ({"doi": "10.1000/a"}, {"doi": "https://doi.org/10.1000/A", "abstract": ""}, Likeness.CERTAIN),
        ({"doi": "10.1000/a"}, {"doi": "10.1000/a", "title": "Exosomes after laser in rabbits"}, Likeness.DOUBTFUL),
        ({"doi": "10.1000/a"}, {"doi": "10.1000/b"}, Likeness.DOUBTFUL),
        ({"doi": "10.1000/a"}, {"doi": "10.1101/2021.03.04.21252500"}, Likeness.STUDY),
        (
            {"registrations": ["NCT01234567"], "year": 2024, "title": "Five years after nanofat", "abstract": ""},
            {"registrations": ["NCT01234567"]},
            Likeness.STUDY,
        ),
    ],
)
def test_identifiers_come_first_and_two_documents_are_never_merged(one, other, likeness):
    assert judge(a_record(**one), a_record(**other)).likeness == likeness


def test_a_doubt_says_what_agrees_and_what_does_not():
    found = judge(a_record(), a_record(year=2024, pages="200-9"))

    assert found.why == ("titles alike to 100%", "3 years apart", "the pages differ")


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("TGF-β and <i>in vivo</i> Ødegård’s cells", "TGF BETA AND IN VIVO ODEGARD S CELLS"),
        ("ΑΒ  –  straße", "ALPHA BETA STRASSE"),
        ("", ""),
    ],
)
def test_texts_are_folded_to_what_two_sources_spell_alike(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize(("pages", "first"), [("pp. 12-9", "12"), ("S45-S47", "S45"), ("e1234", "E1234"), ("", "")])
def test_of_pages_the_first_counts(pages, first):
    assert first_page(pages) == first


def test_an_abbreviation_agrees_with_its_journal():
    assert journals_agree(("ANNALS OF IMAGINED PLASTIC SURGERY",), ("ANN IMAGIN PLAST SURG",))
    assert journals_agree(("STEM CELLS",), ("CELL STEM CELL",)) is False
    assert journals_agree((), ("STEM CELLS",)) is None


def test_the_labelled_pairs_are_merged_with_precision_before_sensitivity():
    found = figures(judged())

    assert found["pairs"] >= 300
    assert found["wrongly merged"] == 0
    assert found["sensitivity"] >= 0.95
    assert found["sensitivity with people"] >= 0.99
    assert found["studies proposed"] == 1


def test_blocking_loses_no_pair_that_would_be_merged_and_asks_old_pairs_once():
    made = [pair for pair in pairs() if pair["label"] == "same"][::3]
    records = [shape_of(pair[side]) for pair in made for side in "ab"]
    certain = {
        (i, j) for i, j in combinations(range(len(records)), 2) if judge(records[i], records[j]).likeness == "certain"
    }

    found = set(pairs_of(records))

    assert certain <= found
    assert {pair for pair in found if len(records) - 1 in pair} == set(pairs_of(records, new=[len(records) - 1]))
