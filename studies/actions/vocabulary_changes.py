"""What an admin changes in the vocabulary besides a term's words: retire, bring back, delete, merge, part again."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.actions import locks, tagging
from studies.actions.study_rows import refresh_studies
from studies.models import AuditEvent, Study, StudyTag, Tag, TagBatch, User
from studies.terms import BatchKind, TagOrigin, TagStatus

_STEP = 500


class TermError(ValueError):
    """The change is refused; the sentence says why."""


class TermInUse(TermError):
    """A term that stands on studies or above others is retired or merged, never deleted."""


@transaction.atomic
def retire(tag: Tag, *, by: User) -> Tag:
    """Offer the term no more. Words of people stay; open suggestions of it go."""
    locks.take_for_transaction(locks.CATALOGUE)
    waiting = StudyTag.objects.filter(tag=tag, origin=TagOrigin.RULE, status=TagStatus.SUGGESTED)
    study_ids = set(waiting.values_list("study", flat=True))
    waiting.delete()
    _set(tag, is_retired=True)
    _refresh(study_ids)
    AuditEvent.objects.record("retired the term", tag, by=by)
    return tag


@transaction.atomic
def bring_back(tag: Tag, *, by: User) -> Tag:
    """Offer a retired term again. Its suggestions come with the next `manage.py suggest_tags`."""
    if tag.merged_into_id:
        raise TermError(f"{tag} was merged into {tag.merged_into}: undo that instead.")
    _set(tag, is_retired=False)
    Study.objects.exclude(suggested_with="").update(suggested_with="")
    AuditEvent.objects.record("brought back the term", tag, by=by)
    return tag


@transaction.atomic
def delete(tag: Tag, *, by: User) -> None:
    """Raises TermInUse."""
    locks.take_for_transaction(locks.CATALOGUE)
    if tag.study_tags.exists() or tag.children.exists() or Tag.objects.filter(merged_into=tag).exists():
        raise TermInUse(f"{tag} is in use: retire it, or merge it into another term.")
    AuditEvent.objects.record("deleted the term", tag, by=by, slug=tag.slug)
    tag.delete()


@transaction.atomic
def merge(tag: Tag, *, into: Tag, by: User) -> TagBatch:
    """Move every statement of `tag` to `into` and retire it; its words become synonyms. Raises TermError."""
    locks.take_for_transaction(locks.CATALOGUE)
    tag, into = (Tag.objects.select_for_update().get(pk=term.pk) for term in (tag, into))
    _refuse(tag, into)
    study_ids = sorted(set(StudyTag.objects.filter(tag=tag).values_list("study", flat=True)))
    moved, dropped = _move(tag, into)
    kept = {
        "from": tag.pk,
        "into": into.pk,
        "moved": moved,
        "dropped": dropped,
        "children": list(tag.children.values_list("pk", flat=True)),
        "synonyms": into.synonyms,
        "was_retired": tag.is_retired,
    }
    Tag.objects.filter(parent=tag).update(parent=into)
    _set(tag, is_retired=True, merged_into=into)
    _set(into, synonyms=list(dict.fromkeys([*into.synonyms, tag.label, *tag.synonyms])))
    tagging.settle(study_ids, [into.pk])
    _refresh(_studies_beneath(into, study_ids))
    said = f"merged “{tag}” into “{into}”"
    batch = TagBatch.objects.create(by=by, kind=BatchKind.MERGE, said=said, n_studies=len(study_ids), changes=[kept])
    AuditEvent.objects.record("merged the term", tag, by=by, into=into.label, batch=batch.pk, n_studies=len(study_ids))
    _log_studies(study_ids, by=by, verb="moved, by a merger, the tag", tag=tag.label, into=into.label, batch=batch.pk)
    return batch


@transaction.atomic
def undo_merge(batch: TagBatch, *, by: User) -> Tag:
    """Part two merged terms again, statement by statement; what was said since stays with the second term."""
    locks.take_for_transaction(locks.CATALOGUE)
    batch = TagBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.undone_at:
        raise TermError("This is undone already.")
    kept = batch.changes[0]
    tag, into = Tag.objects.get(pk=kept["from"]), Tag.objects.get(pk=kept["into"])
    if tag.merged_into_id != into.pk:
        raise TermError(f"{tag} is no longer merged into {into}.")
    back = StudyTag.objects.filter(pk__in=kept["moved"], tag=into)
    study_ids = sorted({*back.values_list("study", flat=True), *(row["study_id"] for row in kept["dropped"])})
    back.update(tag=tag)
    StudyTag.objects.bulk_create([StudyTag(**row, tag=tag) for row in kept["dropped"]], ignore_conflicts=True)
    Tag.objects.filter(pk__in=kept["children"], parent=into).update(parent=tag)
    _set(tag, is_retired=kept["was_retired"], merged_into=None)
    added = {tag.label, *tag.synonyms} - set(kept["synonyms"])
    _set(into, synonyms=[word for word in into.synonyms if word not in added])
    for term in (tag, into):
        tagging.settle(study_ids, [term.pk])
    _refresh(_studies_beneath(tag, _studies_beneath(into, study_ids)))
    batch.undone_at = timezone.now()
    batch.save(update_fields=["undone_at"])
    AuditEvent.objects.record("undid the merger of the term", tag, by=by, into=into.label, batch=batch.pk)
    _log_studies(study_ids, by=by, verb="moved back, by undoing a merger, the tag", tag=tag.label, batch=batch.pk)
    return tag


def _refuse(tag: Tag, into: Tag) -> None:
    if tag.pk == into.pk:
        raise TermError("A term cannot be merged into itself.")
    if tag.facet != into.facet:
        raise TermError("Both terms have to be of one facet.")
    if into.is_retired or tag.merged_into_id:
        raise TermError(f"{into if into.is_retired else tag} is retired or merged already.")
    if tag.is_not_reported != into.is_not_reported:
        raise TermError("“Not reported” is a fact of its own and merges with no other term.")
    above: Tag | None = into
    while above := above.parent:
        if above.pk == tag.pk:
            raise TermError(f"{into} stands beneath {tag}: move it first.")


def _move(tag: Tag, into: Tag) -> tuple[list[int], list[dict[str, Any]]]:
    """Ids of statements that moved, and those dropped because the same voice has spoken of the other term already."""
    spoken = set(StudyTag.objects.filter(tag=into).values_list("study", "origin", "rule", "by"))
    moved, dropped, dropped_ids = [], [], []
    for row in StudyTag.objects.filter(tag=tag).order_by("pk"):
        if (row.study_id, row.origin, row.rule, row.by_id) in spoken:
            dropped_ids.append(row.pk)
            dropped.append({name: getattr(row, name) for name in _KEPT} | {"at": row.at.isoformat()})
        else:
            moved.append(row.pk)
    StudyTag.objects.filter(pk__in=dropped_ids).delete()
    StudyTag.objects.filter(pk__in=moved).update(tag=into)
    return moved, dropped


_KEPT = ("study_id", "origin", "status", "by_id", "report_id", "rule", "rule_version", "strength", "field", "phrase")
_KEPT += ("start", "end", "reason")


def _set(tag: Tag, **values: Any) -> None:
    """`edited_at` keeps the term as it is when the vocabulary file is loaded again."""
    for name, value in values.items():
        setattr(tag, name, value)
    tag.edited_at = timezone.now()
    tag.save(update_fields=[*values, "edited_at"])


def _studies_beneath(tag: Tag, study_ids: Collection[int]) -> set[int]:
    """These studies, and those whose terms stand beneath the term: they carry its id too."""
    beneath = newest = {tag.pk}
    while newest:
        newest = set(Tag.objects.filter(parent__in=newest).values_list("pk", flat=True)) - beneath
        beneath = beneath | newest
    return set(study_ids) | set(StudyTag.objects.filter(tag__in=beneath).values_list("study", flat=True))


def _refresh(study_ids: Collection[int]) -> None:
    ids = sorted(study_ids)
    for start in range(0, len(ids), _STEP):
        refresh_studies(ids[start : start + _STEP])


def _log_studies(study_ids: Collection[int], *, by: User, verb: str, **detail: Any) -> None:
    studies = Study.objects.only("title").filter(pk__in=study_ids)
    events = [AuditEvent(**AuditEvent.objects.values(verb, study, by=by, **detail)) for study in studies]
    AuditEvent.objects.bulk_create(events, batch_size=1000)
