"""Tagging in a real browser: study after study by the keyboard alone, and the same without script."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from studies.actions import catalogue
from studies.actions.vocabulary import load_vocabulary
from studies.models import Study, StudyTag, Tag, TagBatch
from studies.sources.record import Keyword, PartialDate, Record, Section
from studies.terms import TagOrigin, TagStatus
from tests.browser.looking import DESKTOP, PHONE, violations
from tests.browser.serving import Site

SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def studies(site: Site) -> Iterator[list[Study]]:
    load_vocabulary()
    records = [
        Record(
            pmid=number,
            title=f"Nanofat and microneedling for facial wrinkles: synthetic study {number}",
            abstract=(
                Section("Facial ageing is common, and stem cells are emerging.", "BACKGROUND"),
                Section("Forty women received autologous nanofat by intradermal injection.", "METHODS"),
                Section("Wrinkles and skin elasticity improved; no adverse events were seen.", "RESULTS"),
            ),
            keywords=(Keyword("nanofat"),),
            published=PartialDate("2020", 2020, precision="year"),
        )
        for number in range(1, 7)
    ]
    catalogue.upsert(records, source="pubmed")
    yield list(Study.objects.order_by("-pk"))


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def words_on(study: Study) -> dict[str, str]:
    said = StudyTag.objects.filter(study=study, origin=TagOrigin.PERSON)
    return dict(said.values_list("tag__slug", "status"))


def title(page: Page) -> str:
    return page.locator(".tagging__title").inner_text()


def test_studies_are_tagged_by_the_keyboard_alone(visits, clinician, studies):
    page = visits(clinician)
    page.goto("/tag/")
    first, second = studies[:2]

    # A sure suggestion is rejected, a term added by a part of its name, all else accepted as it is ticked.
    expect(page.locator(".tagging__title")).to_have_text(first.title)
    focused = page.evaluate("document.activeElement.id.slice(4)")
    page.keyboard.press("r")
    page.keyboard.press("n")
    page.keyboard.type("topic")
    page.keyboard.press("Enter")
    expect(page.locator("#added input:checked")).to_have_count(1)
    shot(page, "queue-added")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator(".tagging__title")).to_have_text(second.title)

    said = words_on(first)
    rejected = Tag.objects.get(pk=focused).slug
    assert said[rejected] == TagStatus.REJECTED
    assert said["src-nanofat"] == TagStatus.ACCEPTED or rejected == "src-nanofat"
    assert any(slug.startswith("dlv-topical") for slug in said)

    # Undo brings the whole study back; skip leaves it as it is.
    page.keyboard.press("u")
    expect(page.locator(".tagging__title")).to_have_text(first.title)
    assert words_on(first) == {}
    page.keyboard.press("s")
    expect(page.locator(".tagging__title")).to_have_text(second.title)

    for study in studies[2:]:
        page.keyboard.press("Enter")
        expect(page.locator(".tagging__title")).to_have_text(study.title)
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No study waits")).to_be_visible()
    assert TagBatch.objects.filter(undone_at=None).count() == len(studies) - 1


def test_a_term_is_added_after_a_look_at_what_is_found(visits, clinician, studies):
    page = visits(clinician)
    page.goto("/tag/")
    page.keyboard.press("n")
    page.keyboard.type("topic")
    expect(page.locator("#found input").first).to_be_visible()

    page.keyboard.press("Enter")

    expect(page.locator("#added input:checked")).to_have_count(1)


def test_on_a_study_several_terms_are_added_one_after_the_other(visits, clinician, studies):
    page = visits(clinician)
    page.goto(studies[0].get_absolute_url())
    for words, slug in (("topic", "dlv-topical"), ("hand", "site-hand")):
        page.get_by_label("Add a term").click()
        page.keyboard.type(words)
        found = page.locator(f"#found [value='{slug}']")
        expect(found).to_be_visible()
        assert page.evaluate("document.activeElement.id") == "id_words", "what is found took the focus"
        found.click()
        expect(page.locator(f"#tag-{Tag.objects.get(slug=slug).pk}")).to_be_focused()

    assert words_on(studies[0]) == dict.fromkeys(("dlv-topical", "site-hand"), TagStatus.ACCEPTED)


def test_a_reason_is_given_by_the_keyboard_alone(visits, clinician, studies):
    page = visits(clinician)
    page.goto("/tag/")
    page.keyboard.press("w")
    page.keyboard.type("As its methods say.")
    page.keyboard.press("Enter")
    expect(page.locator(".tagging__title")).to_have_text(studies[1].title)

    reasons = StudyTag.objects.filter(study=studies[0], origin=TagOrigin.PERSON).values_list("reason", flat=True)
    assert set(reasons) == {"As its methods say."}


def test_a_phrase_and_its_suggestion_light_up_together(visits, clinician, studies):
    page = visits(clinician)
    page.goto("/tag/")
    nanofat = Tag.objects.get(slug="src-nanofat").pk

    page.locator(f'.phrase[data-tags~="{nanofat}"]').first.focus()

    expect(page.locator(f"#tag-{nanofat}")).to_have_class("suggestion is-lit")


def test_a_study_is_tagged_without_script(visits, clinician, studies):
    page = visits(clinician, script=False)
    page.goto("/tag/")
    first = title(page)

    page.get_by_label("Add a term").fill("topical")
    page.get_by_role("button", name="Find").click()
    page.locator("#found input").first.check()
    page.get_by_role("button", name="Save, next study").click()

    assert title(page) != first
    assert any(slug.startswith("dlv-topical") for slug in words_on(studies[0]))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_pages_of_tagging_fit_and_meet_wcag(visits, admin, studies, size, dark):
    page = visits(admin, size=size, dark=dark)
    TagBatch.objects.create(by=admin, kind="study", said="accepted Nanofat", n_studies=1)
    pages = {
        "queue": "/tag/",
        "rules": "/tag/rules/",
        "bulk": "/tag/bulk/?every=1",
        "act": f"/tag/acts/{TagBatch.objects.get().pk}/",
        "vocabulary": "/vocabulary/",
        "searches": "/searches/?q=nanofat",
        "study": studies[0].get_absolute_url(),
        "studies": "/studies/?state=open",
    }
    for name, address in pages.items():
        page.goto(address)
        shot(page, f"{name}-{'phone' if size == PHONE else 'desktop'}-{'dark' if dark else 'light'}")

        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        assert violations(page) == [], name
