"""What people say about tags: accept, reject, take back, undo; each act one transaction, with its events in the log."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.actions import locks
from studies.actions.study_rows import refresh_studies
from studies.models import AuditEvent, Study, StudyTag, Tag, TagBatch, User
from studies.rules.permissions import Permission, is_allowed
from studies.rules.tag_state import answer_of
from studies.terms import BatchKind, TagOrigin, TagStatus

_STEP = 500  # study rows derived at a time
SUGGESTED = (TagOrigin.RULE, TagStatus.SUGGESTED)


class TaggingError(ValueError):
    """The act is refused; the sentence says why."""


class ReasonMissing(TaggingError):
    """Contradicting or removing another person's word needs a reason."""


class NotYours(TaggingError):
    """Only the author of a word or an admin removes it."""


@dataclass(frozen=True, slots=True)
class Word:
    """What `by` is to say of a term and a study from now on; without a status, nothing any more."""

    study_id: int
    tag_id: int
    by_id: int
    status: str = ""
    reason: str = ""


@transaction.atomic
def answer(study: Study, *, by: User, answers: Mapping[int, str], reason: str = "") -> TagBatch | None:
    """Accept or reject terms, by their id; a term nobody suggested is thereby added. None: all of it was said before.

    Raises ReasonMissing when somebody else's word is contradicted without a reason, TaggingError for a retired term.
    """
    _hold(study)
    retired = Tag.objects.filter(pk__in=[i for i, s in answers.items() if s == TagStatus.ACCEPTED], is_retired=True)
    if names := ", ".join(tag.label for tag in retired):
        raise TaggingError(f"Retired from the vocabulary: {names}.")
    if not reason:
        _refuse_contradiction(study, by, answers)
    words = [Word(study.pk, tag_id, by.pk, status, reason) for tag_id, status in answers.items()]
    return say(words, by=by, kind=BatchKind.STUDY)


@transaction.atomic
def take_back(study: Study, tag: Tag, *, by: User, author: User | None = None, reason: str = "") -> TagBatch | None:
    """Remove one's own word, or as an admin that of `author`, which needs a reason. None: there was no such word."""
    author = author or by
    if author != by:
        if not is_allowed(by.role, Permission.MANAGE_CATALOGUE):
            raise NotYours(f"Only {author} or an admin removes this word.")
        if not reason:
            raise ReasonMissing(f"Say why {author}’s word is removed.")
    _hold(study)
    return say([Word(study.pk, tag.pk, author.pk, reason=reason)], by=by, kind=BatchKind.STUDY)


@transaction.atomic
def undo(batch: TagBatch, *, by: User) -> int:
    """Put back what the act had changed, where nobody has changed it again since; how many words that were.

    Raises NotYours, and TaggingError where it is undone already or all its studies were grouped into others since:
    which of the words there are those of this act cannot be told any more.
    """
    if batch.kind == BatchKind.BULK:
        locks.take_for_transaction(locks.CATALOGUE)
    batch = TagBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.by_id != by.pk and not is_allowed(by.role, Permission.MANAGE_CATALOGUE):
        raise NotYours("Only whoever did this or an admin undoes it.")
    if batch.undone_at or batch.kind == BatchKind.MERGE:
        raise TaggingError("This is undone already.")
    here = _lock({change["study"] for change in batch.changes})
    changes = [change for change in batch.changes if change["study"] in here]
    if not changes:
        raise TaggingError(
            "The study was grouped into another since, and its tags went along: undo the grouping first, or change"
            " the tags where they are now."
        )
    present = {(s.study_id, s.tag_id, s.by_id): s.status for s in _words_on(changes) if s.by_id}
    words = [
        Word(c["study"], c["tag"], c["by"], **(c["before"] or {}))
        for c in changes
        if present.get((c["study"], c["tag"], c["by"]), "") == (c["after"] or {}).get("status", "")
    ]
    say(words, by=by, kind=BatchKind(batch.kind), undoes=batch)
    batch.undone_at = timezone.now()
    batch.save(update_fields=["undone_at"])
    return len(words)


def say(
    words: Sequence[Word], *, by: User, kind: BatchKind, said: str = "", undoes: TagBatch | None = None
) -> TagBatch | None:
    """Make each word what its person says now; the caller has locked the studies and settled who may.

    One batch, which can be undone; undoing makes none of its own. None where nothing changed.
    """
    changes = _write(words)
    if not changes:
        return None
    study_ids = sorted({change["study"] for change in changes})
    settle(study_ids, {change["tag"] for change in changes})
    for start in range(0, len(study_ids), _STEP):
        refresh_studies(study_ids[start : start + _STEP])
    if undoes is None:
        tags = Tag.objects.in_bulk({change["tag"] for change in changes})
        batch = TagBatch.objects.create(
            by=by, kind=kind, said=(said or _sentence(changes, tags))[:300], n_studies=len(study_ids), changes=changes
        )
    else:
        batch = undoes
    _log(changes, batch, by=by, is_undo=undoes is not None)
    return batch


def settle(study_ids: Collection[int], tag_ids: Collection[int]) -> None:
    """Mark the rules' suggestions of these terms with what people have answered, or open them again."""
    said: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    suggestions = []
    for row in StudyTag.objects.filter(study__in=study_ids, tag__in=tag_ids).only("study", "tag", "origin", "status"):
        if row.origin == TagOrigin.RULE:
            suggestions.append(row)
        else:
            said[row.study_id, row.tag_id].append((row.origin, row.status))
    changed = defaultdict(list)
    for row in suggestions:
        status = answer_of(said[row.study_id, row.tag_id] or [SUGGESTED])
        if status != row.status:
            changed[status].append(row.pk)
    for status, ids in changed.items():
        StudyTag.objects.filter(pk__in=ids).update(status=status)


