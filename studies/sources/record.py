"""What a source returns for one reference, before it is in the catalogue: frozen values, no database."""

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date as far as the source gives it: `raw` is the source's own text, `precision` one of DatePrecision.

    A range such as `1998 Dec-1999 Jan` has the precision `season` and begins in its first month.
    """

    raw: str
    year: int
    month: int | None = None
    day: int | None = None
    precision: str = "year"

    @property
    def first_day(self) -> date:
        return date(self.year, self.month or 1, self.day or 1)


@dataclass(frozen=True, slots=True)
class Author:
    """One author or, with `collective` set and the rest empty, a group."""

    last: str = ""
    fore: str = ""
    initials: str = ""
    suffix: str = ""
    collective: str = ""
    orcid: str = ""
    affiliations: tuple[str, ...] = ()
    equal_contribution: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One part of an abstract: `label` as printed, `category` NLM's, both may be empty."""

    text: str
    label: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class OtherAbstract:
    """A second abstract: `kind` as PubMed's Type (`plain-language-summary`, `Publisher` …), `language` as coded."""

    kind: str
    language: str
    sections: tuple[Section, ...]
    copyright: str = ""


@dataclass(frozen=True, slots=True)
class Coded:
    """A controlled word with its MeSH unique id, empty where the source gave none."""

    name: str
    ui: str = ""
    major: bool = False


@dataclass(frozen=True, slots=True)
class MeshHeading:
    """`major` is true if the descriptor or any of its qualifiers is a major topic."""

    name: str
    ui: str = ""
    major: bool = False
    qualifiers: tuple[Coded, ...] = ()


@dataclass(frozen=True, slots=True)
class Keyword:
    text: str
    owner: str = ""
    major: bool = False


@dataclass(frozen=True, slots=True)
class Substance:
    name: str
    ui: str = ""
    registry_number: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    number: str = ""
    acronym: str = ""
    agency: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class DataBank:
    name: str
    accessions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherId:
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of the reference list; ids only where they have the right shape."""

    citation: str = ""
    pmid: int | None = None
    pmcid: str = ""
    doi: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """One CommentsCorrections entry: `kind` is PubMed's RefType; ids and note may be missing (PubMed has no DOI)."""

    kind: str
    citation: str = ""
    pmid: int | None = None
    note: str = ""
    doi: str = ""


@dataclass(frozen=True, slots=True)
class FullTextSection:
    """One section of an article: `level` 1 is the top; `paragraphs` and `captions` without markup."""

    heading: str
    level: int
    paragraphs: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FullText:
    """An article's text with the licence it stands under; `sections` is empty unless the licence allows reuse.

    `has_body` tells whether the source sent a body at all, so that "no licence" and "no text" stay apart.
    """

    licence_url: str = ""
    licence_text: str = ""
    licence: str = ""  # short name such as "CC BY 4.0"; empty when not a licence that allows reuse
    has_body: bool = False
    sections: tuple[FullTextSection, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """Everything one source says of one reference. Texts are plain (no markup), ids normalised or empty."""

    # Identity
    pmid: int | None = None
    pmid_version: int = 1
    pmcid: str = ""
    doi: str = ""
    other_ids: tuple[OtherId, ...] = ()
    kind: str = "article"  # ReportKind

    # Words
    title: str = ""
    vernacular_title: str = ""
    abstract: tuple[Section, ...] = ()
    abstract_copyright: str = ""
    other_abstracts: tuple[OtherAbstract, ...] = ()
    coi_statement: str = ""

    # People
    authors: tuple[Author, ...] = ()
    authors_complete: bool = True
    investigators: tuple[Author, ...] = ()

    # Where
    journal: str = ""
    journal_abbreviation: str = ""
    issns: tuple[str, ...] = ()
    nlm_unique_id: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    book_title: str = ""
    publisher: str = ""

    # When
    published: PartialDate | None = None
    electronic_on: date | None = None
    entered_on: date | None = None  # the day the record was created in PubMed
    revised_on: date | None = None
    history: tuple[tuple[str, str], ...] = ()  # (PubStatus, ISO date)

    # What NLM says
    status: str = ""
    owner: str = ""
    indexing_method: str = ""
    languages: tuple[str, ...] = ()
    publication_types: tuple[Coded, ...] = ()
    mesh: tuple[MeshHeading, ...] = ()
    supplementary_mesh: tuple[Coded, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    substances: tuple[Substance, ...] = ()
    grants: tuple[Grant, ...] = ()
    databanks: tuple[DataBank, ...] = ()
    references: tuple[Reference, ...] = ()
    relations: tuple[Relation, ...] = ()

    full_text: FullText | None = None

    @property
    def abstract_text(self) -> str:
        return "\n".join(section.text for section in self.abstract)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that could not be read: where it stood, whose it was, why. `where` is "line 12" or "record 3"."""

    where: str
    identifier: str
    reason: str


@dataclass(slots=True)
class Reading:
    """What a parser yielded so far; filled while its iterator is consumed."""

    n_read: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    deleted_pmids: list[int] = field(default_factory=list)
