"""What counts as news, how grave each piece is, and which goes out at once."""

from studies.terms import NewsKind, NoticeKind, ReportEventKind, StudyDesign, TrialEventKind

# The order of a digest and of a day: the gravest first.
RANKS = {kind: place for place, kind in enumerate(NewsKind)}
# Told within minutes to whoever asked for it; all else waits for a digest.
URGENT = frozenset({NewsKind.RETRACTION, NewsKind.CONCERN, NewsKind.STOPPED})

OF_NOTICE = {
    NoticeKind.RETRACTION: NewsKind.RETRACTION,
    NoticeKind.PARTIAL_RETRACTION: NewsKind.RETRACTION,
    NoticeKind.REMOVAL: NewsKind.RETRACTION,
    NoticeKind.WITHDRAWAL: NewsKind.RETRACTION,
    NoticeKind.RETRACT_AND_REPLACE: NewsKind.RETRACTION,
    NoticeKind.CONCERN: NewsKind.CONCERN,
    NoticeKind.CORRECTION: NewsKind.CORRECTION,
    NoticeKind.UPDATE: NewsKind.CORRECTION,
    NoticeKind.REINSTATEMENT: NewsKind.CORRECTION,
}
# A registry's small changes ("updated") stand in the trial's own timeline.
OF_TRIAL = {
    TrialEventKind.NEW: NewsKind.TRIAL,
    TrialEventKind.STOPPED: NewsKind.STOPPED,
    TrialEventKind.RESULTS_POSTED: NewsKind.RESULTS,
    TrialEventKind.PUBLICATION_LINKED: NewsKind.RESULTS,
    TrialEventKind.STATUS_CHANGED: NewsKind.TRIAL_CHANGE,
    TrialEventKind.ENROLMENT_CHANGED: NewsKind.TRIAL_CHANGE,
    TrialEventKind.COMPLETION_MOVED: NewsKind.TRIAL_CHANGE,
    TrialEventKind.OUTCOME_CHANGED: NewsKind.TRIAL_CHANGE,
    TrialEventKind.OVERDUE: NewsKind.TRIAL_CHANGE,
}
# A notice that was added is told as the notice itself, a doubtful count of citations to admins.
OF_REPORT = {
    ReportEventKind.FIELD_CHANGED: NewsKind.RECORD,
    ReportEventKind.TYPE_ADDED: NewsKind.RECORD,
    ReportEventKind.NOTICE_LIFTED: NewsKind.RECORD,
    ReportEventKind.VANISHED: NewsKind.RECORD,
    ReportEventKind.RETURNED: NewsKind.RECORD,
}
# Of a record that changed, what a reader may have relied on; the rest is in the history of the study.
TOLD_FIELDS = frozenset({"title", "abstract", "authors", "coi_statement", "publication_types"})
# This publication type states a retraction, which is told as the notice: told as a type too it would come twice.
TYPE_TOLD_AS_NOTICE = "Retracted Publication"

# Designs by which a publication says that it is a clinical trial; a registry number says so too.
TRIAL_DESIGNS = (
    StudyDesign.RANDOMISED,
    StudyDesign.CONTROLLED,
    StudyDesign.TRIAL,
    StudyDesign.SINGLE_ARM,
    StudyDesign.REGISTERED,
)


def kinds_of(news: NewsKind, table: dict) -> list:
    """Which kinds of event or notice a kind of news is made of."""
    return [kind for kind, of in table.items() if of == news]
