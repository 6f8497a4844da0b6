"""What happened to a trial, when results are looked for, how alike a trial and a report are: rules, no database."""

from datetime import date

import pytest

from studies.actions.registration_values import values_of
from studies.rules import trial_dates, trial_events, trial_links, trial_words
from studies.rules.trial_links import Subject
from studies.sources.clinicaltrials_json import read
from studies.terms import TrialEventKind, TrialPhase, TrialStatus
from tests.ncbi.registry import trial


def version(**modules: dict) -> dict:
    """The columns of one reading of a trial in which these modules say something else."""
    study = trial("NCT00000001")
    for name, values in modules.items():
        if name == "hasResults":
            study[name] = values
        else:
            study["protocolSection"][name] = study["protocolSection"][name] | values
    return values_of(read(study))


FIRST = version()


class TestWords:
    def test_every_status_of_the_registry_has_a_word(self):
        words = [
            "ACTIVE_NOT_RECRUITING",
            "COMPLETED",
            "ENROLLING_BY_INVITATION",
            "NOT_YET_RECRUITING",
            "RECRUITING",
            "SUSPENDED",
            "TERMINATED",
            "WITHDRAWN",
            "AVAILABLE",
            "NO_LONGER_AVAILABLE",
            "TEMPORARILY_NOT_AVAILABLE",
            "APPROVED_FOR_MARKETING",
            "WITHHELD",
            "UNKNOWN",
        ]

        assert {trial_words.status_of(word) for word in words} == set(TrialStatus)

    @pytest.mark.parametrize(
        ("raw", "status"),
        [
            ("Recruiting", TrialStatus.RECRUITING),
            ("Ongoing", TrialStatus.ACTIVE),
            ("Prematurely Ended", TrialStatus.TERMINATED),
            ("Active, not recruiting", TrialStatus.ACTIVE),
            ("recruitment complete", TrialStatus.ACTIVE),
            ("by lunar calendar", None),
            ("", None),
        ],
    )
    def test_other_registries_words_are_understood_or_left_alone(self, raw, status):
        assert trial_words.status_of(raw) == status

    @pytest.mark.parametrize(
        ("raw", "phases"),
        [
            ("1/2", (TrialPhase.PHASE_1, TrialPhase.PHASE_2)),
            ("Phase II-III", (TrialPhase.PHASE_2, TrialPhase.PHASE_3)),
            ("PHASE4", (TrialPhase.PHASE_4,)),
            ("Early Phase 1", (TrialPhase.EARLY_1,)),
            ("0", (TrialPhase.EARLY_1,)),
            ("N/A", (TrialPhase.NOT_APPLICABLE,)),
            ("", ()),
        ],
    )
    def test_phases_in_anybodys_spelling(self, raw, phases):
        assert trial_words.phases_of(raw) == phases


class TestDates:
    @pytest.mark.parametrize(
        ("first", "precision", "last"),
        [
            (date(2024, 2, 1), "month", date(2024, 2, 29)),
            (date(2024, 1, 1), "year", date(2024, 12, 31)),
            (date(2024, 2, 3), "day", date(2024, 2, 3)),
        ],
    )
    def test_a_partial_date_is_read_to_its_last_day(self, first, precision, last):
        assert trial_dates.last_day(first, precision) == last

    def test_results_are_looked_for_a_year_after_the_last_day(self):
        assert trial_dates.results_due(date(2024, 2, 1), "month") == date(2025, 2, 28)
        assert trial_dates.results_due(None, "") is None
        assert FIRST["results_due_on"] == date(2028, 6, 29)

    def test_nobody_looks_for_results_of_a_withdrawn_trial(self):
        assert version(statusModule={"overallStatus": "WITHDRAWN"})["results_due_on"] is None

    def test_dates_in_words(self):
        assert trial_dates.words(date(2027, 3, 1), "month", "ESTIMATED") == "March 2027 (planned)"
        assert trial_dates.words(date(2027, 3, 9), "day", "ACTUAL") == "9 March 2027"
        assert trial_dates.words(None, "") == ""


