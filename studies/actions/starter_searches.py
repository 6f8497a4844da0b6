"""Loads the searches and standing jobs that come with Stratum, each once: what an admin made of them stays."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from studies.actions.vocabulary import Counts
from studies.models import Search
from studies.rules.schedules import next_run
from studies.terms import ResultUse

FILE = Path(__file__).resolve().parent.parent / "searches.json"


@transaction.atomic
def load_searches(*, kinds: Collection[str], path: Path = FILE) -> Counts:
    """Add the rows whose kind is among those that have work, and that were never here: deleted ones stay deleted.

    The searches wait, paused, until NCBI_EMAIL is given; the standing jobs begin at once.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    rows = [row | {"waits": True} for row in data["searches"]] + [row | {"waits": False} for row in data["jobs"]]
    wanted = [row for row in rows if row["kind"] in kinds]
    there = set(Search.objects.exclude(slug=None).values_list("slug", flat=True))
    new = [row for row in wanted if row["slug"] not in there]
    taken = set(Search.objects.kept().values_list("name", flat=True))
    Search.objects.bulk_create([_search(row, taken) for row in new], ignore_conflicts=True)
    return Counts(len(wanted), len(new), 0, len(wanted) - len(new))


def _search(row: dict[str, Any], taken: Collection[str]) -> Search:
    waits = row["waits"] and not settings.NCBI_EMAIL
    return Search(
        slug=row["slug"],
        name=row["name"] if row["name"] not in taken else f"{row['name']} ({row['slug']})",
        kind=row["kind"],
        query=row.get("query", ""),
        note=row["note"],
        schedule=row["schedule"],
        use=row.get("use", ResultUse.ADD),
        is_paused=waits,
        awaits_email=waits,
        next_run_at=None if waits else next_run(row["schedule"], timezone.now()),
    )
