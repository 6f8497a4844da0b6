"""What waits for a person to say whether it is one investigation, and what people have said."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet

from studies.models import StudyGrouping, TrialLink
from studies.queries.trials import date_words
from studies.terms import LinkBasis, ProposalState

PAGE = 20


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a proposal: what it is, where it is read, what tells it from others."""

    label: str
    title: str
    url: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal with both its sides; `kind` is link or grouping."""

    kind: str
    pk: int
    sides: tuple[Side, Side]
    basis: str
    score: str
    state: str
    decided: str
    why: str


def links(state: str, page: int) -> tuple[Page, list[Proposed]]:
    """Links of trials and reports in this state, the surest first; those of one study already are settled."""
    rows = TrialLink.objects.filter(state=state)
    if state == ProposalState.PROPOSED:
        rows = rows.exclude(registration__study=F("report__study"))
    rows = rows.select_related("registration__study", "report__study", "decided_by")
    return _page(rows, page, _of_link)


def groupings(state: str, page: int) -> tuple[Page, list[Proposed]]:
    """Groupings of two studies in this state that did not come of a link."""
    rows = StudyGrouping.objects.filter(Q(state=state), link=None).select_related("kept", "other", "decided_by")
    return _page(rows, page, _of_grouping)


def n_waiting() -> int:
    """How many proposals wait for a person."""
    waiting = TrialLink.objects.filter(state=ProposalState.PROPOSED).exclude(registration__study=F("report__study"))
    return waiting.count() + StudyGrouping.objects.filter(state=ProposalState.PROPOSED).count()


def _page(rows: QuerySet, page: int, make: object) -> tuple[Page, list[Proposed]]:
    found = Paginator(rows.order_by("-decided_at", "-score", "pk"), PAGE).get_page(page)
    return found, [make(row) for row in found]  # type: ignore[operator]


def _of_link(link: TrialLink) -> Proposed:
    trial, report = link.registration, link.report
    officials = ", ".join(one["name"] for one in trial.officials[:3] if one.get("name"))
    authors = ", ".join(one.get("collective") or one.get("last", "") for one in report.authors[:4])
    ours = Side(
        f"{trial.number}, registered trial",
        trial.display_title,
        trial.get_absolute_url(),
        _said(
            trial.get_status_display() if trial.status else trial.status_raw,
            f"started {date_words(trial, 'start')}" if trial.start_on else "",
            f"{trial.enrolment:,} people" if trial.enrolment is not None else "",
            trial.sponsor,
            officials,
        ),
    )
    theirs = Side(
        f"{report.identifier}, report",
        report.title,
        report.study.get_absolute_url(),
        _said(authors, report.journal_abbreviation or report.journal, report.published_raw),
    )
    return _proposed("link", link, (ours, theirs))


def _of_grouping(grouping: StudyGrouping) -> Proposed:
    kept, other = (
        Side(
            f"Study {study.pk}",
            study.display_title,
            study.get_absolute_url(),
            _said(study.authors, study.journal, str(study.year or ""), study.get_design_display()),
        )
        for study in (grouping.kept, grouping.other)
    )
    return _proposed("grouping", grouping, (kept, other))


def _proposed(kind: str, row: TrialLink | StudyGrouping, sides: tuple[Side, Side]) -> Proposed:
    who = f"{row.decided_by or 'Stratum'}, {row.decided_at:%d %B %Y}" if row.decided_at else ""
    return Proposed(
        kind=kind,
        pk=row.pk,
        sides=sides,
        basis=", ".join(str(LinkBasis(basis).label) for basis in row.bases),
        score=f"{row.score:.2f}",
        state=row.state,
        decided=who,
        why=row.why,
    )


def _said(*facts: str) -> tuple[str, ...]:
    return tuple(filter(None, facts))


STATES: Sequence[tuple[str, str]] = (
    (ProposalState.PROPOSED, "Waiting"),
    (ProposalState.CONFIRMED, "Confirmed"),
    (ProposalState.REJECTED, "Rejected"),
    (ProposalState.UNDONE, "Undone"),
)