def _lock(study_ids: Iterable[int]) -> set[int]:
    """Two people at one study, or a person and an import: one after the other, so that no word is lost.

    Those of the studies that are studies still: one that was grouped into another takes no words.
    """
    rows = Study.objects.select_for_update().filter(pk__in=study_ids).order_by("pk")
    return set(rows.values_list("pk", flat=True))


def _hold(study: Study) -> None:
    if not _lock([study.pk]):
        raise TaggingError("This study was grouped into another meanwhile: tag it there.")


def _refuse_contradiction(study: Study, by: User, answers: Mapping[int, str]) -> None:
    others = StudyTag.objects.filter(study=study, origin=TagOrigin.PERSON, tag__in=answers).exclude(by=by)
    for word in others.select_related("tag", "by"):
        if word.status != answers[word.tag_id]:
            raise ReasonMissing(f"{word.by} has {word.status} “{word.tag}”: say why you see it otherwise.")


def _words_on(changes: Iterable[Mapping[str, Any]]) -> list[StudyTag]:
    changes = list(changes)
    return list(
        StudyTag.objects.filter(
            origin=TagOrigin.PERSON,
            study__in={change["study"] for change in changes},
            tag__in={change["tag"] for change in changes},
        )
    )


def _write(words: Sequence[Word]) -> list[dict[str, Any]]:
    """Insert, change and delete rows; what changed, as a batch keeps it."""
    asked = [{"study": word.study_id, "tag": word.tag_id} for word in words]
    kept = {(row.study_id, row.tag_id, row.by_id): row for row in _words_on(asked)}
    new, changed, gone, changes = [], [], [], []
    for word in words:
        row = kept.get((word.study_id, word.tag_id, word.by_id))
        if (row.status if row else "") == word.status:
            continue
        after = {"status": word.status, "reason": word.reason} if word.status else None
        before = {"status": row.status, "reason": row.reason} if row else None
        change = {"study": word.study_id, "tag": word.tag_id, "by": word.by_id, "before": before, "after": after}
        changes.append({**change, "reason": word.reason})
        if row is None:
            row = StudyTag(study_id=word.study_id, tag_id=word.tag_id, by_id=word.by_id, origin=TagOrigin.PERSON)
            new.append(row)
        elif word.status:
            changed.append(row)
        else:
            gone.append(row.pk)
        row.status, row.reason, row.at = word.status, word.reason, timezone.now()
    StudyTag.objects.bulk_create(new, batch_size=2000)
    StudyTag.objects.bulk_update(changed, ["status", "reason", "at"], batch_size=500)
    StudyTag.objects.filter(pk__in=gone).delete()
    return changes


def _sentence(changes: Sequence[Mapping[str, Any]], tags: Mapping[int, Tag]) -> str:
    """ "accepted Nanofat, Injection; rejected Wrinkles"."""
    groups = defaultdict(list)
    for change in changes:
        groups[(change["after"] or {}).get("status", "took back")].append(tags[change["tag"]].label)
    return "; ".join(f"{verb} {', '.join(labels)}" for verb, labels in groups.items())


def _log(changes: Sequence[Mapping[str, Any]], batch: TagBatch, *, by: User, is_undo: bool) -> None:
    """One event a change, of the study, in words that its history shows as they are."""
    studies = Study.objects.only("title").in_bulk({change["study"] for change in changes})
    labels = dict(Tag.objects.filter(pk__in={change["tag"] for change in changes}).values_list("pk", "label"))
    authors = {user.pk: str(user) for user in User.objects.filter(pk__in={change["by"] for change in changes})}
    offered = _offered(changes)
    events = []
    for change in changes:
        detail = {"tag": labels[change["tag"]], "batch": batch.pk}
        if change["by"] != by.pk:
            detail["of"] = authors[change["by"]]
        if change["reason"]:
            detail["reason"] = change["reason"]
        is_added = (change["study"], change["tag"]) not in offered
        verb = _verb(change, is_others=change["by"] != by.pk, is_undo=is_undo, is_added=is_added)
        events.append(AuditEvent(**AuditEvent.objects.values(verb, studies[change["study"]], by=by, **detail)))
    AuditEvent.objects.bulk_create(events, batch_size=1000)


def _offered(changes: Sequence[Mapping[str, Any]]) -> set[tuple[int, int]]:
    """Studies and terms of which a rule, the starter data or somebody else has said something."""
    mine = {(change["study"], change["tag"], change["by"]) for change in changes}
    said = StudyTag.objects.filter(study__in={study for study, _, _ in mine}, tag__in={tag for _, tag, _ in mine})
    return {row[:2] for row in said.values_list("study", "tag", "by") if row not in mine}


def _verb(change: Mapping[str, Any], *, is_others: bool, is_undo: bool, is_added: bool) -> str:
    before, after = change["before"], change["after"]
    if is_undo:
        return f"undid, back to {after['status']}, the word on the tag" if after else "undid the word on the tag"
    if after is None:
        return "removed another’s word on the tag" if is_others else "took back the word on the tag"
    if is_added and not before and after["status"] == TagStatus.ACCEPTED:
        return "added the tag"
    return f"{'now ' if before else ''}{after['status']} the tag"
