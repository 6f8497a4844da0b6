"""The words of the catalogue: every closed list that people and tables share."""

from django.db.models import IntegerChoices, TextChoices


class SiteRole(TextChoices):
    """What an account may do on the site; a review gives its own roles on top."""

    VISITOR = "visitor", "Visitor"
    CLINICIAN = "clinician", "Clinician"
    REVIEWER = "reviewer", "Reviewer"
    ADMIN = "admin", "Admin"


class Facet(TextChoices):
    """The dimensions by which a study is described; the value is the column of `Study` that keeps them."""

    SOURCE = "sources", "Cell source"
    PRODUCT = "products", "Product"
    DONOR = "donors", "Donor"
    PROCESSING = "processings", "Processing"
    DELIVERY = "deliveries", "Delivery method"
    OUTCOME = "outcomes", "Outcome"
    DESIGN = "designs", "Study design"
    POPULATION = "populations", "Indication, site and people"
    COMPARATOR = "comparators", "Comparator"


class StudyDesign(TextChoices):
    """The coarse design a list, a cell and a filter show; ordered from the strongest."""

    SYSTEMATIC_REVIEW = "systematic-review", "Systematic review"
    RANDOMISED = "randomised", "Randomised trial"
    CONTROLLED = "controlled", "Controlled, not randomised"
    COHORT = "cohort", "Cohort or other observational"
    TRIAL = "trial", "Clinical trial, allocation not stated"
    SINGLE_ARM = "single-arm", "Single-arm"
    CASE_REPORT = "case-report", "Case report or series"
    ANIMAL = "animal", "Animal"
    IN_VITRO = "in-vitro", "In vitro"
    REVIEW = "review", "Narrative review"
    GUIDELINE = "guideline", "Guideline or consensus"
    PROTOCOL = "protocol", "Protocol"
    REGISTERED = "registered", "Registered, unpublished"
    NOT_STATED = "not-stated", "Design not stated"


class DesignBasis(TextChoices):
    """Where a study's design was read."""

    TAG = "tag", "tagged"
    PUBLICATION_TYPE = "publication-type", "from PubMed's publication type"
    REGISTRY = "registry", "from the registry"
    MESH = "mesh", "from MeSH check tags"
    NONE = "none", "not stated"


class ReportKind(TextChoices):
    ARTICLE = "article", "Article"
    PREPRINT = "preprint", "Preprint"
    BOOK = "book", "Book or chapter"
    ABSTRACT = "abstract", "Conference abstract"
    NOTICE = "notice", "Notice about another report"


class DatePrecision(TextChoices):
    """How much of a publication date the source gave."""

    YEAR = "year", "Year"
    SEASON = "season", "Season or range"
    MONTH = "month", "Month"
    DAY = "day", "Day"


class NoticeKind(TextChoices):
    """What happened to a report after it was published."""

    RETRACTION = "retraction", "Retraction"
    PARTIAL_RETRACTION = "partial-retraction", "Partial retraction"
    REMOVAL = "removal", "Removal"
    WITHDRAWAL = "withdrawal", "Withdrawal"
    CONCERN = "concern", "Expression of concern"
    RETRACT_AND_REPLACE = "retract-and-replace", "Retracted and republished"
    CORRECTION = "correction", "Correction"
    UPDATE = "update", "Newer version"
    REINSTATEMENT = "reinstatement", "Reinstatement"


class NoticeSource(TextChoices):
    PUBMED = "pubmed", "PubMed"
    CROSSREF = "crossref", "Crossref"
    RETRACTION_WATCH = "retraction-watch", "Retraction Watch"
    FILE = "file", "Imported file"
    MANUAL = "manual", "Entered by a person"


class NoticeStatus(IntegerChoices):
    """The worst notice in force, as a study carries it; a larger number is worse."""

    NONE = 0, "No notice"
    CORRECTED = 1, "Corrected"
    REPLACED = 2, "Retracted and republished"
    CONCERN = 3, "Expression of concern"
    REMOVED = 4, "Removed or withdrawn"
    RETRACTED = 5, "Retracted"


class ReportEventKind(TextChoices):
    """What happened to a report that is in the catalogue."""

    FIELD_CHANGED = "field-changed", "Changed"
    TYPE_ADDED = "type-added", "Publication type added"
    NOTICE_ADDED = "notice-added", "Notice added"
    NOTICE_LIFTED = "notice-lifted", "Notice no longer in force"
    VANISHED = "vanished", "No longer served by PubMed"
    RETURNED = "returned", "Served by PubMed again"
    CITATIONS = "citations", "Doubtful citation count"


class CitationSource(TextChoices):
    """Who counts citations. Their numbers are not comparable, and never mixed."""

    ICITE = "icite", "iCite"
    ELINK = "elink", "PubMed, cited in PMC"
    REFERENCES = "references", "the record's own reference list"


