"""What a run has to fetch: the list of ids, written once, so that a killed run goes on from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from studies import identifiers
from studies.actions import windows
from studies.models import Finding, Search, SearchRun
from studies.sources.entrez import Entrez
from studies.terms import FindingResult, RunKind

# A report that PubMed itself told us about needs no second fetch unless PubMed says it has been revised since.
_LIST = """
INSERT INTO studies_finding (run_id, position, identifier, report_id, result, reason)
SELECT %(run)s, ids.position, ids.pmid::text, report.id,
       CASE WHEN report.id IS NULL AND %(use)s <> 'add' THEN 'listed'
            WHEN report.id IS NOT NULL AND %(use)s = 'list' THEN 'known'
            WHEN report.source = 'pubmed' AND NOT ids.pmid = ANY(%(again)s::int[]) THEN 'known'
            ELSE 'pending' END, ''
FROM unnest(%(ids)s::int[]) WITH ORDINALITY AS ids(pmid, position)
LEFT JOIN studies_report AS report ON report.pmid = ids.pmid
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What PubMed answered: the ids found, and those of them that have to be fetched although they are known."""

    ids: Sequence[int]
    again: Sequence[int]
    translation: str = ""
    warnings: Sequence[str] = ()


def plan(run: SearchRun, entrez: Entrez) -> SearchRun:
    """Ask the source what there is and write one finding an id. The network is asked before the transaction."""
    last = _last(run)
    asked = _ask(run, entrez, last)
    with transaction.atomic():
        run = SearchRun.objects.select_for_update().get(pk=run.pk)
        if asked:
            _list_pmids(run, asked)
            run.translation, run.warnings = asked.translation, list(asked.warnings)
        else:
            _list_pmcids(run, pmcids_in(run.asked))
        run.n_found = run.findings.count()
        run.n_known = run.findings.filter(result=FindingResult.KNOWN).count()
        run.n_listed = run.findings.filter(result=FindingResult.LISTED).count()
        run.n_left = _n_left(run)
        run.planned_at = run.touched_at = timezone.now()
        run.save()
    return run


def _last(run: SearchRun) -> SearchRun | None:
    """The last success of the same question, as wide as this one."""
    if run.kind != RunKind.SEARCH:
        return None
    return windows.successes(run.kind, run.asked, run.use, run.limit).first()


def _ask(run: SearchRun, entrez: Entrez, last: SearchRun | None) -> _Asked | None:
    if run.kind == RunKind.PMIDS:
        pmids = pmids_in(run.asked)
        return _Asked(pmids, pmids)
    if run.kind != RunKind.SEARCH:
        return None
    if run.since:
        return _ask_since(run, entrez)
    found = entrez.search(run.asked, at_most=run.limit)
    again = found.ids
    if last:
        day = windows.first_day(last, _overlap(run))
        again = entrez.search(run.asked, mindate=day, datetype="mdat").ids
    return _Asked(found.ids, again, found.translation, found.warnings)


def _ask_since(run: SearchRun, entrez: Entrez) -> _Asked:
    """What is new, and what has changed: a record whose MeSH terms come late may be found only now."""
    created = entrez.search(run.asked, mindate=run.since, datetype="crdt")
    changed = entrez.search(run.asked, mindate=run.since, datetype="mdat")
    owed = [int(identifier) for identifier in windows.owed(run) if identifier.isdigit()]
    ids = list(dict.fromkeys([*created.ids, *changed.ids, *owed]))
    return _Asked(ids, [*changed.ids, *owed], created.translation, created.warnings)


def pmids_in(text: str) -> list[int]:
    """Every PMID in a text parted by spaces, commas or lines, each once."""
    found = [identifiers.pmid(word) for word in text.replace(",", " ").split()]
    return list(dict.fromkeys(number for number in found if number))


def pmcids_in(text: str) -> list[str]:
    found = [identifiers.pmcid(word) for word in text.replace(",", " ").split()]
    return list(dict.fromkeys(number for number in found if number))


def _list_pmids(run: SearchRun, asked: _Asked) -> None:
    """One finding a PMID; those in the catalogue already are not fetched unless they are in `again`."""
    values = {"run": run.pk, "ids": list(asked.ids), "again": list(asked.again), "use": run.use}
    with connection.cursor() as cursor:
        cursor.execute(_LIST, values)


def _list_pmcids(run: SearchRun, pmcids: Sequence[str]) -> None:
    Finding.objects.bulk_create([Finding(run=run, position=i, identifier=name) for i, name in enumerate(pmcids, 1)])


def _overlap(run: SearchRun) -> int:
    return run.search.overlap_days if run.search else Search._meta.get_field("overlap_days").default


def _n_left(run: SearchRun) -> int:
    """How many ids of the last run for everything this one did not find any more; they stay in the catalogue."""
    if run.kind != RunKind.SEARCH or run.limit or run.since:
        return 0
    last = windows.successes(run.kind, run.asked, run.use).filter(since=None).first()
    return last.findings.exclude(identifier__in=run.findings.values("identifier")).count() if last else 0
