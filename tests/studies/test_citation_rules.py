"""References found in text, and titles compared: against pairs that were labelled before any threshold was set."""

import csv
import gzip
import time
from io import BytesIO
from itertools import product
from pathlib import Path

import pytest

from studies.actions import checking
from studies.actions.worked_example import EXAMPLE
from studies.rules.citation_comparison import Likeness, is_same_author, is_same_journal, is_same_year, likeness
from studies.rules.citation_terms import questions
from studies.rules.citation_verdict import Found, compare
from studies.rules.references import Cited, references_in

PAIRS = Path(__file__).parents[1] / "data" / "citation_titles.tsv"
MOST_FALSE_MATCHES, MOST_FALSE_MISMATCHES = 0.005, 0.02
VANCOUVER = (
    "Alderwick A, Brambell BC, van der Corvino D. Nanofat for dark circles: a split-face trial. Synth J Derm Biol. "
    "2019 Oct;12(3):45-52. doi: 10.5555/synthetic.1. Epub 2019 Sep 3. PMID: 90000001; PMCID: PMC9000001."
)
STYLES = {
    "Vancouver": VANCOUVER,
    "numbered": f"12. {VANCOUVER}",
    "APA": (
        "Alderwick, A., Brambell, B. C., & van der Corvino, D. (2019). Nanofat for dark circles: A split-face trial. "
        "Synthetic Journal of Dermal Biology, 12(3), 45–52. https://doi.org/10.5555/synthetic.1"
    ),
    "Harvard": (
        "Alderwick A, Brambell BC 2019 Nanofat for dark circles: a split-face trial. "
        "Synthetic Journal of Dermal Biology 12:45-52"
    ),
    "Nature": (
        "Alderwick, A., Brambell, B. C. & van der Corvino, D. Nanofat for dark circles: a split-face trial. "
        "Synth. J. Derm. Biol. 12, 45–52 (2019)."
    ),
    "MLA": (
        'Alderwick, Ada, et al. "Nanofat for dark circles: a split-face trial." '
        "Synthetic Journal of Dermal Biology 12.3 (2019): 45-52."
    ),
    "IEEE": (
        'A. Alderwick and B. C. Brambell, "Nanofat for dark circles: a split-face trial," '
        "Synth J Derm Biol, vol. 12, no. 3, pp. 45-52, 2019."
    ),
    "PubMed": (
        "Nanofat for dark circles: a split-face trial.\nAlderwick A, Brambell BC.\n"
        "Synth J Derm Biol. 2019 Oct;12(3):45-52. doi: 10.5555/synthetic.1.\nPMID: 90000001"
    ),
}


def pairs() -> list[dict[str, str]]:
    with PAIRS.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def is_taken_for_same(cited: dict, actual: dict) -> bool:
    return likeness(cited["cited"], actual["actual"], actual["vernacular"] or "") != Likeness.DIFFERENT


def test_the_labelled_set_is_as_large_and_as_wide_as_it_has_to_be():
    labelled = pairs()

    assert len(labelled) >= 200
    wanted = {"punctuation", "truncation", "subtitle", "spelling", "greek", "erratum", "same authors", "translated"}
    assert wanted <= {pair["category"] for pair in labelled}


def test_titles_of_one_article_and_of_two_are_told_apart():
    same = [pair for pair in pairs() if pair["verdict"] == "same"]
    different = [pair for pair in pairs() if pair["verdict"] == "different"]

    missed = [pair["cited"] for pair in same if not is_taken_for_same(pair, pair)]
    mistaken = [pair["cited"] for pair in different if is_taken_for_same(pair, pair)]

    assert len(missed) / len(same) <= MOST_FALSE_MISMATCHES, missed
    assert len(mistaken) / len(different) <= MOST_FALSE_MATCHES, mistaken


def test_no_title_is_taken_for_that_of_another_pair():
    """Each cited title against every title of the pairs that begin otherwise: nearly all combinations of a fifth."""
    some = pairs()[::5]

    crossed = [(a, b) for a, b in product(some, some) if a["actual"][:12] != b["actual"][:12]]
    mistaken = [(a["cited"], b["actual"]) for a, b in crossed if is_taken_for_same(a, b)]

    assert len(crossed) > 1500
    assert len(mistaken) / len(crossed) <= MOST_FALSE_MATCHES, mistaken


