"""Kappa and its companions against numbers that were published or worked out by hand."""

import pytest

from reviews.rules.agreement import fleiss, tabulated, two_raters


@pytest.mark.parametrize(
    ("cells", "observed", "expected", "kappa", "se", "low", "high", "pabak", "ac1"),
    [
        ((20, 5, 10, 65), "0.8500", "0.6000", "0.6250", "0.0893", "0.450", "0.800", "0.7000", "0.7505"),
        ((2, 3, 5, 490), "0.9840", "0.9763", "0.3255", "0.2366", "-0.138", "0.789", "0.9680", "0.9836"),
        ((118, 5, 2, 0), "0.9440", "0.9453", "-0.0234", "0.3758", "-0.760", "0.713", "0.8880", "0.9408"),
    ],
)
def test_two_reviewers_have_the_printed_digits(cells, observed, expected, kappa, se, low, high, pabak, ac1):
    a, b, c, d = cells

    found = two_raters([[a, b], [c, d]])

    assert found.n == sum(cells)
    assert found.n_agreed == a + d
    four = [found.observed, found.expected, found.kappa, found.se, found.pabak, found.ac1]
    assert [f"{value:.4f}" for value in four] == [observed, expected, kappa, se, pabak, ac1]
    assert [f"{found.low:.3f}", f"{found.high:.3f}"] == [low, high]
    assert found.prevalence == (a - d) / found.n
    assert found.bias == (b - c) / found.n


@pytest.mark.parametrize("table", [[[50, 0], [0, 0]], [[0, 0], [0, 7]]])
def test_kappa_is_not_defined_where_chance_agrees_always(table):
    found = two_raters(table)

    assert found.observed == found.expected == 1
    assert found.kappa is found.se is found.low is found.high is None
    assert found.pabak == found.ac1 == 1


def test_nothing_is_defined_without_reports():
    found = two_raters([[0, 0], [0, 0]])

    assert found.n == 0
    assert {found.observed, found.expected, found.kappa, found.pabak, found.ac1, found.prevalence} == {None}


def test_three_words_make_a_three_by_three_table():
    words = ("include", "maybe", "exclude")
    pairs = [("include", "include")] * 4 + [("maybe", "exclude"), ("exclude", "exclude"), ("maybe", "maybe")]

    found = two_raters(tabulated(pairs, words))

    assert found.table == ((4, 0, 0), (0, 1, 1), (0, 0, 1))
    assert found.observed == pytest.approx(6 / 7)
    # p_e = (4*4 + 2*1 + 1*2) / 49
    assert found.kappa == pytest.approx((6 / 7 - 20 / 49) / (1 - 20 / 49))
    assert found.pabak == pytest.approx((3 * 6 / 7 - 1) / 2)
    assert found.prevalence is found.bias is None


# Fleiss, Psychological Bulletin 1971: 76, 378-382: thirty patients, six psychiatrists, five diagnoses.
_DIAGNOSES = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
# The worked example of the same formula with ten subjects and fourteen raters.
_FOURTEEN = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def test_fleiss_has_the_numbers_of_his_own_paper():
    found = fleiss([[int(digit) for digit in row] for row in _DIAGNOSES.split()])

    assert (found.n, found.n_raters) == (30, 6)
    assert f"{found.observed:.3f} {found.expected:.3f} {found.kappa:.3f}" == "0.556 0.220 0.430"


def test_fleiss_has_the_numbers_of_the_worked_example():
    found = fleiss(_FOURTEEN)

    assert f"{found.observed:.3f} {found.expected:.3f} {found.kappa:.3f}" == "0.378 0.213 0.210"


def test_fleiss_is_not_defined_when_everybody_says_one_word():
    found = fleiss([[3, 0], [3, 0]])

    assert found.observed == found.expected == 1
    assert found.kappa is found.se is None
    assert fleiss([]).kappa is None


def test_fleiss_refuses_reports_with_unequal_numbers_of_words():
    with pytest.raises(ValueError, match="same number"):
        fleiss([[2, 0], [1, 0]])