class Registry(TextChoices):
    """Trial registries whose numbers are recognised."""

    CLINICALTRIALS = "NCT", "ClinicalTrials.gov"
    ISRCTN = "ISRCTN", "ISRCTN"
    ANZCTR = "ACTRN", "ANZCTR (Australia, New Zealand)"
    DRKS = "DRKS", "DRKS (Germany)"
    CTRI = "CTRI", "CTRI (India)"
    PACTR = "PACTR", "PACTR (Africa)"
    RPCEC = "RPCEC", "RPCEC (Cuba)"
    TCTR = "TCTR", "TCTR (Thailand)"
    SLCTR = "SLCTR", "SLCTR (Sri Lanka)"
    ITMCTR = "ITMCTR", "ITMCTR (traditional medicine)"
    UMIN = "UMIN", "UMIN (Japan)"
    JRCT = "jRCT", "jRCT (Japan)"
    REBEC = "RBR", "ReBEC (Brazil)"
    IRCT = "IRCT", "IRCT (Iran)"
    CHICTR = "ChiCTR", "ChiCTR (China)"
    EUDRACT = "EudraCT", "EudraCT (European Union)"
    CTIS = "CTIS", "CTIS (European Union)"


class MentionBasis(TextChoices):
    """Where a report names a registration; a databank entry is the trial itself, text may name another."""

    DATABANK = "databank", "PubMed's databank list"
    TEXT = "text", "title or abstract"
    STARTER = "starter", "starter data"


class TrialStatus(TextChoices):
    """Where a registered trial stands: ClinicalTrials.gov's own list, to which other registries' words are mapped."""

    NOT_YET_RECRUITING = "not-yet-recruiting", "Not yet recruiting"
    RECRUITING = "recruiting", "Recruiting"
    BY_INVITATION = "by-invitation", "Enrolling by invitation"
    ACTIVE = "active", "Active, not recruiting"
    SUSPENDED = "suspended", "Suspended"
    COMPLETED = "completed", "Completed"
    TERMINATED = "terminated", "Terminated"
    WITHDRAWN = "withdrawn", "Withdrawn"
    UNKNOWN = "unknown", "Unknown (not verified for two years)"
    AVAILABLE = "available", "Expanded access available"
    NOT_AVAILABLE_NOW = "not-available-now", "Expanded access temporarily not available"
    NO_LONGER_AVAILABLE = "no-longer-available", "Expanded access no longer available"
    APPROVED = "approved", "Approved for marketing"
    WITHHELD = "withheld", "Withheld"


class TrialPhase(TextChoices):
    """ClinicalTrials.gov's phases; a phase 2/3 trial has two, an observational study none."""

    NOT_APPLICABLE = "NA", "Not applicable"
    EARLY_1 = "EARLY_PHASE1", "Early phase 1"
    PHASE_1 = "PHASE1", "Phase 1"
    PHASE_2 = "PHASE2", "Phase 2"
    PHASE_3 = "PHASE3", "Phase 3"
    PHASE_4 = "PHASE4", "Phase 4"


class DateKind(TextChoices):
    """Whether a registry's date or number has happened or is planned."""

    ACTUAL = "ACTUAL", "actual"
    ESTIMATED = "ESTIMATED", "planned"


class RegistrationSource(TextChoices):
    """Who said what a registration holds; empty while only its number is known."""

    REGISTRY = "registry", "the registry"
    PERSON = "person", "entered by a person"
    FILE = "file", "an imported file"
    STARTER = "starter", "starter data, to be verified"


class TrialEventKind(TextChoices):
    """What happened to a registration."""

    NEW = "new", "New"
    STATUS_CHANGED = "status_changed", "Status changed"
    STOPPED = "stopped", "Stopped"
    RESULTS_POSTED = "results_posted", "Results posted"
    ENROLMENT_CHANGED = "enrolment_changed", "Enrolment changed"
    COMPLETION_MOVED = "completion_moved", "Completion moved"
    OUTCOME_CHANGED = "outcome_changed", "Primary outcome changed"
    OVERDUE = "overdue", "No results found"
    PUBLICATION_LINKED = "publication_linked", "Publication linked"
    UPDATED = "updated", "Updated"


class LinkBasis(TextChoices):
    """Why a report and a registration, or two studies, may be one investigation."""

    DATABANK = "databank", "PubMed's databank list"
    RESULT = "result", "the registry's list of results"
    DERIVED = "derived", "the registry's list of derived publications"
    TEXT = "text", "title or abstract"
    SIMILAR = "similar", "similar title, sponsor and dates"
    STARTER = "starter", "starter data"
    RELATION = "relation", "PubMed names both as one work"
    REGISTRY = "registry", "the registry has merged their registrations"
    PERSON = "person", "a person"


class ProposalState(TextChoices):
    """What people have said to a proposal."""

    PROPOSED = "proposed", "Waits for a person"
    CONFIRMED = "confirmed", "Confirmed"
    REJECTED = "rejected", "Rejected"
    UNDONE = "undone", "Undone"


