"""What each E-utility answers, after the official manual and after what was seen of the live service."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

from tests.ncbi import id_converter, query
from tests.ncbi.reply import Params, Reply, as_json
from tests.ncbi.shelf import Entry, Shelf, plain
from tests.ncbi.synthetic import HEAD, TAIL

XML = '<?xml version="1.0" encoding="UTF-8" ?>\n'
_CAP_ERROR = (
    "Search Backend failed: Exception:\n'retstart' cannot be larger than {}. For PubMed, ESearch can only retrieve "
    "the first {:,} records matching the query."
)
_PMC_HEAD = (
    b'<?xml version="1.0" ?>\n<!DOCTYPE pmc-articleset PUBLIC "-//NLM//DTD ARTICLE SET 2.0//EN" '
    b'"https://dtd.nlm.nih.gov/ncbi/pmc/articleset/nlm-articleset-2.0.dtd">\n<pmc-articleset>'
)
_SORTS = {"", "pub_date", "Author", "JournalName", "relevance", "pub+date"}


@dataclass
class Library:
    """The shelf and the History server. `cap` is how many ids of one query PubMed serves."""

    shelf: Shelf
    cap: int = 9_999
    history: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    merges_links: bool = False  # elink answers many records with one list, as it does for ids joined by commas
    linkless: set[int] = field(default_factory=set)  # PMIDs of which elink says nothing at all

    def remember(self, pmids: list[int], webenv: str = "") -> tuple[str, str]:
        webenv = webenv or f"MCID_synthetic{len(self.history) + 1:06d}"
        key = str(1 + sum(known == webenv for known, _ in self.history))
        self.history[webenv, key] = pmids
        return webenv, key


def xml(text: str, status: int = 200) -> Reply:
    return Reply([(XML + text).encode()], status=status)


def error(root: str, message: str, status: int = 200) -> Reply:
    return xml(f"<{root}>\n\t<ERROR>{escape(message, quote=False)}</ERROR>\n</{root}>\n", status)


def esearch(library: Library, params: Params) -> Reply:
    wants_json = _one(params, "retmode") == "json"
    if _one(params, "db", "pubmed") != "pubmed":
        return _esearch_error(f"Invalid db name specified: {_one(params, 'db')}", wants_json)
    if not _one(params, "term").strip():
        return _esearch_error("Empty term and query_key - nothing todo", wants_json)
    start, size = int(_one(params, "retstart", "0")), int(_one(params, "retmax", "20"))
    if start >= library.cap:
        return _esearch_error(_CAP_ERROR.format(library.cap - 1, library.cap), wants_json)
    low, high = _one(params, "mindate"), _one(params, "maxdate")
    limits = [(_one(params, "datetype", "pdat"), low, high)] if low and high else []
    answer = query.search(library.shelf, _one(params, "term"), limits)
    messages = _messages(params, answer, start, size, library.cap)
    ids = answer.pmids[start : min(start + size, library.cap)]
    history = library.remember(answer.pmids[: library.cap]) if _one(params, "usehistory") == "y" else None
    return (_esearch_json if wants_json else _esearch_xml)(answer, ids, start, messages, history)


def _messages(params: Params, answer: query.Answer, start: int, size: int, cap: int) -> list[str]:
    messages = []
    if _one(params, "sort") not in _SORTS:
        messages.append(f"Unknown sort schema '{_one(params, 'sort')}' ignored")
    if start + size > cap:
        messages.append(f"Restrictions achieved. start and count adjusted to {start}, {cap - start}")
    if not answer.pmids:
        messages.append("No items found.")
    return messages


def _esearch_error(message: str, wants_json: bool) -> Reply:
    if not wants_json:
        return error("eSearchResult", message)
    # The live service leaves the line break raw, which makes the JSON invalid.
    body = json.dumps({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": {"ERROR": message}})
    body = body.replace("\\n", "\n")
    return Reply([body.encode()], "application/json; charset=UTF-8")


def _esearch_xml(
    answer: query.Answer, ids: list[int], start: int, messages: list[str], history: tuple[str, str] | None
) -> Reply:
    def listed(tag: str, values: list[str]) -> str:
        return "".join(f"<{tag}>{escape(value, quote=False)}</{tag}>" for value in values)

    errors = listed("PhraseNotFound", answer.phrases_not_found) + listed("FieldNotFound", answer.fields_not_found)
    warned = (
        listed("PhraseIgnored", answer.phrases_ignored)
        + listed("QuotedPhraseNotFound", answer.quoted_not_found)
        + listed("OutputMessage", messages)
    )
    kept = f"<QueryKey>{history[1]}</QueryKey><WebEnv>{history[0]}</WebEnv>" if history else ""
    return xml(
        '<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN" '
        '"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20060628/esearch.dtd">\n'
        f"<eSearchResult><Count>{len(answer.pmids)}</Count><RetMax>{len(ids)}</RetMax><RetStart>{start}</RetStart>"
        f"{kept}<IdList>\n{listed('Id', [str(pmid) for pmid in ids])}</IdList><TranslationSet/>"
        f"<QueryTranslation>{escape(answer.translation, quote=False)}</QueryTranslation>"
        + (f"<ErrorList>{errors}</ErrorList>" if errors else "")
        + (f"<WarningList>{warned}</WarningList>" if warned else "")
        + "</eSearchResult>\n"
    )


def _esearch_json(
    answer: query.Answer, ids: list[int], start: int, messages: list[str], history: tuple[str, str] | None
) -> Reply:
    result = {
        "count": str(len(answer.pmids)),
        "retmax": str(len(ids)),
        "retstart": str(start),
        **({"querykey": history[1], "webenv": history[0]} if history else {}),
        "idlist": [str(pmid) for pmid in ids],
        "translationset": [],
        "querytranslation": answer.translation,
        "errorlist": {"phrasesnotfound": answer.phrases_not_found, "fieldsnotfound": answer.fields_not_found},
        "warninglist": {
            "phrasesignored": answer.phrases_ignored,
            "quotedphrasesnotfound": answer.quoted_not_found,
            "outputmessages": messages,
        },
    }
    return as_json({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result})


def epost(library: Library, params: Params) -> Reply:
    asked = _ids(params)
    webenv, key = library.remember([int(i) for i in asked if i.isdigit()], _one(params, "WebEnv"))
    wrong = "".join(f"<Id>{escape(i)}</Id>" for i in asked if not i.isdigit())
    invalid = f"<InvalidIdList>{wrong}</InvalidIdList>" if wrong else ""
    return xml(f"<ePostResult>{invalid}<QueryKey>{key}</QueryKey><WebEnv>{webenv}</WebEnv></ePostResult>\n")


def efetch(library: Library, params: Params) -> Reply:
    db = _one(params, "db")
    if db not in {"pubmed", "pmc"}:
        return error("eFetchResult", f"Invalid db name specified: {db}", 400)
    if _one(params, "WebEnv"):
        kept = library.history.get((_one(params, "WebEnv"), _one(params, "query_key")))
        if kept is None:
            return error("eFetchResult", f"Unable to obtain query #{_one(params, 'query_key')}")
        start, size = int(_one(params, "retstart", "0")), int(_one(params, "retmax", "20"))
        if start >= library.cap:
            return error("eFetchResult", "'retstart' cannot be larger than " + str(library.cap - 1), 400)
        numbers = kept[start : start + size]
    else:
        numbers = [n for i in _ids(params) if (n := int(i.upper().removeprefix("PMC") or 0))]
        if not numbers:
            return error("eFetchResult", "ID list is empty! Possibly it has no correct IDs.", 400)
    if db == "pmc":
        return _efetch_pmc(library, numbers)
    return Reply([HEAD, *library.shelf.xml(numbers), TAIL])


def _efetch_pmc(library: Library, numbers: list[int]) -> Reply:
    parts = [_PMC_HEAD]
    for number in dict.fromkeys(numbers):
        missing = f'<Reply Id="{number}" error="The following PMCID is not available: {number}"/>'.encode()
        parts.append(library.shelf.pmc.get(number, missing))
    return Reply([*parts, b"</pmc-articleset>\n"])


def esummary(library: Library, params: Params) -> Reply:
    if _one(params, "db") == "pmc":
        return id_converter.summaries(library.shelf, _ids(params))
    if _one(params, "db") != "pubmed":
        wrong = [f"Invalid db name specified: {_one(params, 'db')}"]
        return as_json({"header": {"type": "esummary", "version": "0.3"}, "esummaryresult": wrong})
    uids = list(dict.fromkeys(_ids(params)))
    result: dict[str, object] = {"uids": uids}
    for uid in uids:
        entry = library.shelf.entries.get(int(uid)) if uid.isdigit() else None
        result[uid] = _summary(entry) if entry else {"uid": uid, "error": "cannot get document summary"}
    return as_json({"header": {"type": "esummary", "version": "0.3"}, "result": result})


def _summary(entry: Entry) -> dict[str, object]:
    ids = [("pubmed", str(entry.pmid)), ("doi", entry.doi), ("pmc", entry.pmc)]
    return {
        "uid": str(entry.pmid),
        "pubdate": entry.dates["pdat"].strftime("%Y %b %d"),
        "source": entry.journal,
        "fulljournalname": entry.full_journal,
        "authors": [{"name": entry.first_author, "authtype": "Author", "clusterid": ""}],
        "title": escape(entry.title, quote=False),
        "vernaculartitle": entry.vernacular,
        "volume": entry.volume,
        "pages": entry.page,
        "pubtype": entry.types,
        "recordstatus": "PubMed - indexed for MEDLINE" if entry.mesh else "PubMed",
        "articleids": [{"idtype": kind, "idtypen": 1, "value": value} for kind, value in ids if value],
        "references": [
            {"refsource": source, "reftype": _reftype(kind), "pmid": pmid or "", "note": ""}
            for kind, source, pmid in entry.comments
        ],
        "pmcrefcount": "",
    }


def _reftype(kind: str) -> str:
    """`ExpressionOfConcernIn` as summaries write it: `Expression of concern in`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).capitalize()


