"""The flow of PRISMA 2020 from rows, and what is said when they do not add up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reviews.rules.flow import IDENTITIES, Flow, Place, Previous, SourceRecord, breaks, count, differences, roots
from reviews.terms import Classification, Retrieval, SourceKind, Stage, Verdict

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
FULL = {"stage": Stage.FULL_TEXT, "retrieval": Retrieval.RETRIEVED}
OUT = FULL | {"verdict": Verdict.EXCLUDED, "classification": Classification.EXCLUDED}
IN = FULL | {"verdict": Verdict.INCLUDED, "classification": Classification.INCLUDED}


def place(number: int, **values) -> Place:
    standing = {
        "duplicate_of": None,
        "study": 100 + number,
        "stage": Stage.TITLE_ABSTRACT,
        "verdict": Verdict.NOT_SCREENED,
        "retrieval": Retrieval.NOT_SOUGHT,
        "classification": Classification.NONE,
    }
    return Place(number, **standing | values)


def found(number: int, candidate: int, kind: str = SourceKind.DATABASE, days: int = 0) -> SourceRecord:
    return SourceRecord(number, candidate, 1 if kind == SourceKind.DATABASE else 2, kind, NOON + timedelta(days=days))


PLACES = [
    place(1, verdict=Verdict.EXCLUDED),
    place(2, verdict=Verdict.CONFLICT),
    place(3, stage=Stage.FULL_TEXT, retrieval=Retrieval.UNAVAILABLE),
    place(4, stage=Stage.FULL_TEXT, retrieval=Retrieval.SOUGHT),
    place(5, **OUT, reason="animals"),
    place(6, **OUT, reason="animals"),
    place(7, **OUT, reason="dose"),
    place(8, **IN),
    place(9, **IN, study=108),
    place(10, **IN | {"classification": Classification.ONGOING}),
    place(11, **FULL, verdict=Verdict.SCREENED_ONCE),
    place(12, duplicate_of=8, verdict=Verdict.EXCLUDED),
    place(13, **IN),
]
RECORDS = [
    *(found(100 + number, number) for number in range(1, 13)),
    found(201, 1, SourceKind.REGISTER),
    found(202, 8, SourceKind.CITATION),
    found(203, 13, SourceKind.CITATION),
    found(204, 13, SourceKind.WEBSITE),
]


def test_every_box_counts_its_rows():
    flow = count(PLACES, RECORDS)

    assert not breaks(flow)
    expected = {
        "database_results": 12,
        "register_results": 1,
        "duplicates": 2,
        "records_screened": 11,
        "records_excluded": 1,
        "dbr_being_screened": 1,
        "dbr_sought_reports": 9,
        "dbr_notretrieved_reports": 1,
        "dbr_being_sought": 1,
        "dbr_assessed": 7,
        "dbr_excluded": 3,
        "dbr_being_assessed": 1,
        "dbr_ongoing": 1,
        "citations_results": 2,
        "website_results": 1,
        "other_known": 2,
        "other_assessed": 1,
        "new_reports": 3,
        "new_studies": 2,
        "total_reports": 3,
        "total_studies": 2,
    }
    assert {key: flow.n(key) for key in expected} == expected


def test_each_excluded_report_has_one_reason():
    flow = count(PLACES, RECORDS)

    assert flow.reasons["dbr_excluded"] == {"animals": [5, 6], "dose": [7]}


def test_a_report_merged_twice_over_is_its_last_report():
    chain = [place(1, duplicate_of=2), place(2, duplicate_of=3), place(3)]

    assert roots(chain) == {1: 3, 2: 3, 3: 3}
    assert not breaks(count(chain, [found(11, 1), found(12, 2), found(13, 3)]))


def test_a_report_that_databases_have_is_not_one_of_other_methods():
    flow = count([place(1)], [found(11, 1, SourceKind.CITATION), found(12, 1, days=3)])

    assert (flow.n("records_screened"), flow.n("other_entered"), flow.n("other_known")) == (1, 0, 1)
    assert not breaks(flow)


@pytest.mark.parametrize("sentence", [identity[0] for identity in IDENTITIES])
def test_a_lost_report_breaks_an_identity_that_names_both_lists(sentence):
    whole = count(PLACES, RECORDS)
    left = next(keys[0] for words, keys, _, _ in IDENTITIES if words == sentence)

    broken = breaks(replace(whole, lists=dict(whole.lists) | {left: [*whole.lists.get(left, ()), 999]}))

    assert sentence in {one.sentence for one in broken}
    one = next(one for one in broken if one.sentence == sentence)
    assert one.left == one.right + 1
    assert left in one.left_keys


def test_a_report_without_any_record_is_seen():
    sentences = [one.sentence for one in breaks(count([place(1)], []))]

    assert sentences == ["Reports found by other methods are the records identified less those known already"]


def test_the_next_version_counts_what_is_new_beside_what_was_included_before():
    before = count(PLACES, RECORDS)
    previous = Previous(1, NOON + timedelta(days=1), before.states)
    later = [place(1, **IN), *PLACES[1:], place(20, **IN), place(21, verdict=Verdict.EXCLUDED)]
    again = [*RECORDS, found(300, 20, days=9), found(301, 21, days=9), found(302, 5, SourceKind.REGISTER, days=9)]

    flow = count(later, again, previous)

    assert not breaks(flow)
    assert flow.lists["previous_reports"] == [8, 9, 13]
    assert flow.n("previous_studies") == 2
    # 1 was excluded and stands elsewhere now; 2, 4, 10 and 11 were open; 20 and 21 are new.
    assert set(flow.lists["records_screened"]) == {1, 2, 4, 10, 11, 20, 21}
    assert 302 in flow.lists["duplicates"]
    assert set(flow.lists["new_reports"]) == {1, 20}
    assert flow.n("total_reports") == 5


def test_a_report_of_the_previous_version_that_is_out_now_is_named():
    previous = Previous(1, NOON, {1: "included"})

    flow = count([place(1, **OUT, reason="dose")], [found(11, 1)], previous)

    assert flow.lists["no_longer_included"] == [1]
    assert (flow.n("previous_reports"), flow.n("dbr_excluded"), flow.n("total_reports")) == (0, 1, 0)
    assert not breaks(flow)


def test_a_report_of_the_previous_version_that_was_merged_since_is_asked_for_where_it_went():
    previous = Previous(1, NOON, {1: "included", 2: "included"})
    merged = [place(1, **IN), place(2, **IN, duplicate_of=1)]

    flow = count(merged, [found(11, 1), found(12, 2)], previous)

    assert flow.lists["no_longer_included"] == []


def test_a_record_that_joins_while_the_flow_is_read_waits_for_the_next_reading():
    flow = count(PLACES, [*RECORDS, found(999, 77)])

    assert flow.lists == count(PLACES, RECORDS).lists
    assert not breaks(flow)


def test_two_flows_are_compared_number_by_number():
    assert differences({"a": 1, "b": 2}, {"b": 3, "c": 1}) == [("a", 1, 0), ("b", 2, 3), ("c", 0, 1)]
    assert Flow({}, {}, {}).n("anything") == 0
