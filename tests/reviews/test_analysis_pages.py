"""Agreement, progress and the flow diagram as people see them, counted against SQL."""

import csv
import io
from dataclasses import replace

import pytest
from django.db import connection
from django.urls import reverse

from reviews.actions import candidates as candidate_actions
from reviews.actions import flow as flow_actions
from reviews.actions import full_texts, protocol, ranking, screening
from reviews.actions.screening import Said
from reviews.models import Candidate, FlowVersion, Ranking, ScreeningDecision
from reviews.queries.agreement import agreement
from reviews.queries.flow import counted, snapshot, thawed
from reviews.queries.flow_diagram import changed
from reviews.queries.ranking import labels, progress
from reviews.rules.flow import breaks
from reviews.terms import CardOrder, Decision, Stage
from tests.reviews.conftest import FULL, TITLE, Cast, add_reports

pytestmark = pytest.mark.django_db

IN, OUT, MAYBE = Decision.INCLUDE, Decision.EXCLUDE, Decision.MAYBE


def screen(cast: Cast, *words: tuple[str, str]) -> None:
    """What the two reviewers say of one report after another."""
    for candidate, (first, second) in zip(cast.reports, words, strict=False):
        cast.say(cast.first, candidate, first)
        cast.say(cast.second, candidate, second)


def page(cast: Cast, name: str, *args, user=None, query: str = "") -> str:
    where = reverse(f"reviews:{name}", args=[cast.review.slug, *args])
    return cast.client(user or cast.observer).get(where + query).content.decode()


# --- agreement ---


