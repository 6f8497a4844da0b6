"""What a newer version of a record says differently, as the events a reader cares about."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

FIELD_CHANGED, TYPE_ADDED = "field-changed", "type-added"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `old` and `new` are texts for people, empty for nothing."""

    kind: str
    field: str
    old: str
    new: str


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What `after` says differently of the columns that both name, in the order of LABELS.

    A column that was empty and is filled is a gap closed, not a change, save for publication types and registry
    numbers: a retraction and a trial announce themselves in these.
    """
    found: list[Change] = []
    for field in LABELS:
        if field in before and field in after:
            found += _CHANGES.get(field, _text_change)(field, before[field], after[field])
    return found


def in_words(kind: str, field: str, new: str = "", old: str = "") -> str:
    """An event of a report in a few words; the caller shows `old` and `new` beside them where they are long."""
    if kind == TYPE_ADDED:
        return f"Publication type added: {new}"
    if kind != FIELD_CHANGED:
        return ""
    if field == "publication_types":
        return f"Publication type removed: {old}"
    if field == "databanks":
        return f"Registry number added: {new}" if new else f"Registry number removed: {old}"
    label = LABELS.get(field, field.replace("_", " "))
    if not new:
        return f"{label} removed"
    return f"{label} {'corrected' if field in _CORRECTED else 'changed'}"


def _text_change(field: str, before: Any, after: Any) -> list[Change]:
    old, new = _TEXTS.get(field, _plain)(before), _TEXTS.get(field, _plain)(after)
    return [Change(FIELD_CHANGED, field, old, new)] if old and _told(old) != _told(new) else []


def _type_changes(field: str, before: Collection[Mapping], after: Collection[Mapping]) -> list[Change]:
    if not before:  # not known until now
        return []
    old, new = ({_type_key(t): t["name"] for t in types} for types in (before, after))
    added = [Change(TYPE_ADDED, field, "", name) for key, name in new.items() if key not in old]
    return added + [Change(FIELD_CHANGED, field, name, "") for key, name in old.items() if key not in new]


def _type_key(coded: Mapping) -> str:
    return str(coded.get("ui") or coded["name"].casefold())


def _number_changes(field: str, before: Collection[Mapping], after: Collection[Mapping]) -> list[Change]:
    old, new = (dict.fromkeys(n for bank in banks for n in bank.get("accessions", ())) for banks in (before, after))
    added = [Change(FIELD_CHANGED, field, "", number) for number in new if number not in old]
    return added + [Change(FIELD_CHANGED, field, number, "") for number in old if number not in new]


def _word_changes(field: str, before: Collection[Mapping], after: Collection[Mapping]) -> list[Change]:
    """Lists without an order: only what came and what went is told, and a heading that MeSH renamed is neither."""
    old, new = ({item.get("ui") or _name(item): _name(item) for item in items} for items in (before, after))
    went = sorted(name for key, name in old.items() if key not in new)
    came = sorted(name for key, name in new.items() if key not in old)
    return [Change(FIELD_CHANGED, field, "; ".join(went), "; ".join(came))] if old and (went or came) else []


def _name(item: Mapping) -> str:
    return str(item.get("name") or item.get("text", ""))


def _told(text: str) -> str:
    """What is left when blanks and the last stop do not count."""
    return " ".join(text.split()).rstrip(". ")


def _plain(value: Any) -> str:
    return str(value or "")


def _people(authors: Collection[Mapping]) -> str:
    names = (a.get("collective") or " ".join(filter(None, (a.get("last"), a.get("initials")))) for a in authors)
    return ", ".join(filter(None, names))


def _sections(sections: Collection[Mapping]) -> str:
    parts = (f"{s['label']}: {s['text']}" if s.get("label") else s.get("text", "") for s in sections)
    return "\n".join(parts)


LABELS = {
    "publication_types": "Publication types",
    "title": "Title",
    "vernacular_title": "Title in its own language",
    "authors": "Authors",
    "abstract": "Abstract",
    "databanks": "Registry numbers",
    "published_raw": "Publication date",
    "journal": "Journal",
    "volume": "Volume",
    "issue": "Issue",
    "pages": "Pages",
    "doi": "DOI",
    "pmcid": "PMCID",
    "coi_statement": "Statement of interests",
    "mesh": "MeSH terms",
    "keywords": "Keywords",
}
_CORRECTED = {"title", "vernacular_title", "authors", "abstract", "doi", "pmcid"}
_TEXTS: dict[str, Callable[[Any], str]] = {"authors": _people, "abstract": _sections}
_CHANGES: dict[str, Callable[[str, Any, Any], list[Change]]] = {
    "publication_types": _type_changes,
    "databanks": _number_changes,
    "mesh": _word_changes,
    "keywords": _word_changes,
}
