"""Verdicts, conflicts and blindness as tables, without a database."""

from itertools import product
from uuid import UUID

import pytest

from reviews.rules.blinding import is_revealed
from reviews.rules.criteria import Draft, changes
from reviews.rules.highlighting import spans
from reviews.rules.screening import Need, Word, is_wanted, may_settle, need, outcome, place_by_chance
from reviews.terms import Classification, DecisionKind, ScreeningMode, Stage, Verdict

TITLE, FULL = Stage.TITLE_ABSTRACT, Stage.FULL_TEXT
ONE, OTHER = UUID(int=1), UUID(int=2)
TWO = Need(2)


def word(reviewer: int, decision: str, reason: UUID | None = None, **more) -> Word:
    return Word(reviewer, decision, reason, **more)


@pytest.mark.parametrize(
    ("stage", "said", "verdict"),
    [
        (TITLE, "", Verdict.NOT_SCREENED),
        (TITLE, "i", Verdict.SCREENED_ONCE),
        (TITLE, "e", Verdict.SCREENED_ONCE),
        (TITLE, "ii", Verdict.INCLUDED),
        (TITLE, "ee", Verdict.EXCLUDED),
        (TITLE, "ie", Verdict.CONFLICT),
        (TITLE, "im", Verdict.INCLUDED),  # maybe advances
        (TITLE, "mm", Verdict.INCLUDED),
        (TITLE, "me", Verdict.CONFLICT),
        (FULL, "ii", Verdict.INCLUDED),
        (FULL, "ie", Verdict.CONFLICT),
        (FULL, "ee", Verdict.EXCLUDED),
    ],
)
def test_two_words_come_to_a_verdict(stage, said, verdict):
    names = {"i": "include", "e": "exclude", "m": "maybe"}
    words = [word(place, names[letter], ONE if letter == "e" else None) for place, letter in enumerate(said)]

    assert outcome(words, stage, TWO).verdict == verdict


def test_two_exclusions_for_different_reasons_are_a_conflict_at_full_text_only():
    words = [word(1, "exclude", ONE), word(2, "exclude", OTHER)]

    assert outcome(words, FULL, TWO).verdict == Verdict.CONFLICT
    assert outcome(words, TITLE, TWO).verdict == Verdict.EXCLUDED
    assert outcome(words, TITLE, TWO).reason is None


def test_an_exclusion_has_one_agreed_reason():
    found = outcome([word(1, "exclude", ONE), word(2, "exclude", ONE)], FULL, TWO)

    assert (found.verdict, found.reason, found.classification) == (Verdict.EXCLUDED, ONE, Classification.EXCLUDED)


def test_a_maybe_at_full_text_awaits_classification():
    assert outcome([word(1, "include"), word(2, "maybe")], FULL, TWO).classification == Classification.AWAITING
    assert outcome([word(1, "include"), word(2, "include")], FULL, TWO).classification == Classification.INCLUDED


@pytest.mark.parametrize("kind", [DecisionKind.ADJUDICATION, DecisionKind.CONSENSUS])
def test_a_settlement_outweighs_what_it_settles(kind):
    words = [word(1, "include"), word(2, "exclude", ONE), word(3, "exclude", OTHER, kind=kind)]

    found = outcome(words, FULL, TWO)

    assert (found.verdict, found.reason) == (Verdict.EXCLUDED, OTHER)


def test_how_many_words_each_mode_needs():
    assert need(ScreeningMode.SINGLE) == Need(1)
    assert need(ScreeningMode.DOUBLE) == Need(2)
    assert need(ScreeningMode.EXPERT) == Need(2, expert=True)
    assert need(ScreeningMode.PILOT, 4) == Need(4)
    assert need(ScreeningMode.PILOT, 1) == Need(2)


def test_where_an_expert_is_needed_two_others_decide_nothing():
    two = [word(1, "include"), word(2, "include")]
    expert = word(3, "include", is_expert=True)
    needed = Need(2, expert=True)

    assert outcome(two, TITLE, needed).verdict == Verdict.SCREENED_ONCE
    assert outcome([two[0], expert], TITLE, needed).verdict == Verdict.INCLUDED
    assert not is_wanted(two[:1], needed, reviewer=2, is_expert=False)
    assert is_wanted(two[:1], needed, reviewer=3, is_expert=True)
    assert is_wanted(two, needed, reviewer=3, is_expert=True)
    assert is_wanted([expert], needed, reviewer=2, is_expert=False)


def test_nobody_is_asked_twice_and_nobody_more_than_needed():
    words = [word(1, "include"), word(2, "include")]

    assert not is_wanted(words[:1], TWO, reviewer=1, is_expert=False)
    assert is_wanted(words[:1], TWO, reviewer=2, is_expert=False)
    assert not is_wanted(words, TWO, reviewer=3, is_expert=False)


def test_a_conflict_is_settled_by_a_third_person():
    words = [word(1, "include"), word(2, "exclude")]

    assert [may_settle(words, reviewer=number) for number in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize(("said_at", "stands_at", "verdict"), list(product(Stage, Stage, Verdict)))
def test_words_are_revealed_when_their_stage_is_decided_and_never_before(said_at, stands_at, verdict):
    is_open = verdict in (Verdict.NOT_SCREENED, Verdict.SCREENED_ONCE)
    has_passed = said_at == TITLE and stands_at == FULL
    was_sent_back = said_at == FULL and stands_at == TITLE

    assert is_revealed(said_at, stands_at, verdict) == (has_passed or (not was_sent_back and not is_open))


def test_a_random_place_stays_the_same():
    places = {place_by_chance(7, report) for report in range(1000)}

    assert place_by_chance(7, 5) == place_by_chance(7, 5) != place_by_chance(8, 5)
    assert len(places) == 1000
    assert all(-(2**31) <= place < 2**31 for place in places)


def test_a_change_of_criteria_is_said_in_sentences():
    old = [Draft("inclusion", "Adults", "", ONE), Draft("exclusion", "Animals", "", OTHER)]

    assert changes(old, old) == []
    assert changes(old, old[::-1]) == ["The order is another one."]
    assert changes(old, old[:1]) == ["Taken out: exclusion “Animals”."]
    assert changes(old, [*old, Draft("exclusion", "No data")]) == ["New: exclusion “No data”."]
    assert changes(old, [Draft("inclusion", "Grown-ups", "18 or older", ONE), old[1]]) == [
        "“Adults” is now called “Grown-ups”.",
        "The explanation of “Grown-ups” is another one.",
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["fat"], ["Fat", "fat"]),
        (["stem cell"], []),
        (["stem cell*"], ["stem  cells"]),
        (["a.*b", "(", "*", " "], []),
    ],
)
def test_words_are_found_whole_and_in_any_case(words, found):
    text = "Fat and fatty tissue, stem  cells and fat."

    assert [text[span.start : span.end] for span in spans(text, words, "include")] == found
