"""Files into the catalogue: every good record, every bad one with its place and reason, and no file twice."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from studies.actions import importing, running
from studies.models import Finding, Report
from studies.terms import FindingResult, RunState
from tests.ncbi.jats import article
from tests.ncbi.synthetic import corpus

pytestmark = pytest.mark.django_db

RIS = """TY  - JOUR
TI  - A synthetic study of nanofat for perioral lines
AU  - Doe, Jane
PY  - 2021
DO  - 10.5555/synthetic.ris.1
ER  -

TY  - JOUR
ER  -

TY  - JOUR
TI  - A second synthetic study of conditioned medium
PY  - 2022
ER  -
"""


@pytest.fixture
def pubmed_xml(tmp_path):
    path = tmp_path / "synthetic.xml"
    path.write_bytes(b"<PubmedArticleSet>" + b"".join(corpus(450)) + b"</PubmedArticleSet>")
    return path


def imported(name: str, content: bytes):
    return running.carry_on(importing.request_import(name, io.BytesIO(content), by=None).pk)


def test_every_record_of_a_file_comes_in_and_the_same_file_again_changes_nothing(pubmed_xml):
    first = running.carry_on(importing.request_path(pubmed_xml).pk)
    second = running.carry_on(importing.request_path(pubmed_xml).pk)

    assert (first.state, first.n_found, first.n_created) == (RunState.FINISHED, 450, 450)
    assert (second.n_found, second.n_unchanged, second.n_created) == (450, 450, 0)
    assert Report.objects.count() == 450


def test_a_bad_record_is_reported_with_its_place_and_the_others_are_kept():
    run = imported("synthetic.ris", RIS.encode())

    assert (run.n_created, run.n_rejected, run.n_found) == (2, 1, 3)
    rejected = run.findings.get(result=FindingResult.REJECTED)
    assert rejected.reason and "line" in rejected.identifier


def test_a_file_of_the_wrong_kind_is_refused_in_one_sentence_and_leaves_nothing(settings):
    with pytest.raises(importing.Refused, match="PDF"):
        importing.request_import("thesis.pdf", io.BytesIO(b"%PDF-1.7 synthetic"), by=None)

    assert list(settings.UPLOADS.iterdir()) == []


def test_a_file_larger_than_the_setting_is_refused(settings):
    settings.UPLOAD_MEGABYTES = 1

    with pytest.raises(importing.Refused, match="larger than 1 MB"):
        importing.request_import("big.ris", io.BytesIO(RIS.encode() * 9000), by=None)


def test_a_file_that_breaks_off_keeps_what_came_before_and_says_where(pubmed_xml):
    pubmed_xml.write_bytes(pubmed_xml.read_bytes()[:-150_000])

    run = running.carry_on(importing.request_path(pubmed_xml).pk)

    assert run.state == RunState.FAILED and run.failure.startswith("synthetic.xml")
    assert 400 < run.n_created == Report.objects.count() < 450


def test_reading_goes_on_where_it_stopped_without_a_second_finding(pubmed_xml):
    run = importing.request_path(pubmed_xml)

    class Killed(BaseException):
        """As a worker that dies between two batches."""

    def die(run) -> None:
        raise Killed

    with pytest.raises(Killed):
        running.carry_on(run.pk, on_progress=die)
    run = running.carry_on(run.pk)

    assert (run.state, run.n_found, run.n_created, run.n_attempts) == (RunState.FINISHED, 450, 450, 2)
    assert Finding.objects.filter(run=run).count() == 450


def test_an_upload_is_removed_once_it_is_read(settings):
    imported("synthetic.ris", RIS.encode())

    assert list(settings.UPLOADS.iterdir()) == []


def test_the_command_ends_with_one_object(pubmed_xml, tmp_path, capsys):
    ris = tmp_path / "more.ris"
    ris.write_text(RIS)

    call_command("import_records", str(pubmed_xml), str(ris), "--json")

    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (summary["read"], summary["created"], summary["rejected"]) == (453, 452, 1)
    assert len(summary["reasons"]) == 1


def test_the_command_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_records", str(tmp_path / "nothing.xml"))


def test_a_jats_file_is_a_report_with_its_text(tmp_path):
    path = tmp_path / "article.nxml"
    path.write_bytes(article(90_000_123, pmid=None))

    run = running.carry_on(importing.request_path(path).pk)

    assert run.n_created == 1
    assert Report.objects.get().full_text.has_body
