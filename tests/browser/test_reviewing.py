"""Two reviewers and an adjudicator, each in a browser, from a search to an included list, counted again by SQL."""

import csv
import io
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from reviews.actions import full_texts
from reviews.models import Candidate
from studies.actions import running, searching
from tests.reviews.conftest import FULL, TITLE, Cast, make_cast

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "pubmed_xml"
N_REPORTS = 10
SLOWLY = 60_000  # milliseconds: four browsers are more than a small machine likes
# What each report comes to at a stage, told from the decisions alone.
ENDS = """
WITH said AS (
    SELECT d.candidate_id, d.stage,
        count(*) FILTER (WHERE d.kind = 'independent') AS words,
        count(*) FILTER (WHERE d.kind = 'independent' AND d.decision = 'exclude') AS against,
        max(d.decision) FILTER (WHERE d.kind = 'adjudication') AS settled
    FROM reviews_screeningdecision d JOIN reviews_candidate c ON c.id = d.candidate_id
    WHERE c.review_id = %(review)s GROUP BY d.candidate_id, d.stage
), ends AS (
    SELECT stage, candidate_id, coalesce(settled, CASE against WHEN 0 THEN 'include' ELSE 'exclude' END) AS verdict
    FROM said WHERE words = 2
)
"""
BOXES = {
    "database_results": "SELECT count(*) FROM reviews_candidaterecord r JOIN reviews_candidate c "
    "ON c.id = r.candidate_id WHERE c.review_id = %(review)s",
    "records_screened": "SELECT count(*) FROM ends WHERE stage = 'title-abstract'",
    "records_excluded": "SELECT count(*) FROM ends WHERE stage = 'title-abstract' AND verdict = 'exclude'",
    "dbr_sought_reports": "SELECT count(*) FROM ends WHERE stage = 'title-abstract' AND verdict <> 'exclude'",
    "dbr_assessed": "SELECT count(*) FROM ends WHERE stage = 'full-text'",
    "new_reports": "SELECT count(*) FROM ends WHERE stage = 'full-text' AND verdict = 'include'",
    "new_studies": "SELECT count(DISTINCT r.study_id) FROM ends JOIN reviews_candidate c ON c.id = candidate_id "
    "JOIN studies_report r ON r.id = c.report_id WHERE ends.stage = 'full-text' AND ends.verdict = 'include'",
}
PAIR = """
SELECT count(*), count(*) FILTER (WHERE a.decision <> 'exclude' AND b.decision <> 'exclude'),
    count(*) FILTER (WHERE a.decision <> 'exclude' AND b.decision = 'exclude'),
    count(*) FILTER (WHERE a.decision = 'exclude' AND b.decision <> 'exclude'),
    count(*) FILTER (WHERE a.decision = 'exclude' AND b.decision = 'exclude')
FROM reviews_screeningdecision a JOIN reviews_screeningdecision b
    ON b.candidate_id = a.candidate_id AND b.stage = a.stage AND b.kind = a.kind
WHERE a.kind = 'independent' AND a.stage = %(stage)s AND a.reviewer_id = %(first)s AND b.reviewer_id = %(second)s
"""
DECISIONS = """
SELECT d.id, r.pmid, d.stage, d.kind, d.decision, coalesce(k.label, '') FROM reviews_screeningdecision d
JOIN reviews_candidate c ON c.id = d.candidate_id JOIN studies_report r ON r.id = c.report_id
LEFT JOIN reviews_criterion k ON k.id = d.primary_reason_id WHERE c.review_id = %(review)s ORDER BY d.id
"""


@pytest.fixture(params=["synthetic", "real"])
def query(request, ncbi) -> str:
    """What to search for, in a PubMed of synthetic records or of real ones."""
    if request.param == "synthetic":
        return "synthetic[tiab]"
    if not REAL.is_dir():
        pytest.skip("the real records are not beside this checkout")
    for path in sorted(REAL.glob("valid*.xml.gz")):
        ncbi.shelf.add_file(path)
    return "skin[tiab] NOT synthetic[tiab]"