@pytest.mark.parametrize("style", STYLES)
def test_a_reference_is_read_in_the_styles_people_write(style):
    (cited,) = references_in(STYLES[style])

    assert cited.title.lower() == "nanofat for dark circles: a split-face trial"
    assert is_same_author(cited.author, "Alderwick A")
    assert (cited.year, cited.volume, cited.page) == (2019, "12", "45")
    assert is_same_journal(cited.journal, ["Synthetic Journal of Dermal Biology", "Synth J Derm Biol"])


def test_the_ids_of_a_reference_belong_to_it():
    (cited,) = references_in(VANCOUVER)

    assert (cited.pmid, cited.pmcid, cited.doi) == (90_000_001, "PMC9000001", "10.5555/synthetic.1")


def test_the_reference_of_the_first_article_is_read_whole():
    text = (
        "Yin et al. 2017. Adipose-derived mesenchymal stem cells for skin rejuvenation: A systematic review and "
        "meta-analysis of randomized controlled trials, PMC5600176"
    )

    (cited,) = references_in(text)

    assert (cited.author, cited.year, cited.pmcid) == ("Yin", 2017, "PMC5600176")
    assert cited.title.startswith("Adipose-derived") and cited.title.endswith("randomized controlled trials")


def test_a_list_of_identifiers_is_a_list():
    found = references_in("90000001, PMC5600176\n10.5555/ABC.1;https://pubmed.ncbi.nlm.nih.gov/90000002/ NCT01234567")

    assert [(c.pmid, c.pmcid, c.doi, c.registration) for c in found] == [
        (90_000_001, "", "", ""),
        (None, "PMC5600176", "", ""),
        (None, "", "10.5555/abc.1", ""),
        (90_000_002, "", "", ""),
        (None, "", "", "NCT01234567"),
    ]


def test_identifiers_are_found_in_running_text_and_the_text_is_no_reference():
    found = references_in(
        "The trial (PMID: 90000004) and another (PMID 90000005, NCT01234567) showed a lot in 2019, said the clinic.\n\n"
        "Stem cells are the future, and everybody should buy them in 2019.\n"
    )

    assert [(c.pmid, c.registration, c.says_more) for c in found] == [
        (90_000_004, "", False),
        (90_000_005, "", False),
        (None, "NCT01234567", False),
    ]


def test_the_source_of_a_web_page_is_read_with_its_links():
    page = f"""<!doctype html><html><head><title>Our cells, 2020</title><script>var pmid = "PMID: 1";</script></head>
    <body><p>As <a href="https://doi.org/10.5555/linked">shown</a>.</p><ol><li>{VANCOUVER}</li>
    <li>Jarrow K. Fat &amp; skin in the old. Model Ann Skin Res. 2020;30(1):7-9.</li></ol></body></html>"""

    found = references_in(page)

    assert [c.doi or c.title for c in found] == ["10.5555/linked", "10.5555/synthetic.1", "Fat & skin in the old"]


def test_a_title_alone_may_stand_alone_but_a_few_words_may_not():
    assert references_in("Nanofat for dark circles: a split-face trial")[0].title
    assert references_in("stem cells") == []
    assert references_in("") == []


HOSTILE = [
    f"Yin X. A title here. {'A' * 60}. B! 2017\n\n",
    "A. ",
    "Aa, A., ",
    "Aa A, ",
    "(2019) ",
    "PMID",
    "10.1234/a",
    "<a href='",
    "<p ",
    "<script>",
    "van der ",
    "A. B. Title one. ",
    "x",
    "1. a\n",
    "“",
]
LONG = 100_000  # characters; what grows with the square would take a minute


@pytest.mark.parametrize("words", HOSTILE)
def test_no_text_takes_long(words):
    text = f"</p>{words * (LONG // len(words))} 2019"
    before = time.process_time()

    references_in(text)

    assert time.process_time() - before < 3


@pytest.mark.parametrize("text", ["A. " * 3000, "a b " * 3000, "((((" * 1000, "é" * 5000, "Ｒ" * 1000, "\u202e" * 900])
def test_no_title_takes_long(text):
    before = time.process_time()

    likeness(text, text[:-2] + "z")
    likeness(text, "Nanofat")

    assert time.process_time() - before < 2


@pytest.mark.parametrize(
    ("cited", "found"),
    [
        ("Yin", "Yin X"),
        ("Yin X", "Yin X"),
        ("Yin, Xin", "Yin X"),
        ("X. Yin", "Yin X"),
        ("Yin et al.", "Yin X"),
        ("Müller K", "Mueller K"),
        ("van der Berg J", "Berg J"),
        ("Nunez-Vale O", "Núñez-Vale O"),
        ("Nunez O", "Núñez-Vale O"),
        ("Ostrowski Ł", "Ostrowski Ł"),
        ("O'Brien P", "OBrien P"),
        ("Synthetic Skin Study Group", "Synthetic Skin Study Group"),
    ],
)
def test_a_family_name_is_known_in_every_writing(cited, found):
    assert is_same_author(cited, found)


