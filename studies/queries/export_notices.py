"""Notices and registrations of many studies, as text; a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models.expressions import RawSQL

from studies.models import Notice, RegistrationMention, TrialRegistration
from studies.queries.notices import lifted_among
from studies.terms import MentionBasis, NoticeKind, NoticeSource

_GRAVITY = {kind: place for place, kind in enumerate(NoticeKind.values)}
_TOLD = ("kind", "read_as", "issued_on", "source", "citation", "note", "reasons", "first_seen_at", "notice_pmid")
_STANDING = ("dismissed_at", "unstated_since")
Ids = Sequence[int] | RawSQL


def notices_of(study_ids: Ids) -> dict[int, str]:
    """By study what is in force, the gravest first."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    notices = Notice.objects.live().filter(report__study__in=study_ids).select_related("report").order_by("pk")
    of_report = [f"report__{name}" for name in ("study_id", "pmid", "pmcid", "doi")]
    said = list(notices.only(*_TOLD, *_STANDING, *of_report))
    lifted = {notice.pk for notice in lifted_among(said)}
    for notice in said:
        if notice.pk in lifted:
            continue
        found[notice.report.study_id].append((_GRAVITY[notice.effective_kind], _notice(notice)))
    return {study: "; ".join(text for _, text in sorted(notices)) for study, notices in found.items()}


def _notice(notice: Notice) -> str:
    issued = f" of {notice.issued_on:%Y-%m-%d}" if notice.issued_on else ""
    reasons = f"Reasons given: {', '.join(notice.reasons)}." if notice.reasons else ""
    said = " ".join(filter(None, (notice.citation, notice.note, reasons)))
    source = NoticeSource(notice.source).label
    text = f"{notice.effective_kind_label}{issued}, {notice.report.identifier}, according to {source}"
    return f"{text}: {said}" if said else text


def registrations_of(study_ids: Ids) -> dict[int, str]:
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


def _own(study_ids: Ids) -> Iterable[tuple[int, str]]:
    rows = TrialRegistration.objects.filter(study__in=study_ids).order_by("number")
    return rows.values_list("study_id", "number")
