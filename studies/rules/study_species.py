"""Whether people, animals or cells in a dish were studied, and which words say so."""

from dataclasses import dataclass

from studies.rules.tagging_context import ABSTRACT, KEYWORDS, TITLE, Reading, is_negated
from studies.rules.tagging_phrases import Hit

HUMAN, ANIMAL, IN_VITRO, UNCLEAR = "human", "animal", "in-vitro", ""
_VETERINARY = {"D000081242", "D000081262"}
_HUMAN_TYPES = {"D016449", "D016430", "D018848", "D002363", "D064888", "D017426", "D017427", "D017428", "D017429"}


@dataclass(frozen=True, slots=True)
class Model:
    """`kind` is human, animal, in-vitro or empty; `basis` mesh, publication types, registry or text.

    `field`, `start`, `end` and `phrase` show the words, as in a Suggestion.
    """

    kind: str
    basis: str = "none"
    field: str = ""
    start: int | None = None
    end: int | None = None
    phrase: str = ""


def model_in(reading: Reading) -> Model:
    """What indexers and registries say first; words decide where they are silent or name both."""
    text = reading.text
    if text.is_registry_record:
        return Model(HUMAN, "registry", "registry", phrase="registry record")
    if reading.is_review:
        return Model(UNCLEAR)
    for ui, name in text.publication_types:
        if ui in _VETERINARY:
            return Model(ANIMAL, "publication types", "publication types", phrase=name)
        if ui in _HUMAN_TYPES:
            return Model(HUMAN, "publication types", "publication types", phrase=name)
    if "Animals" in text.mesh and "Humans" not in text.mesh:
        return Model(ANIMAL, "mesh", "mesh", phrase="Animals")
    said = _said(reading)
    # Indexers add "Humans" for human cells, too.
    if said.kind == UNCLEAR and "Humans" in text.mesh and "Cells, Cultured" not in text.mesh:
        return Model(HUMAN, "mesh", "mesh", phrase="Humans")
    return said


def _said(reading: Reading) -> Model:
    people, animals, dish = _people(reading), _animals(reading), _dish(reading)
    animal_title = [hit for hit in animals if hit.field == TITLE]
    people_title = [hit for hit in people if hit.field == TITLE]
    if animal_title and not people_title:
        return _model(reading, ANIMAL, animal_title)
    # "Before volunteers are asked" does not make volunteers of a dish.
    if dish and len(people) == 1 and not people_title:
        people = []
    if people and (people_title or len(people) >= len(animals) or not animals):
        return _model(reading, HUMAN, people)
    if animals:
        return _model(reading, ANIMAL, animals)
    return _model(reading, IN_VITRO, dish) if dish else Model(UNCLEAR)


def _model(reading: Reading, kind: str, hits: list[Hit]) -> Model:
    shown = reading.suggestion(min(hits, key=lambda h: (h.field, h.start)), "abstract")
    return Model(kind, "text", shown.field, shown.start, shown.end, shown.phrase)


def _people(reading: Reading) -> list[Hit]:
    """People who were treated or observed; those who only gave tissue are no participants."""
    donors = reading.hits.get("cue.donors", ())
    named = [
        hit
        for hit in reading.own("cue.human-treated")
        if not any(_meets(hit, donor) for donor in donors) and not is_negated(reading, hit)
    ]
    title = [hit for hit in reading.hits.get("cue.human", ()) if hit.field == TITLE and not _given(reading, hit)]
    return [*title, *named]


def _given(reading: Reading, hit: Hit) -> bool:
    return any(_meets(hit, donor) for donor in reading.hits.get("cue.donors", ()))


def _animals(reading: Reading) -> list[Hit]:
    reagents = reading.hits.get("cue.animal-reagent", ())
    return [
        hit
        for hit in reading.own("cue.animal")
        if not any(_meets(hit, other) for other in reagents) and not is_negated(reading, hit)
    ]


def _dish(reading: Reading) -> list[Hit]:
    found = [*reading.own("cue.in-vitro-main"), *reading.own("cue.in-vitro")]
    return [hit for hit in found if hit.field in {TITLE, ABSTRACT, KEYWORDS}]


def _meets(hit: Hit, other: Hit) -> bool:
    return hit.field == other.field and hit.start < other.end and other.start < hit.end
