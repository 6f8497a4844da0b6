"""The Trials pages: the list and its filters, one trial, proposals, registrations entered and imported."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from studies.actions import grouping, trials
from studies.actions.catalogue import upsert as upsert_records
from studies.actions.study_rows import refresh_studies
from studies.models import (
    AuditEvent,
    SearchRun,
    Study,
    StudyGrouping,
    TrialEvent,
    TrialLink,
    TrialRegistration,
)
from studies.sources.clinicaltrials_json import read
from studies.sources.record import DataBank, Record, Section
from studies.terms import ProposalState, RunState, TrialEventKind
from tests.factories import give_tag, make_registration, make_study, make_tag
from tests.ncbi.registry import trial

pytestmark = pytest.mark.django_db
ONE, TWO, THREE = "NCT00000001", "NCT00000002", "NCT00000003"
LIST = "/trials/"


def take(*studies: dict, **options) -> None:
    options = {"source": "registry", "is_found": True} | options
    trials.upsert([read(study) for study in studies], **options)


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def numbers(answer) -> list[str]:
    """The trials of a list, in its order."""
    return re.findall(r'<th scope="row"><a href="/trials/([^/"]+)/"', answer.content.decode())


def n_queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(address)
    return len(queries)


@pytest.fixture
def three() -> None:
    take(
        trial(ONE, updated="2026-11-01", phases=["PHASE3"], count=90, sponsor="Graz"),
        trial(TWO, updated="2026-11-20", status="TERMINATED", phases=None, title="Exosomes for melasma"),
        trial(THREE, updated="2026-10-01", status="COMPLETED", primary="2020-01"),
    )


class TestList:
    def test_it_shows_the_last_updated_first_with_what_is_registered(self, three, visitor):
        answer = visitor.get(LIST)

        assert numbers(answer) == [TWO, ONE, THREE]
        text = text_of(answer)
        assert "3 trials" in text and "90 planned" in text and "June 2027 (planned)" in text and "Graz" in text

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?q=melasma", [TWO]),
            ("?q=NCT00000003", [THREE]),
            ("?status=terminated", [TWO]),
            ("?status=terminated&status=recruiting", [TWO, ONE]),
            ("?phase=PHASE3", [ONE]),
            ("?phase=none", [TWO]),
            ("?registry=ISRCTN", []),
            ("?stopped=1", [TWO]),
            ("?overdue=1", [THREE]),
            ("?results=1", []),
            ("?new=1", [TWO, ONE, THREE]),
            ("?published=1", []),
            ("?unpublished=1&sort=enrolment", [ONE, THREE, TWO]),
            ("?sort=completion", [THREE, ONE, TWO]),
        ],
    )
    def test_the_address_is_the_question(self, three, visitor, query, found):
        assert numbers(visitor.get(LIST + query)) == found

    def test_what_is_new_ages(self, three, visitor):
        TrialRegistration.objects.filter(number=ONE).update(first_seen_at=timezone.now() - timedelta(days=31))

        assert numbers(visitor.get(LIST + "?new=1")) == [TWO, THREE]

    def test_trials_only_named_in_a_text_are_shown_when_asked_for(self, visitor):
        text = (Section(f"As {ONE} and {TWO} show."),)
        upsert_records([Record(pmid=5, title="Review", abstract=text)], source="pubmed")

        assert numbers(visitor.get(LIST)) == []
        assert set(numbers(visitor.get(LIST + "?everything=1"))) == {ONE, TWO}

    def test_a_publication_counts_and_ends_no_results_found(self, three, visitor):
        upsert_records([Record(pmid=5, title="Cells", databanks=(DataBank("x", (THREE,)),))], source="pubmed")

        assert numbers(visitor.get(LIST + "?overdue=1")) == []
        assert numbers(visitor.get(LIST + "?published=1")) == [THREE]

    def test_terms_are_those_of_the_study_tagged_or_suggested(self, three, visitor, admin):
        fat = make_tag("fat")
        nanofat = make_tag("nanofat", parent=fat)
        study = Study.objects.get(registrations__number=ONE)
        give_tag(study, nanofat, by=admin)
        give_tag(Study.objects.get(registrations__number=TWO), fat, origin="rule", status="suggested", rule="r")
        refresh_studies([study.pk])

        assert numbers(visitor.get(LIST + "?sources=fat")) == [TWO, ONE]
        assert numbers(visitor.get(LIST + "?sources=nanofat")) == [ONE]

    def test_counts_are_those_under_the_other_filters(self, three, visitor):
        page = visitor.get(LIST + "?stopped=1").content.decode()

        assert re.search(r'for="status-terminated">Terminated</label><span class="facet__count">1<', page)
        assert "status-recruiting" not in page

    def test_nonsense_is_said_and_left_out(self, three, visitor):
        answer = visitor.get(LIST + "?status=asleep&page=x&sort=up&q=%00")

        assert answer.status_code == 200
        assert "not understood" in text_of(answer) and "status=asleep" in text_of(answer)

    def test_pages_are_walked_by_links(self, visitor):
        take(*(trial(f"NCT{i:08d}") for i in range(1, 31)))

        first, second = visitor.get(LIST), visitor.get(LIST + "?page=2")

        assert len(numbers(first)) == 25 and len(numbers(second)) == 5
        assert not set(numbers(first)) & set(numbers(second))
        assert 'rel="next" href="/trials/?page=2"' in first.content.decode()

    def test_the_list_asks_the_database_as_often_for_twenty_trials_as_for_ten(self, visitor):
        take(*(trial(f"NCT{i:08d}") for i in range(1, 11)))
        for_ten = n_queries(visitor, LIST)
        take(*(trial(f"NCT{i:08d}") for i in range(11, 21)))

        assert n_queries(visitor, LIST) == for_ten <= 14

    def test_the_table_leaves_as_csv_with_the_filters(self, three, visitor):
        answer = visitor.get("/trials/export.csv?stopped=1")

        rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
        assert [row["Registration"] for row in rows] == [TWO]
        assert rows[0]["Status"] == "Terminated" and rows[0]["Primary completion"] == "June 2027 (planned)"

    def test_its_feed_tells_of_the_trials_it_finds(self, three, visitor):
        feed = visitor.get("/trials/feed.atom?stopped=1").content.decode()

        assert "Exosomes for melasma" in feed and ONE not in feed


class TestTrial:
    def test_every_field_and_every_gap_is_said(self, visitor):
        study = trial(ONE, phases=None)
        del study["protocolSection"]["designModule"]["enrollmentInfo"]
        take(study)

        text = text_of(visitor.get(f"/trials/{ONE}/"))

        assert "Wrinkle severity" in text and "12 months" in text and "Ana Example" in text
        assert "Enrolment not stated" in text and "Phase not stated" in text
        assert f"{ONE} at ClinicalTrials.gov" in text

    def test_its_timeline_is_in_plain_words(self, visitor):
        take(trial(ONE))
        take(trial(ONE, status="TERMINATED", count=12))
        TrialRegistration.objects.update(why_stopped="No funds")

        text = text_of(visitor.get(f"/trials/{ONE}/"))

        assert "Stopped: “Recruiting” became “Terminated”" in text
        assert "Enrolment changed from 40 planned to 12 planned" in text
        assert "Reason given: No funds" in text

    def test_no_results_found_is_said_and_nobody_is_blamed(self, three, visitor):
        text = text_of(visitor.get(f"/trials/{THREE}/"))

        assert "No results found" in text and "complian" not in text

    def test_publications_say_who_says_so(self, three, visitor):
        upsert_records([Record(pmid=5, title="Cells at last", databanks=(DataBank("x", (ONE,)),))], source="pubmed")

        text = text_of(visitor.get(f"/trials/{ONE}/"))

        assert "Cells at last" in text and "PubMed&#x27;s databank list; not yet confirmed" in text

    def test_other_spellings_and_old_numbers_lead_to_it_and_unknown_ones_nowhere(self, visitor):
        take(trial(TWO, alias=ONE))

        assert visitor.get("/trials/nct00000002/").url == f"/trials/{TWO}/"
        assert visitor.get(f"/trials/{ONE}/").url == f"/trials/{TWO}/"
        assert visitor.get("/trials/NCT00000009/").status_code == 404

    def test_a_number_with_slashes_or_blanks_has_an_address(self, visitor):
        for number in ("CTRI/2020/01/022876", "IRCT page 76107"):
            row = TrialRegistration.objects.create(number=number)
            assert visitor.get(row.get_absolute_url()).status_code == 200

    def test_nothing_from_a_registry_is_markup(self, visitor):
        bad = "<script>alert(1)</script>"
        take(trial(ONE, title=bad, sponsor=bad, gives=bad, conditions=[bad], leader=bad))
        take(trial(ONE, title=bad, status="TERMINATED"))

        for address in (f"/trials/{ONE}/", LIST, Study.objects.get().get_absolute_url()):
            assert bad not in visitor.get(address).content.decode()

    def test_it_asks_the_database_as_often_for_many_events_as_for_few(self, visitor):
        take(trial(ONE))
        few = n_queries(visitor, f"/trials/{ONE}/")
        row = TrialRegistration.objects.get()
        TrialEvent.objects.bulk_create(TrialEvent(registration=row, kind="updated", new=str(i)) for i in range(20))

        assert n_queries(visitor, f"/trials/{ONE}/") == few <= 12

    def test_the_study_shows_the_timeline_too(self, three, visitor):
        study = Study.objects.get(registrations__number=TWO)

        text = text_of(visitor.get(study.get_absolute_url()))

        assert "What happened" in text and "First read by Stratum" in text


class TestProposals:
    @pytest.fixture
    def link(self) -> TrialLink:
        take(trial(ONE))
        upsert_records([Record(pmid=5, title="Cells at last", databanks=(DataBank("x", (ONE,)),))], source="pubmed")
        return TrialLink.objects.get()

    def test_both_sides_are_shown_and_one_word_settles_it(self, link, reviewer_client):
        text = text_of(reviewer_client.get("/trials/proposals/"))
        assert ONE in text and "Cells at last" in text and "0.95 of 1" in text

        answer = reviewer_client.post(decide(link, "confirm"), {"why": "Same number"}, follow=True)

        assert "They are one study now" in text_of(answer)
        assert Study.objects.count() == 1
        assert "Same number" in text_of(reviewer_client.get("/trials/proposals/?state=confirmed"))

    def test_a_grouped_study_keeps_its_address(self, link, reviewer_client, visitor):
        registered = link.registration.study
        reviewer_client.post(decide(link, "confirm"))

        answer = visitor.get(registered.get_absolute_url(), follow=True)

        assert answer.redirect_chain and "Cells at last" in text_of(answer)

    def test_undo_brings_both_back(self, link, reviewer_client):
        reviewer_client.post(decide(link, "confirm"))

        reviewer_client.post(decide(link, "undo"))

        assert Study.objects.count() == 2

    def test_what_somebody_else_settled_meanwhile_is_said(self, link, reviewer_client):
        reviewer_client.post(decide(link, "reject"))

        answer = reviewer_client.post(decide(link, "confirm"))

        assert answer.status_code == 422 and "rejected by now" in text_of(answer)

    def test_unknown_acts_and_reasons_too_long_are_refused(self, link, reviewer_client):
        assert reviewer_client.post(f"/trials/proposals/link/{link.pk}/delete/").status_code == 404
        assert reviewer_client.post(decide(link, "confirm"), {"why": "x" * 501}).status_code == 422
        assert TrialLink.objects.get().state == ProposalState.PROPOSED

    def test_somebody_proposes_two_studies_by_their_identifiers(self, admin, admin_client):
        one, other = make_study("First report"), make_study("Second report")
        given = {"one": str(one.reports.get().pmid), "other": f"study {other.pk}"}

        answer = admin_client.post("/trials/proposals/", given, follow=True)
        assert "Second report" in text_of(answer)
        made = StudyGrouping.objects.get()
        admin_client.post(decide(made, "confirm"))

        assert Study.objects.get() == one
        grouping.undo(StudyGrouping.objects.get(), by=admin)
        assert Study.objects.count() == 2

    @pytest.mark.parametrize("other", ["", "PMID 1", "study 999999", "study " + "9" * 30])
    def test_what_names_no_study_is_refused(self, other, reviewer_client):
        study = make_study("Only one")

        answer = reviewer_client.post("/trials/proposals/", {"one": f"study {study.pk}", "other": other})

        assert answer.status_code == 422
        assert not StudyGrouping.objects.exists()


class TestByHand:
    given = {
        "number": "isrctn 12345678",
        "title": "Fat cells for scars",
        "status": "recruiting",
        "phases": ["PHASE1", "PHASE2"],
        "enrolment": "24",
        "enrolment_kind": "ESTIMATED",
        "start": "2026-03",
        "primary_completion": "2027-05-01",
        "conditions": "Scar\nAcne scar",
        "url": "https://www.isrctn.com/ISRCTN12345678",
    }

    def test_a_registration_of_another_registry_is_entered_and_corrected(self, admin_client):
        answer = admin_client.post("/trials/enter/", self.given)

        assert answer.status_code == 302, text_of(answer)
        row = TrialRegistration.objects.get()
        assert (row.number, row.source, row.phases) == ("ISRCTN12345678", "person", ["PHASE1", "PHASE2"])
        assert (row.start_precision, row.conditions) == ("month", ["Scar", "Acne scar"])
        assert row.study.title == "Fat cells for scars"
        form = admin_client.get("/trials/ISRCTN12345678/edit/").content.decode()
        assert 'value="2026-03"' in form
        admin_client.post("/trials/ISRCTN12345678/edit/", self.given | {"enrolment": "30"})
        assert TrialEvent.objects.filter(kind=TrialEventKind.ENROLMENT_CHANGED, new="30 planned").exists()
        assert AuditEvent.objects.filter(verb="updated", object_type="trialregistration").count() == 1

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"number": "12345"}, "not a number of a registry"),
            ({"number": ONE}, "is asked itself"),
            ({"start": "March 2026"}, "is not a date"),
            ({"enrolment": "many"}, "whole number"),
            ({"url": "javascript:alert(1)"}, "does not begin with http"),
            ({"title": ""}, "required"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_with_the_reason(self, wrong, why, admin_client):
        answer = admin_client.post("/trials/enter/", self.given | wrong)

        assert answer.status_code == 422 and why in text_of(answer)
        assert not TrialRegistration.objects.exists()

    def test_what_a_registry_says_is_not_edited_here(self, admin_client):
        take(trial(ONE))

        assert admin_client.get(f"/trials/{ONE}/edit/").status_code == 404


class TestImport:
    def upload(self, client: Client, text: str | bytes):
        file = SimpleUploadedFile("trials.csv", text.encode() if isinstance(text, str) else text)
        return client.post("/trials/import/", {"file": file})

    def test_good_rows_are_taken_and_bad_ones_reported_with_line_and_reason(self, admin_client):
        answer = self.upload(
            admin_client,
            "TrialID,Public title,Recruitment Status,Target size,Date enrollement,Phase,web address\n"
            "ISRCTN12345678,Fat cells,Recruiting,20,2026-01,2/3,https://example.org/1\n"
            "ChiCTR2000012345,Exosomes,Completed,many,2026-01-02,,\n"
            ",No number,,,,,\n"
            f"{ONE},Ours to ask,,,,,\n"
            "IRCT20200101012345N1,Nanofat,pending,30,2026,N/A,\n",
        )

        run = SearchRun.objects.get()
        assert answer.url == run.get_absolute_url()
        assert (run.state, run.n_found, run.n_created, run.n_rejected) == (RunState.FINISHED, 5, 2, 3)
        reasons = list(run.findings.filter(result="rejected").values_list("position", "reason"))
        assert [line for line, _ in reasons] == [3, 4, 5]
        assert "“many” is not a whole number" in reasons[0][1]
        row = TrialRegistration.objects.get(number="ISRCTN12345678")
        assert (row.phases, row.enrolment, row.source) == (["PHASE2", "PHASE3"], 20, "file")
        assert "Line 3" in text_of(admin_client.get(run.get_absolute_url()))

    def test_a_second_import_changes_nothing(self, admin_client):
        text = "number,title\nISRCTN12345678,Fat cells\n"
        self.upload(admin_client, text)
        n_events = TrialEvent.objects.count()

        self.upload(admin_client, text)

        assert TrialEvent.objects.count() == n_events
        assert SearchRun.objects.latest("pk").n_unchanged == 1

    @pytest.mark.parametrize("text", ["", "title,status\nx,y\n", b"\x00\x01\x02", 'number\n"broken'])
    def test_what_is_no_table_of_registrations_is_refused(self, text, admin_client):
        answer = self.upload(admin_client, text or b"")

        assert answer.status_code in (302, 422)
        assert not TrialRegistration.objects.exists()


def test_a_registration_that_a_study_has_is_of_the_field(visitor):
    make_registration(make_study("One"), ONE)

    assert numbers(visitor.get(LIST)) == [ONE]


def test_a_grouped_study_is_in_no_list_and_no_count(admin, visitor):
    one, other = make_study("First", design="randomised"), make_study("Second", design="randomised")
    before = text_of(visitor.get("/"))
    grouping.group(one, other, by=admin)

    assert "2 studies" in before and "1 study" in text_of(visitor.get("/"))
    assert "1 study" in text_of(visitor.get("/studies/"))
    rows = visitor.get("/studies/export/csv").getvalue().decode().splitlines()
    assert len(rows) == 2, "the names of the columns, and one study"


def decide(row: TrialLink | StudyGrouping, act: str) -> str:
    kind = "link" if isinstance(row, TrialLink) else "grouping"
    return reverse("studies:proposal_decide", args=[kind, row.pk, act])
