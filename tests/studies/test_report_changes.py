"""What counts as a change of a record, and what is only a gap closed or a blank moved."""

import pytest

from studies.rules.citations import is_doubtful
from studies.rules.report_changes import changes, in_words

RETRACTED = {"name": "Retracted Publication", "ui": "D016441"}
ARTICLE = {"name": "Journal Article", "ui": "D016428"}


def told(before: dict, after: dict) -> list[tuple[str, str, str]]:
    return [(change.field, change.old, change.new) for change in changes(before, after)]


@pytest.mark.parametrize(
    ("field", "old", "new", "expected"),
    [
        ("title", "A trial of nanofat", "A trial of SVF", [("title", "A trial of nanofat", "A trial of SVF")]),
        ("title", "A trial of nanofat.", " A trial  of nanofat", []),
        ("title", "", "A trial of nanofat", []),
        ("doi", "", "10.5555/x", []),
        ("doi", "10.5555/x", "10.5555/y", [("doi", "10.5555/x", "10.5555/y")]),
        ("volume", "", "7", []),
        ("status", "Publisher", "MEDLINE", []),
        ("abstract", [{"text": "Ten."}], [], [("abstract", "Ten.", "")]),
        ("abstract", [], [{"text": "Ten."}], []),
        (
            "abstract",
            [{"text": "Ten.", "label": "METHODS"}],
            [{"text": "Eleven.", "label": "METHODS"}],
            [("abstract", "METHODS: Ten.", "METHODS: Eleven.")],
        ),
        (
            "authors",
            [{"last": "Doe", "initials": "J"}],
            [{"last": "Doe", "initials": "J"}, {"collective": "The Group"}],
            [("authors", "Doe J", "Doe J, The Group")],
        ),
        ("authors", [{"last": "Doe", "initials": "J"}], [{"last": "Doe", "initials": "J", "orcid": "0"}], []),
        ("publication_types", [ARTICLE], [ARTICLE, RETRACTED], [("publication_types", "", "Retracted Publication")]),
        ("publication_types", [], [ARTICLE], []),
        ("publication_types", [ARTICLE, RETRACTED], [ARTICLE], [("publication_types", "Retracted Publication", "")]),
        ("publication_types", [{"name": "JOURNAL ARTICLE"}], [{"name": "Journal Article"}], []),
        ("databanks", [], [{"name": "X", "accessions": ["NCT01234567"]}], [("databanks", "", "NCT01234567")]),
        ("mesh", [{"name": "Skin"}], [{"name": "Skin"}, {"name": "Humans"}], [("mesh", "", "Humans")]),
        ("mesh", [], [{"name": "Skin"}], []),
        ("mesh", [{"name": "Skin Ageing", "ui": "D015595"}], [{"name": "Skin Aging", "ui": "D015595"}], []),
        ("keywords", [{"text": "fat"}, {"text": "skin"}], [{"text": "skin"}, {"text": "fat"}], []),
    ],
)
def test_changes(field, old, new, expected):
    assert told({field: old}, {field: new}) == expected


@pytest.mark.parametrize(
    ("kind", "field", "old", "new", "sentence"),
    [
        ("field-changed", "title", "A", "B", "Title corrected"),
        ("field-changed", "pages", "1-9", "1-10", "Pages changed"),
        ("field-changed", "abstract", "A", "", "Abstract removed"),
        ("field-changed", "databanks", "", "NCT01234567", "Registry number added: NCT01234567"),
        (
            "type-added",
            "publication_types",
            "",
            "Retracted Publication",
            "Publication type added: Retracted Publication",
        ),
    ],
)
def test_changes_are_said_in_a_few_words(kind, field, old, new, sentence):
    assert in_words(kind, field, new=new, old=old) == sentence


@pytest.mark.parametrize(
    ("count", "fact", "doubts", "doubtful"),
    [
        (5, None, [], False),
        (5, 5, [], False),
        (6, 5, [], False),
        (4, 5, [], True),
        (4, 5, [4], True),
        (4, 5, [4, 4], False),  # the third month that says so
        (4, 5, [6, 4], True),
        (0, 5, [0, 0, 0, 0], True),
        (0, 0, [], False),
    ],
)
def test_fewer_citations_than_before_are_not_believed_at_once(count, fact, doubts, doubtful):
    assert is_doubtful(count, fact=fact, doubts=doubts) is doubtful
