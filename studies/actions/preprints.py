"""A preprint and its article are two reports of one study: proposed to people where PubMed says so."""

from collections.abc import Sequence

from studies.actions import grouping
from studies.models import Report
from studies.sources.record import Record
from studies.terms import LinkBasis, ReportKind

# PubMed ties a preprint to its article by these; between two articles they mean a newer edition, another work.
_VERSIONS = ("UpdateIn", "UpdateOf")


def propose(pairs: Sequence[tuple[Record, int]], *, by: object) -> None:
    """Propose the studies of these records (each with its report's id) and of what they name as their other version.

    Each side names the other, so that it does not matter which came first.
    """
    named = {(pk, r.pmid) for record, pk in pairs for r in record.relations if r.kind in _VERSIONS and r.pmid}
    if not named:
        return
    rows = Report.objects.only("pmid", "kind", "study")
    ours = rows.in_bulk({pk for pk, _ in named})
    theirs = rows.in_bulk({pmid for _, pmid in named}, field_name="pmid")
    for pk, pmid in sorted(named):
        one, other = ours[pk], theirs.get(pmid)
        if other and one.study_id != other.study_id and (ReportKind.PREPRINT in (one.kind, other.kind)):
            grouping.propose_as_one(one.study_id, other.study_id, basis=LinkBasis.RELATION, by=by)
