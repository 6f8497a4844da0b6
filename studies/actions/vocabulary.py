"""Brings the terms of a vocabulary file into the catalogue; what an admin edited stays as it is."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from studies.actions import locks
from studies.actions.study_rows import refresh_studies
from studies.models import AuditEvent, StudyTag, Tag
from studies.terms import Facet

VOCABULARY = Path(__file__).resolve().parent.parent / "vocabulary.json"
_BATCH = 1000  # studies refreshed at a time


class VocabularyError(ValueError):
    """The file is not a vocabulary; the sentence says which term is wrong."""


@dataclass(slots=True)
class Counts:
    """What became of the entries of a file; `kept` were left as a person or an earlier load had made them."""

    read: int = 0
    created: int = 0
    changed: int = 0
    kept: int = 0
    retired: int = 0


@dataclass(frozen=True, slots=True)
class _Term:
    slug: str
    parent: str
    values: dict[str, Any]


@transaction.atomic
def load_vocabulary(*, by: object = "setup", path: Path = VOCABULARY) -> Counts:
    """Create and update terms from `path`. Terms that left the file are retired, never deleted.

    A term that an admin edited or added (`edited_at`) is not touched. Raises VocabularyError.
    """
    locks.take_for_transaction(locks.CATALOGUE)
    terms = read_terms(path)
    tags = {tag.slug: tag for tag in Tag.objects.all()}
    new = {term.slug: Tag(slug=term.slug, **term.values) for term in terms if term.slug not in tags}
    Tag.objects.bulk_create(new.values())
    tags |= new
    wanted = [term for term in terms if not tags[term.slug].edited_at]
    changed = [tags[term.slug] for term in wanted if _apply(term, tags)]
    retired = _retire(tags.values(), {term.slug for term in terms})
    Tag.objects.bulk_update([*changed, *retired], ["parent", "is_retired", *_VALUES], batch_size=500)
    changed = [tag for tag in changed if tag.slug not in new]
    _log(by, created=new.values(), updated=changed, retired=retired)
    _refresh_studies_of(changed, tags.values())
    return Counts(len(terms), len(new), len(changed), len(terms) - len(new) - len(changed), len(retired))


_VALUES = ("facet", "label", "definition", "synonyms", "mesh", "position", "is_not_reported", "is_out_of_scope")


def read_terms(path: Path) -> list[_Term]:
    """The terms of a file in its order; raises VocabularyError for a facet, slug or parent that cannot be."""
    facets = json.loads(path.read_text(encoding="utf-8"))["facets"]
    terms = [
        _term(entry, facet["facet"], position)
        for facet in facets
        for position, entry in enumerate(facet["terms"], start=1)
    ]
    facet_of = {term.slug: term.values["facet"] for term in terms}
    if len(facet_of) < len(terms):
        raise VocabularyError(f"{path.name} uses a slug twice.")
    parents = {term.slug: term.parent for term in terms}
    for term in terms:
        if term.values["facet"] not in Facet.values:
            raise VocabularyError(f"{term.slug}: there is no facet {term.values['facet']}.")
        if term.parent and facet_of.get(term.parent) != term.values["facet"]:
            raise VocabularyError(f"{term.slug}: {term.parent} is no term of its facet.")
        if _is_its_own_ancestor(term.slug, parents):
            raise VocabularyError(f"{term.slug} is its own ancestor.")
    return terms


def _term(entry: dict[str, Any], facet: str, position: int) -> _Term:
    values = {
        "facet": facet,
        "label": entry["label"],
        "definition": entry.get("definition", ""),
        "synonyms": entry.get("synonyms", []),
        "mesh": entry.get("mesh", []),
        "position": position,
        "is_not_reported": entry.get("not_reported", False),
        "is_out_of_scope": entry.get("out_of_scope", False),
    }
    return _Term(entry["slug"], entry.get("parent", ""), values)


def _is_its_own_ancestor(slug: str, parents: dict[str, str]) -> bool:
    seen = set()
    above = parents[slug]
    while above and above not in seen:
        seen.add(above)
        above = parents.get(above, "")
    return slug in seen


def _apply(term: _Term, tags: dict[str, Tag]) -> bool:
    """Give the tag the file's values; true if that changed anything."""
    tag = tags[term.slug]
    values = {**term.values, "parent_id": tags[term.parent].pk if term.parent else None, "is_retired": False}
    differing = {name: value for name, value in values.items() if getattr(tag, name) != value}
    for name, value in differing.items():
        setattr(tag, name, value)
    return bool(differing)


def _retire(tags: Iterable[Tag], slugs: set[str]) -> list[Tag]:
    gone = [tag for tag in tags if tag.slug not in slugs and not tag.edited_at and not tag.is_retired]
    for tag in gone:
        tag.is_retired = True
    return gone


def _log(by: object, **events: Iterable[Tag]) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(**AuditEvent.objects.values(verb, tag, by=by, source="vocabulary"))
        for verb, tags in events.items()
        for tag in tags
    )


def _refresh_studies_of(changed: Sequence[Tag], tags: Iterable[Tag]) -> None:
    """Study rows keep the labels of their terms and the ids of all terms above them."""
    tags, affected = list(tags), {tag.pk for tag in changed}
    while below := {tag.pk for tag in tags if tag.parent_id in affected} - affected:
        affected |= below
    ids = sorted(set(StudyTag.objects.filter(tag__in=affected).values_list("study", flat=True))) if affected else []
    for start in range(0, len(ids), _BATCH):
        refresh_studies(ids[start : start + _BATCH])
