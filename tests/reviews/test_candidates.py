"""Where reports come from: searches run again, files, single reports; nothing lost, repeated or asked anew."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from reviews import tasks
from reviews.actions import candidates as actions
from reviews.actions.candidates import identifiers_in
from reviews.models import Candidate, CandidateRecord, ReviewSource, ScreeningDecision, SourceRun
from reviews.queries import candidates as queries
from reviews.queries.card import card_of
from reviews.terms import AddedBy, Decision, SourceKind, Verdict
from studies.actions import running
from studies.models import AuditEvent, Finding, Report, Search, SearchRun, Study, Tag
from studies.terms import FindingResult, RunKind, RunState, TagOrigin, TagStatus
from tests.factories import give_tag, make_study, make_tag
from tests.reviews.conftest import Cast

pytestmark = pytest.mark.django_db

RIS = """TY  - JOUR
TI  - A synthetic trial of nanofat on the neck
AU  - Roe, Ruth
PY  - 2021
DO  - 10.5555/synthetic.embase.1
ER  -
TY  - JOUR
TI  - A synthetic trial of exosomes on the hand
AU  - Moe, Max
PY  - 2022
DO  - 10.5555/synthetic.embase.2
ER  -
TY  - JOUR
TI  - A synthetic trial of nanofat on the neck
AU  - Roe, Ruth
PY  - 2021
DO  - 10.5555/synthetic.embase.1
ER  -
"""


def a_run(search: Search, reports: list[Report], state: str = RunState.FINISHED) -> SearchRun:
    """A run of the search that found these reports, as the catalogue's own writes it."""
    run = SearchRun.objects.create(
        search=search, kind=RunKind.SEARCH, asked=search.query, state=state, touched_at=timezone.now()
    )
    Finding.objects.bulk_create(
        Finding(run=run, position=place, identifier=str(report.pmid), report=report, result=FindingResult.KNOWN)
        for place, report in enumerate(reports, 1)
    )
    return run


@pytest.fixture
def reports(db) -> list[Report]:
    return [make_study().reports.get() for _ in range(5)]


@pytest.fixture
def search(db) -> Search:
    return Search.objects.create(name="Nanofat", query="nanofat")


@pytest.fixture
def feeding(cast: Cast, search: Search, reports: list[Report]):
    a_run(search, reports[:3])
    return actions.add_search(cast.review, search, by=cast.lead, kind=SourceKind.DATABASE, name="PubMed search")


def ours(cast: Cast) -> set[int]:
    return set(Candidate.objects.filter(review=cast.review).values_list("report", flat=True))


def test_a_search_brings_what_it_has_found_so_far(cast, feeding, reports):
    assert {report.pk for report in reports[:3]} <= ours(cast)
    assert CandidateRecord.objects.filter(source=feeding.source).count() == 3
    assert AuditEvent.objects.filter(verb="added search", detail__review=cast.review.pk).exists()


def test_new_results_join_a_running_review_without_asking_anything_again(cast, feeding, search, reports):
    decided = Candidate.objects.get(review=cast.review, report=reports[0])
    cast.say(cast.first, decided, Decision.EXCLUDE)
    cast.say(cast.second, decided, Decision.EXCLUDE)
    a_run(search, reports)

    assert actions.feed() == 2
    assert actions.feed() == 0

    decided.refresh_from_db()
    assert decided.verdict == Verdict.EXCLUDED
    assert {report.pk for report in reports} <= ours(cast)
    # A record is counted once a source, however many runs return it.
    assert CandidateRecord.objects.filter(source=feeding.source).count() == 5


def test_a_report_that_a_search_finds_no_more_stays_with_its_decisions(cast, feeding, search, reports):
    """HAWC deletes screened references when their search is run again."""
    gone = Candidate.objects.get(review=cast.review, report=reports[0])
    cast.say(cast.first, gone, Decision.INCLUDE)
    a_run(search, reports[3:])

    actions.feed()

    gone.refresh_from_db()
    assert gone.decisions.count() == 1
    assert gone.verdict == Verdict.SCREENED_ONCE


def test_a_run_that_goes_on_after_it_stopped_is_taken_over_again(cast, feeding, search, reports):
    run = a_run(search, reports[3:4], state=RunState.PAUSED)
    assert actions.feed() == 1
    Finding.objects.create(run=run, position=2, identifier="x", report=reports[4], result=FindingResult.CREATED)
    SearchRun.objects.filter(pk=run.pk).update(state=RunState.FINISHED, touched_at=timezone.now())

    assert actions.feed() == 1
    assert reports[4].pk in ours(cast)


def test_a_run_under_way_is_left_alone(cast, feeding, search, reports):
    a_run(search, reports, state=RunState.RUNNING)

    assert actions.feed() == 0


def test_a_search_taken_off_feeds_no_more_and_what_it_brought_stays(cast, feeding, search, reports):
    before = ours(cast)

    actions.remove_search(feeding, by=cast.lead)
    a_run(search, reports)
    actions.feed()

    assert ours(cast) == before
    with_it = actions.add_search(cast.review, search, by=cast.lead, kind=SourceKind.DATABASE, name="PubMed search")
    assert with_it.source == feeding.source


def test_one_search_cannot_feed_a_review_twice(cast, feeding, search):
    with pytest.raises(actions.FeedsAlready):
        actions.add_search(cast.review, search, by=cast.lead, kind=SourceKind.DATABASE, name="Again")


def test_grouping_reports_into_a_study_moves_no_decision_and_back_neither(cast):
    first, second = cast.reports[:2]
    cast.say(cast.first, first, Decision.EXCLUDE)
    rows = list(Candidate.objects.order_by("pk").values())
    study, other = first.report.study_id, second.report.study_id

    Report.objects.filter(pk=second.report_id).update(study=study)
    Report.objects.filter(pk=second.report_id).update(study=other)

    assert list(Candidate.objects.order_by("pk").values()) == rows
    assert ScreeningDecision.objects.get().candidate == first