def test_three_people_take_records_from_a_search_to_an_included_list(query, site, admin, visits, settings):
    settings.NCBI_API_KEY = "a-synthetic-key"
    cast = make_cast(0)
    search = searching.create_search(by=admin, name="Skin", query=query)
    running.carry_on(searching.request_run(search, by=admin, limit=N_REPORTS).pk)
    lead, first, second, third = map(visits, (cast.lead, cast.first, cast.second, cast.adjudicator))
    for page in (lead, first, second, third):
        page.set_default_timeout(SLOWLY)

    choose_search(lead, cast.review.slug)
    found = list(Candidate.objects.filter(review=cast.review).order_by("pk").values_list("pk", flat=True))
    # Two are included by both, one by doubt, two are disputed, the rest is excluded by both.
    words = ["ii", "ii", "im", "ee", "ie", "ei", *["ee"] * (N_REPORTS - 6)]
    said = dict(zip(found, words, strict=True))
    for page, place in ((first, 0), (second, 1)):
        screen(page, cast.review.slug, TITLE, {pk: words[place] for pk, words in said.items()})
    settle(third, cast.review.slug, "conflicts", found[4], "include")
    settle(third, cast.review.slug, "conflicts", found[5], "exclude")

    passed = Candidate.objects.filter(review=cast.review, stage=FULL).order_by("pk")
    assert list(passed.values_list("pk", flat=True)) == [*found[:3], found[4]]
    for candidate in passed:
        full_texts.add_link(candidate, by=cast.first, url="https://example.org/text")
    said = {found[0]: ["i", "i"], found[1]: ["1e", "2e"], found[2]: ["1e", "1e"], found[4]: ["i", "1e"]}
    for page, place in ((first, 0), (second, 1)):
        screen(page, cast.review.slug, FULL, {pk: words[place] for pk, words in said.items()})
    settle(third, cast.review.slug, "full-text-conflicts", found[1], "exclude", "Wrong population")
    settle(third, cast.review.slug, "full-text-conflicts", found[4], "include")

    lead.goto(f"/reviews/{cast.review.slug}/reports/?show=included")
    shown = lead.locator(".report-list > li")
    expect(shown).to_have_count(2, timeout=SLOWLY)
    for candidate in (found[0], found[4]):
        expect(shown.filter(has=lead.locator(f"a[href$='/reports/{candidate}/']"))).to_have_count(1)
    the_flow_diagram_is_what_sql_counts(lead, cast)
    the_agreement_table_is_what_sql_counts(lead, cast)
    the_exported_decisions_are_the_rows(lead, cast)


def the_flow_diagram_is_what_sql_counts(lead: Page, cast: Cast) -> None:
    counted = {box: sql(ENDS + query, review=cast.review.pk)[0][0] for box, query in BOXES.items()}
    exported = {line["data"]: line["n"] for line in table(lead, cast, "flow/PRISMA.csv")}

    assert counted["records_screened"] == N_REPORTS and counted["new_reports"] == 2
    assert {box: int(exported[box]) for box in BOXES} == counted
    assert exported["dbr_excluded"] == "Wrong population, 2"
    lead.goto(f"/reviews/{cast.review.slug}/flow/")
    for box, n in counted.items():
        expect(lead.locator(f"td a[href*='/flow/rows/{box}/']").first).to_contain_text(str(n))


def the_agreement_table_is_what_sql_counts(lead: Page, cast: Cast) -> None:
    lines = {line["stage"]: line for line in table(lead, cast, "agreement.csv")}
    names = ("n", "both_include", "first_alone", "second_alone", "both_exclude")

    for stage in (TITLE, FULL):
        ((*counts,),) = sql(PAIR, stage=stage, first=cast.first.pk, second=cast.second.pk)
        assert [int(lines[stage][name]) for name in names] == counts
        lead.goto(f"/reviews/{cast.review.slug}/agreement/")
        expect(lead.locator(f"#stage-{stage} ~ *").first).to_contain_text(str(counts[0]))


def the_exported_decisions_are_the_rows(lead: Page, cast: Cast) -> None:
    names = ("decision_id", "pmid", "stage", "kind", "decision", "primary_reason")
    exported = [tuple(line[name] for name in names) for line in table(lead, cast, "decisions.csv")]

    assert exported == [tuple(map(str, row)) for row in sql(DECISIONS, review=cast.review.pk)]


def sql(query: str, **parameters) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def table(page: Page, cast: Cast, path: str) -> list[dict[str, str]]:
    """A CSV of the review as this person gets it."""
    answer = page.request.get(f"/reviews/{cast.review.slug}/{path}")
    assert answer.ok, answer.status
    return list(csv.DictReader(io.StringIO(answer.body().decode("utf-8-sig"))))


def choose_search(page: Page, slug: str) -> None:
    page.goto(f"/reviews/{slug}/sources/")
    page.get_by_role("button", name="Let it feed this review").click()
    expect(page.get_by_role("row", name="PubMed").first).to_contain_text(str(N_REPORTS), timeout=SLOWLY)


def screen(page: Page, slug: str, stage: str, keys: dict[int, str]) -> None:
    """By the keyboard alone, until nothing waits."""
    page.goto(f"/reviews/{slug}/screening/")
    page.get_by_role("button", name=f"Screen by {'full text' if stage == FULL else 'title and abstract'}").click()
    here = page.locator("[data-card-here] [data-card]")
    for _ in keys:
        number = here.get_attribute("data-card")
        page.locator("[data-card-ahead] > *").wait_for(state="attached")
        for key in keys[int(number)]:
            page.keyboard.press(key)
        expect(page.locator(f"[data-card-here] [data-card='{number}']")).to_have_count(0, timeout=SLOWLY)
        page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Nothing waits for you at this stage")).to_be_visible(timeout=SLOWLY)


def settle(page: Page, slug: str, queue: str, candidate: int, decision: str, reason: str = "") -> None:
    page.goto(f"/reviews/{slug}/reports/?show={queue}")
    page.locator(f"a[href$='/reports/{candidate}/']").click()
    page.locator(f"input[name=decision][value={decision}]").check()
    if reason:
        page.get_by_label("Primary reason").select_option(label=reason)
    page.get_by_role("button", name="Settle as a third person").click()
    expect(page.get_by_text("The conflict is settled.")).to_be_visible(timeout=SLOWLY)
