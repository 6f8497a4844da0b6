"""A trial's events as sentences, for its timeline and its lists."""

from studies.terms import TrialEventKind

_FIELDS = {
    "primary_completion": "Primary completion",
    "completion": "Completion",
    "primary_outcomes": "primary outcome",
    "secondary_outcomes": "secondary outcomes",
    "other_outcomes": "other outcomes",
    "official_title": "official title",
    "sponsor_class": "kind of sponsor",
    "study_type": "type of study",
    "why_stopped": "reason for stopping",
    "updated_on": "date of the last update",
    "verified_raw": "date of verification",
    "other_ids": "other numbers",
    "n_places": "study sites",
    "start_on": "start",
    "start_precision": "start",
    "start_kind": "start",
    "first_posted_on": "first posted",
    "details": "details",
}


def sentence(kind: str, *, field: str = "", old: str = "", new: str = "") -> str:
    """What happened, in one plain sentence; outcomes and reasons are told beside it."""
    match kind:
        case TrialEventKind.NEW:
            return "First read by Stratum"
        case TrialEventKind.STATUS_CHANGED:
            return f"Status changed from “{old}” to “{new}”"
        case TrialEventKind.STOPPED:
            return f"Stopped: “{old}” became “{new}”"
        case TrialEventKind.RESULTS_POSTED:
            return f"Results posted on {new}" if new else "Results posted"
        case TrialEventKind.ENROLMENT_CHANGED:
            return f"Enrolment changed from {old} to {new}"
        case TrialEventKind.COMPLETION_MOVED:
            return f"{_FIELDS.get(field, 'Completion')} moved from {old or 'not stated'} to {new or 'not stated'}"
        case TrialEventKind.OUTCOME_CHANGED:
            return "Primary outcome changed"
        case TrialEventKind.OVERDUE:
            return "No results found a year after primary completion"
        case TrialEventKind.PUBLICATION_LINKED:
            return f"Publication linked: {new}"
    if field == "report":
        return new
    return f"Registration updated: {field_names(new)}"


def field_names(names: str) -> str:
    """`official_title, start_kind, start_on` as `official title, start`."""
    each = (name.strip() for name in names.split(","))
    said = dict.fromkeys(_FIELDS.get(name, name.replace("_", " ")) for name in each)
    return ", ".join(word[:1].lower() + word[1:] for word in said)
