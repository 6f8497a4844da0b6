"""What is kept: the catalogue, the people who may change it, and the log of what changed."""

from studies.models.account import Invitation, User
from studies.models.alert import SavedSearch
from studies.models.audit import AuditEvent
from studies.models.check import CheckedReference, CitationCheck
from studies.models.notice import Notice
from studies.models.search import Finding, Heartbeat, RequestSlot, Search, SearchRun
from studies.models.study import FullText, Report, Study
from studies.models.tag import StudyTag, Tag, TagBatch
from studies.models.token import Allowance, ApiToken
from studies.models.trial import RegistrationMention, TrialRegistration

__all__ = [
    "Allowance",
    "ApiToken",
    "AuditEvent",
    "CheckedReference",
    "CitationCheck",
    "Finding",
    "FullText",
    "Heartbeat",
    "Invitation",
    "Notice",
    "RegistrationMention",
    "Report",
    "RequestSlot",
    "SavedSearch",
    "Search",
    "SearchRun",
    "Study",
    "StudyTag",
    "Tag",
    "TagBatch",
    "TrialRegistration",
    "User",
]
