"""The log of a study: every act in plain words, with its reason, as a page and as a file."""

import csv
import io

import pytest
from django.urls import reverse

from studies.actions import grouping
from studies.models import AuditEvent
from tests.factories import make_study

pytestmark = pytest.mark.django_db


def test_the_log_tells_in_words_who_did_what_and_why(visitor, reviewer):
    kept, other = make_study("Nanofat for wrinkles"), make_study("Nanofat, longer followed")
    grouping.group(kept, other, by=reviewer, why="The same registration")
    report = kept.reports.first()
    AuditEvent.objects.record("updated", report, source="PubMed", fields=["title", "published_on"])
    detail = {"tag": "Nanofat", "reason": "=HYPERLINK(1)", "before": {"is_own": True, "share": 1}}
    AuditEvent.objects.record("rejected the tag", kept, by=reviewer, **detail)

    page = visitor.get(reverse("studies:study_log", args=[kept.pk])).content.decode()
    answer = visitor.get(reverse("studies:study_log_csv", args=[kept.pk]))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    assert [row["what"] for row in rows] == [
        "rejected the tag “Nanofat”",
        f"updated the report “{report.title}” from PubMed: title, published on",
        "took in: “Nanofat, longer followed”",
    ]
    assert [row["who"] for row in rows] == [str(reviewer), "Stratum", str(reviewer)]
    assert rows[0]["why"] == "'=HYPERLINK(1)"
    assert rows[0]["before"] == "share: 1; is own: yes"
    assert "Took in: “Nanofat, longer followed”" in page
    assert "attachment" in answer["Content-Disposition"]


def test_the_log_of_a_study_that_was_grouped_is_that_of_the_one_it_went_into(visitor, reviewer):
    kept, other = make_study("Nanofat for wrinkles"), make_study("Nanofat, longer followed")
    grouping.group(kept, other, by=reviewer)

    page = visitor.get(reverse("studies:study_log", args=[other.pk])).content.decode()

    assert "Nanofat for wrinkles" in page
    assert visitor.get(reverse("studies:study_log", args=[0])).status_code == 404


def test_a_study_leads_to_its_log(visitor, reviewer):
    study = make_study("Nanofat for wrinkles")
    AuditEvent.objects.record("imported", study, by=reviewer)

    page = visitor.get(study.get_absolute_url()).content.decode()

    assert reverse("studies:study_log", args=[study.pk]) in page
