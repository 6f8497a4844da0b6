"""A cell of the map leaves as a spreadsheet and as RIS, opens in LibreOffice, and comes back without a double."""

import csv
import io
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.test import Client

from studies.actions import catalogue
from studies.models import Report, Study
from studies.sources import files
from studies.sources.record import Reading, Record
from studies.terms import Facet
from tests.factories import make_notice, make_study, make_tag

pytestmark = pytest.mark.django_db
OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


@pytest.fixture
def cell() -> str:
    """The query of a cell with two studies, one retracted and one whose title begins like a formula."""
    fat, wrinkles = make_tag("fat"), make_tag("wrinkles", Facet.OUTCOME)
    make_notice(make_study("Müller’s nanofat: β-actin in cheeks", tags=[fat, wrinkles]))
    make_study("=1+1 wrinkles, or none", tags=[fat, wrinkles], n_participants=24)
    make_study("Of another cell", tags=[fat])
    return urlencode({"sources": "fat", "outcomes": "wrinkles"})


def exported(kind: str, query: str) -> bytes:
    answer = Client().get(f"/studies/export/{kind}?{query}")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def records_of(content: bytes, name: str) -> list[Record]:
    reading = Reading()
    found = list(files.open_records(io.BytesIO(content), name, reading, 10_000_000))
    assert reading.rejections == []
    return found


def assert_it_comes_back(content: bytes, name: str) -> None:
    """By its ids each record is the report that it was: nothing is added and nothing changes."""
    before = list(Report.objects.order_by("pk").values("pk", "title", "pmid", "doi", "study_id"))
    records = records_of(content, name)
    assert {record.pmid for record in records} == {row["pmid"] for row in before if "another" not in row["title"]}

    catalogue.upsert(records, source="file", by="test")

    assert list(Report.objects.order_by("pk").values("pk", "title", "pmid", "doi", "study_id")) == before
    assert Study.objects.count() == 3


@pytest.mark.skipif(not OFFICE, reason="LibreOffice is not installed here")
def test_a_cell_opens_in_libreoffice_and_comes_back(cell, tmp_path):
    (tmp_path / "cell.xlsx").write_bytes(exported("xlsx", cell))
    csv_filter = "csv:Text - txt - csv (StarCalc):44,34,76,1"
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    command = [OFFICE, profile, "--headless", "--convert-to", csv_filter, "--outdir", str(tmp_path), "cell.xlsx"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    opened = Path(tmp_path / "cell.csv")
    assert opened.exists(), done.stderr
    rows = list(csv.DictReader(io.StringIO(opened.read_text("utf-8-sig"))))
    assert {row["Title"].lstrip("'") for row in rows} == {
        "Müller’s nanofat: β-actin in cheeks",
        "=1+1 wrinkles, or none",
    }
    assert any(row["Notices"].startswith("RETRACTED") for row in rows)
    assert "24" in {row["People"] for row in rows}
    assert_it_comes_back(opened.read_bytes(), "cell.csv")


def test_a_cell_leaves_as_ris_and_comes_back(cell):
    assert_it_comes_back(exported("ris", cell), "cell.ris")
