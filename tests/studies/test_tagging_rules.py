"""What the rules suggest and what they leave alone: all titles and abstracts here are invented."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.rules.tagging import Suggestion, Text, model_of, relevance, suggest
from studies.rules.tagging_phrases import Matcher, PhraseError, compiled, expanded
from studies.rules.tagging_rules import rule_book
from studies.rules.tagging_text import MOST_READ, flatten


def said(title: str, abstract: str = "", **more) -> list[Suggestion]:
    return suggest(Text(title, abstract, **more))


def ticked(title: str, abstract: str = "", **more) -> set[str]:
    """The terms that would be shown ticked."""
    return {s.tag for s in said(title, abstract, **more) if s.strength != "weak"}


def met(phrase: str, text: str) -> list[str]:
    flat = flatten("title", text)
    return [text[slice(*flat.span(h.start, h.end))] for h in Matcher([(0, [phrase])], {}).hits(flat, 0)]


# --- the language of the phrases ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("adipose (tissue)? derived cells?", "Adipose-derived cell, adipose tissue–derived cells", 2),
        ("nano ?fat", "Nanofat and nano-fat and nano fat", 3),
        ("rejuvenat*", "Rejuvenation rejuvenates", 2),
        ("(deep|fine)+ lines", "deep fine lines, lines", 1),
        ("umbilical cord !(blood)", "umbilical cord blood, umbilical cord tissue", 1),
        ("applied ~ (skin|face)", "applied twice a day to the face. Applied once. The skin", 1),
        ("centella @ derived", "Centella (CICA)-derived", 1),
        ("# months", "after 12 months and 3.5 months", 2),
        ("MN", "MN, but never mn", 1),
        ("stem cells", "a system cells", 0),
    ],
)
def test_a_phrase_is_met_where_its_language_says(phrase, text, found):
    hits = met(phrase, text)

    assert len(hits) == found


@pytest.mark.parametrize("phrase", ["fat*", "(a|b", "word  word", "(only)?", "? word", "# *", "<nothing>"])
def test_a_phrase_that_cannot_be_read_is_refused(phrase):
    with pytest.raises(PhraseError):
        compiled(expanded(phrase, {}))


def test_word_lists_that_name_one_another_are_refused():
    with pytest.raises(PhraseError):
        expanded("<a>", {"a": "<b>", "b": "<a>"})


def test_no_rule_suggests_that_something_was_not_reported():
    book = rule_book()

    assert [entry.id for entry in book.entries if entry.tag.endswith("-nr")] == []
    assert all(entry.version >= 1 for entry in book.entries if entry.tag)


# --- places in the original text ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "phrase"),
    [
        ("Skin after adipose‑derived stem cells", "adipose‑derived stem cells"),
        ("TGF-β in facial skin and nano–fat", "nano–fat"),
        ("Rhytide\u0301s: ﬁne lines of the face", "ﬁne lines"),
        ("Ａｄｉｐｏｓｅ stem cells in skin", "Ａｄｉｐｏｓｅ stem cells"),
    ],
)
def test_a_phrase_is_shown_as_it_was_written(title, phrase):
    found = said(title)

    assert phrase in {s.phrase for s in found}
    assert all(title[s.start : s.end] == s.phrase for s in found if s.field == "title")


PIECES = (
    *("adipose-derived stem cells (ADSC)", "skin ageing", "no", "without", "exosomes", "nanofat", "umbilical cord"),
    *(
        "blood",
        "laser",
        "versus",
        "PRP",
        "BACKGROUND:",
        "\n",
        "wrinkles",
        "randomised",
        "mice",
        "patients",
        "12 months",
    ),
    *("β", "ﬁ", "×", "–", "’", "İ", "\u0301", "1.5", ".", ";", ",", "(", ")"),
)
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map(" ".join))


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
def test_whatever_the_text_every_place_is_that_of_its_phrase(title, abstract):
    record = Text(f"Nanofat for facial skin {title}", abstract, keywords=(title,), mesh=(abstract,))

    found = suggest(record)

    for s in found:
        original = {"title": record.title, "abstract": record.abstract}.get(s.field)
        if s.start is not None:
            assert original is not None and original[s.start : s.end] == s.phrase and s.phrase
    assert found == suggest(record)
    assert relevance(record, found) in {"in", "near", "out"}


@pytest.mark.parametrize(
    "piece",
    [
        "stem cells ",
        "no ",
        "adipose (",
        "fat , ",
        "12 ",
        "applied to the ",
        "from ",
        "((((",
        "  ",
        "é\u0301",
        "deep fine ",
        "α",
    ],
)
def test_hostile_text_is_read_to_its_end(piece):
    found = said("Nanofat for facial skin", piece * (MOST_READ // len(piece)) + "mesotherapy")

    assert "src-nanofat" in {s.tag for s in found}


# --- traps ----------------------------------------------------------------------------------------

CELLS = {tag for tag, facet in rule_book().facets.items() if facet in {"sources", "products"}}


@pytest.mark.parametrize(
    ("title", "abstract", "tags"),
    [
        ("Apple stem cell cream for skin ageing", "Malus domestica stem cells (MDSC) were mixed in.", {"src-plant"}),
        ("Centella asiatica (CICA)-derived vesicles for ageing skin", "", {"src-plant", "prd-ev"}),
        ("A skin cream with Syringa vulgaris stem cells", "", {"src-plant"}),
        ("Boswellia thorifera (BTX)-derived extracellular vesicles on skin", "", {"prd-ev"}),
        ("Saussurea involucrata (SI)-derived extracellular vesicles on skin", "", {"src-plant", "prd-ev"}),
        ("Stem cell factor in ageing facial skin", "SCF acts through c-kit on melanocytes.", set()),
        ("Skin after haematopoietic stem cell transplantation", "HSCT and autologous stem cell transplants.", set()),
        ("Cancer stem cells in skin carcinoma", "Melanoma stem cells and tumour stem-like cells were sorted.", set()),
        ("Hair follicle stem cells leave their niche in ageing skin", "Stem cell exhaustion follows.", set()),
        ("Limbal stem cell deficiency and facial burns", "Neural stem cells were left alone.", set()),
        ("Facial numbness that stems from the brainstem", "Brain stem reflexes were lost.", set()),
        ("Cord blood glucose and the skin of newborns", "Cord blood plasma was drawn at birth.", set()),
        ("Skin of preterm infants", "Umbilical cord blood cells were counted.", set()),
        ("Very small embryonic-like stem cells (VSELs) for facial skin", "", {"src-vsel", "prd-cells"}),
    ],
)
def test_what_only_sounds_like_a_treatment_with_cells_names_no_source(title, abstract, tags):
    found = ticked(title, abstract)

    assert found & CELLS - {"src-plant"} == tags - {"src-plant"}
    assert ("src-plant" in found) == ("src-plant" in tags) or title.startswith("Boswellia")


@pytest.mark.parametrize(
    ("abstract", "absent"),
    [
        ("Atypical squamous cells (ASC) were seen on the skin smear.", "src-adsc"),
        ("The systolic velocity fraction (SVF) of skin vessels fell.", "src-svf"),
        ("The lesion was 3 cm wide; CM was the critical marker. Exosomes rose.", "prd-cm"),
        ("Mononeuropathy (MN) of the skin was found.", "dlv-microneedling"),
    ],
)
def test_an_ambiguous_acronym_counts_only_with_its_long_form(abstract, absent):
    assert absent not in ticked("Skin ageing", abstract)


def test_amsc_means_amnion_unless_the_record_says_adipose():
    amnion = ticked("AMSC products on photoaged skin")
    adipose = ticked(
        "Skin and cells", "Adipose mesenchymal stromal cells (AMSC) were injected; AMSC lived on in the skin."
    )

    assert "src-amnion" in amnion and "src-adsc" not in amnion
    assert "src-adsc" in adipose and "src-amnion" not in adipose


# --- sources and what follows ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "present", "absent"),
    [
        ("Umbilical cord blood mesenchymal stem cells for skin", {"src-ucbmsc", "don-allo"}, {"src-ucmsc"}),
        ("Umbilical cord mesenchymal stem cells for facial skin in women", {"src-ucmsc"}, {"src-ucbmsc"}),
        ("Human adipose tissue (AT)-derived stem/stromal cells for skin", {"src-adsc", "prd-cells"}, {"src-adult-msc"}),
        ("Stromal vascular fraction gel for facial skin", {"src-svf", "prd-tissue"}, {"dlv-topical", "prd-cells"}),
        ("Adipose-derived regenerative cells for the skin of hands", {"src-svf", "site-hand"}, {"src-adsc"}),
        ("Autologous fibroblasts for nasolabial folds", {"src-fibroblast", "prd-cells", "don-auto"}, {"src-adult-msc"}),
        ("Mesenchymal stem cell exosomes in ageing skin", {"src-adult-msc", "prd-ev"}, {"prd-cells"}),
        ("Exosomes for facial rejuvenation", {"src-unspecified", "prd-ev"}, {"src-adult-msc"}),
        (
            "Facial fat graft enriched with stromal vascular fraction",
            {"prd-enriched-fat", "dlv-fat-enrichment"},
            {"prd-cells"},
        ),
        ("Red deer umbilical cord lining stem cell extract for skin", {"src-animal"}, {"src-ucmsc"}),
    ],
)
def test_a_title_names_the_source_and_the_product(title, present, absent):
    found = ticked(title)

    assert present <= found
    assert not absent & found


def test_a_list_of_tissues_names_every_source():
    found = ticked(
        "Skin and cells", "Mesenchymal stem cells were obtained from adipose tissue, bone marrow and cord blood."
    )

    assert {"src-adsc", "src-bmsc", "src-ucbmsc"} <= found


def test_nanofat_made_from_microfat_is_not_a_fat_graft():
    found = ticked("Nanofat for dark eyelids", "Nanofat was made from microfat and the microfat was emulsified.")

    assert "src-nanofat" in found and "src-fat" not in found


def test_cells_beside_their_own_medium_are_cells_only_where_they_were_given():
    medium = ticked("Conditioned medium of adipose-derived stem cells on skin")
    both = ticked("Skin and cells", "Adipose-derived stem cells were injected; others had ADSC conditioned medium.")

    assert "prd-cells" not in medium
    assert {"prd-cells", "prd-cm"} <= both


def test_a_stem_cell_face_lift_that_was_a_fat_transfer_is_no_stem_cell():
    found = said(
        "Ulcers after a 'stem cell face lift'",
        "A 50-year-old woman had facial fat transfer; no stem cells were added. Skin necrosis followed.",
    )

    tags = {s.tag: s.strength for s in found}
    assert {"src-fat", "out-sae"} <= tags.keys()
    assert "src-adsc" not in tags and tags.get("src-unspecified", "weak") == "weak"


# --- negation and background ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "abstract",
    [
        "Skin was treated without exosomes.",
        "Skin was treated without stem cells, exosomes or fat grafting.",
        "Exosomes were not used on the skin.",
        "Radiofrequency rather than exosomes tightened the skin.",
        "Skin was treated in the absence of exosomes.",
    ],
)
def test_what_was_denied_is_not_suggested(abstract):
    assert "prd-ev" not in {s.tag for s in said("Tightening of ageing skin", abstract)}


def test_with_and_without_is_no_denial():
    found = ticked("Facial fat graft", "Skin was compared with and without stromal vascular fraction.")

    assert "src-svf" in found


def test_adverse_events_that_did_not_happen_were_looked_for():
    assert "out-ae" in ticked("Nanofat for facial skin", "There were no adverse events.")


@pytest.mark.parametrize(
    "abstract",
    [
        "Several studies have shown wrinkles to fade.",
        "BACKGROUND: Wrinkles trouble many. More is not known.\nMETHODS: We looked.",
        "Larger trials of wrinkles are needed.",
    ],
)
def test_a_sentence_about_other_work_suggests_weakly(abstract):
    found = {s.tag: s.strength for s in said("Nanofat and the face", abstract)}

    assert found["out-wrinkles"] == "weak"


def test_the_place_of_the_phrase_tells_the_strength():
    found = {s.tag: s for s in said("Nanofat", "Intradermal nanofat for the face.", keywords=("scar quality",))}

    assert found["src-nanofat"].strength == "title"
    assert found["dlv-intradermal"].strength == "abstract"
    assert found["out-scar"].field == "keywords" and found["out-scar"].start is None


# --- species and design ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "abstract", "kind"),
    [
        ("Nanofat", "Twenty patients were treated.", "human"),
        ("Cells from women in rats", "Stem cells were isolated from six healthy women and given to 12 rats.", "animal"),
        ("Exosomes on fibroblasts", "In vitro, fibroblasts were incubated with exosomes.", "in-vitro"),
        ("Skin explants", "Explants from three patients were kept in vitro.", "in-vitro"),
        ("A systematic review of nanofat", "Ten studies with 300 patients were included.", ""),
    ],
)
def test_donors_are_not_participants(title, abstract, kind):
    assert model_of(Text(title, abstract)).kind == kind


@pytest.mark.parametrize(
    ("record", "kind", "basis"),
    [
        (Text("Mice", "", mesh=("Animals", "Mice")), "animal", "mesh"),
        (
            Text("Skin", "", publication_types=(("D016449", "Randomized Controlled Trial"),)),
            "human",
            "publication types",
        ),
        (Text("Skin", "", is_registry_record=True), "human", "registry"),
        (Text("Skin", "Forty volunteers with wrinkles applied it."), "human", "text"),
    ],
)
def test_the_species_says_where_it_was_read(record, kind, basis):
    model = model_of(record)

    assert (model.kind, model.basis) == (kind, basis)


RCT = (("D016449", "Randomized Controlled Trial"),)


@pytest.mark.parametrize(
    ("record", "designs", "field"),
    [
        (Text("Nanofat", "", publication_types=RCT), {"des-rct-parallel"}, "publication types"),
        (Text("Nanofat: a split-face study", "", publication_types=RCT), {"des-rct-split"}, "publication types"),
        (Text("Nanofat", "", is_registry_record=True), {"des-registration"}, "registry"),
        (Text("Nanofat in mice", "", mesh=("Animals",)), {"des-animal"}, "mesh"),
        (Text("Split-face randomised trial of nanofat", "Twenty women took part."), {"des-rct-split"}, "title"),
        (Text("Nanofat", "Forty women were not randomised; a control group had saline."), {"des-nrct"}, "abstract"),
        (Text("Nanofat: a double-blind, placebo-controlled trial", "Women took part."), {"des-rct-parallel"}, "title"),
        (Text("Nanofat: systematic review and meta-analysis", ""), {"des-sr", "des-ma"}, "title"),
        (Text("Nanofat: a case report", "A 40-year-old woman came."), {"des-case-report"}, "title"),
        (Text("Nanofat", "We describe a case series of 12 women."), {"des-case-series"}, "abstract"),
        (Text("Nanofat", "A single-arm study enrolled 12 women."), {"des-before-after"}, "abstract"),
        (
            Text("Nanofat", "Randomised trials are needed. We describe a case series of 12 women."),
            {"des-case-series"},
            "abstract",
        ),
        (Text("Nanofat: study protocol of a trial", ""), {"des-protocol"}, "title"),
    ],
)
def test_the_design_says_where_it_was_read(record, designs, field):
    found = [s for s in suggest(record) if s.tag.startswith("des-")]

    assert {s.tag for s in found} == designs
    assert {s.field for s in found} == {field}


def test_human_cells_in_animals_are_xenogeneic():
    found = ticked("Umbilical cord mesenchymal stem cells in the skin of mice", "Mice were injected.")

    assert "don-xeno" in found and "don-allo" not in found


# --- comparators and relevance --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("abstract", "tag"),
    [
        ("Nanofat was compared with platelet-rich plasma.", "cmp-prp"),
        ("Nanofat or a hyaluronic acid filler was injected.", "cmp-filler"),
        ("The other cheek had microneedling alone.", "cmp-procedure-alone"),
        ("The other cheek had normal saline.", "cmp-placebo"),
        ("Nanofat versus tretinoin 0.05 % cream.", "cmp-retinoid"),
        ("Low and high dose groups were formed.", "cmp-dose"),
    ],
)
def test_a_comparator_is_what_the_treatment_was_set_against(abstract, tag):
    assert tag in ticked("Nanofat for facial skin", abstract)


def test_platelets_given_with_nanofat_are_a_product_and_no_comparator():
    found = ticked("Nanofat mixed with platelet-rich plasma for facial skin")

    assert "prd-prp" in found and "cmp-prp" not in found


@pytest.mark.parametrize(
    ("title", "abstract", "answer"),
    [
        ("Adipose-derived stem cells for facial rejuvenation", "Twenty women were injected.", "in"),
        ("Adipose-derived stem cells for facial rejuvenation in mice", "Mice were injected.", "near"),
        ("Facial fat grafting for skin ageing", "Twenty women were treated.", "near"),
        ("Adipose-derived stem cells for the knee", "Twenty women were injected.", "out"),
        ("A survey of road noise", "Twenty women answered.", "out"),
    ],
)
def test_relevance_sorts_and_decides_nothing(title, abstract, answer):
    record = Text(title, abstract)

    assert relevance(record, suggest(record)) == answer


def test_a_record_of_another_field_is_suggested_its_design_only():
    found = said(
        "Laser vaporisation of the prostate", "We retrospectively reviewed a cohort of 60 patients; no complications."
    )

    assert {s.tag[:4] for s in found} <= {"des-"}