@pytest.mark.parametrize(
    ("cited", "found"), [("Yin", "Li X"), ("Li Y", "Lin Y"), ("", "Yin X"), ("Garcia A", "Ruiz A")]
)
def test_another_family_name_is_another(cited, found):
    assert not is_same_author(cited, found)


@pytest.mark.parametrize(
    ("cited", "names", "is_same"),
    [
        ("Synth J Derm Biol", ["Synthetic Journal of Dermal Biology"], True),
        ("Synth. J. Derm. Biol.", ["Synth J Derm Biol"], True),
        ("The Lancet", ["Lancet (London, England)", "Lancet"], True),
        ("PRS", ["Plastic and Reconstructive Surgery"], True),
        ("Natl Skin J", ["National Skin Journal"], True),
        ("Synth J Derm Biol", ["Archives of Fictive Stem Cell Therapy"], False),
        ("Skin", ["Skin Research"], False),
        ("J Dermatol Sci", ["Journal of Dermatological Treatment"], False),
    ],
)
def test_a_journal_is_known_by_its_abbreviations(cited, names, is_same):
    assert is_same_journal(cited, names) == is_same


def test_online_and_print_may_be_a_year_apart():
    assert is_same_year(2019, [2020])
    assert not is_same_year(2017, [2019, 2020])


FOUND = Found(
    title="Nanofat for dark circles: a split-face trial.",
    authors=("Alderwick A", "Brambell BC"),
    years=(2019,),
    journals=("Synthetic Journal of Dermal Biology", "Synth J Derm Biol"),
    pmid=90_000_001,
    doi="10.5555/synthetic.1",
)


def test_only_what_both_sides_say_is_compared():
    alone = compare(Cited(pmid=90_000_001), FOUND)
    short = compare(Cited(author="Alderwick", year=2019, pmid=90_000_001), FOUND)

    assert alone.compared == () and alone.is_match
    assert short.compared == ("first author", "year") and short.is_match


def test_every_part_that_differs_is_named():
    cited = Cited(title="Nanofat for thin lips", author="Jarrow K", year=2001, journal="Utop Lett Regen", doi="10.1/x")

    assert compare(cited, FOUND).differences == ("title", "first author", "year", "journal", "identifier")


def test_a_title_that_stands_whole_in_the_text_is_found_however_badly_its_parts_were_read():
    text = "Alderwick in press 2019; Nanofat for dark circles: a split-face trial; Synth J Derm Biol"
    cited = Cited(text=text, title="in press", author="Alderwick", year=2019, is_free=True)

    assert compare(cited, FOUND).is_match


def test_a_title_within_a_longer_one_is_not_its_article():
    text = "Jarrow K. Comments on nanofat for dark circles a split-face trial in minipigs. 2020."
    cited = Cited(text=text, title="Comments on nanofat for dark circles a split-face trial in minipigs", is_free=True)

    assert "title" in compare(cited, FOUND).differences


def test_a_shortened_title_alone_proves_nothing():
    cited = Cited(title="Nanofat for dark circles")

    assert not compare(cited, FOUND).is_proof
    assert compare(Cited(title="Nanofat for dark circles", year=2019), FOUND).is_proof


def test_a_title_is_looked_for_by_words_spelled_alike_everywhere():
    cited = Cited(
        title="Randomised trial of adipose conditioned medium in photoageing of the décolleté",
        author="Ekström M",
        year=2020,
    )

    narrow, wide, other = questions(cited)

    assert narrow == f"{wide} AND 2019:2021[dp]"
    assert "randomised" not in wide and "ageing" not in wide and "adipose[ti]" in wide
    assert other.startswith("ekstrom[au] AND 2019:2021[dp]")


def test_references_that_cannot_be_read_are_kept_apart():
    lines = [f"{n}. something unreadable of the year 2017 about skin number {n} and no more" for n in range(1, 5)]

    assert len(references_in("\n".join(lines))) == 4


def test_the_example_text_is_read_as_one_reference():
    assert len(references_in(EXAMPLE)) == 1


def test_a_packed_bibliography_is_unpacked_to_a_bound():
    packed = BytesIO(gzip.compress(b"PMID- 1\nTI  - Synthetic.\n\n" * 500_000))

    with pytest.raises(checking.NothingFound, match="MB"):
        checking.request_check("", file=packed, name="large.nbib.gz")