def test_a_file_joins_from_its_named_source_and_its_doubled_record_counts_twice(cast, settings, tmp_path):
    settings.UPLOADS = tmp_path
    run = actions.import_file(
        cast.review,
        by=cast.first,
        file_name="embase.ris",
        stream=BytesIO(RIS.encode()),
        kind=SourceKind.DATABASE,
        name="Embase",
        note="Ovid, 1 March 2026",
    )
    assert actions.feed() == 0

    running.carry_on(run.pk)
    tasks.tick()

    source = ReviewSource.objects.get(name="Embase")
    assert source.records.count() == 3
    assert Candidate.objects.filter(records__source=source).distinct().count() == 2
    assert set(Candidate.objects.filter(records__source=source).values_list("added_how", flat=True)) == {AddedBy.FILE}
    again = actions.import_file(
        cast.review, by=cast.first, file_name="embase.ris", stream=BytesIO(RIS.encode()), kind="database", name="Embase"
    )
    running.carry_on(again.pk)
    tasks.tick()
    assert source.records.count() == 3


def test_single_reports_are_added_by_number_and_unknown_ones_are_asked_for(cast, reports):
    added = actions.add_reports(
        cast.review,
        by=cast.first,
        pmids=[reports[0].pmid, 1],
        dois=[reports[1].doi, reports[0].doi],
        kind=SourceKind.CITATION,
        name="References of a review",
    )

    assert (added.n_new, added.n_known) == (2, 0)
    assert (added.run.kind, added.run.asked) == (RunKind.PMIDS, "1")
    assert SourceRun.objects.get(run=added.run).how == AddedBy.CITATION
    assert Candidate.objects.get(review=cast.review, report=reports[0]).added_how == AddedBy.CITATION
    again = actions.add_reports(
        cast.review, by=cast.first, pmids=[reports[0].pmid], dois=[], kind=SourceKind.CITATION, name="Another"
    )
    assert (again.n_new, again.n_known, again.run) == (0, 1, None)


def test_identifiers_are_read_from_any_text():
    pmids, dois, rest = identifiers_in("PMID: 123, https://doi.org/10.5555/Abc.1; 123\n456 nonsense")

    assert (pmids, dois, rest) == ([123, 456], ["10.5555/abc.1"], ["nonsense"])


def test_sources_count_records_and_reports(cast, feeding):
    found = {source.name: (source.n_records, source.n_reports) for source in queries.sources(cast.review)}

    assert found == {"PubMed": (3, 3), "PubMed search": (3, 3)}


def test_every_candidate_stands_in_one_list_of_its_stage(cast):
    cast.pass_first(cast.reports[0])
    cast.say(cast.first, cast.reports[1], Decision.MAYBE)

    numbers = queries.counts(cast.review, cast.lead)

    assert (numbers["all"], numbers["undecided"], numbers["waiting"], numbers["advanced"]) == (3, 1, 1, 1)
    assert numbers["to-assess"] == 1


def test_the_page_of_sources_takes_files_reports_and_searches(cast, search, settings, tmp_path):
    settings.UPLOADS = tmp_path
    client, slug = cast.client(cast.lead), cast.review.slug
    named = {"kind": "database", "name": "Embase"}
    file, other = SimpleUploadedFile("embase.ris", RIS.encode()), SimpleUploadedFile("x.ris", b"\x00")

    took = client.post(reverse("reviews:import", args=[slug]), {**named, "file": file})
    broken = client.post(reverse("reviews:import", args=[slug]), {**named, "file": other})
    nonsense = client.post(reverse("reviews:reports_add", args=[slug]), {**named, "identifiers": "nonsense"})
    chosen = client.post(reverse("reviews:search_add", args=[slug]), {**named, "search": search.pk})
    twice = client.post(reverse("reviews:search_add", args=[slug]), {**named, "search": search.pk})

    codes = [answer.status_code for answer in (took, broken, nonsense, chosen, twice)]
    assert codes == [302, 422, 422, 302, 422]
    assert "nonsense" in nonsense.content.decode()


def test_a_file_larger_than_a_form_may_be_is_taken_by_the_page_of_sources_alone(cast, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    client, slug = cast.client(cast.lead), cast.review.slug

    taken = client.post(
        reverse("reviews:import", args=[slug]), {"note": "x" * 2000, "file": SimpleUploadedFile("x", b"")}
    )
    refused = client.post(reverse("reviews:words", args=[slug]), {"include_words": "x" * 2000})

    assert taken.status_code != 413
    assert refused.status_code == 413
    assert Study.objects.exists()


def test_a_card_says_which_of_its_tags_nobody_has_settled(cast):
    candidate = cast.reports[0]
    study, first = candidate.report.study, {"by": cast.first}
    give_tag(study, make_tag("agreed"), **first)
    give_tag(study, make_tag("disputed"), **first)
    give_tag(study, Tag.objects.get(slug="disputed"), by=cast.second, status=TagStatus.REJECTED)
    give_tag(study, make_tag("brought along"), origin=TagOrigin.STARTER)
    give_tag(study, make_tag("read by a rule"), origin=TagOrigin.RULE, status=TagStatus.SUGGESTED, rule="words")

    tags = card_of(cast.review, candidate.pk, candidate.stage, cast.lead).tags

    assert {(tag.label, tag.caution) for tag in tags} == {
        ("Agreed", ""),
        ("Disputed", "disputed"),
        ("Brought along", "starter data"),
        ("Read by a rule", "suggested"),
    }
