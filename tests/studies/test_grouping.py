"""A report and a registration of one investigation become one study, and two again: exactly."""

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.forms.models import model_to_dict

from studies.actions import grouping, likeness, linking, locks, trials
from studies.actions.catalogue import upsert as upsert_records
from studies.actions.study_rows import refresh_studies
from studies.actions.suggesting import renew
from studies.models import (
    AuditEvent,
    Report,
    Study,
    StudyGrouping,
    StudyTag,
    TrialEvent,
    TrialLink,
    TrialRegistration,
)
from studies.queries.study import where_now
from studies.sources.clinicaltrials_json import read
from studies.sources.record import Author, DataBank, PartialDate, Record, Relation
from studies.terms import ProposalState, StudyDesign, TagStatus
from tests.factories import give_tag, make_report, make_study, make_tag
from tests.ncbi.registry import trial

pytestmark = pytest.mark.django_db
ONE = "NCT00000001"
TITLE = "Adipose-derived stem cells for photoaged facial skin: a randomised split-face trial"


@pytest.fixture
def link() -> TrialLink:
    """A trial found first, then a report that names it: two studies of one investigation."""
    trials.upsert([read(trial(ONE, title=TITLE))], source="registry", is_found=True)
    record = Record(
        pmid=90_000_001,
        title="Fat cells in the face",
        authors=(Author(last="Example"),),
        databanks=(DataBank("ClinicalTrials.gov", (ONE,)),),
    )
    upsert_records([record], source="pubmed")
    return TrialLink.objects.get()


def snapshot() -> dict[str, Any]:
    """Everything that grouping may touch, without the log, the decisions and the order of a rule's rows."""
    studies = {
        study.pk: {
            field.name: getattr(study, field.attname)
            for field in Study._meta.concrete_fields
            if field.name not in ("search_vector", "suggested_with")
        }
        for study in Study.every.all()
    }
    tags = StudyTag.objects.order_by("study", "tag", "origin", "rule", "by").values(
        "study", "tag", "origin", "status", "rule", "by", "report", "phrase", "start", "end"
    )
    return {
        "studies": studies,
        "reports": list(Report.objects.order_by("pk").values_list("pk", "study", "digest")),
        "registrations": list(TrialRegistration.objects.order_by("pk").values_list("pk", "study", "alias_of")),
        "tags": list(tags),
    }


