"""Finds what references mean: by their ids, then by their words; asks, compares, and never guesses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from studies.actions.asking import CONVERTER, PMC, PUBMED, REGISTRY, Answer, Desk, Outcome, summaries
from studies.actions.title_search import MOST_CHOICES, by_words
from studies.rules.citation_verdict import IDENTIFIER, TITLE, Comparison, Found, compare
from studies.rules.references import Cited
from studies.sources.id_converter import Converted
from studies.sources.web import SourceError, SourceRefused
from studies.terms import CheckVerdict

UNREAD = "This reference could not be read: check it by its PMID, its DOI, or its title alone."
UNCOMPARED = "The words beside the identifier could not be read, so they were not compared with this article."
_DOIS_AT_ONCE = 20


@dataclass(slots=True)
class _Answers:
    """What each id leads to: an article, None where the source knows it not, an error where it could not be asked."""

    pmids: dict[int, Answer] = field(default_factory=dict)
    pmcids: dict[str, Answer] = field(default_factory=dict)
    dois: dict[str, Answer] = field(default_factory=dict)
    registrations: dict[str, Answer] = field(default_factory=dict)

    def of(self, cited: Cited) -> list[tuple[str, Answer]]:
        """(id in words, what it leads to) for each id of the reference."""
        found: list[tuple[str, Found | SourceError | None]] = []
        if cited.pmid:
            found.append((f"PMID {cited.pmid}", self.pmids.get(cited.pmid)))
        if cited.pmcid:
            found.append((cited.pmcid, self.pmcids.get(cited.pmcid)))
        if cited.doi:
            found.append((f"doi:{cited.doi}", self.dois.get(cited.doi)))
        if cited.registration:
            found.append((cited.registration, self.registrations.get(cited.registration)))
        return found


def resolve(asked: Mapping[int, Cited], desk: Desk) -> dict[int, Outcome]:
    """An outcome for every reference, by its key. The sources are asked outside any transaction."""
    answers = _by_ids(list(asked.values()), desk)
    outcomes: dict[int, Outcome] = {}
    searched: dict[int, Cited] = {}
    for key, cited in asked.items():
        outcome = _of_ids(cited, answers.of(cited)) if cited.has_id else None
        if outcome:
            outcomes[key] = outcome
        if cited.title and (outcome is None or _may_mean_another(outcome)):
            searched[key] = cited
        elif outcome is None:
            outcomes[key] = Outcome(CheckVerdict.NOT_ASKED, remark=UNREAD)
    for key, outcome in by_words(searched, desk).items():
        outcomes[key] = _with_search(asked[key], outcomes.get(key), outcome)
    return outcomes


def _may_mean_another(outcome: Outcome) -> bool:
    """Whether it is worth asking under which id the cited title really stands."""
    if outcome.verdict == CheckVerdict.MISMATCH:
        return TITLE in outcome.comparison.differences
    return outcome.verdict == CheckVerdict.NOT_FOUND


# --- By identifiers ---


def _by_ids(cited: Sequence[Cited], desk: Desk) -> _Answers:
    answers = _Answers()
    pmcids = list(dict.fromkeys(one.pmcid for one in cited if one.pmcid))
    dois = list(dict.fromkeys(one.doi for one in cited if one.doi))
    of_pmcid = _converted(pmcids, "pmcid", desk)
    of_doi = _converted(dois, "doi", desk)
    pmids = [one.pmid for one in cited if one.pmid]
    pmids += [one.pmid for one in (*of_pmcid.values(), *of_doi.values()) if isinstance(one, Converted) and one.pmid]
    answers.pmids = summaries(pmids, desk)
    answers.pmcids = _through(of_pmcid, answers.pmids)
    answers.dois = _through(of_doi, answers.pmids)
    # What the converter could not lead to PubMed is asked of PMC and of PubMed's search itself.
    answers.pmcids |= _pmc([name for name in pmcids if not isinstance(answers.pmcids[name], Found)], desk)
    answers.dois |= _dois([name for name in dois if not isinstance(answers.dois[name], Found)], desk)
    answers.registrations = _registrations([one.registration for one in cited if one.registration], desk)
    return answers


def _converted(ids: list[str], kind: str, desk: Desk) -> dict[str, Converted | SourceError | None]:
    if not ids:
        return {}
    try:
        return dict(desk.ask(CONVERTER, lambda: desk.converter.convert(ids, kind)))
    except SourceError as error:
        return dict.fromkeys(ids, error)


def _through(converted: Mapping[str, Converted | SourceError | None], pmids: Mapping[int, Answer]) -> dict[str, Answer]:
    return {
        name: pmids.get(said.pmid)
        if isinstance(said, Converted) and said.pmid
        else None
        if isinstance(said, Converted)
        else said
        for name, said in converted.items()
    }


def _pmc(pmcids: Sequence[str], desk: Desk) -> dict[str, Answer]:
    """PMC's own summaries: an article there need not be in PubMed."""
    numbers = {int(name.removeprefix("PMC")): name for name in pmcids}
    return {numbers[number]: found for number, found in summaries(numbers, desk, db="pmc").items()}


