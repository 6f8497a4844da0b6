"""Which study waits for a person next, and how the rules have fared."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, F, Max, Q, QuerySet

from studies.models import Study, StudyTag, Tag
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.vocabulary import Vocabulary
from studies.rules.rule_standing import Standing
from studies.terms import Facet, TagOrigin, TagStatus


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule and term: how often it fired, what stands open, what people answered."""

    rule: str
    version: int
    tag: Tag
    fired: int
    open: int
    disputed: int
    standing: Standing

    @property
    def percent(self) -> str:
        precision = self.standing.precision
        return "" if precision is None else f"{precision:.0%}"

    @property
    def interval(self) -> str:
        found = self.standing.interval
        return f"{found[0]:.0%} to {found[1]:.0%}" if found else ""


def waiting(filters: Filters, vocabulary: Vocabulary) -> QuerySet[Study]:
    """Studies of this search with an open suggestion, or without any tag that counts."""
    found = search.narrowed(filters, vocabulary).filter(*search.alternatives(filters, vocabulary).values())
    return found.filter(Q(n_open_suggestions__gt=0) | Q(packed_terms=""))


def next_study(filters: Filters, vocabulary: Vocabulary, *, passed: Collection[int]) -> Study | None:
    """What most is suggested for comes first: such studies are about the field. Then those without suggestions."""
    found = search.narrowed(filters, vocabulary).filter(*search.alternatives(filters, vocabulary).values())
    found = found.exclude(pk__in=passed)
    order = (F("n_open_suggestions").desc(), F("id").desc())
    ids = found.filter(n_open_suggestions__gt=0).order_by(*order).values_list("pk", flat=True)
    pk = (
        ids.first()
        or found.filter(n_open_suggestions=0, packed_terms="").order_by("-pk").values_list("pk", flat=True).first()
    )
    return Study.objects.for_list().get(pk=pk) if pk else None


def rule_rows() -> list[RuleRow]:
    """Every rule that ever fired here, by facet and term in the vocabulary's order; two queries."""
    facets = {facet: place for place, facet in enumerate(Facet.values)}
    tags = {tag.pk: tag for tag in Tag.objects.only("facet", "slug", "label", "position")}
    counts = (
        StudyTag.objects.filter(origin=TagOrigin.RULE)
        .values("rule", "tag")
        .annotate(
            fired=Count("pk"),
            version=Max("rule_version"),
            open=Count("pk", filter=Q(status=TagStatus.SUGGESTED)),
            accepted=Count("pk", filter=Q(status=TagStatus.ACCEPTED)),
            rejected=Count("pk", filter=Q(status=TagStatus.REJECTED)),
            disputed=Count("pk", filter=Q(status=TagStatus.DISPUTED)),
        )
    )
    rows = [
        RuleRow(
            rule=row["rule"],
            version=row["version"] or 0,
            tag=tags[row["tag"]],
            fired=row["fired"],
            open=row["open"],
            disputed=row["disputed"],
            standing=Standing(row["accepted"], row["rejected"]),
        )
        for row in counts
    ]
    return sorted(rows, key=lambda row: (facets[row.tag.facet], row.tag.position, row.rule))