class TestLinks:
    def test_confirming_makes_one_study_that_keeps_the_reports_address(self, link, reviewer):
        registered, published = link.registration.study, link.report.study
        assert Study.objects.count() == 2

        linking.confirm(link, by=reviewer, why="Same number")

        assert Study.objects.get() == published
        published.refresh_from_db()
        assert (published.n_registrations, published.n_reports) == (1, 1)
        assert published.design != StudyDesign.REGISTERED
        assert where_now(registered.pk) == published
        assert set(AuditEvent.objects.filter(actor_id=reviewer.pk).values_list("verb", flat=True)) >= {
            "grouped",
            "took in",
            "confirmed link of",
        }

    def test_undoing_restores_exactly(self, link, reviewer, clinician):
        tag = make_tag("svf")
        give_tag(link.registration.study, tag, by=clinician)
        StudyTag.objects.create(study=link.report.study, tag=tag, origin="person", status="rejected", by=reviewer)
        Study.objects.filter(pk=link.registration.study_id).update(n_participants=12, in_default_views=True)
        Study.objects.filter(pk=link.report.study_id).update(in_default_views=False)
        _settled()
        before = snapshot()

        linking.confirm(link, by=reviewer)
        grouped = snapshot()
        linking.undo(TrialLink.objects.get(), by=reviewer)

        assert grouped != before
        assert snapshot() == before
        assert TrialLink.objects.get().state == ProposalState.PROPOSED

    def test_rejecting_counts_the_trial_by_itself_and_undoing_restores_exactly(self, reviewer):
        study = make_study(TITLE)
        report = study.reports.get()
        trials.upsert([read(trial(ONE, papers=[(report.pmid, "RESULT")]))], source="registry", is_found=True)
        _settled()
        link, before = TrialLink.objects.get(), snapshot()
        assert Study.objects.count() == 1

        linking.reject(link, by=reviewer, why="Another trial of the same group")
        own = Study.objects.get(registrations__number=ONE)
        assert (Study.objects.count(), own.design, own.n_registrations) == (2, StudyDesign.REGISTERED, 1)
        assert TrialEvent.objects.filter(new__startswith="Not its publication").exists()
        linking.undo(TrialLink.objects.get(), by=reviewer)

        assert where_now(own.pk) == study
        after = snapshot()
        after["studies"].pop(own.pk)
        assert after == before
        linking.reject(TrialLink.objects.get(), by=reviewer)
        assert Study.objects.get(registrations__number=ONE) == own, "the same study as before"

    def test_undoing_gives_back_a_trial_that_has_another_number_since(self, link, reviewer):
        registered = link.registration.study
        linking.confirm(link, by=reviewer)
        trials.upsert([read(trial("NCT00000002", title=TITLE, alias=ONE))], source="registry", is_found=True)

        linking.undo(TrialLink.objects.get(state=ProposalState.CONFIRMED), by=reviewer)

        assert TrialRegistration.objects.get(number="NCT00000002").study == registered

    @pytest.mark.parametrize("gained", ["tag", "registration"])
    def test_undoing_a_rejection_never_hides_what_the_trials_own_study_has_gained(self, gained, reviewer):
        report = make_study(TITLE).reports.get()
        trials.upsert([read(trial(ONE, papers=[(report.pmid, "RESULT")]))], source="registry", is_found=True)
        linking.reject(TrialLink.objects.get(), by=reviewer, why="Another trial")
        own = Study.objects.get(registrations__number=ONE)
        if gained == "tag":
            give_tag(own, make_tag("svf"), by=reviewer)
        else:
            trials.upsert([read(trial("NCT00000002"))], source="registry", is_found=True)
            grouping.group(own, Study.objects.get(registrations__number="NCT00000002"), by=reviewer)

        with pytest.raises(grouping.NotPossible, match="group the two studies instead"):
            linking.undo(TrialLink.objects.get(), by=reviewer)

        assert Study.objects.filter(pk=own.pk).exists()
        assert TrialLink.objects.get().state == ProposalState.REJECTED

    def test_a_rejected_databank_entry_no_longer_counts_as_the_studys_registration(self, link, reviewer):
        study = link.report.study
        assert Study.objects.get(pk=study.pk).n_registrations == 1

        linking.reject(link, by=reviewer)

        assert Study.objects.get(pk=study.pk).n_registrations == 0

    def test_a_link_of_a_trial_without_a_study_gives_it_the_reports(self, reviewer):
        upsert_records([Record(pmid=5, title=TITLE, databanks=(DataBank("x", (ONE,)),))], source="pubmed")
        link = TrialLink.objects.get()

        linking.confirm(link, by=reviewer)
        assert TrialRegistration.objects.get().study == link.report.study
        linking.undo(TrialLink.objects.get(), by=reviewer)

        assert TrialRegistration.objects.get().study is None

    def test_a_decision_is_made_once(self, link, reviewer):
        linking.confirm(link, by=reviewer)

        with pytest.raises(grouping.NotPossible, match="confirmed by now"):
            linking.reject(link, by=reviewer)

    def test_further_grounds_do_not_reopen_what_a_person_rejected(self, link, reviewer):
        linking.reject(link, by=reviewer)
        papers = [(link.report.pmid, "RESULT")]

        trials.upsert([read(trial(ONE, title=TITLE, papers=papers))], source="registry", is_found=True)

        link.refresh_from_db()
        assert (link.state, link.bases) == (ProposalState.REJECTED, ["databank", "result"])
        assert TrialEvent.objects.filter(kind="publication_linked").count() == 1


class TestStudies:
    def test_two_companion_reports_become_one_study_and_two_again(self, admin):
        one, other = make_study("First report"), make_study("Companion report")
        tags = [give_tag(study, make_tag(f"t-{study.pk}"), by=admin) for study in (one, other)]
        refresh_studies({one.pk, other.pk})
        _settled()
        before = snapshot()

        made = grouping.group(one, other, by=admin, why="Same patients")
        one.refresh_from_db()
        assert one.n_reports == 2
        assert {tag.pk for tag in tags} == set(one.study_tags.filter(origin="person").values_list("pk", flat=True))
        grouping.undo(made, by=admin)

        assert snapshot() == before
        assert made.__class__.objects.get().state == ProposalState.UNDONE

    def test_what_came_after_stays_where_it_came(self, admin):
        one, other = make_study("First report"), make_study("Companion report")
        made = grouping.group(one, other, by=admin)
        later = make_report(one, title="A later report")
        StudyTag.objects.filter(study=one).update(status=TagStatus.REJECTED)

        grouping.undo(made, by=admin)

        later.refresh_from_db()
        assert later.study == one

    def test_a_value_that_somebody_corrected_is_not_set_back(self, admin):
        one, other = make_study("First"), make_study("Second", n_participants=20)
        made = grouping.group(one, other, by=admin)
        assert Study.objects.get(pk=one.pk).n_participants == 20
        Study.objects.filter(pk=one.pk).update(n_participants=22)

        grouping.undo(made, by=admin)

        assert Study.objects.get(pk=one.pk).n_participants == 22

    def test_groupings_are_undone_in_the_order_that_leaves_nothing_astray(self, admin):
        one, two, three = (make_study(f"Report {i}") for i in range(3))
        first = grouping.group(two, three, by=admin)
        second = grouping.group(one, two, by=admin)
        assert where_now(three.pk) == one

        with pytest.raises(grouping.NotPossible, match="undo that grouping first"):
            grouping.undo(first, by=admin)
        grouping.undo(second, by=admin)
        grouping.undo(first, by=admin)

        assert Study.objects.count() == 3

    def test_one_study_is_not_grouped_twice_nor_with_itself(self, admin):
        one, two, three = (make_study(f"Report {i}") for i in range(3))
        grouping.group(one, two, by=admin)

        with pytest.raises(grouping.NotPossible, match="meanwhile"):
            grouping.group(three, two, by=admin)
        with pytest.raises(grouping.NotPossible, match="already"):
            grouping.group(one, one, by=admin)

    def test_a_new_version_of_a_moved_report_goes_to_the_kept_study(self, admin):
        one, other = make_study("First"), make_study("Second")
        report = other.reports.get()
        grouping.group(one, other, by=admin)

        upsert_records([Record(pmid=report.pmid, title="Second, corrected")], source="pubmed")

        assert Study.objects.count() == 1
        report.refresh_from_db()
        assert (report.study, report.title) == (one, "Second, corrected")