def _dois(dois: Sequence[str], desk: Desk) -> dict[str, Answer]:
    """DOIs that PMC does not know, looked for in PubMed, many in one question."""
    found: dict[str, Found | SourceError | None] = {}
    for start in range(0, len(dois), _DOIS_AT_ONCE):
        portion = dois[start : start + _DOIS_AT_ONCE]
        query = " OR ".join(f'"{name.replace(chr(34), "")}"[doi]' for name in portion)
        try:
            hits = desk.ask(PUBMED, lambda query=query: desk.entrez.search(query, at_most=4 * _DOIS_AT_ONCE))
        except SourceError as error:
            found |= dict.fromkeys(portion, error)
            continue
        said = summaries(hits.ids, desk)
        trouble = next((one for one in said.values() if isinstance(one, SourceError)), None)
        by_doi = {one.doi: one for one in said.values() if isinstance(one, Found) and one.doi}
        found |= {name: by_doi.get(name, trouble) for name in portion}
    return found


def _registrations(numbers: Iterable[str], desk: Desk) -> dict[str, Answer]:
    wanted = list(dict.fromkeys(numbers))
    ours = [number for number in wanted if number.startswith("NCT")]
    cannot = SourceRefused(
        "a trial's number", "this registry is not asked from here; follow the link to look", "Stratum"
    )
    found: dict[str, Found | SourceError | None] = dict.fromkeys(wanted, cannot)
    if ours and desk.registry:
        try:
            found |= desk.ask(REGISTRY, lambda: desk.registry(ours))
        except SourceError as error:
            found |= dict.fromkeys(ours, error)
    return found


def _of_ids(cited: Cited, answers: list[tuple[str, Answer]]) -> Outcome:
    """The verdict as far as the ids go."""
    found = [(name, one) for name, one in answers if isinstance(one, Found)]
    unknown = [name for name, one in answers if one is None]
    errors = [one for _, one in answers if isinstance(one, SourceError)]
    sources = tuple(dict.fromkeys(one.source for _, one in found)) or (PUBMED,)
    if errors:
        # What the other ids say may be half of the truth.
        return Outcome(CheckVerdict.NOT_ASKED, remark=str(errors[0]), sources=())
    if not found:
        return Outcome(CheckVerdict.NOT_FOUND, remark=_unknown(cited, unknown), sources=_asked_sources(cited))
    first, others = found[0][1], [one for _, one in found[1:] if not _is_one_article(one, found[0][1])]
    comparison = compare(cited, first)
    if others:
        names = " and ".join(name for name, _ in found)
        return _mismatch(first, comparison, f"{names} belong to different articles.", sources, tuple(others))
    if unknown and not cited.registration:
        return _mismatch(first, comparison, _unknown(cited, unknown), sources)
    return outcome_of(first, comparison, sources)


def outcome_of(found: Found, comparison: Comparison, sources: tuple[str, ...]) -> Outcome:
    """The verdict on an article that an id or a fingerprint leads to."""
    if comparison.is_unread and not comparison.differences:
        return Outcome(CheckVerdict.AMBIGUOUS, choices=(found,), remark=UNCOMPARED, sources=sources)
    verdict = CheckVerdict.MATCH if comparison.is_match else CheckVerdict.MISMATCH
    return Outcome(verdict, found, comparison, sources=sources)


def _is_one_article(one: Found, other: Found) -> bool:
    if one.pmid and other.pmid:
        return one.pmid == other.pmid
    if one.registration or other.registration:
        return one.registration == other.registration
    return bool(one.pmcid and one.pmcid == other.pmcid) or bool(one.doi and one.doi == other.doi)


def _mismatch(
    found: Found, comparison: Comparison, remark: str, sources: tuple[str, ...], choices: tuple[Found, ...] = ()
) -> Outcome:
    """A mismatch of the identifier, whatever else is alike."""
    names = tuple(dict.fromkeys((*comparison.compared, IDENTIFIER)))
    differences = tuple(dict.fromkeys((*comparison.differences, IDENTIFIER)))
    comparison = replace(comparison, compared=names, differences=differences)
    return Outcome(CheckVerdict.MISMATCH, found, comparison, choices, remark, sources)


def _asked_sources(cited: Cited) -> tuple[str, ...]:
    if cited.registration and not (cited.pmid or cited.pmcid or cited.doi):
        return (REGISTRY,)
    return tuple(filter(None, (PUBMED, PMC if cited.pmcid or cited.doi else "")))


def _unknown(cited: Cited, names: Sequence[str]) -> str:
    where = " and ".join(_asked_sources(cited))
    know = "knows" if " and " not in where else "know"
    more = "; outside them it may exist" if any(name.startswith("doi:") for name in names) else ""
    return f"{where} {know} no {', '.join(names)}{more}."


def _with_search(cited: Cited, by_ids: Outcome | None, by_words: Outcome) -> Outcome:
    """The verdict on a reference whose ids were asked first: its title may stand under another id."""
    if by_ids is None:
        return by_words
    meant = (by_words.found,) if by_words.found else by_words.choices
    meant = tuple(one for one in meant if by_ids.found is None or not _is_one_article(one, by_ids.found))
    if by_ids.verdict == CheckVerdict.MISMATCH:
        return replace(by_ids, choices=(*by_ids.choices, *meant)[:MOST_CHOICES])
    if by_words.verdict == CheckVerdict.NOT_ASKED:
        return replace(by_words, remark=f"{by_ids.remark} {by_words.remark}")
    if by_words.found:
        return _mismatch(
            by_words.found, by_words.comparison, f"{by_ids.remark} The title stands under another id.", (PUBMED,)
        )
    sources = tuple(dict.fromkeys((*by_ids.sources, *by_words.sources)))
    return replace(by_words, remark=f"{by_ids.remark} {by_words.remark}", sources=sources)
