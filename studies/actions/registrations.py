"""Registration numbers met in reports: a stub for each, where it was named, and the links that come of it."""

from collections.abc import Sequence

from studies.actions import trial_links
from studies.identifiers import RegistryId, registry_id, registry_ids
from studies.models import RegistrationMention, TrialRegistration
from studies.sources.record import Record
from studies.terms import MentionBasis


def in_databanks(record: Record) -> set[str]:
    """Numbers from PubMed's databank list: the trial itself."""
    return {found.number for found in _in_databanks(record)}


def take_over(pairs: Sequence[tuple[Record, int]]) -> None:
    """Write stubs and mentions that are not there yet; nothing is removed."""
    trial_links.propose_for_reports(_add_mentions(pairs) | trial_links.named_by_registries(pairs))


def _add_mentions(pairs: Sequence[tuple[Record, int]]) -> set[int]:
    """The ids of the reports that name a registration."""
    mentions = {
        (report_id, found.number, basis): found
        for record, report_id in pairs
        for basis, ids in (
            (MentionBasis.DATABANK, _in_databanks(record)),
            (MentionBasis.TEXT, _in_text(record)),
        )
        for found in ids
    }
    if not mentions:
        return set()
    TrialRegistration.objects.bulk_create(
        [TrialRegistration(registry=found.registry, number=found.number) for found in set(mentions.values())],
        ignore_conflicts=True,
    )
    numbers = {found.number for found in mentions.values()}
    stubs = dict(TrialRegistration.objects.filter(number__in=numbers).values_list("number", "pk"))
    RegistrationMention.objects.bulk_create(
        [
            RegistrationMention(report_id=report_id, registration_id=stubs[number], basis=basis)
            for report_id, number, basis in mentions
        ],
        ignore_conflicts=True,
    )
    return {report_id for report_id, _, _ in mentions}


def _in_databanks(record: Record) -> set[RegistryId]:
    return {found for bank in record.databanks for accession in bank.accessions if (found := registry_id(accession))}


def _in_text(record: Record) -> set[RegistryId]:
    return {found for text in (record.title, record.abstract_text) for found, _, _ in registry_ids(text)}
