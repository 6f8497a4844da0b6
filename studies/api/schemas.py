"""What the API answers, as its description says it."""

from datetime import date, datetime

from ninja import Schema
from pydantic import Field


class Problem(Schema):
    detail: str


class TermRef(Schema):
    term: str
    label: str
    facet: str


class StudyLine(Schema):
    """A study as a list shows it. `notice` is empty where nothing happened to it: read it before anything else."""

    id: int
    url: str
    notice: str
    title: str
    authors: str
    journal: str
    year: int | None
    published_on: date | None
    design: str
    design_basis: str
    evidence_level: int | None = Field(description="CEBM 2011")
    people: int | None
    follow_up_months: float | None
    reports: int
    registrations: int
    has_abstract: bool
    has_full_text: bool
    is_starter: bool = Field(description="Starter data, to be verified.")
    first_seen: datetime
    terms: list[TermRef] = Field(description="What people accepted and starter data say; no open suggestions.")


class StudyPage(Schema):
    """`next` goes into `cursor` for the page that follows; null on the last one. `total` is said on the first page."""

    total: int | None
    results: list[StudyLine]
    next: str | None


class NoticeItem(Schema):
    id: int
    study: int | None
    report: str
    kind: str
    source: str
    issued_on: date | None
    first_seen: datetime
    citation: str
    note: str


class NoticePage(Schema):
    results: list[NoticeItem]
    next: str | None


class Section(Schema):
    label: str
    text: str


class ReportItem(Schema):
    id: int
    kind: str
    pmid: int | None
    pmcid: str
    doi: str
    title: str
    authors: list[str]
    citation: str
    published: str
    source: str
    publication_types: list[str]
    abstract: list[Section]
    abstract_copyright: str
    licence: str = Field(description="Of the full text; empty where none is held.")


class TagItem(TermRef):
    state: str
    said_by: list[str] = Field(description="person, rule or starter data; people are not named")


class FactItem(Schema):
    label: str
    value: str = Field(description="Empty where it is not reported.")


class RegistrationRef(Schema):
    number: str
    registry: str
    url: str
    basis: str
    is_of_this_study: bool


class StudyWhole(StudyLine):
    notices: list[NoticeItem]
    reports_whole: list[ReportItem]
    tags: list[TagItem]
    protocol: list[FactItem]
    registrations_whole: list[RegistrationRef]


class Count(Schema):
    value: str
    label: str
    count: int


class FacetCounts(Schema):
    facet: str
    label: str
    terms: list[Count]


class Facets(Schema):
    """Each facet is counted under all the other filters."""

    total: int
    registered: int
    full_text: int
    facets: list[FacetCounts]
    designs: list[Count]
    notices: list[Count]


class Mark(Schema):
    kind: str
    count: int


class CellItem(Schema):
    """`gap` says of an empty cell why: searched, never, waiting (`waiting` studies lack a tag) or outside."""

    studies: int
    with_notice: int
    query: str = Field(description="Lists exactly these studies.")
    designs: list[Mark]
    gap: str
    waiting: int


class HeadItem(Schema):
    label: str
    depth: int
    is_outside: bool


class LineItem(Schema):
    head: HeadItem
    total: CellItem
    cells: list[CellItem]


class MapAnswer(Schema):
    rows: str
    columns: str
    heads: list[HeadItem]
    lines: list[LineItem]
    foot: list[CellItem]
    corner: CellItem
    searched_at: datetime | None


class TrialItem(Schema):
    id: int
    number: str
    registry: str
    url: str
    title: str
    status: str
    enrolment: int | None
    start_on: date | None
    completion_on: date | None
    has_results: bool
    sponsor: str
    study: int | None
    first_seen: datetime


class TrialPage(Schema):
    results: list[TrialItem]
    next: str | None


class EventItem(Schema):
    id: str
    at: datetime
    kind: str
    happening: str
    title: str
    detail: str
    url: str
    study: int | None


class EventPage(Schema):
    results: list[EventItem]
    next: str | None


class SearchItem(Schema):
    id: int
    name: str
    kind: str
    query: str
    is_paused: bool
    last_success: datetime | None
    last_found: int | None


class SearchList(Schema):
    results: list[SearchItem]
