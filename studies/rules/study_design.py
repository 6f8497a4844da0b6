"""Which design a study has, and what says so: tags first, then PubMed's types, the registry, MeSH check tags."""

from collections.abc import Iterable

_BY_TAG = {
    "des-protocol": "protocol",
    "des-ma": "systematic-review",
    "des-sr": "systematic-review",
    "des-rct-parallel": "randomised",
    "des-rct-split": "randomised",
    "des-nrct": "controlled",
    "des-cohort": "cohort",
    "des-before-after": "single-arm",
    "des-case-series": "case-report",
    "des-case-report": "case-report",
    "des-animal": "animal",
    "des-in-vitro": "in-vitro",
    "des-guideline": "guideline",
    "des-review": "review",
    "des-registration": "registered",
}
# The first type met decides: a protocol of a randomised trial is a protocol, a veterinary trial is no human trial.
_BY_PUBLICATION_TYPE = (
    ("protocol", {"D000078325", "clinical trial protocol"}),
    ("systematic-review", {"D017418", "D000078182", "meta-analysis", "systematic review"}),
    (
        "animal",
        {"D000081242", "D000081262", "clinical trial, veterinary", "randomized controlled trial, veterinary"},
    ),
    ("randomised", {"D016449", "randomized controlled trial"}),
    ("controlled", {"D018848", "controlled clinical trial"}),
    ("guideline", {"D016431", "D017065", "guideline", "practice guideline", "consensus development conference"}),
    ("case-report", {"D002363", "case reports"}),
    ("cohort", {"D064888", "observational study"}),
    (
        "trial",
        {
            "D016430",
            "D017426",
            "D017427",
            "D017428",
            "D017429",
            "D065007",
            "D065008",
            "D000076362",
            "clinical trial",
            "clinical trial, phase i",
            "clinical trial, phase ii",
            "clinical trial, phase iii",
            "clinical trial, phase iv",
            "pragmatic clinical trial",
            "equivalence trial",
            "adaptive clinical trial",
        },
    ),
    ("review", {"D016454", "review"}),
)
# CEBM 2011, question "does this intervention help?". A review's level hangs on what it includes: a person says it.
_CEBM_2011 = {
    "randomised": 2,
    "controlled": 3,
    "cohort": 3,
    "single-arm": 4,
    "case-report": 4,
    "animal": 5,
    "in-vitro": 5,
}


def design_of(
    *,
    tags: Iterable[str],
    publication_types: Iterable[tuple[str, str]],
    check_tags: Iterable[str],
    has_databank_registration: bool,
    has_reports: bool,
) -> tuple[str, str]:
    """(design, basis) as values of terms.StudyDesign and terms.DesignBasis.

    `tags` are slugs of accepted design tags, `publication_types` pairs of MeSH id and name, `check_tags` MeSH names.
    """
    tags = set(tags)
    for slug, design in _BY_TAG.items():
        if slug in tags:
            return design, "tag"
    words = {word for ui, name in publication_types for word in (ui, name.lower())}
    for design, names in _BY_PUBLICATION_TYPE:
        if words & names:
            return design, "publication-type"
    if has_databank_registration:
        return ("trial" if has_reports else "registered"), "registry"
    names = set(check_tags)
    if "Animals" in names and "Humans" not in names:
        return "animal", "mesh"
    return "not-stated", "none"


def evidence_level(design: str) -> int | None:
    """The CEBM 2011 level of one study for a question of treatment; None where the design alone does not say it."""
    return _CEBM_2011.get(design)
