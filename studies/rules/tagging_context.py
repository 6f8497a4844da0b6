"""One record read for the rules: what was met where, less what is masked, negated or said of other work."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter

from studies.rules.tagging_phrases import Hit
from studies.rules.tagging_rules import Entry, RuleBook, rule_book
from studies.rules.tagging_text import Flat, Suggestion, Text, flatten

TITLE, ABSTRACT, KEYWORDS = 0, 1, 2
PLACE = itemgetter(1, 2)  # the field and the start of a hit
STRONG = ("title", "abstract", "derived", "source")
# "Centella asiatica (CICA)-derived": a genus, an epithet with a Latin ending, then what it is said to be.
_BINOMIAL = re.compile(
    r"([A-Z][a-z]+) ([a-z]{4,}(?:a|us|um|is|ii|ae|ense|era|ana|ica|oides|ifolia))"
    r"(?: \([^()]{1,24}\))?(?: (?:fruit|leaf|root|callus|flower|seed|peel|plant))?(?: derived| stem| callus)? ?$"
)
_NO_GENUS = {"Human", "The", "This", "These", "Bovine", "Porcine", "Murine", "Mouse", "Rat", "Autologous", "Allogeneic"}
_NO_EPITHET = {"placenta", "plasma", "amnion", "mucosa", "media", "epidermis", "dermis", "papilla", "serum", "medium"}
_WORDS_BETWEEN = re.compile(r" *(?:[\w']+ +){0,2}")
_WORDS_AFTER = re.compile(r" *(?:[\w']+ +){0,3}")
_LIST = re.compile(r"(?: *[\w']+){1,4}(?:, (?:[\w']+ ){0,2}[\w']+){0,3},? (?:(?:or|nor) )?(?:[\w']+ +)?")
_OR_NEXT = re.compile(r"(?:, (?:[\w']+ ){0,3}[\w']+)?,? (?:or|nor) ")
# "Methods and analysis:", "Trial:": whatever a journal calls it, a new part begins.
_LABEL = re.compile(r" ?[A-Z][A-Za-z]+(?: [A-Za-z]+){0,3}:")
_REVIEW_TYPES = {
    *("D016454", "D000078182", "D017418", "D016431", "D017065", "D016446", "D016420", "D016422"),
    *("review", "systematic review", "meta-analysis", "guideline", "practice guideline", "letter", "comment"),
    *("consensus development conference", "consensus statement"),
}


@dataclass(slots=True)
class Reading:
    """The hits of one record by entry id; sentences said of other work; `flats` are title, abstract, keywords."""

    text: Text
    flats: tuple[Flat, ...]
    hits: dict[str, list[Hit]]
    background: frozenset[int] = frozenset()
    undone: frozenset[int] = frozenset()
    is_review: bool = False
    book: RuleBook = field(default_factory=rule_book)
    sentences: dict[str, set[tuple[int, int]]] = field(default_factory=dict)  # where an entry was met

    def met(self, name: str, *fields: int) -> bool:
        """Was this entry met (in one of these fields)?"""
        found = self.hits.get(name, ())
        return any(hit.field in fields for hit in found) if fields else bool(found)

    def own(self, name: str) -> list[Hit]:
        """The hits in sentences about the study itself."""
        return [hit for hit in self.hits.get(name, ()) if not self.is_background(hit)]

    def is_background(self, hit: Hit) -> bool:
        return hit.field == ABSTRACT and self.flats[ABSTRACT].sentence(hit.start) in self.background

    def is_undone(self, hit: Hit) -> bool:
        """Does its sentence say what was not done, left out or is left to others?"""
        return hit.field == ABSTRACT and self.flats[ABSTRACT].sentence(hit.start) in self.undone

    def before(self, hit: Hit, length: int = 60) -> str:
        """What stands before the hit in its sentence, in lower case."""
        flat = self.flats[hit.field]
        return flat.lower[max(flat.sentence_start(hit.start), hit.start - length) : hit.start]

    def suggestion(self, hit: Hit, strength: str, *, tag: str = "", rule: str = "", version: int = 0) -> Suggestion:
        """The hit as a suggestion; places are given in the title and the abstract, never in lists of words."""
        entry, flat = self.book.entries[hit.entry], self.flats[hit.field]
        start, end = flat.span(hit.start, hit.end)
        phrase = flat.original[start:end]
        place = (None, None) if hit.field == KEYWORDS else (start, end)
        return Suggestion(
            tag or entry.tag, rule or entry.id, version or entry.version, flat.name, *place, phrase, strength
        )


def read(text: Text) -> Reading:
    """Match everything once, then mask."""
    book = rule_book()
    flats = (
        flatten("title", text.title),
        flatten("abstract", text.abstract),
        flatten("keywords", "; ".join(text.keywords)),
    )
    found = [hit for number, flat in enumerate(flats) if flat.lower for hit in book.matcher.hits(flat, number)]
    reading = Reading(text, flats, {}, book=book)
    found += _plants(reading, found)
    for hit in _unmasked(found, book):
        reading.hits.setdefault(book.entries[hit.entry].id, []).append(hit)
    reading.is_review = _is_review(reading)
    reading.undone = _undone(reading)
    reading.background = _background(reading) | reading.undone
    for entry in book.conditional:
        if hits := reading.hits.get(entry.id):
            reading.hits[entry.id] = [hit for hit in hits if _in_place(reading, hit, entry)]
    return reading


def _plants(reading: Reading, found: Iterable[Hit]) -> list[Hit]:
    """Latin binomials in front of "stem cells" or "vesicles", as hits of the plant trap."""
    word, trap = reading.book.by_id["cue.cells-word"], reading.book.by_id["trap.plant"]
    plants = []
    for hit in found:
        if hit.entry == word:
            flat = reading.flats[hit.field]
            start = max(0, hit.start - 80)
            match = _BINOMIAL.search(flat.cased[start : hit.start])
            if match and match[1] not in _NO_GENUS and match[2] not in _NO_EPITHET:
                plants.append(Hit(trap, hit.field, start + match.start(), hit.end))
    return plants


def _unmasked(found: list[Hit], book: RuleBook) -> list[Hit]:
    """The hits that no trap hides and no longer hit of the same facet contains."""
    hiding, hideable, nesting = book.hiding, book.hideable, book.nesting
    traps = [(hit, hiding[hit.entry]) for hit in found if hit.entry in hiding]
    if traps:
        found = [hit for hit in found if hit.entry not in hideable or not _masked(hit, hideable[hit.entry], traps)]
    nested: dict[tuple[int, str], list[Hit]] = {}
    for hit in found:
        if hit.entry in nesting:
            nested.setdefault((hit.field, nesting[hit.entry]), []).append(hit)
    inner = {hit for hits in nested.values() if len(hits) > 1 for hit in _inner(hits, book)}
    return [hit for hit in found if hit not in inner] if inner else found


def _masked(hit: Hit, names: frozenset[str], traps: list[tuple[Hit, frozenset[str]]]) -> bool:
    """Does the hit begin inside a trap that hides one of these names?"""
    _, field, start, _ = hit
    # "Umbilical cord stem cells in the skin" says whose they are before it says where.
    return any(
        mask.start <= start < mask.end and mask.field == field and not hides.isdisjoint(names) for mask, hides in traps
    )


def _inner(hits: list[Hit], book: RuleBook) -> list[Hit]:
    """The hits of one field and facet that lie inside a longer one of another tag."""
    entries, inner = book.entries, []
    around: list[Hit] = []  # those that reach furthest so far
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        around = [other for other in around if other.end > hit.start]
        tag = entries[hit.entry].tag
        for other in around:
            if hit.end <= other.end and other.end - other.start > hit.end - hit.start:
                longer = entries[other.entry]
                if longer.tag != tag and not longer.behind:
                    inner.append(hit)
                    break
        around.append(hit)
    return inner


def _background(reading: Reading) -> frozenset[int]:
    """Sentences of the abstract that speak of other work: by their words, or under a heading such as Background."""
    if reading.is_review:
        return frozenset()
    flat = reading.flats[ABSTRACT]
    sentences = {flat.sentence(hit.start) for hit in reading.hits.get("cue.background", ()) if hit.field == ABSTRACT}
    labels = sorted(
        (hit.start, name)
        for name in ("cue.label-background", "cue.label-other", "cue.label-own")
        for hit in reading.hits.get(name, ())
        if hit.field == ABSTRACT and flat.original[hit.start : hit.start + 1].isupper()
    )
    if any(name == "cue.label-background" for _, name in labels):
        known = {start for start, _ in labels}
        # A sentence begins behind its blank.
        begins = {stop + flat.cased.startswith(" ", stop) for stop in flat.stops} - known
        labels += [(start, "") for start in begins if _LABEL.match(flat.cased, start)]
        labels.sort()
    for (start, name), (end, _) in zip(labels, [*labels[1:], (len(flat.lower), "")], strict=False):
        if name == "cue.label-background":
            sentences.update(range(flat.sentence(start), flat.sentence(max(start, end - 2)) + 1))
    return frozenset(sentences)


def _undone(reading: Reading) -> frozenset[int]:
    """Sentences of the abstract on what the study did not do; reviews have them, too."""
    flat = reading.flats[ABSTRACT]
    return frozenset(flat.sentence(hit.start) for hit in reading.hits.get("cue.not-done", ()) if hit.field == ABSTRACT)


def _is_review(reading: Reading) -> bool:
    """Reviews speak of other work throughout; nobody took part in them."""
    if any(ui in _REVIEW_TYPES or name.lower() in _REVIEW_TYPES for ui, name in reading.text.publication_types):
        return True
    if reading.met("cue.trial-like", TITLE) or reading.met("cue.random", TITLE):
        return False
    return any(reading.met(name, TITLE) for name in ("cue.systematic", "cue.meta-analysis", "cue.review-title"))


def _in_place(reading: Reading, hit: Hit, entry: Entry) -> bool:
    """Does the hit stand where its rule asks?"""
    if entry.fields and reading.flats[hit.field].name not in entry.fields:
        return False
    if entry.not_after and _is_after(reading.flats[hit.field], hit.start, entry.not_after):
        return False
    if entry.near and not any(_same_sentence(reading, hit, name) for name in entry.near):
        return False
    return not entry.behind or _is_behind(reading, hit, entry)


def _is_after(flat: Flat, start: int, words: tuple[str, ...]) -> bool:
    """Does one of these words, each with a blank before it, end right before this place in the same sentence?"""
    end = start
    while end and flat.lower[end - 1] in " (,":
        end -= 1
    begins = flat.sentence_start(start)
    return flat.lower.endswith(words, begins, end) if begins else f" {flat.lower[:end]}".endswith(words)


def is_negated(reading: Reading, hit: Hit) -> bool:
    """A negation at most two words before, a list that one opens, or "was not used", "-free" just behind."""
    lower = reading.flats[hit.field].lower
    for negation in reading.hits.get("cue.negation", ()):
        if negation.field == hit.field and negation.end <= hit.start < negation.end + 80:
            between = lower[negation.end : hit.start]
            if _WORDS_BETWEEN.fullmatch(between) or _is_in_list(between, lower[hit.end : hit.end + 40]):
                return True
    for negation in reading.hits.get("cue.negation-after", ()):
        if negation.field == hit.field and hit.end <= negation.start < hit.end + 60:
            free = lower.startswith("free", negation.start)
            between = lower[hit.end : negation.start]
            if between.strip() == "" if free else _WORDS_AFTER.fullmatch(between):
                return True
    return False


def _is_in_list(between: str, after: str) -> bool:
    """ "Without stem cells, exosomes or fat grafting" denies all three."""
    return bool(_LIST.fullmatch(between)) and (" or " in between or " nor " in between or bool(_OR_NEXT.match(after)))


def _same_sentence(reading: Reading, hit: Hit, name: str) -> bool:
    if name not in reading.sentences:
        reading.sentences[name] = {
            (other.field, reading.flats[other.field].sentence(other.start)) for other in reading.hits.get(name, ())
        }
    return (hit.field, reading.flats[hit.field].sentence(hit.start)) in reading.sentences[name]


def _is_behind(reading: Reading, hit: Hit, entry: Entry) -> bool:
    """ "Stem cells obtained from fat, bone marrow and cord blood" names three sources."""
    begins = reading.flats[hit.field].sentence_start(hit.start)
    return any(
        cue.field == hit.field and begins <= cue.start and cue.end <= hit.start <= cue.end + entry.reach
        for cue in reading.hits.get(entry.behind, ())
    )
