"""What a record only mentions, and what it gives: all titles and abstracts here are invented."""

import pytest

from studies.rules.tagging import Text, suggest

STUDY = (
    "We treated the facial skin of twenty women with nanofat. One session was planned. Photographs were scored by two"
    " readers. Wrinkles were milder at six months. Swelling lasted for three days. Nobody had an infection. "
)


def strengths(title: str, abstract: str = "", **more) -> dict[str, str]:
    """The best strength of each term: anything else goes before weak."""
    found = sorted(suggest(Text(title, abstract, **more)), key=lambda s: s.strength == "weak", reverse=True)
    return {s.tag: s.strength for s in found}


def ticked(title: str, abstract: str = "", **more) -> set[str]:
    return {tag for tag, strength in strengths(title, abstract, **more).items() if strength != "weak"}


@pytest.mark.parametrize(
    "aside",
    [
        "Exosomes were not part of this work.",
        "Exosomes are beyond the scope of our trial.",
        "In contrast to exosomes, the graft holds whole cells.",
        "Exosomes have been proposed by others.",
        "We cannot comment on exosomes.",
        "People who had exosomes in the past year were ineligible.",
        "An arm with exosomes would be an alternative.",
        "A trial of exosomes is being prepared.",
    ],
)
def test_an_aside_about_another_product_ticks_nothing(aside):
    early = ticked("Nanofat for facial wrinkles", f"{aside} {STUDY}")

    assert "src-nanofat" in early and "prd-ev" not in early


def test_a_product_first_named_when_the_study_has_been_told_is_weak():
    late = strengths("Nanofat for facial wrinkles", STUDY + "Exosomes may act in like manner.")
    both = strengths("Nanofat and exosomes for facial wrinkles", STUDY + "Exosomes may act in like manner.")

    assert late["prd-ev"] == "weak" and both["prd-ev"] == "title"


def test_a_route_told_late_counts_where_something_was_given():
    found = ticked("Nanofat for facial wrinkles", STUDY + "All grafts were placed subcutaneously.")

    assert "dlv-subcutaneous" in found


def test_a_general_opening_gives_no_route():
    opening = ticked("Nanofat for facial wrinkles", "Lines of the lip respond well to ablative lasers. " + STUDY)
    own = ticked("Nanofat for facial wrinkles", "We gave nanofat after ablative laser. " + STUDY)

    assert "dlv-laser" not in opening and "dlv-laser" in own


@pytest.mark.parametrize(
    ("title", "is_route"),
    [
        ("SVF gel versus fractional CO2 laser for facial skin", False),
        ("Exosomes applied after fractional CO2 laser on facial skin", True),
        ("Laser-assisted delivery of exosomes to facial skin", True),
        ("Fractional laser followed by application of exosomes to facial skin", True),
    ],
)
def test_a_laser_is_a_route_where_it_opens_the_skin_and_none_where_it_is_the_rival(title, is_route):
    assert ("dlv-laser" in ticked(title)) == is_route


@pytest.mark.parametrize(
    "abstract",
    [
        "The granulomas were treated with intralesional triamcinolone.",
        "She was given intravenous antibiotics.",
        "The product was sold for topical use.",
        "It was dissolved in water for injection.",
        "Ageing of the mice was induced by D-galactose given subcutaneously.",
    ],
)
def test_treating_a_harm_or_making_a_model_is_no_delivery(abstract):
    found = ticked("Exosomes and facial skin", abstract)

    assert not {tag for tag in found if tag.startswith("dlv-")}


@pytest.mark.parametrize(
    ("abstract", "tag"),
    [
        ("Microfat was spread below the dermis with a cannula.", "dlv-subcutaneous"),
        ("The suspension was placed in the papillary dermis.", "dlv-intradermal"),
        ("The cells were injected into each line.", "dlv-intralesional"),
        ("The cells were infused through a peripheral vein.", "dlv-iv"),
        ("The women wore a gel mask with the product.", "dlv-topical"),
        ("The product was driven in by a needleless jet injector.", "dlv-physical"),
        ("Radiofrequency needles opened the skin.", "dlv-rf-microneedling"),
        ("The cells were mixed with hyaluronic acid.", "dlv-scaffold"),
    ],
)
def test_a_route_is_known_by_many_words(abstract, tag):
    assert tag in ticked("Adipose stem cells for facial skin", abstract)


def test_cells_of_rats_in_rats_are_not_foreign_and_those_of_people_are():
    same = ticked("Marrow stem cells and ageing skin", "Bone marrow stem cells of Wistar rats were injected into rats.")
    other = ticked("Marrow stem cells and ageing skin", "Rat bone marrow stem cells were injected into mice.")
    human = ticked("Stem cells and ageing skin of mice", "Human adipose stem cells were injected into nude mice.")

    assert "don-xeno" not in same
    assert "don-xeno" in other and "don-xeno" in human


def test_cells_mixed_into_a_graft_are_an_enriched_graft_and_plain_fat_a_graft_of_its_own():
    enriched = ticked("Facial fat grafting", "Marrow concentrate was mixed into the facial fat grafts.")
    both = ticked("Facial fat enriched with SVF", "The other half had conventional fat grafts. SVF: stromal vascular.")

    assert {"prd-enriched-fat", "dlv-fat-enrichment"} <= enriched and "prd-cells" not in enriched
    assert {"prd-enriched-fat", "prd-tissue"} <= both


def test_exosomes_taken_from_a_medium_are_no_medium():
    found = ticked(
        "Exosomes of stem cells for skin", "Exosomes were isolated by filtration from the conditioned medium of cells."
    )

    assert "prd-ev" in found and "prd-cm" not in found


def test_the_biology_of_a_plant_gives_nothing_to_the_skin():
    abstract = "Shoot apical meristems of Malus domestica callus were grown. Skin creams were not made."

    assert "src-plant" not in ticked("Stem cells in apple callus", abstract)
