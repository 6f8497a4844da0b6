"""Tags that MeSH headings of a record suggest."""

from studies.rules.tagging_context import Reading
from studies.rules.tagging_text import Suggestion

VERSION = 1
# Headings that mean what the term means; broad ones (Skin Aging stands for any ageing skin) only support.
_SAYS = {
    "Stromal Vascular Fraction": "src-svf",
    "Wharton Jelly": "src-ucmsc",
    "Culture Media, Conditioned": "prd-cm",
    "Exosomes": "prd-ev",
    "Extracellular Vesicles": "prd-ev",
    "Platelet-Rich Plasma": "prd-prp",
    "Platelet-Rich Fibrin": "prd-prp",
    "Injections, Intradermal": "dlv-intradermal",
    "Injections, Subcutaneous": "dlv-subcutaneous",
    "Injections, Intralesional": "dlv-intralesional",
    "Administration, Topical": "dlv-topical",
    "Administration, Cutaneous": "dlv-topical",
    "Percutaneous Collagen Induction": "dlv-microneedling",
    "Laser Therapy": "dlv-laser",
    "Mesotherapy": "dlv-mesotherapy",
    "Iontophoresis": "dlv-physical",
    "Transplantation, Autologous": "don-auto",
    "Transplantation, Homologous": "don-allo",
    "Transplantation, Heterologous": "don-xeno",
    "Cryopreservation": "prc-cryo",
    "Freeze Drying": "prc-cryo",
    "Patient Satisfaction": "out-satisfaction",
    "Quality of Life": "out-qol",
    "Melanosis": "ind-melasma",
    "Alopecia": "ind-hair",
    "Nasolabial Fold": "site-nasolabial",
}
_SUPPORTS = {
    "Mesenchymal Stem Cells": "src-adult-msc",
    "Mesenchymal Stem Cell Transplantation": "prd-cells",
    "Embryonic Stem Cells": "src-esc",
    "Human Embryonic Stem Cells": "src-esc",
    "Induced Pluripotent Stem Cells": "src-ipsc",
    "Skin Aging": "ind-aging",
    "Rejuvenation": "ind-aging",
    "Wound Healing": "ind-wound",
    "Cicatrix": "ind-scar",
    "Face": "site-face",
    "Neck": "site-neck",
    "Hand": "site-hand",
}


def from_mesh(reading: Reading) -> list[Suggestion]:
    """One suggestion for each heading above that the record carries."""
    found = []
    for heading in dict.fromkeys(reading.text.mesh):
        tag, strength = _SAYS.get(heading, ""), "source"
        if not tag:
            tag, strength = _SUPPORTS.get(heading, ""), "weak"
        if tag:
            found.append(Suggestion(tag, f"{tag}.mesh", VERSION, "mesh", None, None, heading, strength))
    return list({s.tag: s for s in reversed(found)}.values())[::-1]
