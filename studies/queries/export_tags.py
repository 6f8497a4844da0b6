"""What is said of the tags, notices and registrations of many studies, as text; a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from django.db.models import Case, F, When

from studies.models import Notice, RegistrationMention, StudyTag, Tag, TrialRegistration, User
from studies.queries.vocabulary import Vocabulary
from studies.rules.tag_state import state_of
from studies.terms import (
    MentionBasis,
    NoticeKind,
    NoticeSource,
    TagOrigin,
    TagState,
    TagStatus,
)

__all__ = ["notices_of", "registrations_of", "tags_of"]

_GRAVITY = {kind: place for place, kind in enumerate(NoticeKind.values)}


def tags_of(study_ids: Sequence[int], vocabulary: Vocabulary) -> dict[int, dict[str, str]]:
    """By study and facet: `Nanofat [accepted by Clara, 2026-05-02]; …`; rejected terms are left out."""
    day = Case(When(origin=TagOrigin.PERSON, then=F("at")))  # of a rule it would be read for nothing
    said: dict[int, dict[int, list[tuple[str, str, str]]]] = defaultdict(lambda: defaultdict(list))
    rows = StudyTag.objects.filter(study__in=study_ids).order_by("study", "at", "pk")
    names = _Names()
    for study, tag, origin, status, rule, by, at in rows.values_list(
        "study_id", "tag_id", "origin", "status", "rule", "by_id", day
    ):
        said[study][tag].append((origin, status, f"{names[by]}, {at:%Y-%m-%d}" if at else rule))
    return {study: _by_facet(tags, vocabulary) for study, tags in said.items()}


class _Names(dict[int | None, str]):
    """People by number, asked once each. Mail addresses do not leave in files."""

    def __missing__(self, pk: int | None) -> str:
        user = User.objects.filter(pk=pk).first() if pk else None
        name = (user.get_full_name() or f"account {pk}") if user else "a person whose account is gone"
        return self.setdefault(pk, name)


def _by_facet(said: dict[int, list[tuple[str, str, str]]], vocabulary: Vocabulary) -> dict[str, str]:
    found: dict[str, list[str]] = defaultdict(list)
    for tag in sorted((vocabulary.by_id[pk] for pk in said if pk in vocabulary.by_id), key=_place):
        if words := _standing(tuple(said[tag.pk])):
            found[tag.facet].append(f"{tag.label} [{words}]")
    return {facet: "; ".join(terms) for facet, terms in found.items()}


def _place(tag: Tag) -> int:
    return tag.position


def _standing(statements: tuple[tuple[str, str, str], ...]) -> str:
    """Who says it; empty for a term that people rejected."""
    if len(statements) == 1:
        return _alone(statements[0])
    state = state_of((origin, status) for origin, status, _ in statements)
    if state == TagState.REJECTED:
        return ""
    words = ", ".join(dict.fromkeys(_says(*statement) for statement in statements))
    return f"disputed: {words}" if state == TagState.DISPUTED else words


@cache
def _alone_of_a_machine(origin: str, status: str, by: str) -> str:
    return "" if state_of([(origin, status)]) == TagState.REJECTED else _says(origin, status, by)


def _alone(statement: tuple[str, str, str]) -> str:
    if statement[0] == TagOrigin.PERSON:  # names are not kept beyond the answer
        return "" if statement[1] == TagStatus.REJECTED else _says(*statement)
    return _alone_of_a_machine(*statement)


def _says(origin: str, status: str, by: str) -> str:
    if origin == TagOrigin.PERSON:
        return f"{status} by {by}"
    return f"suggested by rule {by}" if origin == TagOrigin.RULE else TagOrigin(origin).label


def notices_of(study_ids: Sequence[int]) -> dict[int, str]:
    """By study what is in force, the gravest first."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for notice in Notice.objects.live().filter(report__study__in=study_ids).select_related("report").order_by("pk"):
        found[notice.report.study_id].append((_GRAVITY[notice.kind], _notice(notice)))
    return {study: "; ".join(text for _, text in sorted(notices)) for study, notices in found.items()}


def _notice(notice: Notice) -> str:
    issued = f" of {notice.issued_on:%Y-%m-%d}" if notice.issued_on else ""
    said = " ".join(filter(None, (notice.citation, notice.note)))
    source = NoticeSource(notice.source).label
    text = f"{NoticeKind(notice.kind).label}{issued}, {notice.report.identifier}, according to {source}"
    return f"{text}: {said}" if said else text


def registrations_of(study_ids: Sequence[int]) -> dict[int, str]:
    """By study every registration with where it was read."""
    bases: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for study, number in _own(study_ids):
        bases[study][number].add("of this study")
    mentions = RegistrationMention.objects.filter(report__study__in=study_ids).order_by("registration__number")
    for study, number, basis in mentions.values_list("report__study", "registration__number", "basis"):
        bases[study][number].add(MentionBasis(basis).label)
    return {
        study: "; ".join(f"{number} [{', '.join(sorted(where))}]" for number, where in numbers.items())
        for study, numbers in bases.items()
    }


def _own(study_ids: Sequence[int]) -> Iterable[tuple[int, str]]:
    rows = TrialRegistration.objects.filter(study__in=study_ids).order_by("number")
    return rows.values_list("study_id", "number")
