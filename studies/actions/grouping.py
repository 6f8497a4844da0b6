"""Two studies that are one investigation become one: grouped by a person, undone by a person, nothing deleted."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.actions import locks, suggesting
from studies.actions.study_rows import refresh_studies
from studies.models import AuditEvent, Report, Study, StudyGrouping, StudyTag, TrialLink, TrialRegistration
from studies.rules import trial_links as rules
from studies.terms import LinkBasis, ProposalState, TagOrigin

# What a study says of itself, filled in from the other where it says nothing.
_FILLED = ("n_participants", "follow_up_months")


class NotPossible(Exception):
    """The two cannot be grouped, or the decision not undone, as things stand; a sentence for people."""


@transaction.atomic
def group(
    one: Study,
    other: Study,
    *,
    by: Any,
    bases: Sequence[str] = (LinkBasis.PERSON,),
    why: str = "",
    link: TrialLink | None = None,
    proposal: StudyGrouping | None = None,
) -> StudyGrouping:
    """Make the two one study: the one with reports is kept, else the older. Raises NotPossible.

    Reports, registrations and people's statements move over; the other study is kept, empty, and its address leads
    to the kept one. Findings, notices and citations hang on reports and go with them.
    """
    locks.take_for_transaction(locks.CATALOGUE)
    kept, other = _kept_first(*_both(one.pk, other.pk))
    grouping = proposal or StudyGrouping(score=1, bases=list(bases), link=link)
    grouping.kept, grouping.other, grouping.state = kept, other, ProposalState.CONFIRMED
    grouping.decided_by, grouping.decided_at = by if getattr(by, "pk", None) else None, timezone.now()
    grouping.why, grouping.undone_at, grouping.undone_by = why or grouping.why, None, None
    grouping.moved = {
        "reports": _move(Report.objects.filter(study=other), kept),
        "registrations": _move(TrialRegistration.objects.filter(study=other), kept),
        "tags": _move(_statements(other, kept), kept),
        "values": _fill(kept, other),
    }
    other.grouped_into = kept
    other.save(update_fields=["grouped_into"])
    grouping.save()
    _renew([kept.pk])
    AuditEvent.objects.record("grouped", other, by=by, into=kept.pk, grouping=grouping.pk, why=why)
    AuditEvent.objects.record("took in", kept, by=by, study=other.pk, grouping=grouping.pk, moved=grouping.moved)
    return grouping


@transaction.atomic
def propose(one: Study, other: Study, *, by: Any) -> StudyGrouping:
    """A person's own proposal, to be confirmed like any other. Raises NotPossible if the two are one already."""
    kept, other = _kept_first(*_both(one.pk, other.pk))
    waiting = StudyGrouping.objects.filter(kept=kept, other=other, state=ProposalState.PROPOSED).first()
    if waiting:
        return waiting
    grouping = StudyGrouping.objects.create(kept=kept, other=other, bases=[LinkBasis.PERSON], score=1)
    AuditEvent.objects.record("proposed grouping of", other, by=by, into=kept.pk, grouping=grouping.pk)
    return grouping


def propose_as_one(one_id: int, other_id: int, *, basis: LinkBasis, by: Any) -> None:
    """Propose what a source says of the two, unless they have been proposed before or one has been grouped."""
    pair = (one_id, other_id)
    spoken = StudyGrouping.objects.filter(kept__in=pair, other__in=pair)
    if spoken.exists() or Study.objects.filter(pk__in=pair).count() < len(pair):
        return
    kept, other = _kept_first(*_both(*pair))
    grouping = StudyGrouping.objects.create(kept=kept, other=other, bases=[basis], score=rules.score([basis]))
    AuditEvent.objects.record("proposed grouping of", other, by=by, into=kept.pk, grouping=grouping.pk)


@transaction.atomic
def confirm(grouping: StudyGrouping, *, by: Any, why: str = "") -> StudyGrouping:
    """Group the two proposed. Raises NotPossible."""
    locks.take_for_transaction(locks.CATALOGUE)  # before any row, as everywhere
    grouping = StudyGrouping.objects.select_for_update().get(pk=grouping.pk)
    if grouping.state != ProposalState.PROPOSED:
        raise NotPossible(f"This proposal is {grouping.get_state_display().lower()} by now.")
    return group(grouping.kept, grouping.other, by=by, why=why, proposal=grouping)


