"""What PMC's ID converter and PMC's summaries answer, after what was seen of the live services."""

from collections.abc import Iterable

from tests.ncbi.reply import Params, Reply, as_json
from tests.ncbi.shelf import Entry, Shelf

_MOST = 200
_WRONG = {"pmid": "invalid_pmids", "pmcid": "invalid_pmcids", "doi": "invalid_dois"}


def convert(shelf: Shelf, params: Params) -> Reply:
    """Only what is in PMC has a record; ids of another kind than `idtype` make the whole request fail."""
    ids = [name for value in params.get("ids", []) for name in value.split(",") if name]
    kind = params.get("idtype", [""])[0] or "pmcid"
    if len(ids) > _MOST or not all(_is_of(kind, name) for name in ids):
        return as_json({"status": "error", "message": _WRONG.get(kind, "invalid_idtype"), "records": None}, 400)
    in_pmc = [entry for entry in list(shelf.entries.values()) if entry.pmc]
    records = [_record(name, kind, in_pmc, shelf) for name in dict.fromkeys(ids)]
    request = {"format": "json", "ids": ids, "idtype": kind, "warnings": []}
    return as_json({"status": "ok", "response-date": "2026-11-27 12:00:00", "request": request, "records": records})


def _is_of(kind: str, name: str) -> bool:
    if kind == "pmid":
        return name.isdigit()
    return name.upper().startswith("PMC") if kind == "pmcid" else name.startswith("10.")


def _record(name: str, kind: str, in_pmc: Iterable[Entry], shelf: Shelf) -> dict[str, object]:
    for entry in in_pmc:
        if name.lower() in {"pmid": {str(entry.pmid)}, "pmcid": {entry.pmc.lower()}, "doi": {entry.doi.lower()}}[kind]:
            ids = {"pmcid": entry.pmc, "pmid": entry.pmid, "doi": entry.doi}
            return {key: value for key, value in ids.items() if value} | {"requested-id": name}
    if kind == "pmcid" and int(name.upper().removeprefix("PMC")) in shelf.pmc_only:
        return {"pmcid": name.upper(), "requested-id": name}
    return {kind: name, "requested-id": name, "status": "error", "errmsg": "Identifier not found in PMC"}


def summaries(shelf: Shelf, uids: Iterable[str]) -> Reply:
    """esummary of db=pmc."""
    by_number = {int(e.pmc.upper().removeprefix("PMC")): e for e in list(shelf.entries.values()) if e.pmc}
    result: dict[str, object] = {"uids": list(uids)}
    for uid in dict.fromkeys(uids):
        entry, alone = by_number.get(int(uid)), shelf.pmc_only.get(int(uid))
        known = _summary(uid, entry) if entry else alone and {"uid": uid, **alone}
        result[uid] = known or {"uid": uid, "error": "cannot get document summary"}
    return as_json({"header": {"type": "esummary", "version": "0.3"}, "result": result})


def _summary(uid: str, entry: Entry) -> dict[str, object]:
    return {
        "uid": uid,
        "pubdate": entry.dates["pdat"].strftime("%Y %b %d"),
        "epubdate": "",
        "source": entry.journal,
        "authors": [{"name": entry.first_author, "authtype": "Author"}],
        "title": entry.title,
        "volume": entry.volume,
        "pages": entry.page,
        "articleids": [{"idtype": "pmid", "value": str(entry.pmid)}, {"idtype": "pmcid", "value": entry.pmc}],
        "fulljournalname": entry.full_journal,
    }
