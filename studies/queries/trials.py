"""The list of registered trials: what a reader's filters find, a page of it, and its table for export."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.search import SearchQuery
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.db.models.fields import BooleanField
from django.utils import timezone

from studies import identifiers
from studies.models import Newness, Study, StudyTag, Tag, TrialEvent, TrialLink, TrialRegistration, trial_states
from studies.queries.trial_filters import FLAGS, SORTS, TERMS, TrialFilters
from studies.queries.vocabulary import Vocabulary
from studies.rules import trial_dates, trial_story, trial_words
from studies.terms import Registry, TagOrigin, TagStatus, TrialEventKind, TrialPhase, TrialStatus

PAGE = 25
_TERM_LABELS = {facet.value: str(facet.label) for facet in TERMS}
ORDER = {
    "updated": (F("updated_on").desc(nulls_last=True), "-pk"),
    "newest": ("-first_seen_at", "-pk"),
    "started": (F("start_on").desc(nulls_last=True), "-pk"),
    "completion": (F("primary_completion_on").asc(nulls_last=True), "pk"),
    "enrolment": (F("enrolment").desc(nulls_last=True), "-pk"),
}


@dataclass(frozen=True, slots=True)
class Chip:
    facet: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a filter may take, how many trials have it, and whether it is on."""

    value: str
    label: str
    count: int
    is_on: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One trial as the list shows it; `changed` is the last thing that happened to it, in words."""

    registration: TrialRegistration
    phases: str
    enrolment: str
    completion: str
    changed: str
    changed_at: datetime | None
    is_overdue: bool
    is_published: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class Listing:
    filters: TrialFilters
    rows: tuple[Row, ...]
    total: int
    n_pages: int
    chips: tuple[Chip, ...]
    statuses: tuple[Choice, ...]
    phases: tuple[Choice, ...]
    registries: tuple[Choice, ...]
    terms: tuple[tuple[str, str, tuple[Choice, ...]], ...]  # (name, label, choices)
    flags: tuple[Choice, ...]
    sorts: tuple[tuple[str, str], ...]

    @property
    def previous_url(self) -> str:
        return (self.filters.query(page=self.page - 1) or "?") if self.page > 1 else ""

    @property
    def next_url(self) -> str:
        return self.filters.query(page=self.page + 1) if self.page < self.n_pages else ""

    @property
    def page(self) -> int:
        return min(self.filters.page, self.n_pages)


def listing(filters: TrialFilters, vocabulary: Vocabulary, *, new: Newness, now: datetime) -> Listing:
    """One page of the trials found, with what the filters could be: a fixed number of queries."""
    found = narrowed(filters, vocabulary, new=new, now=now)
    total = found.count()
    n_pages = max(1, -(-total // PAGE))
    start = (min(filters.page, n_pages) - 1) * PAGE
    rows = rows_of(found.order_by(*ORDER[filters.sort])[start : start + PAGE], new=new, now=now)
    counts = _counts(filters, vocabulary, new, now)
    return Listing(
        filters=filters,
        rows=tuple(rows),
        total=total,
        n_pages=n_pages,
        chips=tuple(chips_of(filters, vocabulary)),
        statuses=_choices(filters, "status", TrialStatus.choices, counts["status"]),
        phases=_choices(filters, "phase", [*TrialPhase.choices, ("none", "No phase given")], counts["phase"]),
        registries=_choices(filters, "registry", Registry.choices, counts["registry"]),
        terms=tuple((f.value, f.label, _terms(filters, vocabulary, f.value)) for f in TERMS),
        flags=tuple(Choice(name, label, 0, name in filters.flags) for name, label in FLAGS.items()),
        sorts=tuple(SORTS.items()),
    )


def narrowed(
    filters: TrialFilters, vocabulary: Vocabulary, *, new: Newness, now: datetime, but: str = ""
) -> QuerySet[TrialRegistration]:
    """The trials that meet the filters, in no order; without the one that `but` names."""
    rows = TrialRegistration.objects.current()
    if "everything" not in filters.flags:
        rows = rows.filter(trial_states.of_the_field())
    if filters.words:
        rows = rows.filter(_says(filters.words))
    if filters.of("status") and but != "status":
        rows = rows.filter(status__in=filters.of("status"))
    if filters.of("phase") and but != "phase":
        none = Q(phases=[]) if "none" in filters.of("phase") else Q()
        rows = rows.filter(Q(phases__overlap=list(filters.of("phase"))) | none)
    if filters.of("registry") and but != "registry":
        rows = rows.filter(registry__in=filters.of("registry"))
    for facet in TERMS:
        if filters.of(facet.value):
            rows = rows.filter(_of_terms(facet.value, filters.of(facet.value), vocabulary))
    return rows.filter(*_flags(filters, new, now))


def rows_of(registrations: QuerySet[TrialRegistration], *, new: Newness, now: datetime) -> list[Row]:
    """What a list shows of these; two queries, however many."""
    rows = list(
        registrations.for_list()
        .annotate(
            is_overdue=whether(trial_states.overdue(timezone.localdate(now))),
            is_published=whether(trial_states.published()),
            is_new=whether(new.of_registrations),
        )
        .select_related("study")
    )
    events = _last_events([row.pk for row in rows])
    return [_row(row, events.get(row.pk)) for row in rows]


def enrolment_words(registration: TrialRegistration) -> str:
    if registration.enrolment is None:
        return ""
    kind = {"ACTUAL": " enrolled", "ESTIMATED": " planned"}.get(registration.enrolment_kind, "")
    return f"{registration.enrolment:,}{kind}"


def phase_words(registration: TrialRegistration) -> str:
    return ", ".join(TrialPhase(phase).label for phase in registration.phases if phase in TrialPhase.values)


def date_words(registration: TrialRegistration, name: str) -> str:
    values = (getattr(registration, f"{name}_{part}") for part in ("on", "precision", "kind"))
    return trial_dates.words(*values)


def whether(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _says(words: str) -> Q:
    found = identifiers.registry_id(words)
    says = Q(search_vector=SearchQuery(words, search_type="websearch", config="english"))
    named = found.number if found else words
    return says | Q(number__iexact=named) | Q(aliases__contains=[named])


def _of_terms(facet: str, slugs: Sequence[str], vocabulary: Vocabulary) -> Q:
    """Trials whose study, or whose publication's, has one of the terms, by a person's word or a rule's suggestion."""
    ids = [vocabulary.by_slug[slug].pk for slug in slugs]
    below = {tag.pk for slug in slugs for tag in vocabulary.branch(vocabulary.by_slug[slug])}
    suggested = StudyTag.objects.filter(tag__in=below, origin=TagOrigin.RULE, status=TagStatus.SUGGESTED)
    studies = Study.objects.filter(Q(**{f"{facet}__overlap": ids}) | Q(pk__in=suggested.values("study")))
    links = TrialLink.objects.standing().filter(report__study__in=studies.values("pk"))
    return Q(study__in=studies.values("pk")) | Q(pk__in=links.values("registration"))


