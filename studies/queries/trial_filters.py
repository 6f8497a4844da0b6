"""What a reader asks of the list of trials, as a value: read from an address, written to one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlencode

from studies.models import Tag
from studies.queries.filters import understood
from studies.terms import Facet, Registry, TrialPhase, TrialStatus

MAX_WORDS = 300
MAX_VALUES = 30
FLAGS = {
    "new": "New",
    "overdue": "No results found a year after completion",
    "results": "Results posted",
    "stopped": "Stopped early",
    "published": "Has a publication",
    "unpublished": "Has no publication",
    "everything": "Also those only named in reports",
}
SORTS = {
    "updated": "Last updated",
    "newest": "Newest here",
    "started": "Latest start",
    "completion": "Earliest completion",
    "enrolment": "Largest enrolment",
}
TERMS = (Facet.SOURCE, Facet.PRODUCT)
_CHOICES: dict[str, Sequence[str]] = {
    "status": TrialStatus.values,
    "phase": [*TrialPhase.values, "none"],
    "registry": Registry.values,
}
LISTS = (*_CHOICES, *(facet.value for facet in TERMS))


@dataclass(frozen=True, slots=True)
class TrialFilters:
    """`lists` holds what may be given several times; `ignored` what an address said and nobody could understand."""

    words: str = ""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    sort: str = "updated"
    page: int = 1
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, values_of: Callable[[str], Sequence[str]], terms: Mapping[str, Tag]) -> Self:
        """From an address: `values_of` gives all values of a name, `terms` the term that a slug stands for today."""
        ignored, lists = [], {}
        for name in LISTS:
            given = [value for value in dict.fromkeys(values_of(name)) if value][:MAX_VALUES]
            known = {value: understood(name, value, terms, _CHOICES) for value in given}
            ignored += [f"{name}={value}" for value, meant in known.items() if not meant]
            if meant := tuple(filter(None, dict.fromkeys(known.values()))):
                lists[name] = meant

        def last(name: str) -> str:
            return (list(values_of(name)) or [""])[-1].replace("\x00", "").strip()  # PostgreSQL's text holds no NUL

        sort, page = last("sort"), last("page")
        if sort not in {"", *SORTS}:
            ignored.append(f"sort={sort}")
        return cls(
            words=" ".join(last("q").split())[:MAX_WORDS],
            lists=lists,
            flags=frozenset(name for name in FLAGS if last(name)),
            sort=sort if sort in SORTS else "updated",
            page=max(int(page), 1) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            ignored=tuple(value[:80] for value in ignored[:5]),
        )

    def of(self, name: str) -> tuple[str, ...]:
        return self.lists.get(name, ())

    @property
    def is_empty(self) -> bool:
        """Whether nothing narrows the list."""
        return not (self.words or self.lists or self.flags - {"everything"})

    def without(self, name: str, value: str = "") -> Self:
        """The same question less one filter, from its first page."""
        if name == "q":
            return replace(self, words="", page=1)
        if name in self.flags:
            return replace(self, flags=self.flags - {name}, page=1)
        kept = {**self.lists, name: tuple(v for v in self.of(name) if v != value)}
        return replace(self, lists={k: v for k, v in kept.items() if v}, page=1)

    def query(self, *, page: int | None = None) -> str:
        """The canonical query string, `?` included; empty for the plain list."""
        page = page or self.page
        pairs: list[tuple[str, str | int]] = [("q", self.words)] if self.words else []
        pairs += [(name, value) for name in LISTS for value in self.of(name)]
        pairs += [(name, "1") for name in FLAGS if name in self.flags]
        pairs += [("sort", self.sort)] if self.sort != "updated" else []
        pairs += [("page", page)] if page > 1 else []
        return "?" + urlencode(pairs) if pairs else ""