def test_agreement_counts_first_words_and_settling_changes_nothing(cast):
    cast.reports += add_reports(cast, 3)
    screen(cast, (IN, IN), (IN, OUT), (OUT, IN), (OUT, OUT), (MAYBE, IN))
    before = agreement(cast.review)[0].pairs[0]
    conflict = Candidate.objects.get(pk=cast.reports[1].pk)
    screening.settle_conflict(conflict, by=cast.adjudicator, said=Said(IN), is_consensus=False, may_adjudicate=True)

    (pair,) = agreement(cast.review)[0].pairs

    assert pair.two == before.two
    assert pair.two.table == ((2, 1), (1, 1))
    assert pair.three.table == ((1, 0, 1), (1, 0, 0), (1, 0, 1))
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM reviews_screeningdecision a
            JOIN reviews_screeningdecision b USING (candidate_id, stage)
            WHERE a.reviewer_id = %s AND b.reviewer_id = %s AND a.kind = 'independent' AND b.kind = 'independent'
            AND (a.decision = 'exclude') = (b.decision = 'exclude')""",
            [cast.first.pk, cast.second.pk],
        )
        assert cursor.fetchone()[0] == pair.two.n_agreed


def test_a_changed_mind_counts_by_its_first_word_unless_the_last_is_asked_for(cast):
    cast.say(cast.first, cast.reports[0], OUT)
    cast.say(cast.first, cast.reports[0], IN)
    cast.say(cast.second, cast.reports[0], IN)

    first, last = (agreement(cast.review, is_final=is_final)[0].pairs[0] for is_final in (False, True))

    assert (first.two.n_agreed, last.two.n_agreed) == (0, 1)


def test_what_is_still_blind_is_in_no_table(cast):
    cast.say(cast.first, cast.reports[0], IN)

    assert agreement(cast.review)[0].pairs == ()
    assert "No report has been decided by two reviewers" in page(cast, "agreement", user=cast.second)


def test_kappa_never_stands_alone_and_what_is_not_defined_is_said(cast):
    screen(cast, (OUT, OUT), (OUT, OUT))

    shown = page(cast, "agreement")

    for words in ("Observed agreement", "Expected by chance", "95 % interval", "PABAK", "AC1", "Prevalence", "Bias"):
        assert words in shown
    assert shown.count("not defined") >= 3
    row = next(csv.DictReader(io.StringIO(page(cast, "agreement_csv").removeprefix("\ufeff"))))
    assert (row["n"], row["both_exclude"], row["kappa"], row["pabak"]) == ("2", "2", "", "1.0")


def test_three_reviewers_are_measured_by_fleiss_as_well(cast):
    third = cast.lead
    screen(cast, (IN, IN), (IN, OUT))
    cast.say(cast.first, cast.reports[2], OUT)
    cast.say(third, cast.reports[2], OUT)

    (stage, _) = agreement(cast.review)

    assert (stage.n_reviewers, stage.many.n, stage.many.n_raters) == (3, 3, 2)
    assert "Fleiss" in page(cast, "agreement")


def test_full_texts_of_a_report_that_was_sent_back_count_by_their_first_round(cast):
    candidate = cast.reports[0]
    cast.say(cast.first, candidate, IN)
    cast.say(cast.second, candidate, IN)
    screening.reopen(cast.review, [candidate.pk], by=cast.lead, stage=TITLE, why="New criteria.")
    cast.pass_first(candidate)
    cast.say(cast.first, candidate, IN)
    cast.say(cast.second, candidate, OUT, 0)

    full_text = next(found for found in agreement(cast.review) if found.stage == FULL)

    assert [pair.two.table for pair in full_text.pairs] == [((0, 1), (0, 0))]


# --- ranking and progress ---


def test_what_passed_stays_relevant_to_the_ranking_when_its_full_text_is_looked_at_again(cast):
    screen(cast, (IN, MAYBE), (OUT, OUT))
    passed, excluded, _ = cast.reports

    screening.reopen(cast.review, [passed.pk], by=cast.lead, stage=FULL, why="A retraction.")

    known, _ = labels(cast.review)
    assert known == {passed.pk: True, excluded.pk: False}
    maybes = cast.client(cast.observer).get(reverse("reviews:reports", args=[cast.review.slug]) + "?show=maybe")
    assert str(passed) in maybes.content.decode()
    screening.reopen(cast.review, [passed.pk], by=cast.lead, stage=TITLE, why="New criteria.")
    assert labels(cast.review)[0] == {excluded.pk: False}


def test_the_ranking_scores_what_is_open_and_a_decision_logs_its_order(cast):
    topics = ("wrinkles elasticity nanofat injection", "tumour mouse knockout pathway")
    reports = [add_reports(cast, 1, abstract=f"{topics[n % 2]} {n}")[0] for n in range(12)]
    ranking.change_ranking(cast.review, by=cast.lead, is_ranked=True, card_order=CardOrder.RELEVANCE, random_share=0)
    for number, candidate in enumerate(reports[:6]):
        cast.say(cast.first, candidate, IN if number % 2 == 0 else OUT)
        cast.say(cast.second, candidate, IN if number % 2 == 0 else OUT)

    (made,) = ranking.retrain_due()

    assert (made.n_relevant, made.n_irrelevant, made.n_decisions) == (3, 3, 12)
    scores = dict(Candidate.objects.filter(pk__in=[c.pk for c in reports[6:]]).values_list("pk", "rank"))
    assert min(scores[reports[n].pk] for n in (6, 8, 10)) > max(scores[reports[n].pk] for n in (7, 9, 11))
    cast.review.refresh_from_db()
    card = screening.take_next(cast.review, cast.stage(), by=cast.first, is_expert=False)
    cast.say(cast.first, card, IN)
    said = ScreeningDecision.objects.latest("pk")
    assert (said.order_shown, said.rank_shown is not None) == (CardOrder.RELEVANCE, True)
    assert Candidate.objects.filter(verdict="excluded").count() == 3  # people's three: a score excludes nobody
    assert ranking.retrain_due() != [] and ranking.retrain_due() == []


def test_nothing_is_learnt_while_the_lead_has_not_switched_it_on(cast):
    screen(cast, (IN, IN), (OUT, OUT))

    assert ranking.retrain_due() == []
    assert not Ranking.objects.exists()
    shown = page(cast, "progress")
    assert "The ranking is <b>off</b>" in shown


def test_progress_says_what_is_found_and_that_people_decide_when_to_stop(cast):
    screen(cast, (IN, IN), (OUT, OUT))

    found = progress(cast.review)
    shown = page(cast, "progress")

    assert (found.n_all, found.n_screened, found.n_found, found.n_in_work) == (3, 2, 1, 1)
    assert "When to stop is for people to decide" in shown
    assert "polyline" in shown


def test_what_the_ranking_was_learnt_from_tells_no_single_word(cast):
    """One reviewer alone has decided: relevant and irrelevant apart would say what."""
    protocol.change_review(cast.review, by=cast.lead, is_ranked=True)
    for candidate, decision in zip(cast.reports, (IN, OUT, IN), strict=True):
        cast.say(cast.first, candidate, decision)
    ranking.retrain_due()

    shown = page(cast, "progress", user=cast.second)

    assert "from the decisions on 3 reports" in shown
    assert "from 2 relevant" not in shown


def test_leads_set_the_ranking_and_nonsense_is_refused(cast):
    client, where = cast.client(cast.lead), reverse("reviews:ranking", args=[cast.review.slug])

    assert client.post(where, {"card_order": "alphabetical", "random_share": 10}).status_code == 422
    assert client.post(where, {"card_order": "relevance", "random_share": 101}).status_code == 422
    answer = client.post(where, {"is_ranked": "on", "card_order": "relevance", "random_share": 20})

    cast.review.refresh_from_db()
    assert answer.status_code == 302
    assert (cast.review.is_ranked, cast.review.card_order, cast.review.random_share) == (True, "relevance", 20)


# --- flow ---


def through(cast: Cast) -> None:
    """One report excluded by title, one by full text for a reason, one included."""
    cast.say(cast.first, cast.reports[0], OUT)
    cast.say(cast.second, cast.reports[0], OUT)
    for candidate, decision, reason in ((cast.reports[1], OUT, 1), (cast.reports[2], IN, None)):
        cast.pass_first(candidate)
        cast.say(cast.first, candidate, decision, reason, FULL)
        cast.say(cast.second, candidate, decision, reason, FULL)


def test_the_diagram_agrees_with_sql(cast):
    through(cast)

    flow = counted(cast.review)

    assert breaks(flow) == []
    with connection.cursor() as cursor:
        cursor.execute("""SELECT count(*) FILTER (WHERE stage = 'title-abstract' AND verdict = 'excluded'),
            count(*) FILTER (WHERE stage = 'full-text'),
            count(*) FILTER (WHERE stage = 'full-text' AND verdict = 'excluded'),
            count(*) FILTER (WHERE classification = 'included') FROM reviews_candidate WHERE duplicate_of_id IS NULL""")
        keys = ("records_excluded", "dbr_sought_reports", "dbr_excluded", "total_reports")
        assert cursor.fetchone() == tuple(flow.n(key) for key in keys)


def test_every_number_opens_its_list_and_its_file(cast):
    through(cast)

    shown = page(cast, "flow")

    assert "Wrong intervention (n\u00a0=\u00a01)" in shown
    assert "<title" in shown and "<desc" in shown and "The diagram as a table" in shown
    rows = page(cast, "flow_rows", "dbr_excluded", query=f"?reason={cast.reason(1).key}")
    assert cast.reports[1].report.title in rows and "Wrong intervention" in rows
    table = list(csv.DictReader(io.StringIO(page(cast, "flow_rows_csv", "database_results").removeprefix("\ufeff"))))
    assert len(table) == 3 and {row["source"] for row in table} == {"PubMed"}
    assert len(list(csv.reader(io.StringIO(page(cast, "flow_rows_csv", "total_studies"))))) == 2


@pytest.mark.parametrize(
    "where", ["nonsense/", "dbr_excluded/?source=abc", "dbr_excluded/?version=7", "dbr_excluded/?source=999"]
)
def test_a_list_that_there_is_not_is_not_found(cast, where):
    answer = cast.client(cast.lead).get(f"/reviews/{cast.review.slug}/flow/rows/{where}")

    assert answer.status_code == 404


def test_prisma_csv_has_the_keys_of_the_reference(cast):
    through(cast)

    table = list(csv.DictReader(io.StringIO(page(cast, "prisma_csv").removeprefix("\ufeff"))))

    numbers = {row["data"]: row["n"] for row in table}
    assert list(table[0]) == ["data", "node", "box", "description", "boxtext", "tooltips", "url", "n"]
    assert numbers["database_results"] == "3"
    assert numbers["database_specific_results"] == "PubMed, 3"
    assert numbers["dbr_excluded"] == "Wrong intervention, 1"
    assert numbers["new_studies"] == numbers["total_reports"] == "1"


def test_the_diagram_leaves_as_png_and_pdf(cast):
    answers = {
        kind: cast.client(cast.observer).get(reverse("reviews:flow_picture", args=[cast.review.slug, kind]))
        for kind in ("png", "pdf", "exe")
    }

    assert answers["png"].content.startswith(b"\x89PNG") and answers["png"]["Content-Type"] == "image/png"
    assert answers["pdf"].content.startswith(b"%PDF")
    assert answers["exe"].status_code == 404


def test_numbers_that_do_not_add_up_are_shown_in_red_and_not_frozen(cast):
    through(cast)
    cast.reports[2].records.all().delete()

    shown = page(cast, "flow")
    answer = cast.client(cast.lead).post(reverse("reviews:flow_freeze", args=[cast.review.slug]), {"label": "x"})

    assert "These numbers do not add up" in shown and "banner--danger" in shown
    assert answer.status_code == 422
    assert not FlowVersion.objects.exists()


def test_a_frozen_version_stays_and_is_compared(cast):
    through(cast)
    client = cast.client(cast.lead)
    assert (
        client.post(reverse("reviews:flow_freeze", args=[cast.review.slug]), {"label": "Protocol"}).status_code == 302
    )
    screening.reopen(cast.review, [cast.reports[2].pk], by=cast.lead, stage=Stage.FULL_TEXT, why="Retracted")
    add_reports(cast, 2)

    frozen = page(cast, "flow", query="?version=1")
    compared = page(cast, "flow_compare", query="?from=1&to=0")

    version = FlowVersion.objects.get()
    assert (version.number, version.label, version.boxes["numbers"]["total_reports"]) == (1, "Protocol", 1)
    assert "Version 1, frozen on" in frozen
    assert "Records identified from databases" in compared
    assert cast.reports[2].report.title in page(cast, "flow_rows", "total_reports", query="?version=1")
    assert cast.reports[2].report.title not in page(cast, "flow_rows", "total_reports")


def test_versions_are_compared_by_what_a_number_is_of_and_not_by_its_wording(cast):
    """Two sources may share a name, and a reason may be worded anew without another report being excluded by it."""
    through(cast)
    flow_actions.freeze(cast.review, by=cast.lead)
    drafts = protocol.drafts_of(cast.review.criteria_versions.first())
    reworded = [replace(one, label="Another intervention") if "intervention" in one.label else one for one in drafts]
    protocol.write_criteria(cast.review, by=cast.lead, drafts=reworded)
    pmids = [Candidate.objects.get(pk=cast.reports[0].pk).report.pmid]
    candidate_actions.add_reports(cast.review, by=cast.lead, pmids=pmids, dois=[], kind="register", name="PubMed")

    rows = changed(thawed(FlowVersion.objects.get()), snapshot(cast.review))

    assert [row[1:] for row in rows] == [
        ("Records identified from registers", 0, 1),
        ("Duplicate records", 0, 1),
        ("Records from PubMed", 0, 1),
    ]


def test_the_next_version_of_a_living_review_has_the_column_of_previous_studies(cast):
    through(cast)
    flow_actions.freeze(cast.review, by=cast.lead)
    protocol.change_review(cast.review, by=cast.lead, is_living=True, version=2)
    cast.review.refresh_from_db()
    (fresh,) = add_reports(cast, 1)
    cast.pass_first(fresh)

    shown = snapshot(cast.review)

    assert shown.breaks == [] and shown.previous == 1
    keys = ("previous_studies", "database_results", "records_screened", "dbr_being_assessed", "total_reports")
    assert [shown.n(key) for key in keys] == [1, 1, 1, 1, 1]
    assert "Previous studies" in page(cast, "flow")


def test_the_diagram_takes_as_many_queries_for_three_reports_as_for_thirty(cast, django_assert_max_num_queries):
    through(cast)
    client, where = cast.client(cast.lead), reverse("reviews:flow", args=[cast.review.slug])
    add_reports(cast, 12)

    with django_assert_max_num_queries(20):
        client.get(where)


def test_a_full_text_that_was_not_found_is_its_own_box(cast):
    cast.pass_first(cast.reports[0], retrieved=False)
    full_texts.mark_unavailable(Candidate.objects.get(pk=cast.reports[0].pk), by=cast.first, why="No library has it")

    flow = counted(cast.review)

    assert breaks(flow) == []
    assert (flow.n("dbr_notretrieved_reports"), flow.n("dbr_being_screened")) == (1, 2)
    assert TITLE == Stage.TITLE_ABSTRACT
