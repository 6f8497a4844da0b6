"""Which design a record suggests: registry and publication types first, then check tags, then its words."""

from collections.abc import Sequence

from studies.rules.study_species import ANIMAL, HUMAN, IN_VITRO, Model
from studies.rules.tagging_context import ABSTRACT, KEYWORDS, TITLE, Reading, is_negated
from studies.rules.tagging_phrases import Hit
from studies.rules.tagging_text import Suggestion

VERSION = 2
_TYPES = (
    ("des-protocol", {"D000078325", "clinical trial protocol"}),
    ("des-ma", {"D017418", "meta-analysis", "network meta-analysis"}),
    ("des-sr", {"D000078182", "systematic review", "scoping review"}),
    ("des-animal", {"D000081242", "D000081262", "clinical trial, veterinary",
                    "randomized controlled trial, veterinary"}),
    ("rct", {"D016449", "randomized controlled trial"}),
    ("des-nrct", {"D018848", "controlled clinical trial"}),
    ("des-guideline", {"D016431", "D017065", "guideline", "practice guideline", "consensus statement",
                       "consensus development conference"}),
    ("case", {"D002363", "case reports"}),
    ("des-review", {"D016454", "review"}),
)  # fmt: skip


def designs(reading: Reading, model: Model) -> list[Suggestion]:
    """At most one design, with a second only for a meta-analysis, which is a systematic review as well."""
    found = _from_registry(reading) or _from_types(reading) or _from_words(reading, model)
    return found


def _from_registry(reading: Reading) -> list[Suggestion]:
    if not reading.text.is_registry_record:
        return []
    return [_source("des-registration", "registry", "registry record")]


def _source(tag: str, field: str, phrase: str) -> Suggestion:
    return Suggestion(tag, f"{tag}.{field.replace(' ', '-')}", VERSION, field, None, None, phrase, "source")


def _from_types(reading: Reading) -> list[Suggestion]:
    types = reading.text.publication_types
    for tag, words in _TYPES:
        named = next((name for ui, name in types if ui in words or name.lower() in words), None)
        if named is None:
            continue
        if tag == "des-ma":
            return [_source(tag, "publication types", named), _source("des-sr", "publication types", named)]
        if tag == "rct":
            tag = "des-rct-split" if _split(reading) else "des-rct-parallel"
        if tag == "case":
            tag = _cases(reading)
        if tag == "des-review" and (said := _reviewed(reading)):
            return said
        return [_source(tag, "publication types", named)]
    return []


def _cases(reading: Reading) -> str:
    """Up to three people are a case report."""
    if _title(reading, "cue.case-report"):
        return "des-case-report"
    if _own(reading, "cue.few-people") or _title(reading, "cue.few-people"):
        return "des-case-report"
    series = _own(reading, "cue.case-series")
    few = any(reading.flats[h.field].lower[h.start : h.end].split(" ")[-2:-1] in (["two"], ["three"]) for h in series)
    return "des-case-series" if series and not few else "des-case-report"


def _from_words(reading: Reading, model: Model) -> list[Suggestion]:
    if found := _reviewed(reading):
        return found
    if found := _first(reading, ("des-registration", _entry(reading))):
        return found
    if found := _first(reading, ("des-protocol", _title(reading, "cue.protocol"))):
        return found
    if found := _first(reading, ("des-guideline", _title(reading, "cue.guideline-done"))):
        return found
    if found := _first(reading, ("des-case-report", _title(reading, "cue.case-report"))):
        return found
    if model.kind == ANIMAL:
        dish = [h for h in _own(reading, "cue.in-vitro-part") if h.field == ABSTRACT]
        return [_by_model("des-animal", model), *([_text(reading, dish[0], "des-in-vitro")] if dish else [])]
    if model.kind == IN_VITRO and not _narrative(reading):
        return [_by_model("des-in-vitro", model)]
    if narrative := _narrative(reading):
        return [_text(reading, narrative[0], "des-review")]
    return _human(reading) if model.kind == HUMAN else []


def _by_model(tag: str, model: Model) -> Suggestion:
    strength = {"mesh": "source", "publication types": "source"}.get(
        model.basis, "title" if model.field == "title" else "abstract"
    )
    return Suggestion(tag, f"{tag}.{'mesh' if model.basis == 'mesh' else 'text'}", VERSION, model.field, model.start,
                      model.end, model.phrase, strength)  # fmt: skip


def _reviewed(reading: Reading) -> list[Suggestion]:
    """Systematic reviews and meta-analyses by title, or by what their abstract says was done."""
    systematic = _title(reading, "cue.systematic") or _own(reading, "cue.systematic-done")
    pooled = _title(reading, "cue.meta-analysis") or (systematic and _own(reading, "cue.meta-analysis"))
    if _title(reading, "cue.protocol"):
        return []
    found = [_text(reading, pooled[0], "des-ma")] if pooled else []
    if systematic or pooled:
        found.append(_text(reading, (systematic or pooled)[0], "des-sr"))
    return found