def elink(library: Library, params: Params) -> Reply:
    """Repeated `id` parameters give a linkset each, ids joined by commas one for all of them."""
    source, linkname = _one(params, "dbfrom", "pubmed"), _one(params, "linkname")
    linksets = []
    wanted = params.get("id", [])
    for asked in [",".join(wanted)] if library.merges_links else wanted:
        pmids = [int(i) for i in asked.split(",")]
        if library.linkless.issuperset(pmids):
            continue
        names = [linkname] if linkname else sorted({name for name, pmid in library.shelf.links if pmid in pmids})
        sets = "".join(_linkset(library, name, pmids) for name in names)
        ids = "".join(f"<Id>{pmid}</Id>" for pmid in pmids)
        linksets.append(f"<LinkSet><DbFrom>{source}</DbFrom><IdList>{ids}</IdList>{sets}</LinkSet>")
    return xml(f"<eLinkResult>\n{''.join(linksets)}\n</eLinkResult>\n")


def _linkset(library: Library, name: str, pmids: list[int]) -> str:
    linked = dict.fromkeys(i for pmid in pmids for i in library.shelf.links.get((name, pmid), []))
    links = "".join(f"<Link><Id>{i}</Id></Link>" for i in linked)
    to = name.split("_")[1]
    return f"<LinkSetDb><DbTo>{to}</DbTo><LinkName>{name}</LinkName>{links}</LinkSetDb>" if links else ""


