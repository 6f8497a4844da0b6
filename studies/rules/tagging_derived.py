"""What follows from the tags a record's words suggest: cells, graft or cell-free product, donor, comparator."""

import re
from collections.abc import Callable, Iterable

from studies.rules.study_species import ANIMAL, HUMAN, IN_VITRO, Model
from studies.rules.tagging_context import STRONG, Reading
from studies.rules.tagging_phrases import Hit
from studies.rules.tagging_text import Suggestion

VERSION = 1
_CELLS = (
    *("src-adsc", "src-svf", "src-bmsc", "src-bmac", "src-ucmsc", "src-ucbmsc", "src-placenta", "src-amnion"),
    *("src-adult-msc", "src-fibroblast", "src-keratinocyte", "src-hf", "src-vsel", "src-pbsc", "src-ipsc", "src-esc"),
)
_PERINATAL = ("src-ucmsc", "src-ucbmsc", "src-placenta", "src-amnion")
_OWN_FAT = ("src-nanofat", "src-fat")
_FREE = {"prd-cm", "prd-ev", "prd-lysate"}
_SPECIES = {
    species: re.compile(rf"\b(?:{names})")
    for species, names in {
        "mouse": "mice|mouse|murine|c57bl|balb|skh",
        "rat": "rats?\\b|wistar|sprague",
        "rabbit": "rabbit",
        "pig": "pig|porcine|swine|minipig",
        "dog": "dog|canine",
    }.items()
}
_COMPARES = {"des-rct-parallel", "des-rct-split", "des-nrct", "des-cohort", "des-animal"}


def derived(reading: Reading, found: list[Suggestion], model: Model) -> list[Suggestion]:
    """New suggestions only: what the text itself already suggests firmly is not repeated."""
    best = _best(found)
    sure = {tag for tag, s in best.items() if s.strength in STRONG}
    rules: tuple[Callable[[set[str], Reading, Model], dict[str, Iterable[str]]], ...] = (_product, _donor, _other)
    new: list[Suggestion] = []
    for rule in rules:
        for tag, reasons in rule(sure, reading, model).items():
            reason = next((best[r] for r in reasons if r in best and best[r].strength in STRONG), None)
            if reason and tag not in sure:
                new.append(_from(reason, tag))
    return new


def _best(found: Iterable[Suggestion]) -> dict[str, Suggestion]:
    best: dict[str, Suggestion] = {}
    for s in found:
        if s.tag not in best or best[s.tag].strength == "weak":
            best[s.tag] = s
    return best


def _from(reason: Suggestion, tag: str) -> Suggestion:
    """The same words, for what follows from them."""
    return Suggestion(tag, f"{tag}.derived", VERSION, reason.field, reason.start, reason.end, reason.phrase, "derived")


def _product(sure: set[str], reading: Reading, model: Model) -> dict[str, Iterable[str]]:
    """Cells unless only what they shed is given; fat and nanofat are grafts unless cells were added."""
    tags: dict[str, Iterable[str]] = {}
    gel = any("gel" in reading.flats[h.field].lower[h.start : h.end + 4] for h in _svf(reading))
    cells = [tag for tag in _CELLS if tag in sure and not (tag == "src-svf" and gel)]
    enriched = sure & {"prd-enriched-fat", "dlv-fat-enrichment"}
    if cells and not (sure & _FREE) and not enriched:
        tags["prd-cells"] = cells
    if not enriched or "cmp-fat" in sure or reading.met("cue.fat-only"):
        tags["prd-tissue"] = ["src-nanofat", "src-fat"]
    if "dlv-fat-enrichment" in sure:
        tags["prd-enriched-fat"] = ["dlv-fat-enrichment"]
    return tags


def _svf(reading: Reading) -> list[Hit]:
    return [hit for name in ("src-svf.name", "src-svf.acronym") for hit in reading.hits.get(name, ())]


def _donor(sure: set[str], reading: Reading, model: Model) -> dict[str, Iterable[str]]:
    """Fat is the person's own by definition; cord, placenta and amnion count as another's unless said otherwise."""
    if sure & {"don-auto", "don-allo", "don-xeno"}:
        return {}
    if "src-animal" in sure:
        return {"don-xeno": ["src-animal"]}
    if model.kind == ANIMAL:
        return {} if _is_one_species(reading) else {"don-xeno": (*_CELLS, *_OWN_FAT)}
    if model.kind == IN_VITRO:
        return {}
    # Cell-free products of fat come from a bank of cells as often as from the person.
    own = _OWN_FAT if sure & _FREE else (*_OWN_FAT, "src-svf")
    return {"don-allo": () if reading.is_review else _PERINATAL, "don-auto": own}


def _is_one_species(reading: Reading) -> bool:
    """Cells of mice in mice, as far as the words tell."""
    givers = _species(reading, "cue.same-species")
    return bool(givers) and not reading.met("cue.human-product") and _species(reading, "cue.animal") <= givers


def _species(reading: Reading, name: str) -> set[str]:
    words = " ".join(reading.flats[hit.field].lower[hit.start : hit.end] for hit in reading.hits.get(name, ()))
    return {species for species, word in _SPECIES.items() if word.search(words)}


def _other(sure: set[str], reading: Reading, model: Model) -> dict[str, Iterable[str]]:
    tags: dict[str, Iterable[str]] = {}
    sources = {tag for tag in sure if tag.startswith("src-")}
    if not sources:
        tags["src-unspecified"] = ["prd-cm", "prd-ev"]
    if model.kind == HUMAN and not any(tag.startswith("cmp-") for tag in sure):
        tags["cmp-none"] = ["des-before-after"]
        if reading.own("cue.measured-before"):
            tags["cmp-none"] = ["des-before-after", "des-case-series"]
    cells = [tag for tag in (*_CELLS, "src-plant", "src-animal") if tag in sure and tag != "src-adult-msc"]
    if "src-animal" in sure:  # a deer's cord is one source
        cells = [tag for tag in cells if tag not in _PERINATAL]
    if set(cells) == {"src-adsc", "src-svf"} and "prc-expanded" not in sure:  # more often two names than two arms
        cells = cells[:1]
    two_kinds = len(cells) > 1 or {"prd-cells", "prd-cm"} <= sure
    if two_kinds and sure & _COMPARES and not sure & {"prd-enriched-fat", "dlv-fat-enrichment"}:
        tags["cmp-dose"] = [*cells[1:], *cells]
    return tags