class TagOrigin(TextChoices):
    PERSON = "person", "a person"
    RULE = "rule", "a rule"
    STARTER = "starter", "starter data, to be verified"


class TagStatus(TextChoices):
    """What a statement says: a person accepts or rejects; a rule suggests, until people have answered."""

    SUGGESTED = "suggested", "Suggested"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    DISPUTED = "disputed", "Disputed"  # only of a suggestion, to which two people answered differently


class TagState(TextChoices):
    """What all statements about one term and one study come to."""

    ACCEPTED = "accepted", "Accepted"
    STARTER = "starter", "Starter data, to be verified"
    DISPUTED = "disputed", "Disputed"
    REJECTED = "rejected", "Rejected"
    SUGGESTED = "suggested", "Suggested"


class BatchKind(TextChoices):
    """What an act of tagging was about."""

    STUDY = "study", "One study"
    BULK = "bulk", "Many studies"
    MERGE = "merge", "Two terms made one"


class RunKind(TextChoices):
    """What a run asks or reads."""

    SEARCH = "search", "PubMed search"
    PMIDS = "pmids", "PubMed records by PMID"
    PMC = "pmc", "PMC articles"
    FILE = "file", "Imported file"
    TRIALS = "trials", "ClinicalTrials.gov search"
    REGISTRATIONS = "regs", "Registrations by number"
    REFRESH = "refresh", "Records checked again"
    CITATIONS = "citations", "Citations"
    RETRACTIONS = "notices", "Retraction Watch"
    FULL_TEXT = "fulltext", "Open-access full text"


class ResultUse(TextChoices):
    """What a search does with what it finds."""

    ADD = "add", "Add new records to the catalogue and update known ones"
    UPDATE = "update", "Only update records the catalogue has; list the others in the run's log"
    LIST = "list", "Only list what is new in the run's log, for an admin to take over"


class ProcessKind(TextChoices):
    WORKER = "worker", "Worker"
    BEAT = "beat", "Scheduler"


class RunState(TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    CANCELLED = "cancelled", "Cancelled"
    FINISHED = "finished", "Finished"
    FAILED = "failed", "Failed"


class FindingResult(TextChoices):
    """What became of one id or record that a run met."""

    PENDING = "pending", "Not fetched yet"
    CREATED = "created", "New"
    CHANGED = "changed", "Changed"
    UNCHANGED = "unchanged", "Unchanged"
    KNOWN = "known", "In the catalogue already"
    LISTED = "listed", "Found, not taken over"
    VANISHED = "vanished", "Not served by the source"
    REJECTED = "rejected", "Rejected"


class CheckState(TextChoices):
    """Where a check of citations stands."""

    WAITING = "waiting", "Being checked"
    FINISHED = "finished", "Checked"


class CheckVerdict(TextChoices):
    """What asking the sources about one reference comes to; a notice is said beside it."""

    MATCH = "match", "Match"
    MISMATCH = "mismatch", "Mismatch"
    NOT_FOUND = "not-found", "Not found"
    AMBIGUOUS = "ambiguous", "Ambiguous"
    NOT_ASKED = "not-asked", "Could not ask"
    WAITING = "waiting", "Not asked yet"


class NewsKind(TextChoices):
    """What a piece of news is about; the order is that of a digest, the gravest first."""

    RETRACTION = "retraction", "Retractions and removals"
    CONCERN = "concern", "Expressions of concern"
    STOPPED = "stopped", "Stopped trials"
    CORRECTION = "correction", "Corrections and newer versions"
    RESULTS = "results", "Results of trials"
    TRIAL = "trial", "New trials"
    TRIAL_CHANGE = "trial-change", "Changes of trials"
    STUDY = "study", "New studies"
    RECORD = "record", "Changed records"


class AlertSubject(TextChoices):
    """What a subscription follows."""

    EVERYTHING = "everything", "everything"
    SAVED_SEARCH = "saved-search", "the saved search"
    STUDY = "study", "the study"
    REGISTRATION = "registration", "the trial"
    TRIALS = "trials", "all trials"


class Frequency(TextChoices):
    """How often a subscription writes."""

    IMMEDIATE = "immediate", "At once"
    DAILY = "daily", "Once a day"
    WEEKLY = "weekly", "Once a week"


class DigestKind(TextChoices):
    """Why a mail was written."""

    IMMEDIATE = "immediate", "Alert"
    DAILY = "daily", "Daily digest"
    WEEKLY = "weekly", "Weekly digest"
    ADMIN = "admin", "Weekly word to admins"


class DigestState(TextChoices):
    """How far a mail has come. `UNCERTAIN` is never sent again by itself: it may have arrived."""

    BUILT = "built", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Not sent"
    UNCERTAIN = "uncertain", "May have arrived"