def _flags(filters: TrialFilters, new: Newness, now: datetime) -> list[Q]:
    conditions = {
        "new": new.of_registrations,
        "overdue": trial_states.overdue(timezone.localdate(now)),
        "results": Q(has_results=True) | Q(results_posted_on__isnull=False),
        "stopped": Q(status__in=trial_words.STOPPED),
        "published": trial_states.published(),
        "unpublished": ~trial_states.published(),
    }
    return [condition for name, condition in conditions.items() if name in filters.flags]


def _counts(filters: TrialFilters, vocabulary: Vocabulary, new: Newness, now: datetime) -> dict[str, dict[str, int]]:
    """How many trials each value of a filter would leave, under the other filters."""

    def under_others(name: str) -> QuerySet[TrialRegistration]:
        return narrowed(filters, vocabulary, new=new, now=now, but=name)

    counts = {
        name: {r[name]: r["n"] for r in under_others(name).values(name).annotate(n=Count("pk")).order_by()}
        for name in ("status", "registry")
    }
    phases: dict[str, int] = {}
    for row in under_others("phase").values("phases").annotate(n=Count("pk")).order_by():
        for phase in row["phases"] or ["none"]:
            phases[phase] = phases.get(phase, 0) + row["n"]
    return {**counts, "phase": phases}


def _choices(
    filters: TrialFilters, name: str, labels: Iterable[tuple[str, str]], counts: dict[str, int]
) -> tuple[Choice, ...]:
    on = filters.of(name)
    each = (Choice(value, label, counts.get(value, 0), value in on) for value, label in labels)
    return tuple(choice for choice in each if choice.count or choice.is_on)


def _terms(filters: TrialFilters, vocabulary: Vocabulary, facet: str) -> tuple[Choice, ...]:
    def walk(tags: Iterable[Tag], depth: int) -> Iterator[Choice]:
        for tag in tags:
            if not tag.is_retired:
                yield Choice(tag.slug, " " * 2 * depth + tag.label, 0, tag.slug in filters.of(facet))
                yield from walk(vocabulary.children(tag), depth + 1)

    return tuple(walk(vocabulary.roots(facet), 0))  # type: ignore[arg-type]


def chips_of(filters: TrialFilters, vocabulary: Vocabulary) -> Iterator[Chip]:
    labels = {**dict(TrialStatus.choices), **dict(TrialPhase.choices), **dict(Registry.choices), "none": "none given"}
    if filters.words:
        yield Chip("Words", filters.words, filters.without("q").query() or "?")
    for name, values in filters.lists.items():
        for value in values:
            tag = vocabulary.by_slug.get(value) if name in _TERM_LABELS else None
            url = filters.without(name, value).query() or "?"
            yield Chip(_TERM_LABELS.get(name, name.capitalize()), tag.label if tag else str(labels[value]), url)
    for name in FLAGS:
        if name in filters.flags:
            yield Chip("", FLAGS[name], filters.without(name).query() or "?")


def _last_events(ids: Sequence[int]) -> dict[int, TrialEvent]:
    """The last thing of weight that happened to each."""
    events = TrialEvent.objects.filter(registration__in=ids).exclude(kind=TrialEventKind.UPDATED)
    last = events.order_by("registration", "-detected_at", "-pk").distinct("registration")
    return {event.registration_id: event for event in last}


def _row(registration: TrialRegistration, event: TrialEvent | None) -> Row:
    said = trial_story.sentence(event.kind, field=event.field, old=event.old, new=event.new) if event else ""
    return Row(
        registration=registration,
        phases=phase_words(registration),
        enrolment=enrolment_words(registration),
        completion=date_words(registration, "primary_completion"),
        changed=said,
        changed_at=event.detected_at if event else None,
        is_overdue=registration.is_overdue,
        is_published=registration.is_published,
        is_new=registration.is_new,
    )
