"""What is kept: the catalogue, the people who may change it, and the log of what changed."""

from studies.models.account import Invitation, User
from studies.models.alert import Digest, Newness, SavedSearch, Seen, SentItem, Subscription
from studies.models.audit import AuditEvent
from studies.models.check import CheckedReference, CitationCheck
from studies.models.citation import CitationCount, CitationLink, CitationPoll, ICiteMeasures
from studies.models.notice import Notice
from studies.models.report_event import ReportEvent
from studies.models.search import Finding, Heartbeat, RequestCount, RequestSlot, Search, SearchRun
from studies.models.study import FullText, Report, Study
from studies.models.tag import StudyTag, Tag, TagBatch
from studies.models.token import Allowance, ApiToken
from studies.models.trial import RegistrationMention, TrialEvent, TrialRegistration
from studies.models.trial_link import StudyGrouping, TrialLink

__all__ = [
    "Allowance",
    "ApiToken",
    "AuditEvent",
    "CheckedReference",
    "CitationCheck",
    "CitationCount",
    "CitationLink",
    "CitationPoll",
    "Digest",
    "Finding",
    "FullText",
    "Heartbeat",
    "ICiteMeasures",
    "Invitation",
    "Newness",
    "Notice",
    "RegistrationMention",
    "Report",
    "ReportEvent",
    "RequestCount",
    "RequestSlot",
    "SavedSearch",
    "Search",
    "SearchRun",
    "Seen",
    "SentItem",
    "Study",
    "StudyGrouping",
    "StudyTag",
    "Subscription",
    "Tag",
    "TagBatch",
    "TrialEvent",
    "TrialLink",
    "TrialRegistration",
    "User",
]
