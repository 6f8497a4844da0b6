"""The main path of a reader: home, search, filters, sorting, a study and back, with and without script."""

import re
from collections.abc import Callable
from io import BytesIO

import pytest
from playwright.sync_api import Page, expect

from studies.actions import catalogue
from studies.actions.starter import load_starter, load_vocabulary
from studies.models import Report, Study
from studies.sources import pubmed_xml
from studies.sources.record import Reading
from tests.browser.looking import DESKTOP, PHONE, WAYS
from tests.ncbi.synthetic import FIRST_PMID, HEAD, TAIL, corpus

pytestmark = pytest.mark.django_db
RETRACTED = FIRST_PMID + 7


@pytest.fixture(scope="module")
def library(lasting) -> None:
    """The starter library and sixty synthetic studies, one of them retracted."""
    load_vocabulary()
    load_starter()
    records = pubmed_xml.read(BytesIO(HEAD + b"".join(corpus(60)) + TAIL), Reading())
    catalogue.upsert(list(records), source="pubmed")


def total(page: Page) -> int:
    return int(re.match(r"[\d,]+", page.locator("#results-title").inner_text())[0].replace(",", ""))


def change(page: Page, act: Callable[[], object], *, script: bool) -> None:
    """Do something to the filters: with script the list follows at once, without it there is a button."""
    before = page.url
    act()
    if not script:
        page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url(lambda url: url != before)


def open_filters(page: Page) -> None:
    """On a phone the filters are folded away until somebody asks for them."""
    page.wait_for_load_state()  # the script that folds them has run
    fold = page.locator("#fold-filters")
    if fold.get_attribute("open") is None:
        fold.locator("> summary").click()


@pytest.mark.parametrize(("window", "script"), WAYS)
def test_a_clinician_finds_narrows_sorts_reads_and_comes_back_to_the_same_list(library, visits, window, script):
    page = visits(size=window, script=script)
    page.goto("/")
    page.get_by_role("searchbox").fill("stem cells")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", level=1, name="Studies")).to_be_visible()
    found = total(page)

    open_filters(page)
    option = page.locator("#design-randomised")
    promised = int(page.locator(".facet__option", has=option).locator(".facet__count").inner_text())
    change(page, option.check, script=script)
    expect(page.locator("#results-title")).to_contain_text(f"{promised} ")
    assert 0 < promised < found

    change(page, lambda: page.get_by_label("Sort by").select_option("people"), script=script)
    change(page, lambda: page.get_by_role("link", name=re.compile("Design: .*remove")).click(), script=True)
    expect(page.locator("#results-title")).to_contain_text(f"{found} ")
    assert "sort=people" in page.url
    assert "design" not in page.url

    listed, place = page.locator(".study-row__title").all_inner_texts(), page.url
    page.locator(".study-row__title a").nth(2).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(listed[2])
    page.go_back()
    expect(page).to_have_url(place)
    expect(page.locator(".study-row__title")).to_have_text(listed)
    expect(page.get_by_label("Sort by")).to_have_value("people")


@pytest.mark.parametrize(("window", "script"), WAYS)
def test_a_pmid_typed_alone_goes_to_its_study(library, visits, window, script):
    report = Report.objects.select_related("study").get(pmid=FIRST_PMID + 12)
    page = visits(size=window, script=script)
    page.goto("/studies/")

    page.get_by_role("searchbox").fill(f"PMID {report.pmid}")
    page.get_by_role("button", name="Search").click()

    expect(page).to_have_url(re.compile(re.escape(report.study.get_absolute_url()) + "$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(report.study.title)


def test_going_back_step_by_step_undoes_one_filter_after_the_other(library, visits):
    page = visits()
    page.goto("/studies/")
    everything = total(page)
    change(page, page.locator("#design-randomised").check, script=True)
    randomised = total(page)
    change(page, page.locator("#registered").check, script=True)

    page.go_back()
    expect(page.locator("#results-title")).to_contain_text(f"{randomised} ")
    expect(page.locator("#design-randomised")).to_be_checked()
    page.go_back()

    expect(page.locator("#results-title")).to_contain_text(f"{everything} ")
    expect(page.locator("#design-randomised")).not_to_be_checked()


def test_the_words_that_were_searched_for_are_marked_in_what_is_found(library, visits):
    page = visits()

    page.goto("/studies/?q=nanofat")

    marks = page.locator(".study-list mark").all_inner_texts()
    assert marks
    assert {mark.lower() for mark in marks} == {"nanofat"}


@pytest.mark.parametrize("window", [DESKTOP, PHONE])
def test_a_retracted_study_says_so_in_the_list_and_above_everything_else_on_its_page(library, visits, window):
    study = Study.objects.get(reports__pmid=RETRACTED)
    page = visits(size=window)
    page.goto("/studies/?notice=retracted")
    row = page.locator(".study-row", has=page.get_by_role("link", name=study.title))
    expect(row.locator(".study-row__notice")).to_contain_text("Retracted")

    row.get_by_role("link").first.click()

    banner = page.locator(".banner--danger").first
    expect(banner).to_contain_text("Retract")
    expect(banner).to_contain_text(f"PMID {RETRACTED + 1}")
    assert banner.bounding_box()["y"] < page.get_by_role("heading", level=1).bounding_box()["y"]


def test_the_starter_library_shows_on_the_home_page_as_data_to_be_verified(library, visits):
    page = visits()

    page.goto("/")
    page.get_by_role("link", name=re.compile("starter data")).click()

    expect(page.locator(".chip")).to_contain_text("Starter data, to be verified")
    assert total(page) > 40
    expect(page.locator(".study-row .badge--warn").first).to_have_text("Starter data, to be verified")
