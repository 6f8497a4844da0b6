"""What is said of the tags of many studies, as text: millions of statements, so PostgreSQL gathers them."""

from collections.abc import Sequence

from django.db import connection

from studies.models import User
from studies.queries.vocabulary import Vocabulary
from studies.rules.tag_state import state_of
from studies.terms import Facet, TagOrigin, TagState

# Signs that no text of ours holds, between parts of a statement, statements, a term and its statements, terms.
_PART, _STATEMENT, _TERM, _NEXT = "\x1f", "\x1e", "\x1d", "\x1c"
_GATHERED = """
SELECT study_id, string_agg(tag_id || chr(29) || said, chr(28))
FROM (
    SELECT study_id, tag_id, string_agg(
        concat_ws(chr(31), origin, status, CASE WHEN origin = 'person' THEN by_id::text ELSE rule END,
            CASE WHEN origin = 'person' THEN to_char(at, 'YYYY-MM-DD') END),
        chr(30) ORDER BY at, id
    ) AS said
    FROM studies_studytag WHERE study_id = ANY(%s) GROUP BY study_id, tag_id
) AS terms
GROUP BY study_id
"""
_FACETS = Facet.values
_ORIGINS = [TagOrigin.PERSON, TagOrigin.STARTER, TagOrigin.RULE]


def gathered(study_ids: Sequence[int]) -> dict[int, str]:
    """By study all that is said of its tags, to be worded by `TagWords`; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_GATHERED, [list(study_ids)])
        return dict(cursor.fetchall())


class TagWords:
    """Made for one export: what was said once is said alike of thousands of studies, and worded once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._names: dict[str, str] = {}
        self._worded: dict[str, tuple[int, str, str] | None] = {}

    def by_facet(self, said: str) -> list[str]:
        """One text a facet: `Nanofat [accepted by Clara (2026-05-02)]; …`; rejected terms are left out."""
        found: dict[str, list[str]] = {facet: [] for facet in _FACETS}
        if said:
            worded = self._worded
            known = [worded[term] if term in worded else self._word(term) for term in said.split(_NEXT)]
            for _, facet, words in sorted(filter(None, known)):
                found[facet].append(words)
        return list(map("; ".join, found.values()))

    def _word(self, term: str) -> tuple[int, str, str] | None:
        """(place in its facet, facet, words), or None for a term that people rejected."""
        pk, _, said = term.partition(_TERM)
        tag = self._vocabulary.by_id.get(int(pk))
        words = self._standing([statement.split(_PART) for statement in said.split(_STATEMENT)])
        self._worded[term] = (tag.position, tag.facet, f"{tag.label} [{words}]") if tag and words else None
        return self._worded[term]

    def _standing(self, statements: list[list[str]]) -> str:
        state = state_of((origin, status) for origin, status, *_ in statements)
        if state == TagState.REJECTED:
            return ""
        # People first, rules last.
        in_order = sorted(statements, key=lambda statement: _ORIGINS.index(statement[0]))
        words = ", ".join(dict.fromkeys(self._says(*statement) for statement in in_order))
        return f"disputed: {words}" if state == TagState.DISPUTED else words

    def _says(self, origin: str, status: str, by: str = "", day: str = "") -> str:
        if origin == TagOrigin.PERSON:
            return f"{status} by {self._name(by, day)}"
        return f"suggested by rule {by}" if origin == TagOrigin.RULE else TagOrigin(origin).label

    def _name(self, pk: str, day: str) -> str:
        """Mail addresses do not leave in files."""
        if not day:  # nobody stands where the number would: the day took its place
            return f"a person whose account is gone ({pk})"
        if pk not in self._names:
            user = User.objects.only("first_name", "last_name").get(pk=pk)
            self._names[pk] = user.get_full_name() or f"account {pk}"
        return f"{self._names[pk]} ({day})"
