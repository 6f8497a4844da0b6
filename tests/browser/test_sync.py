"""An admin's path: a search with its preview, a run watched to its end, pause, cancel, files, full texts."""

import re

import pytest
from playwright.sync_api import Page, expect

from studies.actions import searching
from studies.actions.starter import load_vocabulary
from studies.models import Report, SearchRun, Study
from studies.terms import RunKind, RunState
from tests.browser.looking import PHONE, WAYS
from tests.conftest import PASSWORD
from tests.ncbi import jats
from tests.ncbi.synthetic import FIRST_PMID

N_RECORDS = 60
NBIB = """PMID- 900000001
TI  - A synthetic record about nanofat
DP  - 2024 Mar
PT  - Journal Article

PMID- 900000002
TI  - A second synthetic record about microfat
DP  - 2025
PT  - Journal Article
"""


@pytest.fixture(autouse=True)
def small_steps(settings):
    settings.NCBI_API_KEY = "a-synthetic-key"
    settings.NCBI_BATCH = 20


@pytest.fixture
def all_synthetic(admin):
    return searching.create_search(by=admin, name="All synthetic", query="synthetic[tiab]")


def figure(page: Page, label: str) -> str:
    return page.locator(".figures__item", has=page.get_by_text(label, exact=True)).locator("dd").inner_text()


def wait_for(page: Page, state: str, *, script: bool = True) -> None:
    """Until the run's badge says so; without script a reader loads the page again."""
    badge = page.locator(".sync-head .badge").first
    for _ in range(100):
        if script or badge.inner_text() == state:
            break
        page.wait_for_timeout(100)
        page.reload()
    expect(badge).to_have_text(state)


@pytest.mark.parametrize(("window", "script"), WAYS)
def test_a_new_search_is_previewed_run_watched_and_its_studies_are_found(
    site, ncbi, worker, admin, visits, window, script
):
    load_vocabulary()
    worker.gate.clear()
    page = visits(size=window, script=script)
    page.goto("/sign-in/?next=/sync/")
    page.get_by_label("E-mail address").fill(admin.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="New search").click()
    page.get_by_label("Name").fill("All synthetic")
    page.get_by_label("Query", exact=True).fill("synthetic[tiab]")

    page.get_by_role("button", name="How many would this find?").click()
    expect(page.locator(".preview__count")).to_contain_text(f"{N_RECORDS} records in PubMed now")
    expect(page.get_by_label("Name")).to_have_value("All synthetic")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is saved")).to_be_visible()
    page.get_by_role("button", name="Run now").click()

    wait_for(page, RunState.RUNNING.label, script=script)
    expect(page.get_by_role("progressbar")).to_be_visible()
    worker.gate.set()
    wait_for(page, RunState.FINISHED.label, script=script)
    assert figure(page, "New") == str(N_RECORDS)
    expect(page.locator("#log tbody tr")).to_have_count(N_RECORDS)

    page.goto("/studies/")
    expect(page.locator("#results-title")).to_contain_text(f"{N_RECORDS} studies")
    design = page.locator("#fold-design .facet__count").first
    n_of_design = int(design.text_content())
    page.goto(f"/studies/?q={FIRST_PMID + 3}")
    expect(page.get_by_role("heading", level=1)).to_have_text(Study.objects.get(reports__pmid=FIRST_PMID + 3).title)
    assert 0 < n_of_design <= N_RECORDS


def test_a_run_is_paused_resumed_and_finishes_with_everything(site, ncbi, worker, admin, all_synthetic, visits):
    worker.gate.clear()
    page = visits(admin)
    page.goto("/sync/")
    page.get_by_role("button", name="Run now").click()
    wait_for(page, RunState.RUNNING.label)

    page.get_by_role("button", name="Pause").click()
    wait_for(page, RunState.PAUSED.label)
    worker.gate.set()
    assert Report.objects.count() < N_RECORDS
    page.get_by_role("button", name="Resume").click()

    wait_for(page, RunState.FINISHED.label)
    assert figure(page, "New") == str(N_RECORDS)
    assert Report.objects.count() == N_RECORDS


def test_a_cancelled_run_keeps_what_it_has_brought_and_ends(site, ncbi, worker, admin, all_synthetic, visits):
    worker.gate.clear()
    page = visits(admin, size=PHONE)
    page.goto("/sync/")
    page.get_by_role("button", name="Run now").click()
    wait_for(page, RunState.RUNNING.label)

    page.get_by_role("button", name="Cancel the run").click()
    worker.gate.set()

    wait_for(page, RunState.CANCELLED.label)
    run = SearchRun.objects.get()
    assert Report.objects.count() == run.n_created < N_RECORDS
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_imported_and_its_studies_are_found(site, worker, admin, visits, script):
    page = visits(admin, script=script)
    page.goto("/sync/")
    page.get_by_role("link", name="Import a file").click()

    page.get_by_label("File").set_input_files(
        {"name": "export.nbib", "mimeType": "text/plain", "buffer": NBIB.encode()}
    )
    page.get_by_role("button", name="Import").click()

    wait_for(page, RunState.FINISHED.label, script=script)
    page.get_by_role("link", name="A synthetic record about nanofat").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A synthetic record about nanofat")


def test_a_file_of_the_wrong_kind_is_refused_in_one_sentence_that_has_the_focus(site, admin, visits):
    page = visits(admin, forgive=["status of 422"])
    page.goto("/sync/import/")

    page.get_by_label("File").set_input_files({"name": "a.docx", "mimeType": "text/plain", "buffer": b"PK\3\4 nothing"})
    page.get_by_role("button", name="Import").click()

    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_attribute("href", re.compile("^#id_file"))


def test_a_full_text_of_pmc_is_read_under_its_licence_and_not_without_one(site, ncbi, worker, admin, visits):
    run = searching.request_once(RunKind.PMC, f"PMC{jats.FIRST} PMC{jats.FIRST + 1}", by=admin)
    page = visits(admin)
    page.goto(run.get_absolute_url())
    wait_for(page, RunState.FINISHED.label)

    page.goto(f"/studies/?q=PMC{jats.FIRST}")
    expect(page.locator(".banner--good")).to_contain_text("Shown under its licence")
    expect(page.locator(".banner--good a").first).to_have_attribute(
        "href", re.compile("creativecommons.org/licenses/by")
    )
    expect(page.get_by_text("an introduction about ageing skin")).to_be_visible()
    page.locator("summary", has_text="Methods").click()
    expect(page.get_by_text("Twenty imagined participants")).to_be_visible()

    page.goto(f"/studies/?q=PMC{jats.FIRST + 1}")
    expect(page.get_by_text("no licence that allows reuse")).to_be_visible()
    expect(page.get_by_text("an introduction about ageing skin")).to_have_count(0)