class TestEvents:
    def kinds(self, **modules: dict) -> list[tuple]:
        return [(e.kind, e.field, e.old, e.new) for e in trial_events.changes(FIRST, version(**modules))]

    def test_nothing_happened(self):
        assert self.kinds() == []

    def test_a_status_changes(self):
        assert self.kinds(statusModule={"overallStatus": "COMPLETED"}) == [
            (TrialEventKind.STATUS_CHANGED, "status", "Recruiting", "Completed")
        ]

    def test_a_trial_stops_and_says_why(self):
        new = version(statusModule={"overallStatus": "TERMINATED", "whyStopped": "Slow enrolment"})

        stopped = next(e for e in trial_events.changes(FIRST, new) if e.kind == TrialEventKind.STOPPED)

        assert (stopped.old, stopped.new, stopped.why) == ("Recruiting", "Terminated", "Slow enrolment")
        assert stopped.registry_date == date(2026, 11, 20)

    def test_results_are_posted(self):
        struct = {"date": "2026-11-18", "type": "ACTUAL"}
        new = version(hasResults=True, statusModule={"resultsFirstPostDateStruct": struct})

        (event,) = trial_events.changes(FIRST, new)

        assert (event.kind, event.new) == (TrialEventKind.RESULTS_POSTED, "18 November 2026")
        assert event.registry_date == date(2026, 11, 18)

    def test_enrolment_becomes_actual(self):
        assert self.kinds(designModule={"enrollmentInfo": {"count": 38, "type": "ACTUAL"}}) == [
            (TrialEventKind.ENROLMENT_CHANGED, "enrolment", "40 planned", "38 enrolled")
        ]

    def test_completion_moves_in_both_dates(self):
        moved = {
            "primaryCompletionDateStruct": {"date": "2028-01", "type": "ESTIMATED"},
            "completionDateStruct": {"date": "2028-06-30", "type": "ESTIMATED"},
        }

        assert self.kinds(statusModule=moved) == [
            (TrialEventKind.COMPLETION_MOVED, "primary_completion", "June 2027 (planned)", "January 2028 (planned)"),
            (TrialEventKind.COMPLETION_MOVED, "completion", "31 December 2027 (planned)", "30 June 2028 (planned)"),
        ]

    def test_a_date_told_more_exactly_has_not_moved(self):
        exact = {"primaryCompletionDateStruct": {"date": "2027-06-14", "type": "ACTUAL"}}

        assert self.kinds(statusModule=exact) == [(TrialEventKind.UPDATED, "", "", "primary_completion")]

    def test_a_primary_outcome_changes_and_its_description_alone_does_not(self):
        other = {"primaryOutcomes": [{"measure": "Skin elasticity", "timeFrame": "6 months"}]}
        worded = {
            "primaryOutcomes": [{"measure": "wrinkle  severity", "timeFrame": "12 months", "description": "By a"}]
        }

        assert self.kinds(outcomesModule=other) == [
            (
                TrialEventKind.OUTCOME_CHANGED,
                "primary_outcomes",
                "Wrinkle severity · 12 months",
                "Skin elasticity · 6 months",
            )
        ]
        assert self.kinds(outcomesModule=worded) == [(TrialEventKind.UPDATED, "", "", "primary_outcomes")]

    def test_what_has_no_event_of_its_own_is_one_update_with_its_fields(self):
        found = self.kinds(
            descriptionModule={"briefSummary": "Other words."}, eligibilityModule={"minimumAge": "40 Years"}
        )
        assert found == [(TrialEventKind.UPDATED, "", "", "eligibility, summary")]

    def test_a_mere_date_of_update_is_said_only_when_nothing_else_is(self):
        later = {"lastUpdatePostDateStruct": {"date": "2026-11-25", "type": "ACTUAL"}}

        assert self.kinds(statusModule=later) == [(TrialEventKind.UPDATED, "", "", "updated_on")]
        assert len(self.kinds(statusModule=later | {"overallStatus": "COMPLETED"})) == 1

    def test_results_taken_down_are_no_results_posted(self):
        (event,) = trial_events.changes(version(hasResults=True), FIRST)

        assert (event.kind, event.new) == (TrialEventKind.UPDATED, "results")


class TestLinks:
    @pytest.mark.parametrize(
        ("bases", "named", "review", "score", "firm"),
        [
            ({"databank"}, 1, False, 0.95, True),
            ({"result"}, 1, False, 0.95, True),
            ({"derived"}, 1, False, 0.85, True),
            ({"text"}, 1, False, 0.8, True),
            ({"text"}, 2, False, 0.6, False),
            ({"text"}, 1, True, 0.5, False),
            ({"databank"}, 9, False, 0.5, False),
            ({"databank", "text"}, 1, False, 0.97, True),
            (set(), 1, False, 0.0, False),
        ],
    )
    def test_how_sure_the_grounds_are(self, bases, named, review, score, firm):
        value = trial_links.score(bases, n_named=named, is_review=review)

        assert (value, trial_links.is_firm(value)) == (score, firm)

    def test_alike_titles_people_and_dates_are_proposed_but_never_firm(self):
        title = "Adipose-derived stem cells for photoaged facial skin: a randomised split-face trial"
        ours = Subject(title, frozenset({"example"}), date(2020, 1, 1))

        same = trial_links.likeness(ours, Subject(title, frozenset({"example"}), date(2022, 5, 1)))
        other = trial_links.likeness(ours, Subject("Platelet-rich plasma for hair loss", frozenset(), date(2022, 5, 1)))

        assert trial_links.PROPOSED <= same < trial_links.FIRM
        assert other < trial_links.PROPOSED

    def test_no_report_publishes_a_trial_that_has_not_begun(self):
        title = "Adipose-derived stem cells for photoaged facial skin"

        assert (
            trial_links.likeness(Subject(title, starts=date(2022, 1, 1)), Subject(title, starts=date(2020, 1, 1))) == 0
        )