class TestPreprints:
    PREPRINT = Record(pmid=31, title=TITLE, kind="preprint", relations=(Relation("UpdateIn", "J Synth", 32),))
    ARTICLE = Record(pmid=32, title=TITLE, relations=(Relation("UpdateOf", "medRxiv", 31),))

    @pytest.mark.parametrize("first", [0, 1], ids=["preprint first", "article first"])
    def test_a_preprint_and_its_article_are_proposed_as_one_study(self, first, admin):
        for record in (self.PREPRINT, self.ARTICLE)[:: -1 if first else 1]:
            upsert_records([record], source="pubmed")

        proposal = StudyGrouping.objects.get()
        assert (proposal.bases, proposal.state) == (["relation"], ProposalState.PROPOSED)
        assert Study.objects.count() == 2, "until a person agrees"
        grouping.confirm(proposal, by=admin)
        assert Study.objects.get().n_reports == 2

    def test_what_a_person_rejected_is_not_proposed_again(self, admin):
        upsert_records([self.PREPRINT, self.ARTICLE], source="pubmed")
        grouping.reject(StudyGrouping.objects.get(), by=admin, why="Other patients")

        upsert_records([replace(self.ARTICLE, volume="2")], source="pubmed")

        assert StudyGrouping.objects.get().state == ProposalState.REJECTED

    def test_two_editions_of_a_review_are_two_works(self):
        upsert_records([replace(self.PREPRINT, kind="article"), self.ARTICLE], source="pubmed")

        assert not StudyGrouping.objects.exists()


class TestLikeness:
    def test_a_like_title_with_a_shared_name_is_proposed_for_a_person(self):
        trials.upsert(
            [read(trial(ONE, title=TITLE, start="2020-01", leader="Ana Example"))], source="registry", is_found=True
        )
        record = Record(
            pmid=7,
            title="Adipose-derived stem cells for photoaged facial skin: results of a randomised split-face trial",
            authors=(Author(last="Example"),),
            published=PartialDate("2023", 2023),
        )
        upsert_records([record, Record(pmid=8, title="Hair loss and platelets")], source="pubmed")
        registration = TrialRegistration.objects.get()

        assert likeness.propose([registration.pk], now=registration.found_at) == 1

        link = TrialLink.objects.get()
        assert (link.report.pmid, link.bases, link.is_firm) == (7, ["similar"], False)
        assert not TrialEvent.objects.filter(kind="publication_linked").exists()

    def test_what_is_known_or_answered_is_not_proposed_again(self, link, reviewer):
        assert likeness.propose([link.registration_id], now=link.proposed_at) == 0


@pytest.mark.django_db(transaction=True)
def test_who_confirms_waits_for_the_catalogue_without_holding_the_proposal(admin):
    proposal = grouping.propose(make_study("First report"), make_study("Companion report"), by=admin)

    def confirm() -> None:
        try:
            grouping.confirm(proposal, by=admin)
        finally:
            connection.close()

    other = threading.Thread(target=confirm)
    with transaction.atomic():
        locks.take_for_transaction(locks.CATALOGUE)
        other.start()
        while other.is_alive() and not _somebody_waits_for_the_catalogue():
            time.sleep(0.01)
        StudyGrouping.objects.select_for_update(nowait=True).get(pk=proposal.pk)
    other.join()

    assert StudyGrouping.objects.get().state == ProposalState.CONFIRMED


def _somebody_waits_for_the_catalogue() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return cursor.fetchone()[0]


def test_no_decision_leaves_a_row_behind_that_the_log_does_not_name(link, reviewer):
    linking.confirm(link, by=reviewer)

    row = StudyGrouping.objects.get()
    assert (row.link, row.decided_by) == (link, reviewer)
    assert AuditEvent.objects.get(verb="took in").detail["moved"] == model_to_dict(row)["moved"]


def _settled() -> None:
    """Every study read with the present rules, as after a run."""
    ids = set(Study.objects.values_list("pk", flat=True))
    renew(ids)
    refresh_studies(ids)