def ecitmatch(library: Library, params: Params) -> Reply:
    lines = []
    for line in _one(params, "bdata").replace("\r", "\n").splitlines():
        fields = line.split("|")
        if len(fields) >= 6:
            lines.append("|".join([*fields[:6], _match(library.shelf, fields)]) + "\n")
    return Reply(["".join(lines).encode()], "text/plain; charset=UTF-8")


def _match(shelf: Shelf, fields: list[str]) -> str:
    journal, year, volume, page, author = (field.strip().lower() for field in fields[:5])
    entries = list(shelf.entries.values())
    if journal:
        entries = [e for e in entries if plain(journal) in (plain(e.journal), plain(e.full_journal))]
        if not entries:
            return "NOT_FOUND;INVALID_JOURNAL"
    found = [
        str(e.pmid)
        for e in entries
        if year in ("", str(e.dates["pdat"].year))
        and volume in ("", e.volume.lower())
        and page in ("", e.page.lower())
        and e.first_author.lower().startswith(author)
    ]
    if len(found) > 3:
        return f"AMBIGUOUS ({len(found)} citations)"
    return (f"AMBIGUOUS {','.join(found)}" if found[1:] else found[0]) if found else "NOT_FOUND"


UTILITIES: dict[str, Callable[[Library, Params], Reply]] = {
    "esearch.fcgi": esearch,
    "epost.fcgi": epost,
    "efetch.fcgi": efetch,
    "esummary.fcgi": esummary,
    "elink.fcgi": elink,
    "ecitmatch.cgi": ecitmatch,
    "idconv.fcgi": lambda library, params: id_converter.convert(library.shelf, params),
}


def _one(params: Params, name: str, default: str = "") -> str:
    return params.get(name, [default])[0] or default


def _ids(params: Params) -> list[str]:
    return [i.strip() for value in params.get("id", []) for i in value.split(",") if i.strip()]
