"""The main path in a real browser: find a study, read it; search PubMed, watch it, find what came."""

import io
import re

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from studies.actions import importing, running
from studies.models import Invitation, Report, SearchRun
from studies.terms import RunState
from tests.browser.looking import DESKTOP, PHONE
from tests.ncbi.jats import article
from tests.ncbi.synthetic import article_xml

ways = pytest.mark.parametrize(
    ("size", "script"),
    [(DESKTOP, True), (DESKTOP, False), (PHONE, True), (PHONE, False)],
    ids=["desktop", "desktop without script", "phone", "phone without script"],
)
# A page that is left while a piece of it is on its way.
LEFT = ("htmx:",)


@pytest.fixture
def starter(site) -> None:
    call_command("load_starter", verbosity=0, stdout=io.StringIO())


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(re.escape(name))).first.click()


def hits(page: Page) -> int:
    return int(re.search(r"([\d,]+) stud", page.locator("#results-title").inner_text())[1].replace(",", ""))


@ways
def test_a_clinician_finds_a_study_and_comes_back_to_the_same_list(starter, visits, size, script):
    page = visits(size=size, script=script, forgive=LEFT)
    page.goto("/")
    page.get_by_role("searchbox").fill("nanofat")
    press(page, "Search")
    page.wait_for_url(re.compile(r"/studies/\?.*q=nanofat"))
    n_all = hits(page)
    assert 1 < n_all < 40

    box = page.locator("input[name=design][value=randomised]")
    if not box.is_visible():
        page.get_by_text("Filters", exact=True).click()
    box.check()
    if not script:
        press(page, "Apply filters")
    page.wait_for_url(re.compile("design=randomised"))
    expect(page.locator(".results__chips").get_by_text("Randomised trial")).to_be_visible()
    assert 0 < hits(page) < n_all
    here = page.url

    page.locator(".study-row__title a").first.click()
    expect(page.locator("h1")).to_be_visible()
    page.go_back()
    assert page.url == here

    page.locator(".results__chips a", has_text="Randomised trial").click()
    expect(page.locator("#results-title")).to_contain_text(f"{n_all} stud")


def test_an_identifier_typed_alone_goes_straight_to_its_study(starter, visits):
    page = visits(forgive=LEFT)
    page.goto("/studies/")

    page.get_by_role("searchbox").fill("25324650")
    page.get_by_role("searchbox").press("Enter")

    expect(page.locator("h1")).to_contain_text("Efficacy of microneedling plus human stem cell")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_search_typed_on_the_sync_page_brings_studies_that_can_be_found(
    ncbi, admin, worker, visits, settings, script
):
    settings.NCBI_API_KEY, settings.NCBI_BATCH = "synthetic", 20
    page = visits(admin, script=script, forgive=LEFT)
    page.goto("/sync/")
    page.get_by_role("link", name="New search").click()
    page.get_by_label("Name").fill("Everything synthetic")
    page.locator("textarea[name=query]").fill("synthetic[tiab]")
    press(page, "How many would this find?")
    expect(page.locator(".preview__count")).to_contain_text("60 records")
    press(page, "Save")

    worker.gate.clear()
    press(page, "Run now")
    page.wait_for_url(re.compile("/sync/runs/"))
    if script:
        expect(page.locator("#run-progress")).to_contain_text("of 60")
    worker.gate.set()
    if script:
        expect(page.locator("main")).to_contain_text("Finished")
    until_ended(page)
    page.reload()
    expect(page.locator("main")).to_contain_text("Finished")
    expect(page.locator(".run-figures")).to_contain_text("60")

    page.goto("/studies/?q=synthetic")
    assert hits(page) == 60
    assert page.locator("input[name=design]").count() > 1


def until_ended(page: Page) -> None:
    for _ in range(200):
        if not SearchRun.objects.open().exists():
            return
        page.wait_for_timeout(50)
    raise AssertionError("the run does not end")


def test_a_run_is_paused_resumed_and_cancelled_from_its_page(ncbi, admin, site, visits):
    page = visits(admin, forgive=LEFT)
    page.goto("/sync/searches/new/")
    page.get_by_label("Name").fill("Everything synthetic")
    page.locator("textarea[name=query]").fill("synthetic[tiab]")
    press(page, "Save")
    press(page, "Run now")
    page.wait_for_url(re.compile("/sync/runs/"))
    run = SearchRun.objects.get()

    for button, state in (("Pause", RunState.PAUSED), ("Resume", RunState.WAITING), ("Cancel", RunState.CANCELLED)):
        press(page, button)
        expect(page.locator("main")).to_contain_text(RunState(state).label)
        run.refresh_from_db()
        assert run.state == state


def test_a_retraction_in_an_imported_file_shows_in_the_list_and_on_the_study(admin, worker, visits, tmp_path):
    file = tmp_path / "synthetic.xml"
    comments = [("RetractionIn", "J Synth", None, None)]
    retracted = article_xml(90_000_500, title="A synthetic retracted trial", comments=comments)
    file.write_bytes(b"<PubmedArticleSet>" + retracted + b"</PubmedArticleSet>")
    page = visits(admin, forgive=LEFT)
    page.goto("/sync/import/")

    page.locator("input[type=file]").set_input_files(file)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile("/sync/runs/"))
    until_ended(page)

    page.goto("/studies/?q=retracted")
    expect(page.locator(".study-row").first).to_contain_text("Retract")
    page.locator(".study-row__title a").first.click()
    expect(page.locator("main")).to_contain_text("Retraction")


def test_a_full_text_is_shown_under_its_licence_and_its_absence_is_said(site, visits):
    for number, facts in ((90_000_601, {}), (90_000_602, {"licence": ""})):
        stream = io.BytesIO(article(number, pmid=None, title=f"A synthetic full text number {number}", **facts))
        running.carry_on(importing.request_import(f"PMC{number}.nxml", stream, by=None).pk)
    free, closed = (Report.objects.get(pmcid=f"PMC{number}").study for number in (90_000_601, 90_000_602))
    page = visits()

    page.goto(free.get_absolute_url())
    expect(page.locator("main")).to_contain_text("Shown under its licence, CC BY")
    expect(page.locator(".full-text p").first).to_be_visible()

    page.goto(closed.get_absolute_url())
    expect(page.locator("main")).to_contain_text("no licence that allows reuse")
    expect(page.locator(".full-text")).to_have_count(0)


def test_an_invited_person_opens_an_account_and_is_signed_in(admin, site, visits, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"  # none is configured
    page = visits(admin)
    page.goto("/people/")
    page.get_by_label("E-mail").first.fill("new@example.org")
    press(page, "Invite")
    link = page.locator("#link").input_value()
    assert Invitation.objects.count() == 1

    guest = visits()
    guest.goto(re.search(r"/invitation/.*", link)[0].strip())
    guest.locator("main input[type=text]").first.fill("Nora")
    for field in guest.locator("main input[type=password]").all():
        field.fill("stratum corneum 1863")
    press(guest, "Open the account")
    expect(guest.locator(".site-header")).to_contain_text(re.compile("Nora|new@example.org"))
