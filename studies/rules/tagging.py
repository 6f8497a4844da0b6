"""Which tags a record's own words suggest: the rules in order, and what follows from them. Nothing is decided here."""

from dataclasses import replace

from studies.rules.study_species import ANIMAL, HUMAN, IN_VITRO, Model, model_in
from studies.rules.tagging_context import KEYWORDS, PLACE, STRONG, TITLE, Reading, is_negated, read
from studies.rules.tagging_derived import derived
from studies.rules.tagging_design import designs
from studies.rules.tagging_mentions import TREATMENT, Mentions
from studies.rules.tagging_mesh import from_mesh
from studies.rules.tagging_phrases import Hit
from studies.rules.tagging_text import Suggestion, Text

__all__ = ["Model", "Suggestion", "Text", "model_of", "relevance", "suggest"]

_ORDER = {"source": 0, "title": 1, "abstract": 2, "derived": 3, "weak": 4}
_CELL_FACETS = {"sources", "products"}
# What a trial on another organ has as well; its indication and most of its comparators have no term.
_TAGS_ELSEWHERE = {"pop-sex-age", "cmp-placebo", "out-ae", "out-sae", "out-durability", "out-qol"}
# A hit of the first inside a hit of the second is a comparison, not the treatment.
_COMPARED = {
    "dlv-laser": ("cmp-energy.name",),
    "dlv-topical": ("cmp-retinoid.name",),
}
# Who took part stands in any sentence.
_OPINION = {"letter", "editorial", "comment"}
_OF_PEOPLE = ("site-", "pop-")
_SAID_EVEN_IF_DENIED = ("out-", "cmp-none")
_ABOUT_AGEING = {"ind-aging", "ind-photoaging", "ind-rhytides", "ind-acne-scar"}
_REVIEWS = {"des-review", "des-sr", "des-ma", "des-guideline"}
_TRAPS = ("trap.stem-cell-factor", "trap.blood-stem-cells", "trap.cancer", "trap.resident-cells", "trap.other-tissues")
_TREATS_WITHOUT_CELLS = {"prd-prp", "prd-gf"}
_IN_TISSUE = {"out-collagen", "out-histology", "out-dermal-thickness"}
_OF_HARM = {"out-ae", "out-sae", "out-histology"}
_FREE = {"prd-cm", "prd-ev", "prd-lysate"}


def suggest(text: Text) -> list[Suggestion]:
    """The best suggestion of each rule for each tag, sorted by tag and strength; empty for a record of other fields.

    Only the design is suggested for a record that speaks neither of a product on the skin nor of ageing skin.
    """
    return _suggested(read(text))


def model_of(text: Text) -> Model:
    """Whether people, animals or cells in a dish were studied, with the words that say so."""
    return model_in(read(text))


def relevance(text: Text, suggestions: list[Suggestion]) -> str:
    """Of people, ageing skin and a cell product "in" has all and "near" lacks one; "out" sorts to the bottom."""
    reading = read(text)
    strong = {s.tag for s in suggestions if s.strength in STRONG}
    by_cells = {tag for tag in strong if tag[:4] in {"src-", "prd-"}}
    ageing = reading.met("cue.ageing")
    if not by_cells or not (ageing or reading.met("cue.skin-strong")):
        return "out"
    only_adjacent = by_cells <= {"src-plant", "src-animal", "src-fat", "prd-tissue", "prd-ev", *_TREATS_WITHOUT_CELLS}
    is_adjacent = only_adjacent and (bool(by_cells & {"src-plant", "src-fat"}) or by_cells <= _TREATS_WITHOUT_CELLS)
    is_review = bool(strong & _REVIEWS)
    if ageing and not is_adjacent and not is_review and model_in(reading).kind == "human":
        return "in"
    return "near" if ageing else "out"


def _suggested(reading: Reading) -> list[Suggestion]:
    model = model_in(reading)
    found = [*_from_text(reading), *from_mesh(reading)]
    if not _on_topic(reading, found):
        return _sorted([*_cells_elsewhere(reading, found), *designs(reading, model)], reading)
    found += designs(reading, model)
    found = _settled([*found, *derived(reading, found, model)], reading, model)
    if _only_trapped(reading, found):
        found = [s if s.tag.startswith("des-") else replace(s, strength="weak") for s in found]
    return _sorted(found, reading)


def _on_topic(reading: Reading, found: list[Suggestion]) -> bool:
    """A product on the skin or ageing skin; a beam of laser light is another field."""
    if not any(map(reading.met, ("cue.skin-strong", "cue.skin-sites", "cue.skin-more"))):
        return False
    facets = reading.book.facets
    return any(facets[s.tag] in _CELL_FACETS or (s.tag in _ABOUT_AGEING and s.strength in STRONG) for s in found)


