"""What a run has to fetch: the list of ids, written once, so that a killed run goes on from it."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from studies import identifiers
from studies.models import Finding, Search, SearchRun
from studies.sources.entrez import Entrez
from studies.terms import FindingResult, RunKind, RunState

# A report that PubMed itself told us about needs no second fetch unless PubMed says it has been revised since.
_LIST = """
INSERT INTO studies_finding (run_id, position, identifier, report_id, result, reason)
SELECT %(run)s, ids.position, ids.pmid::text, report.id,
       CASE WHEN report.source = 'pubmed' AND NOT ids.pmid = ANY(%(again)s::int[]) THEN 'known' ELSE 'pending' END, ''
FROM unnest(%(ids)s::int[]) WITH ORDINALITY AS ids(pmid, position)
LEFT JOIN studies_report AS report ON report.pmid = ids.pmid
"""


def plan(run: SearchRun, entrez: Entrez) -> SearchRun:
    """Ask the source what there is and write one finding an id. The network is asked before the transaction."""
    answer = again = last = None
    if run.kind == RunKind.SEARCH:
        answer = entrez.search(run.asked, at_most=run.limit)
        last = _last_success(run)
        again = _revised(run, entrez, last) if last else answer.ids
    with transaction.atomic():
        run = SearchRun.objects.select_for_update().get(pk=run.pk)
        if answer:
            _list_pmids(run, answer.ids, again)
            run.translation, run.warnings = answer.translation, list(answer.warnings)
        elif run.kind == RunKind.PMIDS:
            pmids = pmids_in(run.asked)
            _list_pmids(run, pmids, pmids)
        else:
            _list_pmcids(run, pmcids_in(run.asked))
        run.n_found = run.findings.count()
        run.n_known = run.findings.filter(result=FindingResult.KNOWN).count()
        run.n_left = _n_left(run, last) if last else 0
        run.planned_at = run.touched_at = timezone.now()
        run.save()
    return run


def pmids_in(text: str) -> list[int]:
    """Every PMID in a text parted by spaces, commas or lines, each once."""
    found = [identifiers.pmid(word) for word in text.replace(",", " ").split()]
    return list(dict.fromkeys(number for number in found if number))


def pmcids_in(text: str) -> list[str]:
    found = [identifiers.pmcid(word) for word in text.replace(",", " ").split()]
    return list(dict.fromkeys(number for number in found if number))


def _list_pmids(run: SearchRun, pmids: Sequence[int], again: Sequence[int]) -> None:
    """One finding a PMID; those in the catalogue already are not fetched unless they are in `again`."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST, {"run": run.pk, "ids": list(pmids), "again": list(again)})


def _list_pmcids(run: SearchRun, pmcids: Sequence[str]) -> None:
    Finding.objects.bulk_create([Finding(run=run, position=i, identifier=name) for i, name in enumerate(pmcids, 1)])


def _last_success(run: SearchRun) -> SearchRun | None:
    """The last finished run of the same question, as wide as this one."""
    runs = SearchRun.objects.filter(kind=run.kind, asked=run.asked, state=RunState.FINISHED, limit=run.limit)
    return runs.order_by("-started_at").first()


def _revised(run: SearchRun, entrez: Entrez, last: SearchRun) -> list[int]:
    """Of what the query finds, the PMIDs modified since the last success, with overlap."""
    overlap = run.search.overlap_days if run.search else Search._meta.get_field("overlap_days").default
    since = (last.started_at - timedelta(days=overlap)).date()
    return entrez.search(run.asked, mindate=since, datetype="mdat").ids


def _n_left(run: SearchRun, last: SearchRun) -> int:
    """How many of the last run's ids this one did not find any more; they stay in the catalogue."""
    return last.findings.exclude(identifier__in=run.findings.values("identifier")).count() if not run.limit else 0