def _entry(reading: Reading) -> list[Hit]:
    """An entry in a registry says so in its title or at once, or what only an entry says at least twice."""
    named = [h for h in reading.hits.get("cue.registry-entry", ()) if h.field == ABSTRACT]
    only = reading.hits.get("cue.registered-only", ())
    at_once = [h for h in named if reading.flats[ABSTRACT].sentence(h.start) == 0]
    return _title(reading, "cue.registry-entry") or at_once or (list(only[:1]) if len(only) > 1 else [])


def _narrative(reading: Reading) -> list[Hit]:
    if _title(reading, "cue.trial-like") or _title(reading, "cue.random"):
        return []
    return (
        _title(reading, "cue.review-title")
        or _title(reading, "cue.review")
        or ([] if _own(reading, "cue.human-treated") else _own(reading, "cue.review"))
    )


def _human(reading: Reading) -> list[Suggestion]:
    if _title(reading, "cue.no-design"):
        return []
    randomised = _randomised(reading)
    split = _split(reading)
    # Alternation, weekdays, dates and wishes draw no lots, whatever the study is called.
    alternated = [h for h in _own(reading, "cue.quasi-random") if not is_negated(reading, h)]
    if alternated and not _title(reading, "cue.random") and not _own(reading, "cue.retrospective"):
        return _first(reading, ("des-nrct", alternated))
    if randomised:
        return _first(reading, ("des-rct-split" if split else "des-rct-parallel", randomised))
    # Who sets up a placebo or a double blind draws lots, even where the abstract does not say so.
    placebo = _own(reading, "cue.placebo-design")
    if placebo and not reading.met("cue.not-randomised"):
        return _first(reading, ("des-rct-split" if split else "des-rct-parallel", placebo))
    compared = any(ui == "D003160" for ui, _ in reading.text.publication_types)
    controlled = (
        split
        or (_own(reading, "cue.not-randomised") if compared else [])
        or [h for h in _own(reading, "cue.controlled") if not is_negated(reading, h)]
        or _title(reading, "cue.two-arms-title")
    )
    found = _first(
        reading,
        ("des-case-report", _title(reading, "cue.case-report")),
        ("des-case-series", _title(reading, "cue.case-series")),
        ("des-cohort", _own(reading, "cue.cohort-word")),
        ("des-nrct", _own(reading, "cue.not-randomised") if controlled else []),
        ("des-cohort", _retrospective(reading) if controlled else []),
        ("des-nrct", split),
        ("des-case-report", _own(reading, "cue.case-report")),
        ("des-case-series", [] if _title(reading, "cue.two-arms-title") else _own(reading, "cue.case-series")),
        ("des-nrct", controlled),
    )
    if found or not compared:
        return found or _uncontrolled(reading)
    return [_source("des-nrct", "publication types", "Comparative Study")]


def _uncontrolled(reading: Reading) -> list[Suggestion]:
    return _first(
        reading,
        ("des-case-series", [*_own(reading, "cue.series-told"), *_own(reading, "cue.retrospective")]),
        ("des-before-after", _own(reading, "cue.single-arm")),
        ("des-case-series", _own(reading, "cue.cohort")),
        ("des-before-after", _own(reading, "cue.trial-like")),
    )


def _retrospective(reading: Reading) -> list[Hit]:
    return [*_own(reading, "cue.cohort"), *_own(reading, "cue.retrospective")]


def _randomised(reading: Reading) -> list[Hit]:
    """ "Randomised trials are needed" and "not randomised" say nothing of this study."""
    others = [*reading.hits.get("cue.random-planned", ()), *reading.hits.get("cue.not-randomised", ())]
    return [
        hit
        for hit in (*_own(reading, "cue.random"), *_own(reading, "cue.random-told"))
        if not is_negated(reading, hit)
        and (hit.field == TITLE or not any(o.field == hit.field and o.start <= hit.start < o.end for o in others))
    ]


def _split(reading: Reading) -> list[Hit]:
    return _title(reading, "cue.split") or _own(reading, "cue.split")


def _title(reading: Reading, name: str) -> list[Hit]:
    return [hit for hit in reading.hits.get(name, ()) if hit.field == TITLE]


def _own(reading: Reading, name: str) -> list[Hit]:
    return sorted((h for h in reading.own(name) if h.field != KEYWORDS), key=lambda h: (h.field, h.start))


def _first(reading: Reading, *choices: tuple[str, Sequence[Hit]]) -> list[Suggestion]:
    for tag, hits in choices:
        if hits:
            return [_text(reading, hits[0], tag)]
    return []


def _text(reading: Reading, hit: Hit, tag: str) -> Suggestion:
    strength = "abstract" if hit.field == ABSTRACT else "title"
    return reading.suggestion(hit, strength, tag=tag, rule=f"{tag}.text", version=VERSION)