def _cells_elsewhere(reading: Reading, found: list[Suggestion]) -> list[Suggestion]:
    """What a paper on another organ says of the cells that its title names: it may be a study of harm."""
    if not any(s.strength == "title" and s.tag in _NARROW_SOURCES for s in found):
        return []
    model = model_in(reading)
    settled = _settled([*found, *derived(reading, found, model)], reading, model)
    return [s for s in settled if reading.book.facets[s.tag] in TREATMENT or s.tag in _TAGS_ELSEWHERE]


def _only_trapped(reading: Reading, found: list[Suggestion]) -> bool:
    """Stem cells are met, but only resident, cancerous or blood-forming ones: the record is about them."""
    if not any(map(reading.met, _TRAPS)):
        return False
    facets = reading.book.facets
    return not any(
        s.strength in STRONG and ((facets[s.tag] == "sources" and s.tag != "src-unspecified") or s.strength == "title")
        for s in found
        if facets[s.tag] in _CELL_FACETS
    )


def _sorted(found: list[Suggestion], reading: Reading) -> list[Suggestion]:
    facets = reading.book.facets
    return sorted(found, key=lambda s: (facets[s.tag], s.tag, _ORDER[s.strength], s.rule))


def _from_text(reading: Reading) -> list[Suggestion]:
    """Every rule's best hit: in the title before the abstract, about the study itself before other work."""
    best: dict[str, Suggestion] = {}
    mentions, passing, told = Mentions(reading), set(), set()
    entries = reading.book.entries
    for name, hits in reading.hits.items():
        entry = entries[reading.book.by_id[name]]
        if not hits or not entry.tag or _lacks_company(reading, entry.needs, entry.without):
            continue
        is_treatment = entry.facet in TREATMENT
        for hit in sorted(hits, key=PLACE):
            # "No adverse events" says that they were looked for.
            if not entry.tag.startswith(_SAID_EVEN_IF_DENIED) and is_negated(reading, hit):
                continue
            if entry.tag in _COMPARED and _is_comparison(reading, hit, _COMPARED[entry.tag]):
                continue
            strength = entry.strength or ("title" if hit.field == TITLE else "abstract")
            if reading.is_background(hit) and not entry.tag.startswith(_OF_PEOPLE):
                strength = "weak"
            if is_treatment and mentions.is_aside(hit):
                strength = "weak"
            if reading.is_undone(hit) and not entry.tag.startswith("pop-"):  # a site as well
                strength = "weak"
            # A review lists the tissues one could take; what it is about stands in plainer words.
            if entry.behind == "cue.obtained-from" and reading.is_review:
                strength = "weak"
            if name not in best or _ORDER[strength] < _ORDER[best[name].strength]:
                best[name] = reading.suggestion(hit, strength)
            if strength == "weak":
                if entry.strength:
                    break
            elif is_treatment and mentions.is_in_passing(hit, entry.facet):
                passing.add(entry.tag)
            else:
                told.add(entry.tag)
                break  # what follows in the text is no surer
    if passing := passing - told:
        return [replace(s, strength="weak") if s.tag in passing else s for s in best.values()]
    return list(best.values())


def _lacks_company(reading: Reading, needs: tuple[str, ...], without: tuple[str, ...]) -> bool:
    return bool(needs and not any(map(reading.met, needs))) or any(map(reading.met, without))


def _is_comparison(reading: Reading, hit: Hit, comparators: tuple[str, ...]) -> bool:
    return hit.field != KEYWORDS and any(
        other.field == hit.field and other.start < hit.end and hit.start < other.end
        for name in comparators
        for other in reading.hits.get(name, ())
    )


def _is_opinion(reading: Reading) -> bool:
    """Letters and editorials measure nothing."""
    return any(name.lower() in _OPINION for _, name in reading.text.publication_types)


_MSC = (
    "src-adsc",
    "src-svf",
    "src-bmsc",
    "src-bmac",
    "src-ucmsc",
    "src-ucbmsc",
    "src-placenta",
    "src-amnion",
    "src-ipsc",
)
_NARROW_SOURCES = {*_MSC, "src-nanofat", "src-fat"}
# The first is weak at most where one of the others is sure: it would only say less.
_SAYS_LESS = {
    "src-adult-msc": (*_MSC, "src-hf", "src-animal"),
    "src-unspecified": (*_MSC, "src-adult-msc", "src-nanofat", "src-fat", "src-fibroblast", "src-esc", "src-hf",
                        "src-pbsc", "src-vsel", "src-keratinocyte", "src-animal", "src-plant"),
    "dlv-injection": ("dlv-intradermal", "dlv-subcutaneous", "dlv-intralesional", "dlv-mesotherapy"),
    "dlv-microneedling": ("dlv-rf-microneedling",),
    "src-placenta": ("src-amnion",),
    "src-bmsc": ("src-bmac",),
}  # fmt: skip


