"""Adding or removing one term on many studies at once: first what would happen, then all of it as one act."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction

from studies.actions import locks, tagging
from studies.actions.tagging import ReasonMissing, TaggingError, Word
from studies.models import Study, StudyTag, Tag, TagBatch, User
from studies.rules.permissions import Permission, is_allowed
from studies.rules.tag_state import APPLIED, state_of
from studies.terms import BatchKind, TagOrigin, TagState, TagStatus

MOST = 5000  # studies in one act: it holds its locks until it is done


@dataclass(frozen=True, slots=True)
class Plan:
    """What the act does: the words it needs, and how many studies it leaves alone, by the reason why."""

    words: tuple[Word, ...]
    left: tuple[tuple[str, int], ...]

    @property
    def study_ids(self) -> list[int]:
        return sorted({word.study_id for word in self.words})


def plan(study_ids: Collection[int], tag: Tag, *, by: User, adds: bool, reason: str = "") -> Plan:
    """One query. An act on many studies never contradicts a person: what is disputed or rejected is left alone."""
    said: dict[int, list[StudyTag]] = defaultdict(list)
    for statement in StudyTag.objects.filter(study__in=study_ids, tag=tag).exclude(origin=TagOrigin.RULE):
        said[statement.study_id].append(statement)
    left: dict[str, int] = defaultdict(int)
    words: list[Word] = []
    step = _adding if adds else _removing
    for study_id in sorted(set(study_ids)):
        found = step(said[study_id], Word(study_id, tag.pk, by.pk, reason=reason), by)
        if isinstance(found, str):
            left[found] += 1
        else:
            words += found
    return Plan(tuple(words), tuple(left.items()))


@transaction.atomic
def apply(study_ids: Collection[int], tag: Tag, *, by: User, adds: bool, reason: str = "") -> TagBatch | None:
    """Carry out what `plan` shows, as it stands now. None: nothing was left to change.

    Raises TaggingError for a retired term or too many studies, ReasonMissing where others' words would go without one.
    """
    if len(study_ids) > MOST:
        raise TaggingError(f"At most {MOST} studies are tagged at once; this is {len(study_ids)}.")
    if adds and tag.is_retired:
        raise TaggingError(f"“{tag}” is retired from the vocabulary.")
    locks.take_for_transaction(locks.CATALOGUE)
    held = Study.objects.select_for_update().filter(pk__in=study_ids).order_by("pk").values_list("pk", flat=True)
    planned = plan(list(held), tag, by=by, adds=adds, reason=reason)
    if not reason and any(word.by_id != by.pk for word in planned.words):
        raise ReasonMissing("Say why other people’s words are removed.")
    n = len(planned.study_ids)
    said = f"{'added' if adds else 'removed'} “{tag}” {'to' if adds else 'from'} {n} {'study' if n == 1 else 'studies'}"
    return tagging.say(planned.words, by=by, kind=BatchKind.BULK, said=said)


def _adding(said: list[StudyTag], word: Word, by: User) -> list[Word] | str:
    if not said:
        return [_with(word, TagStatus.ACCEPTED)]
    state = state_of((s.origin, s.status) for s in said)
    if state in APPLIED:
        return "have it already"
    mine_alone = {s.by_id for s in said if s.origin == TagOrigin.PERSON} == {by.pk}
    if state == TagState.REJECTED and mine_alone:
        return [_with(word, TagStatus.ACCEPTED)]
    return "disputed, settled on their own pages" if state == TagState.DISPUTED else "rejected by somebody"


def _removing(said: list[StudyTag], word: Word, by: User) -> list[Word] | str:
    if not said or state_of((s.origin, s.status) for s in said) == TagState.REJECTED:
        return "do not have it"
    accepted = [s for s in said if s.origin == TagOrigin.PERSON and s.status == TagStatus.ACCEPTED]
    if any(s.by_id != by.pk for s in accepted) and not is_allowed(by.role, Permission.MANAGE_CATALOGUE):
        return "tagged by somebody else, which only they or an admin remove"
    words = [Word(word.study_id, word.tag_id, s.by_id, reason=word.reason) for s in accepted if s.by_id]
    if any(s.origin == TagOrigin.STARTER for s in said):
        # The starter row stays as it came; a person's rejection stands above it.
        words = [w for w in words if w.by_id != by.pk] + [_with(word, TagStatus.REJECTED)]
    return words


def _with(word: Word, status: TagStatus) -> Word:
    return Word(word.study_id, word.tag_id, word.by_id, status, word.reason)
