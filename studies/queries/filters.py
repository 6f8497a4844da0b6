"""What a reader asks of the list of studies, as a value: read from an address, written to one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlencode

from studies.models import Tag
from studies.terms import Facet, NoticeStatus, StudyDesign

MAX_WORDS = 300
MAX_VALUES = 40  # of one name: an address is typed by people or made by us
NUMBERS = {"year_from": (1600, 2200), "year_to": (1600, 2200), "people": (0, 10_000_000), "months": (0, 1200)}
FLAGS = ("registered", "full_text", "reviewed", "human", "everything")
SORTS = {
    "relevance": "Relevance",
    "newest": "Newest first",
    "people": "Most people",
    "follow_up": "Longest follow-up",
    "level": "Evidence level",
    "cited": "Most cited",
}
# What `notice` may say, with the statuses it means.
NOTICES: dict[str, tuple[int, ...]] = {
    "retracted": (NoticeStatus.RETRACTED, NoticeStatus.REMOVED),
    "concern": (NoticeStatus.CONCERN,),
    "replaced": (NoticeStatus.REPLACED,),
    "corrected": (NoticeStatus.CORRECTED,),
    "none": (NoticeStatus.NONE,),
}
CHECKED = ("starter", "verified")
STATES = ("untagged", "open", "disputed")  # of the tagging; a study may be in several
MAY_BE_UNKNOWN = ("people", "months")  # numbers that many studies do not give: `unknown` keeps those studies in
CHOICES: dict[str, Collection[str]] = {
    "design": StudyDesign.values,
    "notice": NOTICES,
    "checked": CHECKED,
    "state": STATES,
    "lacks": Facet.values,  # facets of which a study has no term at all, not even "not reported"
    "all": Facet.values,
    "unknown": MAY_BE_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Filters:
    """`lists` holds what may be given several times: terms by facet, `not`, and the names of CHOICES.

    Terms of one facet are alternatives, unless `all` names the facet. `ignored` is what an address said and nobody
    could understand.
    """

    words: str = ""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    sort: str = ""
    page: int = 1
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, values_of: Callable[[str], Sequence[str]], terms: Mapping[str, Tag]) -> Self:
        """From an address: `values_of` gives all values of a name, `terms` the term that a slug stands for today.

        A term that went into another is from here on the one that stayed.
        """
        ignored: list[str] = []

        def last(name: str) -> str:
            # PostgreSQL's text holds no NUL.
            return (list(values_of(name)) or [""])[-1].replace("\x00", "").strip()

        lists = _lists(values_of, terms, ignored)
        numbers = _numbers(last, ignored)
        # Without its number the wish says nothing.
        unknown = tuple(name for name in lists.pop("unknown", ()) if name in numbers)
        lists |= {"unknown": unknown} if unknown else {}
        sort = last("sort")
        if sort not in {"", *SORTS}:
            ignored.append(f"sort={sort}")
        page = last("page")
        return cls(
            words=" ".join(last("q").split())[:MAX_WORDS],
            lists=lists,
            numbers=numbers,
            flags=frozenset(name for name in FLAGS if last(name)),
            sort=sort if sort in SORTS else "",
            page=max(int(page), 1) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            ignored=tuple(value[:80] for value in ignored[:5]),
        )

    def of(self, name: str) -> tuple[str, ...]:
        return self.lists.get(name, ())

    @property
    def usual_order(self) -> str:
        """Best matches first for words, newest first otherwise."""
        return "relevance" if self.words else "newest"

    @property
    def order(self) -> str:
        """The sorting in force."""
        return self.usual_order if self.sort in {"", "relevance"} else self.sort

    @property
    def is_empty(self) -> bool:
        """Whether nothing narrows the list."""
        return not (self.words or self.lists or self.numbers or self.flags - {"everything"})

    def without(self, name: str, value: str = "") -> Self:
        """The same question less one filter, from its first page."""
        if name == "q":
            return replace(self, words="", page=1)
        if name in self.flags:
            return replace(self, flags=self.flags - {name}, page=1)
        if name in self.numbers:
            numbers = {k: v for k, v in self.numbers.items() if k != name}
            return replace(self.without("unknown", name), numbers=numbers, page=1)
        kept = tuple(v for v in self.of(name) if v != value)
        lists = {k: v for k, v in {**self.lists, name: kept}.items() if v}
        if name in Facet.values and len(kept) < 2:
            lists["all"] = tuple(facet for facet in lists.get("all", ()) if facet != name)
        return replace(self, lists={k: v for k, v in lists.items() if v}, page=1)

    def including_unknown(self, name: str) -> Self:
        """The same question, with the studies that do not give the number `name` asks for."""
        return replace(self, lists={**self.lists, "unknown": (*self.of("unknown"), name)}, page=1)

    @property
    def first_page(self) -> str:
        """The query string of the question itself, wherever in its answer a reader stands."""
        return self.query(page=1)

    def query(self, *, page: int | None = None) -> str:
        """The canonical query string, `?` included; empty for the plain list."""
        pairs = self.pairs(page=page)
        return "?" + urlencode(pairs) if pairs else ""

    def pairs(self, *, page: int | None = 1) -> list[tuple[str, str | int]]:
        """Names and values of the canonical query string."""
        page = page or self.page
        pairs: list[tuple[str, str | int]] = [("q", self.words)] if self.words else []
        pairs += [(name, value) for name in LIST_NAMES for value in self.of(name)]
        pairs += [(name, self.numbers[name]) for name in NUMBERS if name in self.numbers]
        pairs += [(name, "1") for name in FLAGS if name in self.flags]
        pairs += [("sort", self.sort)] if self.order != self.usual_order else []
        return pairs + ([("page", page)] if page > 1 else [])


LIST_NAMES = (*Facet.values, "not", *CHOICES)


def _lists(
    values_of: Callable[[str], Sequence[str]], terms: Mapping[str, Tag], ignored: list[str]
) -> dict[str, tuple[str, ...]]:
    lists: dict[str, tuple[str, ...]] = {}
    for name in LIST_NAMES:
        given = [value for value in dict.fromkeys(values_of(name)) if value][:MAX_VALUES]
        known = {value: understood(name, value, terms, CHOICES) for value in given}
        ignored += [f"{name}={value}" for value, meant in known.items() if not meant]
        if meant := tuple(filter(None, dict.fromkeys(known.values()))):
            lists[name] = meant
    # A term both wanted and unwanted: the wish to be without it is the stronger word.
    for facet in Facet.values:
        if facet in lists:
            lists[facet] = tuple(value for value in lists[facet] if value not in lists.get("not", ()))
    lists["all"] = tuple(facet for facet in lists.get("all", ()) if len(lists.get(facet, ())) > 1)
    return {name: values for name, values in lists.items() if values}


def understood(name: str, value: str, terms: Mapping[str, Tag], choices: Mapping[str, Collection[str]]) -> str:
    """The value by its present name; empty if it is none of the choices and no term of the facet `name`."""
    if name in choices:
        return value if value in choices[name] else ""
    tag = terms.get(value)
    return tag.slug if tag and name in ("not", tag.facet) else ""


def _numbers(last: Callable[[str], str], ignored: list[str]) -> dict[str, int]:
    numbers = {}
    for name, (low, high) in NUMBERS.items():
        text = last(name)
        if not text:
            continue
        if text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high:
            numbers[name] = int(text)
        else:
            ignored.append(f"{name}={text}")
    return numbers