def _settled(found: list[Suggestion], reading: Reading, model: Model) -> list[Suggestion]:
    """General terms give way to what is narrower; what hangs on people or cells goes where there are none."""
    sure = {s.tag for s in found if s.strength in STRONG}
    dropped = {tag for tag, narrower in _SAYS_LESS.items() if sure.intersection(narrower)}
    plain = "des-case-report" not in sure and ("cmp-fat" in sure or reading.met("cue.fat-only"))
    if "prd-enriched-fat" in sure and not plain:
        dropped.add("prd-tissue")
    if sure & {"prd-enriched-fat", "dlv-fat-enrichment"}:
        dropped.add("prd-cells")
    if "src-svf" in sure:
        dropped.add("prc-uncultured")
    if model.kind != HUMAN:
        dropped.update(tag for tag in sure if tag.startswith(_OF_PEOPLE if model.kind else "pop-"))
    if model.kind == ANIMAL:
        dropped.update(("don-allo", "ind-rhytides"))
    if "des-guideline" in sure or _is_opinion(reading):
        dropped.update(tag for tag in sure if tag.startswith(("out-", "cmp-")))
    if sure & _REVIEWS:
        dropped.add("cmp-none")
    dropped.update(_not_measured(found, sure, reading, model))
    others = {tag for tag in sure - dropped if tag.startswith("cmp-")} - {"cmp-none"}
    if "des-before-after" in sure:
        dropped |= others  # one arm has nothing beside it
    elif others:
        dropped.add("cmp-none")
    # "Fillers are the usual answer to facial lines" does not widen a study of the folds.
    if any(tag.startswith("site-") for tag in sure - {"site-face"}) and not reading.own("site-face.name"):
        dropped.add("site-face")
    sources = {tag for tag in sure if tag.startswith("src-")}
    if not sources:
        dropped.add("prd-cells")
        if not sure & {"prd-cm", "prd-ev"}:
            dropped.add("cmp-prp")
    if sources and sources <= {"src-plant"}:
        dropped.update(tag for tag in sure if tag.startswith(("don-", "prc-")) and tag != "prc-cryo")
    if model.kind == IN_VITRO:
        dropped.update(("don-auto", "don-allo", "don-xeno"))
    if model.kind != HUMAN and reading.met("cue.test-system"):
        dropped.update(tag for tag in sources if tag != "src-plant")
        dropped.update(("prd-cells", "don-auto"))
    if not sources and not sure & _FREE:
        dropped.update(tag for tag in sure if tag.startswith("prc-"))
    return [s for s in found if s.tag not in dropped]


def _not_measured(found: list[Suggestion], sure: set[str], reading: Reading, model: Model) -> set[str]:
    """Outcomes and comparators that a dish, a review or the report of one harm speaks of and does not have."""
    dropped: set[str] = set()
    of_results = {tag for tag in sure if tag.startswith(("out-", "cmp-"))}
    if model.kind == IN_VITRO:
        dropped |= of_results - (_IN_TISSUE if reading.met("cue.tissue-model") else set())
    named = {s.tag for s in found if s.strength in ("title", "source")}
    if sure & _REVIEWS:
        dropped |= {tag for tag in of_results if tag.startswith("cmp-")} - named
    if "des-review" in sure:
        dropped |= of_results - named
    if "des-case-report" in sure:
        dropped |= {tag for tag in of_results if tag.startswith("cmp-")}
    if sure & {"cmp-surgery", "cmp-prp"} and not sure & {"prd-enriched-fat", "prd-cells"}:
        dropped.add("cmp-fat")  # fat alone is what was compared with the other
    if "des-case-report" in sure and "out-sae" in sure:
        dropped |= {tag for tag in of_results if tag.startswith("out-")} - _OF_HARM
        if all(s.rule == "out-ae.named" for s in found if s.tag == "out-ae" and s.strength in STRONG):
            dropped.add("out-ae")
    if "ind-wound" in sure and "ind-laser-recovery" not in sure:
        dropped.add("out-downtime")
    return dropped
