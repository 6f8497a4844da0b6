"""Study, the investigation; Report, one published document of it; FullText, what its licence lets us show."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from studies import identifiers
from studies.terms import DatePrecision, DesignBasis, NoticeStatus, ReportKind, StudyDesign

if TYPE_CHECKING:
    from studies.models.alert import Newness

_ENGLISH = "english"


def _terms_of_a_facet() -> ArrayField:
    """Tag ids with all their ancestors, so that a filter and a count need no tree."""
    return ArrayField(models.IntegerField(), default=list, editable=False)


MAX_DOI = 500


class QuietGeneratedField(models.GeneratedField):
    """A generated column that an insert does not send back: a batch would return its whole text again."""

    db_returning = False


class StudyQuerySet(models.QuerySet["Study"]):
    def in_default_views(self) -> "StudyQuerySet":
        """Without indirect evidence, plant and platelet products unless somebody asks for them."""
        return self.filter(in_default_views=True)

    def for_list(self) -> "StudyQuerySet":
        """Only what a list shows: the search columns are long and live out of line."""
        return self.defer(
            "search_vector", "search_title", "search_terms", "search_abstract", "search_people", "packed_terms"
        )

    def new_trials(self, newness: "Newness") -> "StudyQuerySet":
        return self.filter(newness.of_studies)


class StudyManager(models.Manager.from_queryset(StudyQuerySet)):  # type: ignore[misc]
    """Studies as they are counted: one that was grouped into another is kept, and is none of them."""

    def get_queryset(self) -> StudyQuerySet:
        return super().get_queryset().filter(grouped_into=None)


class Study(models.Model):
    """The investigation itself, as lists show and search it.

    Everything under "kept by refresh_studies" is derived from reports, registrations, tags and notices by
    `actions.catalogue.refresh_studies` and by nothing else.
    """

    created_at = models.DateTimeField("first seen", default=timezone.now, db_index=True)
    is_starter = models.BooleanField("starter data, to be verified", default=False)
    starter = models.JSONField(default=dict, blank=True)  # source, protocol facts and notes of the starter row
    in_default_views = models.BooleanField(default=True)
    # Where an investigation that came in twice is counted now (actions/grouping.py); its own address leads there.
    grouped_into = models.ForeignKey("self", models.PROTECT, null=True, editable=False, related_name="grouped")
    n_participants = models.PositiveIntegerField("people", null=True, blank=True)
    follow_up_months = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)
    check_weekly = models.BooleanField("checked again every week", default=False)  # else every month

    suggested_with = models.CharField(
        max_length=12, blank=True, editable=False
    )  # the edition of the rules last read with

    # --- kept by refresh_studies ---
    title = models.TextField(blank=True, editable=False)
    authors = models.TextField(blank=True, editable=False)
    journal = models.TextField(blank=True, editable=False)
    year = models.PositiveSmallIntegerField(null=True, editable=False)
    published_on = models.DateField(null=True, editable=False)
    design = models.CharField(max_length=20, choices=StudyDesign, default=StudyDesign.NOT_STATED, editable=False)
    design_basis = models.CharField(max_length=20, choices=DesignBasis, default=DesignBasis.NONE, editable=False)
    evidence_level = models.PositiveSmallIntegerField("CEBM 2011 level", null=True, editable=False)
    notice_status = models.PositiveSmallIntegerField(choices=NoticeStatus, default=NoticeStatus.NONE, editable=False)
    n_reports = models.PositiveSmallIntegerField(default=0, editable=False)
    n_registrations = models.PositiveSmallIntegerField(default=0, editable=False)
    n_citations = models.PositiveIntegerField("citations", null=True, editable=False)  # of its most cited report
    has_abstract = models.BooleanField(default=False, editable=False)
    has_full_text = models.BooleanField(default=False, editable=False)
    sources = _terms_of_a_facet()
    products = _terms_of_a_facet()
    donors = _terms_of_a_facet()
    processings = _terms_of_a_facet()
    deliveries = _terms_of_a_facet()
    outcomes = _terms_of_a_facet()
    designs = _terms_of_a_facet()
    populations = _terms_of_a_facet()
    comparators = _terms_of_a_facet()
    n_open_suggestions = models.PositiveSmallIntegerField(default=0, editable=False)  # terms that wait for a person
    is_disputed = models.BooleanField(default=False, editable=False)  # two people contradict each other about a term
    # All those terms once more, one character each, by a trigger (0002): what facets count, and all they read.
    packed_terms = models.TextField(blank=True, default="", editable=False)
    search_title = models.TextField(blank=True, editable=False)
    search_terms = models.TextField(blank=True, editable=False)
    search_abstract = models.TextField(blank=True, editable=False)
    search_people = models.TextField(blank=True, editable=False)
    search_vector = QuietGeneratedField(
        expression=SearchVector("search_title", weight="A", config=_ENGLISH)
        + SearchVector("search_terms", weight="B", config=_ENGLISH)
        + SearchVector("search_abstract", weight="C", config=_ENGLISH)
        + SearchVector("search_people", weight="D", config=_ENGLISH),
        output_field=SearchVectorField(),
        db_persist=True,
        editable=False,
    )

    objects = StudyManager()
    every = StudyQuerySet.as_manager()  # those grouped into another as well

    class Meta:
        verbose_name_plural = "studies"
        indexes = [
            GinIndex("search_vector", name="study_search"),
            GinIndex(
                fields=[
                    "sources",
                    "products",
                    "donors",
                    "processings",
                    "deliveries",
                    "outcomes",
                    "designs",
                    "populations",
                    "comparators",
                ],
                name="study_facets",
            ),
            models.Index(F("published_on").desc(nulls_last=True), F("id").desc(), name="study_newest"),
            models.Index(F("n_citations").desc(nulls_last=True), F("id").desc(), name="study_most_cited"),
            # The tagging queue: what most is suggested for comes first.
            models.Index(
                F("n_open_suggestions").desc(), F("id").desc(), condition=Q(n_open_suggestions__gt=0), name="study_open"
            ),
            models.Index(fields=["notice_status"], condition=Q(notice_status__gt=0), name="study_noticed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(year__isnull=True) | Q(year__range=(1600, 2200)), name="study_year_range"
            ),
            models.CheckConstraint(
                condition=Q(evidence_level__isnull=True) | Q(evidence_level__range=(1, 5)),
                name="study_level_range",
            ),
            models.CheckConstraint(
                condition=Q(follow_up_months__isnull=True) | Q(follow_up_months__range=(0, 1200)),
                name="study_follow_up_range",
            ),
        ]

    def __str__(self) -> str:
        return self.display_title

    def get_absolute_url(self) -> str:
        return reverse("studies:study", args=[self.pk, self.slug])

    @property
    def display_title(self) -> str:
        return self.title or f"Study {self.pk}: title not stated by its source"

    @property
    def slug(self) -> str:
        return slugify(self.title)[:60].strip("-") or "study"


class Report(models.Model):
    """One published document: everything its source says that a later question may need.

    Lists and values inside JSON have the shapes of `sources.record`. `digest` is that of the record last taken
    over, `source` who sent it (`pubmed`, `pmc`, `file`, `starter`): a poorer source fills gaps, never replaces.
    """

    study = models.ForeignKey(Study, models.PROTECT, related_name="reports")
    kind = models.CharField(max_length=12, choices=ReportKind, default=ReportKind.ARTICLE)
    source = models.CharField(max_length=12, default="file")
    digest = models.CharField(max_length=32, blank=True)
    edited_fields = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField("last asked of PubMed", null=True, blank=True)
    first_missed_on = models.DateField(null=True, blank=True)
    missing_since = models.DateField("not served by PubMed since", null=True, blank=True)

    pmid = models.PositiveIntegerField("PMID", unique=True, null=True, blank=True)
    pmid_version = models.PositiveSmallIntegerField(default=1)
    pmcid = models.CharField("PMCID", max_length=14, unique=True, null=True, blank=True)
    doi = models.CharField("DOI", max_length=MAX_DOI, blank=True)
    other_ids = models.JSONField(default=list, blank=True)
    fingerprint = models.CharField(max_length=32, blank=True, editable=False)

    title = models.TextField(blank=True)
    vernacular_title = models.TextField(blank=True)
    abstract = models.JSONField(default=list, blank=True)
    abstract_copyright = models.TextField(blank=True)
    other_abstracts = models.JSONField(default=list, blank=True)
    coi_statement = models.TextField(blank=True)
    authors = models.JSONField(default=list, blank=True)
    authors_complete = models.BooleanField(default=True)
    investigators = models.JSONField(default=list, blank=True)

    journal = models.TextField(blank=True)
    journal_abbreviation = models.TextField(blank=True)
    issns = models.JSONField(default=list, blank=True)
    nlm_unique_id = models.TextField(blank=True)
    volume = models.TextField(blank=True)
    issue = models.TextField(blank=True)
    pages = models.TextField(blank=True)
    book_title = models.TextField(blank=True)
    publisher = models.TextField(blank=True)

    published_raw = models.TextField("published, as printed", blank=True)
    published_on = models.DateField("published (first day)", null=True, blank=True)
    published_precision = models.CharField(max_length=6, choices=DatePrecision, blank=True)
    electronic_on = models.DateField(null=True, blank=True)
    entered_on = models.DateField(null=True, blank=True)
    revised_on = models.DateField(null=True, blank=True)
    history = models.JSONField(default=list, blank=True)

    status = models.TextField(blank=True)
    owner = models.TextField(blank=True)
    indexing_method = models.TextField(blank=True)
    languages = models.JSONField(default=list, blank=True)
    publication_types = models.JSONField(default=list, blank=True)
    mesh = models.JSONField(default=list, blank=True)
    supplementary_mesh = models.JSONField(default=list, blank=True)
    keywords = models.JSONField(default=list, blank=True)
    substances = models.JSONField(default=list, blank=True)
    grants = models.JSONField(default=list, blank=True)
    databanks = models.JSONField(default=list, blank=True)
    references = models.JSONField(default=list, blank=True)
    relations = models.JSONField(default=list, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["doi"], condition=~Q(doi=""), name="report_doi"),
            models.Index(fields=["fingerprint"], condition=~Q(fingerprint=""), name="report_fingerprint"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(pmid__isnull=True) | Q(pmid__gt=0), name="report_pmid_positive"),
            models.CheckConstraint(
                condition=Q(pmcid__isnull=True) | Q(pmcid__regex=r"^PMC[1-9]\d*$"), name="report_pmcid_shape"
            ),
            models.CheckConstraint(condition=Q(doi="") | Q(doi__startswith="10."), name="report_doi_shape"),
        ]

    def __str__(self) -> str:
        return self.title or self.identifier

    @property
    def identifier(self) -> str:
        """The best name a person can look this report up by."""
        if self.pmid:
            return f"PMID {self.pmid}"
        return self.pmcid or (f"doi:{self.doi}" if self.doi else f"report {self.pk}")

    @property
    def links(self) -> list[tuple[str, str]]:
        """(label, address) of every place the report can be read at."""
        places = []
        if self.pmid:
            places.append((f"PMID {self.pmid}", identifiers.pubmed_url(self.pmid)))
        if self.pmcid:
            places.append((self.pmcid, identifiers.pmc_url(self.pmcid)))
        if self.doi:
            places.append((f"doi:{self.doi}", identifiers.doi_url(self.doi)))
        return places


class FullText(models.Model):
    """An article's sections under its licence; no sections where the licence does not allow reuse."""

    report = models.OneToOneField(Report, models.CASCADE, related_name="full_text")
    licence = models.CharField(max_length=40, blank=True)
    licence_url = models.TextField(blank=True)
    licence_text = models.TextField(blank=True)
    has_body = models.BooleanField(default=False)
    sections = models.JSONField(default=list)
    fetched_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Full text of {self.report.identifier}"
