"""The door to ClinicalTrials.gov, spoken to over HTTP at the local registry; and every real study that is at hand."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from studies.sources.clinicaltrials import BATCH, BadQuestion, ClinicalTrials, door, question, updated_since
from studies.sources.clinicaltrials_json import NotAStudy, partial_date, read
from studies.sources.web import SourceRefused, SourceUnavailable
from tests.ncbi.registry import RegistryServer, trial
from tests.ncbi.server import Fault

_BESIDE = [parent / "shared" / "data" / "ctgov_v2" for parent in Path(__file__).resolve().parents]
REAL = next((folder for folder in _BESIDE if folder.is_dir()), _BESIDE[0])
needs_real_studies = pytest.mark.skipif(not REAL.is_dir(), reason="the real studies are not beside the checkout")
NUMBERS = [f"NCT{i:08d}" for i in range(1, 8)]

Asker = Callable[..., ClinicalTrials]


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer(trial(number, updated=f"2026-11-{10 + i}") for i, number in enumerate(NUMBERS)) as server:
        yield server


@pytest.fixture
def asker(server: RegistryServer) -> Asker:
    """Makes a door to the local registry that does not wait long."""

    def make(**options) -> ClinicalTrials:
        quick = {"user_agent": "stratum", "timeout": 5.0, "limiter": lambda: None, "pauses": (0.01,) * 3}
        return door(base_url=server.url, **quick | options)

    return make


class TestQuestion:
    def test_each_line_is_a_parameter(self):
        assert question("query.cond=skin aging OR wrinkle\nquery.intr = stem cell\n") == {
            "query.cond": "skin aging OR wrinkle",
            "query.intr": "stem cell",
        }

    def test_a_pasted_query_string_is_read_too(self):
        text = "query.cond=(wrinkle)&query.intr=(a AND b)&filter.advanced=AREA[StudyType]INTERVENTIONAL"
        assert list(question(text)) == ["query.cond", "query.intr", "filter.advanced"]

    def test_words_alone_are_a_term(self):
        assert question('(exosome) AND "anti-aging"') == {"query.term": '(exosome) AND "anti-aging"'}

    @pytest.mark.parametrize(
        ("text", "why"),
        [("", "empty"), ("filter.phase=2", "no parameter"), ("query.cond=a\nquery.cond=b", "twice")],
    )
    def test_what_cannot_be_asked_is_refused(self, text, why):
        with pytest.raises(BadQuestion, match=why):
            question(text)

    def test_the_window_joins_a_filter_that_is_there(self):
        asked = updated_since({"filter.advanced": "AREA[Phase]PHASE2"}, date(2026, 11, 1))

        assert asked["filter.advanced"] == "(AREA[Phase]PHASE2) AND AREA[LastUpdatePostDate]RANGE[2026-11-01,MAX]"


class TestAsking:
    def test_pages_are_walked_with_all_parameters_repeated(self, server, asker):
        server.empty_page_before = {2}

        listed = list(asker(page=3).listed(question("query.cond=skin aging\nquery.intr=stem cell")))

        assert [one.number for one in listed] == NUMBERS[::-1]
        assert listed[0].updated == "2026-11-16"
        pages = server.asked("studies")
        assert len(pages) == 4
        assert all(page.param("query.cond") == "skin aging" and page.param("sort") for page in pages)
        assert [bool(page.param("pageToken")) for page in pages] == [False, True, True, True]

    def test_a_window_narrows_the_list(self, asker):
        since = updated_since(question("query.term=photoaged"), date(2026, 11, 14))

        assert [one.number for one in asker().listed(since)] == NUMBERS[:3:-1]

    def test_at_most_so_many(self, asker):
        assert len(list(asker().listed(question("skin"), at_most=2))) == 2

    def test_a_count_needs_no_list(self, server, asker):
        assert asker().count(question("query.intr=exosome")) == 0
        assert asker().count(question("query.intr=stem cell")) == 7
        assert server.asked("studies")[-1].param("pageSize") == "1"

    def test_numbers_are_fetched_in_one_request_without_results_sections(self, server, asker):
        batch = asker().fetch([*NUMBERS, "NCT99999999"])

        assert {one.number for one in batch.registrations} == set(NUMBERS)
        assert len(server.requests) == 1
        assert "resultsSection" not in server.requests[0].param("fields")
        assert server.requests[0].headers["User-Agent"] == "stratum"

    def test_a_number_given_up_is_served_under_its_new_one(self, server, asker):
        server.put(trial("NCT00000050", alias="NCT00000049"))

        assert asker().fetch(["NCT00000049"]).registrations[0].aliases == ("NCT00000049",)
        assert asker().current_number("NCT00000049") == "NCT00000050"
        assert asker().current_number("NCT00000050") == "NCT00000050"
        assert asker().current_number("NCT00000051") is None

    def test_too_many_numbers_are_the_callers_fault(self, asker):
        with pytest.raises(ValueError, match="from 1 to"):
            asker().fetch(["NCT00000001"] * (BATCH + 1))

    def test_a_study_that_cannot_be_read_costs_no_other(self, server, asker):
        server.studies[NUMBERS[0]]["protocolSection"]["identificationModule"]["nctId"] = "NCT00000001"
        del server.studies[NUMBERS[1]]["protocolSection"]["identificationModule"]["briefTitle"]
        server.studies[NUMBERS[2]]["protocolSection"]["designModule"]["enrollmentInfo"] = {"count": "forty"}

        found = {one.number: one for one in asker().fetch(NUMBERS[:3]).registrations}

        assert found[NUMBERS[1]].title == ""
        assert found[NUMBERS[2]].enrolment is None


class TestTrouble:
    @pytest.mark.parametrize("kind", ["500", "429", "html", "truncated", "short", "empty", "reset", "hangup"])
    def test_what_passes_is_asked_again(self, server, asker, kind):
        server.faults = [Fault("studies", kind, times=2)]

        assert asker().count(question("skin")) == 7
        assert len(server.requests) == 3

    def test_what_does_not_pass_is_named(self, server, asker):
        server.faults = [Fault("*", "503", times=9)]

        with pytest.raises(SourceUnavailable, match=r"ClinicalTrials.gov, count of a search: HTTP 503.*4 tries"):
            asker().count(question("skin"))

    def test_a_bad_question_is_told_in_the_registrys_words(self, server, asker):
        with pytest.raises(SourceRefused, match="HTTP 400, Bad request: a bracket is not closed"):
            asker().count(question("query.cond=(skin"))
        assert len(server.requests) == 1

    def test_a_program_it_does_not_like_hears_which_setting_names_it(self, server, asker):
        server.agents = {"python-httpx/0.28"}

        with pytest.raises(SourceRefused, match="CTGOV_USER_AGENT"):
            asker().count(question("skin"))
        assert asker(user_agent="python-httpx/0.28").count(question("skin")) == 7

    def test_pages_without_an_end_are_given_up(self, server, asker):
        with pytest.raises(SourceRefused, match="do not come to an end"):
            list(asker(page=3, most_pages=2).listed(question("skin")))


class TestReading:
    @pytest.mark.parametrize(
        ("raw", "first", "precision"),
        [
            ("2019-03-05", date(2019, 3, 5), "day"),
            ("2019-03", date(2019, 3, 1), "month"),
            ("2019", date(2019, 1, 1), "year"),
        ],
    )
    def test_dates_keep_their_precision(self, raw, first, precision):
        found = partial_date(raw)

        assert (found.first_day, found.precision, found.raw) == (first, precision, raw)

    @pytest.mark.parametrize("raw", ["", "2019-13", "2019-02-30", "March 2019", "19-03"])
    def test_what_is_no_date_is_left_out(self, raw):
        assert partial_date(raw) is None

    @pytest.mark.parametrize("study", [None, [], {}, {"FullStudiesResponse": {}}, {"protocolSection": {"x": 1}}])
    def test_what_is_no_study_is_named(self, study):
        with pytest.raises(NotAStudy):
            read(study)

    def test_phases_may_be_absent_or_not_applicable(self):
        assert read(trial("NCT00000001", phases=None)).phases == ()
        assert read(trial("NCT00000001", phases=["NA"])).phases == ("NA",)

    def test_the_type_of_a_date_may_be_missing(self):
        study = trial("NCT00000001")
        del study["protocolSection"]["statusModule"]["startDateStruct"]["type"]

        assert read(study).start.kind == ""


@needs_real_studies
class TestRealStudies:
    @pytest.fixture
    def studies(self) -> list[dict]:
        documents = [json.loads(path.read_text()) for path in sorted(REAL.glob("*.json"))]
        return [study for document in documents for study in document.get("studies", [document])]

    def test_every_study_of_version_2_is_read_and_the_classic_ones_are_refused(self, studies):
        of_two = [study for study in studies if "protocolSection" in study]
        classic = [study for study in studies if "protocolSection" not in study]

        assert len([read(study) for study in of_two]) == 13
        for study in classic:
            with pytest.raises(NotAStudy, match="classic"):
                read(study)

    def test_every_value_is_where_an_independent_reading_finds_it(self, studies):
        """Counts leaves of the JSON by their paths, without any code of ours."""
        paths = {
            "armsInterventionsModule.armGroups[].label": lambda r: [a.label for a in r.arms],
            "armsInterventionsModule.armGroups[].type": lambda r: [a.kind for a in r.arms],
            "armsInterventionsModule.armGroups[].interventionNames[]": lambda r: [
                i for a in r.arms for i in a.interventions
            ],
            "armsInterventionsModule.interventions[].name": lambda r: [i.name for i in r.interventions],
            "armsInterventionsModule.interventions[].type": lambda r: [i.kind for i in r.interventions],
            "armsInterventionsModule.interventions[].otherNames[]": lambda r: [
                n for i in r.interventions for n in i.other_names
            ],
            "conditionsModule.conditions[]": lambda r: r.conditions,
            "conditionsModule.keywords[]": lambda r: r.keywords,
            "designModule.phases[]": lambda r: r.phases,
            "designModule.studyType": lambda r: [r.study_type],
            "designModule.enrollmentInfo.count": lambda r: [r.enrolment],
            "designModule.enrollmentInfo.type": lambda r: [r.enrolment_kind],
            "designModule.designInfo.allocation": lambda r: [r.design.allocation],
            "designModule.designInfo.maskingInfo.masking": lambda r: [r.design.masking],
            "designModule.designInfo.maskingInfo.whoMasked[]": lambda r: r.design.masked,
            "outcomesModule.primaryOutcomes[].measure": lambda r: [o.measure for o in r.primary_outcomes],
            "outcomesModule.primaryOutcomes[].timeFrame": lambda r: [o.time_frame for o in r.primary_outcomes],
            "outcomesModule.secondaryOutcomes[].measure": lambda r: [o.measure for o in r.secondary_outcomes],
            "outcomesModule.otherOutcomes[].measure": lambda r: [o.measure for o in r.other_outcomes],
            "eligibilityModule.eligibilityCriteria": lambda r: [r.eligibility.criteria],
            "eligibilityModule.minimumAge": lambda r: [r.eligibility.from_age],
            "identificationModule.nctId": lambda r: [r.number],
            "identificationModule.briefTitle": lambda r: [r.title],
            "identificationModule.officialTitle": lambda r: [r.official_title],
            "identificationModule.acronym": lambda r: [r.acronym],
            "identificationModule.secondaryIdInfos[].id": lambda r: [o.value for o in r.other_ids[1:]],
            "sponsorCollaboratorsModule.leadSponsor.name": lambda r: [r.sponsor.name],
            "sponsorCollaboratorsModule.leadSponsor.class": lambda r: [r.sponsor.kind],
            "sponsorCollaboratorsModule.collaborators[].name": lambda r: [c.name for c in r.collaborators],
            "statusModule.overallStatus": lambda r: [r.status],
            "statusModule.whyStopped": lambda r: [r.why_stopped],
            "statusModule.statusVerifiedDate": lambda r: [r.verified],
            "statusModule.startDateStruct.date": lambda r: [r.start and r.start.day.raw],
            "statusModule.startDateStruct.type": lambda r: [r.start and r.start.kind],
            "statusModule.primaryCompletionDateStruct.date": lambda r: [r.primary_completion.day.raw],
            "statusModule.completionDateStruct.date": lambda r: [r.completion.day.raw],
            "statusModule.studyFirstPostDateStruct.date": lambda r: [r.first_posted.isoformat()],
            "statusModule.lastUpdatePostDateStruct.date": lambda r: [r.updated.isoformat()],
            "statusModule.resultsFirstPostDateStruct.date": lambda r: [
                r.results_posted and r.results_posted.isoformat()
            ],
            "referencesModule.references[].citation": lambda r: [c.citation for c in r.references],
            "referencesModule.references[].pmid": lambda r: [c.pmid and str(c.pmid) for c in r.references],
            "referencesModule.references[].type": lambda r: [c.kind for c in r.references],
        }
        n_values = 0
        for study in (study for study in studies if "protocolSection" in study):
            theirs, ours = _leaves(study["protocolSection"]), read(study)
            for path, take in paths.items():
                expected = [value.strip() if isinstance(value, str) else value for value in theirs.get(path, [])]
                assert [value for value in take(ours) if value not in ("", None)] == expected, (ours.number, path)
                n_values += len(expected)
            places = theirs.get("contactsLocationsModule.locations[].country", [])
            assert set(ours.countries) == set(places)
            assert ours.has_results == study["hasResults"]
        assert n_values > 700


def _leaves(node: object, path: str = "") -> dict[str, list]:
    found: dict[str, list] = {}
    if isinstance(node, dict):
        inner = [(value, f"{path}.{name}" if path else name) for name, value in node.items()]
    elif isinstance(node, list):
        inner = [(value, f"{path}[]") for value in node]
    else:
        return {path: [node]}
    for value, place in inner:
        for name, values in _leaves(value, place).items():
            found.setdefault(name, []).extend(values)
    return found
