"""What registries call a trial's status and phase, in the words of the catalogue."""

import re

from studies.terms import TrialPhase, TrialStatus

# ClinicalTrials.gov's own list; every value has its word.
_CLINICALTRIALS = {
    "NOT_YET_RECRUITING": TrialStatus.NOT_YET_RECRUITING,
    "RECRUITING": TrialStatus.RECRUITING,
    "ENROLLING_BY_INVITATION": TrialStatus.BY_INVITATION,
    "ACTIVE_NOT_RECRUITING": TrialStatus.ACTIVE,
    "SUSPENDED": TrialStatus.SUSPENDED,
    "COMPLETED": TrialStatus.COMPLETED,
    "TERMINATED": TrialStatus.TERMINATED,
    "WITHDRAWN": TrialStatus.WITHDRAWN,
    "UNKNOWN": TrialStatus.UNKNOWN,
    "AVAILABLE": TrialStatus.AVAILABLE,
    "TEMPORARILY_NOT_AVAILABLE": TrialStatus.NOT_AVAILABLE_NOW,
    "NO_LONGER_AVAILABLE": TrialStatus.NO_LONGER_AVAILABLE,
    "APPROVED_FOR_MARKETING": TrialStatus.APPROVED,
    "WITHHELD": TrialStatus.WITHHELD,
}
# The same things as other registries say them.
_ELSEWHERE = {
    "pending": TrialStatus.NOT_YET_RECRUITING,
    "not recruiting yet": TrialStatus.NOT_YET_RECRUITING,
    "authorised recruitment pending": TrialStatus.NOT_YET_RECRUITING,
    "open to recruitment": TrialStatus.RECRUITING,
    "ongoing recruiting": TrialStatus.RECRUITING,
    "active recruiting": TrialStatus.RECRUITING,
    "recruiting ongoing": TrialStatus.RECRUITING,
    "active": TrialStatus.ACTIVE,
    "ongoing": TrialStatus.ACTIVE,
    "recruitment complete": TrialStatus.ACTIVE,
    "recruitment completed": TrialStatus.ACTIVE,
    "no longer recruiting": TrialStatus.ACTIVE,
    "ongoing recruitment ended": TrialStatus.ACTIVE,
    "closed": TrialStatus.ACTIVE,
    "closed to recruitment": TrialStatus.ACTIVE,
    "halted": TrialStatus.SUSPENDED,
    "temporarily halted": TrialStatus.SUSPENDED,
    "complete": TrialStatus.COMPLETED,
    "ended": TrialStatus.COMPLETED,
    "finished": TrialStatus.COMPLETED,
    "main results already published": TrialStatus.COMPLETED,
    "prematurely ended": TrialStatus.TERMINATED,
    "ended prematurely": TrialStatus.TERMINATED,
    "stopped": TrialStatus.TERMINATED,
    "stopped early": TrialStatus.TERMINATED,
    "cancelled": TrialStatus.WITHDRAWN,
    "not started": TrialStatus.WITHDRAWN,
}
# Trials that ended before their plan, or before their first participant.
STOPPED = frozenset({TrialStatus.SUSPENDED, TrialStatus.TERMINATED, TrialStatus.WITHDRAWN})
# Nobody took part, or it is a way to a treatment and no trial: no results are looked for.
WITHOUT_RESULTS = frozenset(
    {
        TrialStatus.WITHDRAWN,
        TrialStatus.AVAILABLE,
        TrialStatus.NOT_AVAILABLE_NOW,
        TrialStatus.NO_LONGER_AVAILABLE,
        TrialStatus.APPROVED,
        TrialStatus.WITHHELD,
    }
)
_NOT_WORDS = re.compile(r"[^a-z]+")
_PHASE = re.compile(r"\b(?:iv|iii|ii|i|[0-4])\b")
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_PHASES = {"1": TrialPhase.PHASE_1, "2": TrialPhase.PHASE_2, "3": TrialPhase.PHASE_3, "4": TrialPhase.PHASE_4}


def status_of(raw: str) -> TrialStatus | None:
    """The status that a registry's own word means; None for a word that says none of them."""
    words = _NOT_WORDS.sub(" ", raw.lower()).strip()
    known = _CLINICALTRIALS.get(words.replace(" ", "_").upper())
    return known or next((s for s in TrialStatus if words == _NOT_WORDS.sub(" ", s.value)), _ELSEWHERE.get(words))


def phases_of(raw: str) -> tuple[TrialPhase, ...]:
    """The phases in `PHASE2/PHASE3`, `Phase 2/3`, `II-III`, `Early Phase 1`, `0` or `N/A`, in order; none for none."""
    text = raw.lower().replace("_", " ").replace("phase", "phase ")
    if text.strip() in {"na", "n/a", "not applicable"}:
        return (TrialPhase.NOT_APPLICABLE,)
    if "early" in text or text.split() in (["0"], ["phase", "0"]):
        return (TrialPhase.EARLY_1,)
    numbers = {_ROMAN.get(found, found) for found in _PHASE.findall(text)}
    return tuple(phase for number, phase in _PHASES.items() if number in numbers)
