"""The searches and standing jobs that come with Stratum: whole, loaded once, and an admin's from then on."""

import json
from pathlib import Path

import pytest
from django.utils import timezone

from studies.actions import running, scheduling, searching
from studies.actions.starter_searches import FILE, load_searches
from studies.models import AuditEvent, Search
from studies.rules import schedules
from studies.terms import ResultUse, RunKind

pytestmark = pytest.mark.django_db
DATA = json.loads(FILE.read_text(encoding="utf-8"))
ALL = {row["kind"] for row in [*DATA["searches"], *DATA["jobs"]]}


def row(slug: str) -> Search:
    return Search.objects.get(slug=slug)


def test_thirteen_pubmed_strings_and_two_questions_to_the_registry_come_along():
    kinds = [entry["kind"] for entry in DATA["searches"]]

    assert (kinds.count(RunKind.SEARCH), kinds.count(RunKind.TRIALS)) == (13, 2)
    assert [entry["slug"] for entry in DATA["searches"][:13]] == [f"s{n}" for n in range(1, 14)]


@pytest.mark.parametrize("entry", [*DATA["searches"], *DATA["jobs"]], ids=lambda entry: entry["slug"])
def test_each_entry_can_be_asked(entry):
    query = entry.get("query", "")

    assert entry["kind"] in RunKind
    assert entry.get("use", "add") in ResultUse
    assert schedules.next_runs(entry["schedule"], timezone.now()) or not entry["schedule"]
    assert query.count("(") == query.count(")") and query.count('"') % 2 == 0
    assert query.count("[") == query.count("]")
    assert entry["note"]


def test_they_wait_paused_until_there_is_an_address_for_ncbi(settings):
    settings.NCBI_EMAIL = ""
    load_searches(kinds=ALL)
    assert scheduling.release_waiting(timezone.now()) == []
    searches = Search.objects.exclude(query="")
    assert all(s.is_paused and s.awaits_email and s.next_run_at is None for s in searches)
    assert not Search.objects.filter(query="", is_paused=True).exists(), "standing jobs begin at once"

    settings.NCBI_EMAIL = "library@example.org"
    released = scheduling.release_waiting(timezone.now())

    assert len(released) == len(DATA["searches"])
    assert all(not s.is_paused and bool(s.next_run_at) == bool(s.schedule) for s in Search.objects.all())
    assert AuditEvent.objects.filter(verb="resumed").count() == len(released)
    assert scheduling.release_waiting(timezone.now()) == []


def test_what_an_admin_made_of_them_is_never_overwritten(settings, admin):
    settings.NCBI_EMAIL = ""
    load_searches(kinds=ALL)
    searching.change_search(row("s1"), by=admin, query="nanofat", name="Ours")
    searching.set_paused(row("s2"), True, by=admin)
    searching.delete_search(row("s3"), by=admin)

    settings.NCBI_EMAIL = "library@example.org"
    counts = load_searches(kinds=ALL)
    scheduling.release_waiting(timezone.now())

    assert (counts.created, counts.kept) == (0, len(DATA["searches"]) + len(DATA["jobs"]))
    assert (row("s1").query, row("s1").name) == ("nanofat", "Ours")
    assert row("s2").is_paused, "a person's pause outweighs what Stratum waits for"
    assert row("s3").deleted_at and not row("s3").next_run_at


def test_only_kinds_that_have_work_are_loaded(tmp_path: Path):
    counts = load_searches(kinds={RunKind.SEARCH})

    assert counts.created == 13
    assert set(Search.objects.values_list("kind", flat=True)) == {RunKind.SEARCH}
    assert {RunKind.SEARCH, RunKind.PMIDS, RunKind.PMC, RunKind.FILE} <= set(running.WORK)


def test_a_name_that_an_admin_has_given_already_is_no_hindrance():
    Search.objects.create(name=DATA["searches"][0]["name"], query="nanofat")

    load_searches(kinds={RunKind.SEARCH})

    assert row("s1").name == f"{DATA['searches'][0]['name']} (s1)"
