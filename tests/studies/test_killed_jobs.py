"""Workers killed in the middle of a refresh, of citations and of a file: nothing lost, nothing told twice."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import date
from io import BytesIO

import pytest

from studies.actions import catalogue, retraction_watch, running, searching
from studies.models import CitationCount, CitationLink, Finding, Notice, Report, ReportEvent, SearchRun, Study
from studies.sources import pubmed_xml
from studies.sources.record import Reading
from studies.terms import FindingResult, NoticeStatus, RunKind, RunState
from tests.ncbi.retraction_watch import file_of, row
from tests.ncbi.synthetic import article_xml
from tests.studies.test_running import ROOT, database_url

pytestmark = pytest.mark.django_db(transaction=True)
PMIDS = range(71, 101)
# A worker that works slowly, in small batches, as if its machine were busy.
WORKER = """
import django, time
django.setup()
from studies.actions import citations, findings, retraction_watch, running
citations.BATCH = retraction_watch.BATCH = 3
citations.SPACING = 0.02
settle = findings.count
findings.count = lambda *args, **more: (time.sleep(0.05), settle(*args, **more))
running.carry_on({run})
"""


@pytest.fixture(autouse=True)
def quick(settings, tmp_path, monkeypatch):
    settings.NCBI_API_KEY = "a-synthetic-key"
    settings.NCBI_BATCH = 3
    settings.UPLOADS = tmp_path
    monkeypatch.setattr("studies.actions.citations.SPACING", 0.02)


@pytest.fixture
def papers() -> None:
    articles = b"".join(article_xml(n, title=f"Title {n}", doi=f"10.5555/{n}", revised=date(2020, 1, 1)) for n in PMIDS)
    stream = BytesIO(b"<PubmedArticleSet>" + articles + b"</PubmedArticleSet>")
    catalogue.upsert(list(pubmed_xml.read(stream, Reading())), source="pubmed")


@pytest.fixture
def outside(ncbi, icite) -> dict[str, str]:
    for n in PMIDS:
        retracted = [("RetractionIn", "Synth", 900 + n, None)] if n % 3 == 0 else []
        ncbi.shelf.add(
            article_xml(n, title=f"Corrected {n}", doi=f"10.5555/{n}", revised=date(2030, 1, 1), comments=retracted)
        )
        ncbi.shelf.link("pubmed_pubmed_citedin", n, [5000 + n])
        icite.knows(n, n, cited_by=[6000 + n])
    return {"NCBI_BASE_URL": ncbi.url, "ICITE_BASE_URL": icite.url}


def carried_through_kills(run: SearchRun, outside: dict[str, str], n_kills: int = 1) -> SearchRun:
    """Let workers begin and be killed at random moments, then let one finish."""
    environment = (
        os.environ
        | outside
        | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url(),
            "NCBI_API_KEY": "a-synthetic-key",
            "NCBI_BATCH": "3",
        }
    )
    for _ in range(n_kills):
        before = done(run)
        worker = subprocess.Popen([sys.executable, "-c", WORKER.format(run=run.pk)], env=environment, cwd=ROOT)
        wait_until(lambda before=before, worker=worker: done(run) > before or worker.poll() is not None)
        time.sleep(random.uniform(0, 0.2))
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        wait_until(lambda: run.pk in running.unattended() or SearchRun.objects.get(pk=run.pk).state != RunState.RUNNING)
    return running.carry_on(run.pk)


def done(run: SearchRun) -> int:
    return SearchRun.objects.get(pk=run.pk).n_done


def wait_until(true, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_refresh(papers, outside):
    run = carried_through_kills(searching.request_once(RunKind.REFRESH, ""), outside, n_kills=2)

    assert (run.state, run.n_found, run.n_changed) == (RunState.FINISHED, 30, 30)
    assert sorted(Report.objects.values_list("title", flat=True)) == sorted(f"Corrected {n}" for n in PMIDS)
    told = ReportEvent.objects.filter(field="title").values_list("report__pmid", flat=True)
    assert sorted(told) == list(PMIDS), "once each"
    assert ReportEvent.objects.filter(kind="notice-added").count() == Notice.objects.count() == 10
    assert Study.objects.filter(notice_status=NoticeStatus.RETRACTED).count() == 10


def test_citations(papers, outside):
    run = carried_through_kills(searching.request_once(RunKind.CITATIONS, ""), outside)

    assert (run.state, run.n_done) == (RunState.FINISHED, 60)
    assert not Finding.objects.filter(run=run, result=FindingResult.PENDING).exists()
    counts = CitationCount.objects.filter(source="icite").values_list("report__pmid", "count")
    assert dict(counts) == {n: n for n in PMIDS} and CitationCount.objects.count() == 60
    assert CitationLink.objects.filter(source__in=("icite", "elink")).count() == 60


def test_the_retraction_watch_file(papers, outside):
    rows = [row(n, doi=f"10.5555/{n}" if n % 2 else "unavailable", pmid=0 if n % 2 else n) for n in PMIDS]
    run = carried_through_kills(retraction_watch.request_file("rw.csv", BytesIO(file_of(*rows)), by=None), outside)

    assert (run.state, run.n_found, run.n_created) == (RunState.FINISHED, 30, 30)
    assert Notice.objects.filter(source="retraction-watch", report__isnull=False).count() == 30
    assert ReportEvent.objects.filter(kind="notice-added").count() == 30, "told once each"
