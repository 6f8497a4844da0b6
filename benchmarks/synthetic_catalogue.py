"""A synthetic catalogue of any size, written straight into the tables: made-up words, no real study."""

import io
import json
import random
from datetime import date, timedelta

from django.db import connection

from studies.models import Tag
from studies.terms import Facet, StudyDesign

SEED = 2026
# fmt: off
SYLLABLES = (
    "ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo", "dra", "fle", "gri",
    "plo", "stu", "tre",
)
# fmt: on
# How often a marked word occurs: the measurements ask for these.
WORDS = {"rareword": 0.001, "tenthword": 0.1, "thirdword": 0.33, "halfword": 0.5, "commonword": 0.9}
TERMS = {  # facet: (terms, how many a study has)
    Facet.SOURCE: (25, 2),
    Facet.PRODUCT: (12, 2),
    Facet.DONOR: (6, 1),
    Facet.PROCESSING: (12, 1),
    Facet.DELIVERY: (18, 2),
    Facet.OUTCOME: (40, 4),
    Facet.DESIGN: (16, 1),
    Facet.POPULATION: (30, 3),
    Facet.COMPARATOR: (14, 1),
}
# fmt: off
COLUMNS = (
    "id", "created_at", "is_starter", "starter", "in_default_views", "n_participants", "follow_up_months",
    "title", "authors", "journal", "year", "published_on", "design", "design_basis", "evidence_level",
    "notice_status", "n_reports", "n_registrations", "has_abstract", "has_full_text", "sources", "products",
    "donors", "processings", "deliveries", "outcomes", "designs", "populations", "comparators",
    "search_title", "search_terms", "search_abstract", "search_people", "suggested_with", "n_open_suggestions",
    "is_disputed", "check_weekly",
)
# fmt: on


def build(n_studies: int) -> None:
    """Fill an empty catalogue; about a minute for 100,000 studies."""
    dice = random.Random(SEED)
    tags = _tags()
    words = ["".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))) for _ in range(4000)]
    # Ordinary prose: the k-th commonest word about 1/k as often.
    sentences = [" ".join(dice.choices(words, [1 / k for k in range(1, 4001)], k=22)) + "." for _ in range(6000)]
    with connection.cursor() as cursor:
        for start in range(0, n_studies, 5000):
            ids = range(start + 1, min(start + 5000, n_studies) + 1)
            rows = "".join(_line(_study(i, dice, tags, sentences)) for i in ids)
            cursor.copy_expert(f"COPY studies_study ({', '.join(COLUMNS)}) FROM STDIN", io.StringIO(rows))
        cursor.execute(REPORTS)
        for table in ("studies_study", "studies_report"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


REPORTS = """
INSERT INTO studies_report (study_id, kind, source, digest, edited_fields, created_at, changed_at, pmid, pmid_version,
    doi, other_ids, fingerprint, title, vernacular_title, abstract, abstract_copyright, other_abstracts, coi_statement,
    authors, authors_complete, investigators, journal, journal_abbreviation, issns, nlm_unique_id, volume, issue, pages,
    book_title, publisher, published_raw, published_on, published_precision, history, status, owner, indexing_method,
    languages, publication_types, mesh, supplementary_mesh, keywords, substances, grants, databanks, "references",
    relations)
SELECT id, 'article', 'pubmed', '', '{}', now(), now(), id, 1, '10.5555/synthetic.' || id, '[]', '', title, '',
    jsonb_build_array(jsonb_build_object('label', '', 'category', '', 'text', search_abstract)), '', '[]', '',
    '[]', true, '[]', journal, journal, '[]', '', '', '', '', '', '', year::text, published_on, 'day', '[]', '', '', '',
    '[]', '[]', '[]', '[]', '[]', '[]', '[]', '[]', '[]', '[]'
FROM studies_study ORDER BY id
"""


def _tags() -> dict[str, list[tuple[int, int | None]]]:
    """(tag, its parent) per facet; two terms in three have a parent."""
    tags: dict[str, list[tuple[int, int | None]]] = {}
    for facet, (n_terms, _) in TERMS.items():
        made: list[Tag] = []
        for place in range(n_terms):
            parent = made[place // 3 * 3] if place % 3 else None
            made.append(
                Tag.objects.create(
                    facet=facet, slug=f"{facet}-{place}", label=f"{facet} {place}", parent=parent, position=place
                )
            )
        tags[facet] = [(tag.pk, tag.parent_id) for tag in made]
    return tags


def _study(number: int, dice: random.Random, tags: dict, sentences: list[str]) -> list:
    day = date(1990, 1, 1) + timedelta(days=int(13_400 * dice.random() ** 0.5))
    title = dice.choice(sentences)[:120].capitalize()
    abstract = " ".join(dice.choices(sentences, k=10))
    abstract += "".join(f" {word}" for word, share in WORDS.items() if dice.random() < share)
    people = dice.choice([None, int(dice.lognormvariate(3.4, 1))])
    months = dice.choice([None, round(dice.lognormvariate(1.6, 0.8), 1)])
    design = dice.choices(StudyDesign.values, [1 / k for k in range(1, len(StudyDesign.values) + 1)])[0]
    notice = dice.choices([0, 1, 3, 5], [960, 25, 5, 10])[0]
    facets = [_terms(dice, tags[facet], TERMS[facet][1]) for facet in Facet.values]
    return [
        number, "2026-01-01T00:00:00Z", number % 200 == 0, json.dumps({}), dice.random() < 0.9, people, months,
        title, f"Synthetic A, Made B, et al. {number % 977}", f"J Synth {number % 211}", day.year, day, design, "tag",
        dice.choice([None, 1, 2, 3, 4]), notice, 1, int(dice.random() < 0.1), True, dice.random() < 0.25, *facets,
        title, " ".join(dice.choices(sentences, k=1)), abstract, f"Synthetic A {number % 977}", "", 0, False, False,
    ]  # fmt: skip


def _terms(dice: random.Random, tags: list[tuple[int, int | None]], n_most: int) -> str:
    weights = [1 / (place + 2) for place in range(len(tags))]
    chosen = dice.choices(tags, weights, k=dice.randint(0, n_most) if n_most > 1 else dice.randint(0, 2) and 1)
    return "{" + ",".join(str(i) for i in sorted({i for pair in chosen for i in pair if i})) + "}"


def _line(values: list) -> str:
    return "\t".join("\\N" if value is None else str(value) for value in values) + "\n"