@transaction.atomic
def undo(grouping: StudyGrouping, *, by: Any) -> StudyGrouping:
    """Give the other study back what it brought, and only that. Raises NotPossible."""
    locks.take_for_transaction(locks.CATALOGUE)
    grouping = StudyGrouping.objects.select_for_update().get(pk=grouping.pk)
    if grouping.state != ProposalState.CONFIRMED:
        raise NotPossible("This grouping is not in force: there is nothing to undo.")
    rows = {pk: _locked(pk) for pk in sorted((grouping.kept_id, grouping.other_id))}
    kept, other = rows[grouping.kept_id], rows[grouping.other_id]
    if kept.grouped_into_id:
        raise NotPossible("The study that was kept has itself been grouped since: undo that grouping first.")
    moved = grouping.moved
    # A number that the registry has given up since stands under its present one.
    given_up = TrialRegistration.objects.filter(pk__in=moved["registrations"], alias_of__isnull=False, study=None)
    moved["registrations"] += given_up.values_list("alias_of", flat=True)
    for model, name in ((Report, "reports"), (TrialRegistration, "registrations"), (StudyTag, "tags")):
        model.objects.filter(pk__in=moved[name], study=kept).update(study=other)
    _restore(kept, moved["values"])
    other.grouped_into = None
    other.save(update_fields=["grouped_into"])
    grouping.state = ProposalState.UNDONE
    grouping.undone_at, grouping.undone_by = timezone.now(), by if getattr(by, "pk", None) else None
    grouping.save(update_fields=["state", "undone_at", "undone_by"])
    _renew([kept.pk, other.pk])
    AuditEvent.objects.record("ungrouped", other, by=by, from_study=kept.pk, grouping=grouping.pk)
    AuditEvent.objects.record("gave back", kept, by=by, study=other.pk, grouping=grouping.pk)
    return grouping


@transaction.atomic
def reject(grouping: StudyGrouping, *, by: Any, why: str = "") -> StudyGrouping:
    """Say that the two proposed are two studies; the proposal does not come again."""
    return _settle(grouping, ProposalState.PROPOSED, ProposalState.REJECTED, "rejected grouping of", by=by, why=why)


@transaction.atomic
def reopen(grouping: StudyGrouping, *, by: Any) -> StudyGrouping:
    """Take a rejection back."""
    return _settle(grouping, ProposalState.REJECTED, ProposalState.PROPOSED, "reopened grouping of", by=by, why="")


def _settle(grouping: StudyGrouping, allowed: str, to: str, verb: str, *, by: Any, why: str) -> StudyGrouping:
    grouping = StudyGrouping.objects.select_for_update().get(pk=grouping.pk)
    if grouping.state != allowed:
        raise NotPossible(f"This proposal is {grouping.get_state_display().lower()} by now.")
    grouping.state, grouping.why = to, why
    grouping.decided_by, grouping.decided_at = by if getattr(by, "pk", None) else None, timezone.now()
    grouping.save(update_fields=["state", "why", "decided_by", "decided_at"])
    AuditEvent.objects.record(verb, grouping.other, by=by, kept=grouping.kept_id, why=why)
    return grouping


def _locked(study_id: int) -> Study:
    return Study.every.select_for_update().defer("search_vector").get(pk=study_id)


def _both(one_id: int, other_id: int) -> list[Study]:
    if one_id == other_id:
        raise NotPossible("These are one study already.")
    rows = [_locked(pk) for pk in sorted((one_id, other_id))]
    for study in rows:
        if study.grouped_into_id:
            raise NotPossible(f"“{study}” has been grouped into another study meanwhile.")
    return rows


def _kept_first(older: Study, newer: Study) -> tuple[Study, Study]:
    has_reports = set(Report.objects.filter(study__in=(older, newer)).values_list("study", flat=True))
    return (newer, older) if newer.pk in has_reports and older.pk not in has_reports else (older, newer)


def _move(rows: Any, kept: Study) -> list[int]:
    ids = sorted(rows.values_list("pk", flat=True))
    rows.model.objects.filter(pk__in=ids).update(study=kept)
    return ids


def _statements(other: Study, kept: Study) -> Any:
    """What people and the starter data said of the other study, where the kept one has not the same word already.

    Rules read the moved reports anew; what they said of the other study stays with it.
    """
    theirs = set(StudyTag.objects.filter(study=kept).values_list("tag", "origin", "rule", "by"))
    rows = StudyTag.objects.filter(study=other).exclude(origin=TagOrigin.RULE)
    moving = [row.pk for row in rows if (row.tag_id, row.origin, row.rule, row.by_id) not in theirs]
    return StudyTag.objects.filter(pk__in=moving)


def _fill(kept: Study, other: Study) -> dict[str, list]:
    """Fill the kept study's gaps; by name what was there and what is now."""
    after = {name: getattr(other, name) for name in _FILLED if getattr(kept, name) is None}
    if other.is_starter and not kept.is_starter:
        after |= {"is_starter": True, "starter": other.starter}
    if other.in_default_views and not kept.in_default_views:
        after |= {"in_default_views": True}
    changed = {name: [getattr(kept, name), value] for name, value in after.items() if getattr(kept, name) != value}
    for name, (_, value) in changed.items():
        setattr(kept, name, value)
    kept.save(update_fields=list(changed))
    return {name: [_plain(was), _plain(now)] for name, (was, now) in changed.items()}


def _restore(kept: Study, values: dict[str, list]) -> None:
    """Set back what the grouping filled in, unless somebody has changed it since."""
    names = [name for name, (_, now) in values.items() if _plain(getattr(kept, name)) == now]
    for name in names:
        setattr(kept, name, values[name][0])
    kept.save(update_fields=names)


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    return value if value is None or isinstance(value, bool | int | dict) else str(value)


def _renew(study_ids: Sequence[int]) -> None:
    suggesting.renew(set(study_ids))
    refresh_studies(set(study_ids))
