"""The terms in memory for one request: looked up by slug or id, walked as trees."""

from collections import defaultdict
from collections.abc import Iterable

from studies.models import Tag
from studies.terms import Facet

_COLUMNS = (
    "facet",
    "slug",
    "label",
    "definition",
    "parent",
    "position",
    "is_retired",
    "is_out_of_scope",
    "merged_into",
)


class Vocabulary:
    """Every term of the catalogue; one query. The slug of a merged term leads to the term that stayed: an address or a
    saved search outlives the merger.
    """

    def __init__(self) -> None:
        tags = list(Tag.objects.only(*_COLUMNS))
        self.by_id: dict[int, Tag] = {tag.pk: tag for tag in tags}
        self.by_slug: dict[str, Tag] = {tag.slug: self._stayed(tag) for tag in tags}
        self._beneath: dict[tuple[str, int | None], list[Tag]] = defaultdict(list)
        for tag in tags:
            self._beneath[tag.facet, tag.parent_id].append(tag)

    def _stayed(self, tag: Tag) -> Tag:
        while tag.merged_into_id:
            tag = self.by_id[tag.merged_into_id]
        return tag

    def roots(self, facet: Facet) -> list[Tag]:
        return self._beneath[facet, None]

    def children(self, tag: Tag) -> list[Tag]:
        return self._beneath[tag.facet, tag.pk]

    def branch(self, tag: Tag) -> Iterable[Tag]:
        """The term and all that lie beneath it."""
        yield tag
        for child in self.children(tag):
            yield from self.branch(child)

    def leaves(self, ids: Iterable[int]) -> list[Tag]:
        """The terms of a rolled-up array without those that stand there only as somebody's ancestor."""
        tags = [self.by_id[i] for i in ids if i in self.by_id]
        parents = {tag.parent_id for tag in tags}
        return sorted((tag for tag in tags if tag.pk not in parents), key=lambda tag: tag.position)
