"""Who cites whom, how often, and who says so: counts by source and month, iCite's measures, links by PMID."""

from django.db import models
from django.utils import timezone

from studies.models.study import Report
from studies.terms import CitationSource


class CitationPoll(models.Model):
    """When a source was last asked about a report, and when it last had an answer."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="citation_polls")
    source = models.CharField(max_length=10, choices=CitationSource)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "source"], name="citation_poll_once")]

    def __str__(self) -> str:
        return f"{self.get_source_display()} asked about {self.report}"


class CitationCountQuerySet(models.QuerySet["CitationCount"]):
    def facts(self) -> "CitationCountQuerySet":
        """Without the numbers that are kept but not believed."""
        return self.filter(is_doubtful=False)


class CitationCount(models.Model):
    """One source's count of a month, as last given in it; `month` is the month's first day.

    A doubtful count (smaller than what the same source said before) stands beside the fact, never in its place.
    """

    report = models.ForeignKey(Report, models.CASCADE, related_name="citation_counts")
    source = models.CharField(max_length=10, choices=CitationSource)
    month = models.DateField()
    counted_on = models.DateField()
    count = models.PositiveIntegerField()
    is_doubtful = models.BooleanField(default=False)

    objects = CitationCountQuerySet.as_manager()

    class Meta:
        ordering = ["month", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["report", "source", "month", "is_doubtful"], name="citation_count_once_a_month"
            ),
            models.CheckConstraint(condition=models.Q(month__day=1), name="citation_month_is_a_first"),
        ]

    def __str__(self) -> str:
        return f"{self.count} by {self.get_source_display()} on {self.counted_on}"


class ICiteMeasures(models.Model):
    """What iCite last said of a report besides its count; every value may be missing.

    `human`, `animal` and `molecular` are shares of 1; `rcr` is the relative citation ratio, a measure of citation
    and not of quality.
    """

    report = models.OneToOneField(Report, models.CASCADE, related_name="icite")
    rcr = models.DecimalField("relative citation ratio", max_digits=10, decimal_places=3, null=True)
    percentile = models.DecimalField("NIH percentile", max_digits=5, decimal_places=1, null=True)
    n_clinical = models.PositiveIntegerField("citations by clinical articles", null=True)
    human = models.DecimalField(max_digits=4, decimal_places=3, null=True)
    animal = models.DecimalField(max_digits=4, decimal_places=3, null=True)
    molecular = models.DecimalField(max_digits=4, decimal_places=3, null=True)
    translation = models.DecimalField("approximate potential to translate", max_digits=4, decimal_places=3, null=True)
    is_clinical = models.BooleanField(null=True)
    is_provisional = models.BooleanField(null=True)
    fetched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "iCite measures"

    def __str__(self) -> str:
        return f"iCite on {self.report}"


class CitationLink(models.Model):
    """One article cites another, according to one source; by PMID, so that neither needs to be in the catalogue."""

    citing_pmid = models.PositiveIntegerField()
    cited_pmid = models.PositiveIntegerField(db_index=True)
    source = models.CharField(max_length=10, choices=CitationSource)
    first_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["citing_pmid", "cited_pmid", "source"], name="citation_link_once")
        ]

    def __str__(self) -> str:
        return f"PMID {self.citing_pmid} cites PMID {self.cited_pmid}"
