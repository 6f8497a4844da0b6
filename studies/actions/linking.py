"""What people say of a proposed link between a registered trial and a report: confirm, reject, undo."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.actions import grouping, locks, suggesting, trial_links, trials
from studies.actions.grouping import NotPossible
from studies.actions.study_rows import refresh_studies
from studies.models import (
    AuditEvent,
    Report,
    Study,
    StudyGrouping,
    StudyTag,
    TrialEvent,
    TrialLink,
    TrialRegistration,
)
from studies.rules import trial_links as rules
from studies.terms import LinkBasis, ProposalState, TagOrigin, TrialEventKind


@transaction.atomic
def confirm(link: TrialLink, *, by: Any, why: str = "") -> TrialLink:
    """The report publishes the trial: both are one study from now on. Raises NotPossible."""
    link = _locked(link, ProposalState.PROPOSED)
    registration, report = link.registration, link.report
    if registration.study_id is None:
        TrialRegistration.objects.filter(pk=registration.pk).update(study=report.study_id)
        link.gave_study = True
        refresh_studies({report.study_id})
    elif registration.study_id != report.study_id:
        grouping.group(registration.study, report.study, by=by, bases=link.bases, why=why, link=link)
    _settle(link, ProposalState.CONFIRMED, by=by, why=why)
    trial_links.note_publications([link], now=timezone.now())
    AuditEvent.objects.record("confirmed link of", registration, by=by, report=report.pk, why=why)
    return link


@transaction.atomic
def reject(link: TrialLink, *, by: Any, why: str = "") -> TrialLink:
    """The report does not publish the trial: the trial is counted by itself, and the report without it."""
    link = _locked(link, ProposalState.PROPOSED)
    registration, report = link.registration, link.report
    if registration.study_id == report.study_id:
        raise NotPossible("The registration and the report are one study already: undo that first.")
    _settle(link, ProposalState.REJECTED, by=by, why=why)
    if link.is_firm:
        _tell_taken_back(link, f"Not its publication, a person says: {report.identifier}")
    _count_by_itself(link)
    refresh_studies({report.study_id})
    AuditEvent.objects.record("rejected link of", registration, by=by, report=report.pk, why=why)
    return link


@transaction.atomic
def undo(link: TrialLink, *, by: Any) -> TrialLink:
    """Take the decision back: the link is a proposal again, and each side what it was. Raises NotPossible."""
    link = _locked(link, ProposalState.CONFIRMED, ProposalState.REJECTED)
    was = link.state
    if was == ProposalState.CONFIRMED:
        _take_confirmation_back(link, by)
    elif link.own_study_id:
        _join_again(link)
    link.gave_study = False
    _settle(link, ProposalState.PROPOSED, by=None, why="")
    refresh_studies({link.report.study_id})
    AuditEvent.objects.record("undid link of", link.registration, by=by, report=link.report_id, was=was)
    return link


@transaction.atomic
def propose(registration: TrialRegistration, report: Report, *, by: Any) -> TrialLink:
    """A person's own proposal, to be confirmed like any other."""
    link, _ = TrialLink.objects.get_or_create(registration=registration, report=report)
    link.bases = sorted({*link.bases, LinkBasis.PERSON})
    link.score = rules.score(link.bases)
    link.save(update_fields=["bases", "score"])
    AuditEvent.objects.record("proposed link of", registration, by=by, report=report.pk)
    return link


def _locked(link: TrialLink, *allowed: str) -> TrialLink:
    locks.take_for_transaction(locks.CATALOGUE)
    link = TrialLink.objects.select_for_update(of=("self",)).select_related("registration", "report").get(pk=link.pk)
    if link.state not in allowed:
        raise NotPossible(f"This link is {link.get_state_display().lower()} by now.")
    return link


def _settle(link: TrialLink, state: str, *, by: Any, why: str) -> None:
    link.state, link.why = state, why
    link.decided_by = by if getattr(by, "pk", None) else None
    link.decided_at = timezone.now() if by else None
    link.save(update_fields=["state", "why", "decided_by", "decided_at", "gave_study", "own_study"])


def _take_confirmation_back(link: TrialLink, by: Any) -> None:
    if link.gave_study:
        TrialRegistration.objects.filter(pk=link.registration_id, study=link.report.study_id).update(study=None)
    for made in StudyGrouping.objects.filter(link=link, state=ProposalState.CONFIRMED):
        grouping.undo(made, by=by)
    if not link.is_firm:
        _tell_taken_back(link, f"Link to {link.report.identifier} taken back")


def _count_by_itself(link: TrialLink) -> None:
    """Without this link the registration may have no study: the one made for it before, or a new one."""
    registration = TrialRegistration.objects.get(pk=link.registration_id)
    if registration.study_id or not registration.found_at or trial_links.published([registration.pk]):
        return
    if link.own_study_id:
        Study.every.filter(pk=link.own_study_id).update(grouped_into=None)
        TrialRegistration.objects.filter(pk=registration.pk).update(study=link.own_study_id)
    else:
        link.own_study_id = trials.give_studies([registration.pk], now=timezone.now()).get(registration.pk)
        link.save(update_fields=["own_study"])
    suggesting.renew({link.own_study_id})
    refresh_studies({link.own_study_id})


def _join_again(link: TrialLink) -> None:
    """The study made when the link was rejected stands for nothing again; its address leads to the report's.

    Raises NotPossible where more hangs on it by now than its registration: that would be seen nowhere any more.
    """
    registrations = TrialRegistration.objects.filter(study=link.own_study_id)
    if not registrations.filter(pk=link.registration_id).exists():
        return
    others = registrations.exclude(pk=link.registration_id).exclude(alias_of=link.registration_id)
    words = StudyTag.objects.filter(study=link.own_study_id).exclude(origin=TagOrigin.RULE)
    if others.exists() or words.exists() or Report.objects.filter(study=link.own_study_id).exists():
        raise NotPossible(
            f"Study {link.own_study_id}, which stands for the trial since the link was rejected, has tags, reports or"
            " registrations of its own by now: group the two studies instead."
        )
    registrations.update(study=None)
    Study.every.filter(pk=link.own_study_id).update(grouped_into=link.report.study_id)


def _tell_taken_back(link: TrialLink, said: str) -> None:
    """The log is append-only: a publication told is not untold, but the next line says so."""
    TrialEvent.objects.create(registration=link.registration, kind=TrialEventKind.UPDATED, field="report", new=said)
