"""Treatments that a record only mentions: in an aside, or for the first time when the study has already been told."""

import re

from studies.rules.tagging_context import ABSTRACT, Reading
from studies.rules.tagging_phrases import Hit

# What was given, made and how: a study tells it early, and again. Who took part may stand anywhere.
TREATMENT = {"sources", "products", "donors", "processings", "deliveries"}
_TOLD_EARLY = {"sources", "products", "deliveries"}
# A first sentence without any of these speaks of the world as it is, not of the study.
_TELLS = re.compile(
    r"\b(?:we|our|this|here|study|trial|aims?|objects?|objectives?|purpose|was|were|had|used|received|underwent|case"
    r"|compared?|evaluat|investigat|assess|describe|report|examin)|\d|^to "
)
_SHORT = 6  # an abstract of fewer sentences has no late ones


class Mentions:
    """The sentences of an abstract that speak of what was not done, and those in which things are given."""

    def __init__(self, reading: Reading) -> None:
        self._flat = reading.flats[ABSTRACT]
        self._asides = self._sentences(reading, "cue.aside")
        self._given = self._sentences(reading, "cue.given") - self._asides
        self._late = (len(self._flat.stops) + 2) // 2 if len(self._flat.stops) + 1 >= _SHORT else _SHORT
        first = self._flat.lower[: self._flat.stops[0]] if len(self._flat.stops) + 1 >= _SHORT else ""
        self._opens_with_others = bool(first) and not reading.is_review and not _TELLS.search(first)

    def is_aside(self, hit: Hit) -> bool:
        """Is it said in a contrast, an exclusion, a wish or of other people's work?"""
        return bool(self._asides) and hit.field == ABSTRACT and self._flat.sentence(hit.start) in self._asides

    def is_in_passing(self, hit: Hit, facet: str) -> bool:
        """Does it stand in a general opening, or so late that a study has been told, where nothing is given?"""
        if hit.field != ABSTRACT or facet not in _TOLD_EARLY:
            return False
        sentence = self._flat.sentence(hit.start)
        if sentence == 0:
            return self._opens_with_others
        return sentence >= self._late and sentence not in self._given

    def _sentences(self, reading: Reading, name: str) -> frozenset[int]:
        return frozenset(self._flat.sentence(hit.start) for hit in reading.hits.get(name, ()) if hit.field == ABSTRACT)
