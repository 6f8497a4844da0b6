"""The main path in a real browser: find a study, read it; search PubMed, watch it, find what came."""

import io
import re
from threading import Thread

import pytest
from django.core.management import call_command
from django.db import connections
from playwright.sync_api import Page, expect

from studies.actions import importing, running
from studies.models import Invitation, Report, SearchRun, Study
from studies.terms import RunState
from tests.browser.conftest import DESKTOP, PHONE
from tests.ncbi.jats import article
from tests.ncbi.synthetic import article_xml

ways = pytest.mark.parametrize(
    ("size", "script"),
    [(DESKTOP, True), (DESKTOP, False), (PHONE, True), (PHONE, False)],
    ids=["desktop", "desktop without script", "phone", "phone without script"],
)


@pytest.fixture
def library(transactional_db) -> None:
    call_command("load_starter", verbosity=0, stdout=io.StringIO())


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def hits(page: Page) -> int:
    return int(re.search(r"([\d,]+) stud", page.locator("#results-title").inner_text())[1].replace(",", ""))


@ways
def test_a_clinician_finds_a_study_and_comes_back_to_the_same_list(library, open_page, size, script):
    page = open_page("/", size=size, script=script)
    page.get_by_role("searchbox").fill("nanofat")
    press(page, "Search")
    page.wait_for_url(re.compile(r"/studies/\?.*q=nanofat"))
    n_all = hits(page)
    assert 1 < n_all < 40

    if size == PHONE and script:
        filters = page.locator("details:has(#facets), summary").filter(has_text="Filters").first
        if filters.count():
            filters.click()
    box = page.locator("input[type=checkbox][value='randomised']").first
    box.scroll_into_view_if_needed()
    if script:
        box.check()
        page.wait_for_url(re.compile("randomised"))
    else:
        box.check()
        page.locator("button[form=search], #search button[type=submit]").last.click()
    expect(page.locator(".results__chips").get_by_text("Randomised trial")).to_be_visible()
    assert 0 < hits(page) < n_all
    here = page.url

    page.locator(".study-row__title a").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert "/studies/" in page.url
    page.go_back()
    assert page.url == here

    page.locator(".results__chips a", has_text="Randomised trial").click()
    expect(page.locator("#results-title")).to_contain_text(f"{n_all} stud")


def test_an_identifier_typed_alone_goes_straight_to_its_study(library, open_page):
    page = open_page("/studies/")

    page.get_by_role("searchbox").fill("25324650")
    page.get_by_role("searchbox").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Efficacy of microneedling plus human stem cell")


def at_work(run: SearchRun) -> Thread:
    """A worker of this process, as Celery's is of another."""

    def work() -> None:
        running.carry_on(run.pk)
        connections.close_all()

    worker = Thread(target=work)
    worker.start()
    return worker


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_search_typed_on_the_sync_page_brings_studies_that_can_be_found(ncbi, admin, open_page, settings, script):
    settings.NCBI_API_KEY, settings.NCBI_BATCH, ncbi.latency = "synthetic", 10, 0.2
    page = open_page("/sync/", user=admin, script=script)
    page.get_by_role("link", name="New search").click()
    page.get_by_label("Name").fill("Everything synthetic")
    page.locator("textarea[name=query]").fill("synthetic[tiab]")
    press(page, "How many would this find?")
    expect(page.locator("main")).to_contain_text(re.compile(r"\b60\b"))
    press(page, "Save")

    press(page, "Run now")
    run = wait_for_run()
    worker = at_work(run)
    if script:
        page.goto(run.get_absolute_url())
        expect(page.locator("#run-progress")).to_contain_text("60")
        expect(page.locator("main")).to_contain_text("Finished")
    worker.join()
    page.goto(run.get_absolute_url())
    expect(page.locator("main")).to_contain_text("Finished")
    expect(page.locator(".run-figures")).to_contain_text("60")

    page.goto("/studies/?q=synthetic")
    assert hits(page) == 60
    assert page.locator("input[type=checkbox][name=design]").count() > 1


def test_a_run_can_be_paused_resumed_and_cancelled_from_its_page(ncbi, admin, open_page):
    page = open_page("/sync/searches/new/", user=admin)
    page.get_by_label("Name").fill("Everything synthetic")
    page.locator("textarea[name=query]").fill("synthetic[tiab]")
    press(page, "Save")
    press(page, "Run now")
    run = wait_for_run()
    page.goto(run.get_absolute_url())

    for button, state in (("Pause", RunState.PAUSED), ("Resume", RunState.WAITING), ("Cancel", RunState.CANCELLED)):
        page.get_by_role("button", name=re.compile(button)).first.click()
        expect(page.locator("main")).to_contain_text(RunState(state).label)
        run.refresh_from_db()
        assert run.state == state


def test_a_file_is_imported_and_its_retraction_shows_in_the_list_and_on_the_study(admin, open_page, tmp_path):
    file = tmp_path / "synthetic.xml"
    retracted = article_xml(
        90_000_500, title="A synthetic retracted trial", comments=[("RetractionIn", "J", None, None)]
    )
    file.write_bytes(b"<PubmedArticleSet>" + retracted + b"</PubmedArticleSet>")
    page = open_page("/sync/import/", user=admin)

    page.locator("input[type=file]").set_input_files(file)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile("/sync/runs/"))
    at_work(wait_for_run()).join()

    page.goto("/studies/?q=retracted")
    expect(page.locator(".study-row").first).to_contain_text("Retract")
    page.locator(".study-row__title a").first.click()
    expect(page.locator("main")).to_contain_text("Retraction")


def test_a_full_text_is_shown_under_its_licence_and_its_absence_is_said(open_page, transactional_db):
    for number, facts in ((90_000_601, {}), (90_000_602, {"licence": ""})):
        stream = io.BytesIO(article(number, pmid=None, title=f"A synthetic full text number {number}", **facts))
        running.carry_on(importing.request_import(f"PMC{number}.nxml", stream, by=None).pk)
    free, closed = (Report.objects.get(pmcid=f"PMC{number}").study for number in (90_000_601, 90_000_602))

    page = open_page(free.get_absolute_url())
    expect(page.locator("main")).to_contain_text("CC BY")
    expect(page.get_by_role("heading", name="Methods").first).to_be_attached()
    page.goto(closed.get_absolute_url())
    expect(page.locator("main")).to_contain_text(re.compile("licence"))
    expect(page.get_by_role("heading", name="Methods")).to_have_count(0)


def test_an_invited_person_opens_an_account_and_is_signed_in(admin, open_page):
    page = open_page("/people/", user=admin)
    page.get_by_label("E-mail").first.fill("new@example.org")
    press(page, "Invite")
    link = re.search(r"/invitation/[\w-]+/", page.content())
    assert link and Invitation.objects.count() == 1

    guest = open_page(link[0])
    guest.locator("input[type=text], input[name=name], input[name=first_name]").first.fill("Nora")
    for field in guest.locator("input[type=password]").all():
        field.fill("stratum corneum 1863")
    press(guest, "Open the account")
    expect(guest.locator(".site-header")).to_contain_text("Nora")


def test_a_list_of_many_studies_stays_small(transactional_db, visitor):
    Study.objects.bulk_create(
        Study(title=f"Synthetic study {i} " + "of adipose-derived cells " * 8, n_participants=i) for i in range(500)
    )

    answer = visitor.get("/studies/")

    assert answer.status_code == 200 and len(answer.content) < 300_000


def wait_for_run(tries: int = 100) -> SearchRun:
    for _ in range(tries):
        if run := SearchRun.objects.order_by("-pk").first():
            return run
    raise AssertionError("no run was made")
