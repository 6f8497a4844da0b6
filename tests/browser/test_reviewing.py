"""Two reviewers and an adjudicator, each in a browser, from a search to an included list, counted again by SQL."""

from django.db import connection
from playwright.sync_api import Page, expect

from reviews.actions import full_texts
from reviews.models import Candidate
from studies.actions import running, searching
from tests.reviews.conftest import FULL, TITLE, make_cast

N_REPORTS = 6
SLOWLY = 60_000  # milliseconds: four browsers are more than a small machine likes
COUNT = """
SELECT count(*) FROM reviews_candidate c WHERE c.review_id = %s AND c.stage = 'full-text' AND (
    (SELECT count(*) FROM reviews_screeningdecision d WHERE d.candidate_id = c.id AND d.stage = 'full-text'
        AND d.decision = 'include' AND d.kind = 'independent') = 2
    OR EXISTS (SELECT FROM reviews_screeningdecision d WHERE d.candidate_id = c.id AND d.stage = 'full-text'
        AND d.decision = 'include' AND d.kind = 'adjudication'))
"""


def test_three_people_take_records_from_a_search_to_an_included_list(site, ncbi, admin, visits, settings):
    settings.NCBI_API_KEY = "a-synthetic-key"
    cast = make_cast(0)
    search = searching.create_search(by=admin, name="All synthetic", query="synthetic[tiab]")
    running.carry_on(searching.request_run(search, by=admin, limit=N_REPORTS).pk)
    lead, first, second, third = map(visits, (cast.lead, cast.first, cast.second, cast.adjudicator))
    for page in (lead, first, second, third):
        page.set_default_timeout(SLOWLY)

    choose_search(lead, cast.review.slug)
    found = list(Candidate.objects.filter(review=cast.review).order_by("pk").values_list("pk", flat=True))
    # Two are included by both, one is excluded by both, the rest is disputed.
    said = dict(zip(found, ["ii", "ii", "im", "ee", "ie", "ei"], strict=True))
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
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [cast.review.pk])
        assert cursor.fetchone()[0] == shown.count() == 2
    expect(shown.filter(has_text=str(Candidate.objects.get(pk=found[0])))).to_have_count(1, timeout=SLOWLY)


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
