"""What a reader asks of the news, read from an address and written to one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from studies.queries.news import Cursor
from studies.terms import NewsKind


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind that may be chosen: whether it is, and the address that turns it over."""

    label: str
    is_on: bool
    query: str


@dataclass(frozen=True, slots=True)
class NewsFilter:
    """No kind is every kind."""

    kinds: tuple[NewsKind, ...] = ()
    cursor: Cursor | None = None
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, values_of: Callable[[str], Sequence[str]]) -> Self:
        given = list(dict.fromkeys(values_of("kind")))[: len(NewsKind) + 5]
        kinds = tuple(kind for kind in NewsKind if kind.value in given)
        after = (list(values_of("after")) or [""])[-1]
        cursor = Cursor.read(after) if after else None
        ignored = [f"kind={value}"[:80] for value in given if value and value not in NewsKind.values]
        if after and cursor is None:
            ignored.append(f"after={after}"[:80])
        return cls(kinds, cursor, tuple(ignored))

    def query(self, *, after: str = "", kinds: Iterable[NewsKind] | None = None) -> str:
        """The query string, `?` included; of the first page unless `after` names a place."""
        chosen = self.kinds if kinds is None else tuple(kinds)
        pairs = [("kind", kind.value) for kind in chosen] + ([("after", after)] if after else [])
        return "?" + urlencode(pairs) if pairs else ""

    @property
    def choices(self) -> list[Choice]:
        return [Choice(kind.label, kind in self.kinds, self._turned(kind)) for kind in NewsKind]

    def _turned(self, kind: NewsKind) -> str:
        kinds = [one for one in NewsKind if (one in self.kinds) != (one == kind)]
        return self.query(kinds=kinds) or "?"
