"""The words of reviewing: roles, stages, what one person says and what a review concludes."""

from django.db.models import TextChoices


class Role(TextChoices):
    """What a member may do in one review; `rules.permissions` says what that is."""

    LEAD = "lead", "Lead"
    ADJUDICATOR = "adjudicator", "Adjudicator"
    REVIEWER = "reviewer", "Reviewer"
    OBSERVER = "observer", "Observer"


class ReviewStatus(TextChoices):
    """The classification of updates (Cochrane): what a reader may expect of this review."""

    UP_TO_DATE = "up-to-date", "Up to date"
    UPDATE_PENDING = "update-pending", "Update pending"
    NO_UPDATE = "no-update", "No update planned"


class Stage(TextChoices):
    TITLE_ABSTRACT = "title-abstract", "Title and abstract"
    FULL_TEXT = "full-text", "Full text"


class ScreeningMode(TextChoices):
    """How many decisions one report needs at a stage."""

    SINGLE = "single", "One reviewer"
    DOUBLE = "double", "Two reviewers"
    EXPERT = "expert", "Two reviewers, one of them an expert"
    PILOT = "pilot", "Pilot: a random sample, every reviewer"


class Dealing(TextChoices):
    """How reports reach reviewers."""

    PULL = "pull", "Whoever is free takes the next report"
    SHARE = "share", "Each reviewer gets a share"


class CardOrder(TextChoices):
    RANDOM = "random", "Random"
    RELEVANCE = "relevance", "Most likely relevant first"


class CriterionKind(TextChoices):
    INCLUSION = "inclusion", "Inclusion"
    EXCLUSION = "exclusion", "Exclusion"


class SourceKind(TextChoices):
    """Where records came from; the first two are PRISMA's left column, the others its right one."""

    DATABASE = "database", "Database"
    REGISTER = "register", "Register"
    WEBSITE = "website", "Website"
    ORGANISATION = "organisation", "Organisation"
    CITATION = "citation", "Citation searching"


class AddedBy(TextChoices):
    """The way by which a report became a candidate."""

    SEARCH = "search", "A search of the review"
    FILE = "file", "An imported file"
    HAND = "hand", "By hand"
    CITATION = "citation", "Citation searching"


class Decision(TextChoices):
    """What one reviewer says. Taking back is said too: nothing is erased."""

    INCLUDE = "include", "Include"
    EXCLUDE = "exclude", "Exclude"
    MAYBE = "maybe", "Maybe"
    WITHDRAWN = "withdrawn", "Taken back"


class DecisionKind(TextChoices):
    INDEPENDENT = "independent", "Independent"
    ADJUDICATION = "adjudication", "Adjudication"
    CONSENSUS = "consensus", "Consensus"


class Verdict(TextChoices):
    """What the decisions at a candidate's present stage come to."""

    NOT_SCREENED = "not-screened", "Not screened"
    SCREENED_ONCE = "screened-once", "Waiting for another reviewer"
    CONFLICT = "conflict", "Conflict"
    INCLUDED = "included", "Included"
    EXCLUDED = "excluded", "Excluded"


class Retrieval(TextChoices):
    """The full text of a candidate."""

    NOT_SOUGHT = "not-sought", "Not sought"
    SOUGHT = "sought", "Sought"
    RETRIEVED = "retrieved", "Retrieved"
    UNAVAILABLE = "unavailable", "Not retrieved"


class Classification(TextChoices):
    """What a report that was assessed at full text is to the review; an update is done when each has one."""

    NONE = "", "Not classified"
    INCLUDED = "included", "Included"
    EXCLUDED = "excluded", "Excluded"
    ONGOING = "ongoing", "Ongoing"
    AWAITING = "awaiting", "Awaiting classification"


class DuplicateMethod(TextChoices):
    """Why two candidates are held to be one report."""

    IDENTIFIER = "identifier", "Same identifier"
    SIMILARITY = "similarity", "Similar beyond doubt"
    PERSON = "person", "A person's word"


class PairKind(TextChoices):
    """What a proposed pair may be."""

    DUPLICATE = "duplicate", "Perhaps one report"
    STUDY = "study", "Perhaps two reports of one study"


class PairAnswer(TextChoices):
    """What a person made of a proposed pair."""

    NONE = "", "Open"
    MERGED = "merged", "One report"
    GROUPED = "grouped", "Two reports of one study"
    APART = "apart", "Different"
