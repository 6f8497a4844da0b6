"""What may be asked: the names and words of the pages, read by the same code, nonsense refused."""

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Schema
from ninja.errors import HttpError
from pydantic import Field, StringConstraints

from studies.queries.filters import CHECKED, MAX_VALUES, MAX_WORDS, MAY_BE_UNKNOWN, NOTICES, NUMBERS, STATES, Filters
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, Registry, StudyDesign, TrialStatus

LARGEST_ID = 2**63 - 1
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]
Slugs = Annotated[list[Slug], Field(max_length=MAX_VALUES)]
Flag = Annotated[Literal["", "1"], Field(description="1 for yes")]
DESIGNS = Literal[tuple(StudyDesign.values)]
NOTICE = Literal[tuple(NOTICES)]
STANDING = Literal[CHECKED]
STATE = Literal[STATES]
FACET = Literal[tuple(Facet.values)]
UNKNOWN = Literal[MAY_BE_UNKNOWN]
Cursor = Annotated[str, StringConstraints(pattern=r"^([1-9]\d{0,17})?$", strip_whitespace=False)]
Limit = Annotated[int, Field(ge=1, le=200)]


class _Filter(Schema):
    """The filters of the Studies page under the names of its address; terms of one facet are alternatives."""

    q: Annotated[str, StringConstraints(max_length=MAX_WORDS)] = Field("", description="Words, as in the search box.")
    sources: Slugs = []
    products: Slugs = []
    donors: Slugs = []
    processings: Slugs = []
    deliveries: Slugs = []
    outcomes: Slugs = []
    designs: Slugs = []
    populations: Slugs = []
    comparators: Slugs = []
    without: Slugs = Field([], alias="not", description="Terms that must not be there.")
    design: list[DESIGNS] = []
    notice: list[NOTICE] = []
    checked: list[STANDING] = []
    state: list[STATE] = []
    lacks: list[FACET] = Field([], description="Facets of which a study has no term at all.")
    all: list[FACET] = Field([], description="Facets of which every term given must be there.")
    unknown: list[UNKNOWN] = Field([], description="Numbers that may be missing.")
    year_from: int | None = Field(None, ge=NUMBERS["year_from"][0], le=NUMBERS["year_from"][1])
    year_to: int | None = Field(None, ge=NUMBERS["year_to"][0], le=NUMBERS["year_to"][1])
    people: int | None = Field(None, ge=NUMBERS["people"][0], le=NUMBERS["people"][1])
    months: int | None = Field(None, ge=NUMBERS["months"][0], le=NUMBERS["months"][1])
    registered: Flag = ""
    full_text: Flag = ""
    reviewed: Flag = ""
    human: Flag = ""
    everything: Flag = ""


class StudyFilter(_Filter):
    pass


class StudyQuestion(_Filter):
    cursor: Cursor = Field("", description="`next` of the page before.")
    limit: Limit = 100


class MapQuestion(_Filter):
    rows: FACET = Facet.SOURCE.value
    columns: FACET = Facet.OUTCOME.value


class PageQuestion(Schema):
    cursor: Cursor = Field("", description="`next` of the page before.")
    limit: Limit = 100


class TrialQuestion(PageQuestion):
    status: Literal[("", *TrialStatus.values)] = ""
    registry: Literal[("", *Registry.values)] = ""
    linked: bool | None = Field(None, description="Whether a study of the catalogue is known to be this trial's.")


class EventQuestion(Schema):
    cursor: Annotated[str, StringConstraints(pattern=r"^(\d{1,16}_[a-z-]{1,20}_\d{1,16})?$")] = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 40


def filters_of(request: HttpRequest, vocabulary: Vocabulary) -> Filters:
    """The page's own reading of the address; what the page would pass over is refused here."""
    filters = Filters.read(request.GET.getlist, vocabulary.by_slug)
    if filters.ignored:
        raise HttpError(422, f"Not understood: {', '.join(filters.ignored)}")
    return filters
