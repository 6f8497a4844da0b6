"""The rules as the data file has them, read once, with one matcher over all of their phrases."""

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from studies.rules.tagging_phrases import Matcher

RULES = Path(__file__).with_name("tagging_rules.toml")
VOCABULARY = Path(__file__).resolve().parents[1] / "vocabulary.json"
TRAP_HIDES_CELLS = "cells"
# Facets in which a long name may hold a shorter one: umbilical cord blood, microneedle radiofrequency.
_NESTED = {"sources", "deliveries", "outcomes"}


class RuleError(ValueError):
    """The data file says something the rules cannot follow."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule, a trap or a cue of the data file. `facet` is empty where nothing is suggested."""

    id: str
    kind: str
    tag: str = ""
    facet: str = ""
    version: int = 0
    strength: str = ""
    fields: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    not_after: tuple[str, ...] = ()
    hides: frozenset[str] = frozenset()
    behind: str = ""
    reach: int = 60


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All entries in the order of the file, where they stand, and which of them hide others or hold shorter names.

    `hideable` has the names under which a trap hides a rule: its tag, and its facet or "cells".
    """

    entries: tuple[Entry, ...]
    by_id: dict[str, int]
    matcher: Matcher
    conditional: tuple[Entry, ...]
    hiding: dict[int, frozenset[str]]
    hideable: dict[int, frozenset[str]]
    nesting: dict[int, str]
    facets: dict[str, str]
    parents: dict[str, str]


@cache
def rule_book() -> RuleBook:
    """The rules of this release. Raises RuleError or PhraseError for a file that cannot be followed."""
    data = tomllib.loads(RULES.read_text(encoding="utf-8"))
    facets, parents = _vocabulary()
    raw = [(kind, entry) for kind in ("trap", "rule", "cue") for entry in data[kind]]
    entries = tuple(_entry(kind, entry, facets) for kind, entry in raw)
    by_id = {entry.id: number for number, entry in enumerate(entries)}
    if len(by_id) != len(entries):
        raise RuleError("Two entries have the same id.")
    for entry in entries:
        if unknown := {*entry.needs, *entry.without, *entry.near, *filter(None, [entry.behind])} - by_id.keys():
            raise RuleError(f"{entry.id} names entries that do not exist: {', '.join(sorted(unknown))}.")
    matcher = Matcher(((at, entry["phrases"]) for at, (_, entry) in enumerate(raw)), data["words"])
    conditional = tuple(e for e in entries if e.fields or e.not_after or e.near or e.behind)
    hiding = {at: entry.hides for at, entry in enumerate(entries) if entry.hides}
    hideable = {
        at: frozenset({entry.tag, _hidden_with(entry)}) for at, entry in enumerate(entries) if entry.kind == "rule"
    }
    nesting = {at: entry.facet for at, entry in enumerate(entries) if entry.facet in _NESTED}
    return RuleBook(entries, by_id, matcher, conditional, hiding, hideable, nesting, facets, parents)


def _hidden_with(rule: Entry) -> str:
    return TRAP_HIDES_CELLS if rule.tag == "prd-cells" else rule.facet


def _vocabulary() -> tuple[dict[str, str], dict[str, str]]:
    facets, parents = {}, {}
    for facet in json.loads(VOCABULARY.read_text(encoding="utf-8"))["facets"]:
        for term in facet["terms"]:
            facets[term["slug"]] = facet["facet"]
            parents[term["slug"]] = term["parent"]
    return facets, parents


def _entry(kind: str, raw: dict, facets: dict[str, str]) -> Entry:
    tag = raw.get("tag", "")
    if tag and (tag not in facets or not isinstance(raw.get("version"), int)):
        raise RuleError(f"{raw['id']} needs a tag of the vocabulary and a version.")
    lists = {key: tuple(raw.get(key, ())) for key in ("fields", "needs", "without", "near")}
    return Entry(
        id=raw["id"],
        kind=kind,
        tag=tag,
        facet=facets.get(tag, ""),
        version=raw.get("version", 0),
        strength=raw.get("strength", ""),
        hides=frozenset(raw.get("hides", ())),
        behind=raw.get("behind", ""),
        reach=raw.get("reach", 60),
        not_after=tuple(f" {word}" for word in raw.get("not_after", ())),  # whole words: with the blank before them
        **lists,
    )
