"""Treatments that a record only mentions: in an aside, or for the first time when the study has already been told."""

import re
from functools import cached_property

from studies.rules.tagging_context import ABSTRACT, Reading
from studies.rules.tagging_phrases import Hit

# What was given, made and how: a study tells it early, and again. Who took part may stand anywhere.
TREATMENT = {"sources", "products", "donors", "processings", "deliveries"}
_TOLD_EARLY = {"sources", "products", "deliveries"}
# A first sentence without any of these speaks of the world as it is, not of the study.
_TELLS = re.compile(
    r"\b(?:(?:we|our|this|here|study|trial|aims?|objects?|objectives?|purpose|was|were|had|used|received|underwent"
    r"|case)\b|compar|evaluat|investigat|assess|describ|report|examin)|\d|^to "
)
_SHORT = 6  # an abstract of fewer sentences has no late ones


class Mentions:
    """The sentences of an abstract that speak of what was not done, and those in which things are given."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._flat = reading.flats[ABSTRACT]
        self._count = len(self._flat.stops) + 1
        self._asides = self._sentences("cue.aside")

    def is_aside(self, hit: Hit) -> bool:
        """Is it said in a contrast, an exclusion, a wish or of other people's work?"""
        return bool(self._asides) and hit.field == ABSTRACT and self._flat.sentence(hit.start) in self._asides

    def is_in_passing(self, hit: Hit, facet: str) -> bool:
        """Does it stand in a general opening, or so late that a study has been told, where nothing is given?"""
        if hit.field != ABSTRACT or facet not in _TOLD_EARLY or self._count < _SHORT:
            return False
        sentence = self._flat.sentence(hit.start)
        if sentence == 0:
            return self._opens_with_others
        return sentence * 2 >= self._count and sentence not in self._given

    @cached_property
    def _given(self) -> frozenset[int]:
        return self._sentences("cue.given") - self._asides

    @cached_property
    def _opens_with_others(self) -> bool:
        return not self._reading.is_review and not _TELLS.search(self._flat.lower, 0, self._flat.stops[0])

    def _sentences(self, name: str) -> frozenset[int]:
        hits = self._reading.hits.get(name, ())
        return frozenset(self._flat.sentence(hit.start) for hit in hits if hit.field == ABSTRACT)
