"""A local ClinicalTrials.gov (API v2) over real HTTP: searches, pages, aliases, and trials that tests can change."""

import copy
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.ncbi.answers import Reply
from tests.ncbi.server import Asked, NcbiServer

Study = dict[str, Any]
_ESSIE = re.compile(r'AREA\[(\w+)\](?:RANGE\[([^,\]]*),([^\]]*)\]|(\w+))|\(|\)|"([^"]*)"|[^\s()"]+')
_AREAS: dict[str, Callable[[Study], list[str]]] = {
    "LastUpdatePostDate": lambda s: [_status(s)["lastUpdatePostDateStruct"]["date"]],
    "StudyType": lambda s: [s["protocolSection"]["designModule"]["studyType"]],
    "Phase": lambda s: s["protocolSection"]["designModule"].get("phases", []),
}


class RegistryServer(NcbiServer):
    """The registry; `url` is what CTGOV_BASE_URL wants. Faults name "studies", a number, or "*".

    `empty_page_before` counts pages (from 1) before which the server answers an empty page with a token, as the
    documentation allows. `agents` names the User-Agents it likes; empty means all.
    """

    def __init__(self, studies: Iterable[Study] = (), **options: Any) -> None:
        super().__init__(**options)
        self.studies: dict[str, Study] = {}
        self.empty_page_before: set[int] = set()
        self.agents: set[str] = set()
        self._change = threading.Lock()
        for study in studies:
            self.put(study)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v2/"

    def put(self, study: Study) -> None:
        """Add a trial, or another version of it."""
        with self._change:
            self.studies[number_of(study)] = copy.deepcopy(study)

    def change(self, number: str, updated: str, **modules: Mapping[str, Any]) -> None:
        """Set values in a trial's modules, given as `statusModule={…}`, and the day of its last update."""
        with self._change:
            study = copy.deepcopy(self.studies[number])
            for name, values in modules.items():
                if name == "hasResults":
                    study[name] = values
                else:
                    study["protocolSection"].setdefault(name, {}).update(values)
            _status(study)["lastUpdatePostDateStruct"] = {"date": updated, "type": "ACTUAL"}
            self.studies[number] = study

    def _answer(self, asked: Asked) -> Reply:
        if self.agents and asked.headers.get("User-Agent") not in self.agents:
            return Reply([b"<html><head><title>403 Forbidden</title></head></html>"], "text/html", 403)
        if asked.utility == "studies":
            return self._search(asked)
        return self._one(asked.utility)

    def _one(self, number: str) -> Reply:
        if number in self.studies:
            return _json(self.studies[number])
        for study in self.studies.values():
            if number in _ids(study).get("nctIdAliases", []):
                location = f"{self.url}studies/{number_of(study)}"
                return Reply([b""], "text/plain", 301, {"Location": location})
        return _text(f"NCT number {number} not found", 404)

    def _search(self, asked: Asked) -> Reply:
        try:
            found = [study for study in list(self.studies.values()) if _matches(study, asked)]
            size, start, n_page = self._page_asked(asked)
        except (ValueError, KeyError, IndexError) as wrong:
            return _text(f"Bad request: {wrong}", 400)
        if asked.param("sort") == "LastUpdatePostDate:desc":
            found.sort(key=lambda s: (_status(s)["lastUpdatePostDateStruct"]["date"], number_of(s)), reverse=True)
        answer: dict[str, Any] = {"totalCount": len(found)} if asked.param("countTotal") == "true" else {}
        if n_page in self.empty_page_before and not asked.param("pageToken").endswith("-empty"):
            token = f"{start}-{n_page}-{_same_question(asked)}-empty"
            return _json(answer | {"studies": [], "nextPageToken": token})
        answer["studies"] = [_projected(study, asked.param("fields")) for study in found[start : start + size]]
        if start + size < len(found):
            answer["nextPageToken"] = f"{start + size}-{n_page + 1}-{_same_question(asked)}"
        return _json(answer)

    def _page_asked(self, asked: Asked) -> tuple[int, int, int]:
        size = min(int(asked.param("pageSize") or 10), 1000)
        token = asked.param("pageToken")
        if not token:
            return size, 0, 1
        start, n_page, question = token.split("-")[:3]
        if question != _same_question(asked):
            raise ValueError("the parameters are not those of the first page")
        return size, int(start), int(n_page)


def number_of(study: Study) -> str:
    return _ids(study)["nctId"]


def _ids(study: Study) -> dict[str, Any]:
    return study["protocolSection"]["identificationModule"]


def _status(study: Study) -> dict[str, Any]:
    return study["protocolSection"]["statusModule"]


def _same_question(asked: Asked) -> str:
    free = {"pageToken", "pageSize", "countTotal"}
    said = sorted((name, tuple(values)) for name, values in asked.params.items() if name not in free)
    return f"{abs(hash(tuple(said))):x}"


def _matches(study: Study, asked: Asked) -> bool:
    if ids := asked.param("filter.ids"):
        own = {number_of(study), *_ids(study).get("nctIdAliases", [])}
        if not own & set(re.split(r"[|,]", ids)):
            return False
    statuses = asked.param("filter.overallStatus")
    if statuses and _status(study)["overallStatus"] not in re.split(r"[|,]", statuses):
        return False
    protocol = study["protocolSection"]
    texts = {
        "query.cond": protocol.get("conditionsModule", {}),
        "query.intr": protocol.get("armsInterventionsModule", {}),
        "query.term": protocol,
    }
    asks = [(_folded(texts[name]), asked.param(name)) for name in texts if asked.param(name)]
    asks.append((_folded(protocol), asked.param("filter.advanced")))
    return all(_holds(study, text, essie) for text, essie in asks if essie)


def _folded(node: object) -> str:
    return json.dumps(node, ensure_ascii=False).lower()


def _holds(study: Study, text: str, essie: str) -> bool:
    """OR binds less than AND, words beside each other are a phrase: as much of Essie as the searches need."""
    tokens = list(_ESSIE.finditer(essie))
    value, rest = _either(study, text, tokens)
    if rest:
        raise ValueError(f"unexpected {rest[0][0]!r}")
    return value


def _either(study: Study, text: str, tokens: list[re.Match]) -> tuple[bool, list[re.Match]]:
    value, rest = _both(study, text, tokens)
    while rest and rest[0][0] == "OR":
        other, rest = _both(study, text, rest[1:])
        value = value or other
    return value, rest


def _both(study: Study, text: str, tokens: list[re.Match]) -> tuple[bool, list[re.Match]]:
    value, rest = _term(study, text, tokens)
    while rest and rest[0][0] not in {"OR", ")"}:
        other, rest = _term(study, text, rest[1:] if rest[0][0] == "AND" else rest)
        value = value and other
    return value, rest


def _term(study: Study, text: str, tokens: list[re.Match]) -> tuple[bool, list[re.Match]]:
    if not tokens:
        raise ValueError("the expression is broken off")
    first, rest = tokens[0], tokens[1:]
    if first[0] == "(":
        value, rest = _either(study, text, rest)
        if not rest or rest[0][0] != ")":
            raise ValueError("a bracket is not closed")
        return value, rest[1:]
    if first[0] == "NOT":
        value, rest = _term(study, text, rest)
        return not value, rest
    if first[1]:
        return _in_area(study, first), rest
    if first[5] is not None:
        return first[5].lower() in text, rest
    words = [first[0]]
    while rest and not (rest[0][1] or rest[0][5]) and rest[0][0] not in {"OR", "AND", "NOT", "(", ")"}:
        words.append(rest[0][0])
        rest = rest[1:]
    return " ".join(words).lower() in text, rest


def _in_area(study: Study, said: re.Match) -> bool:
    values = _AREAS[said[1]](study)
    if said[4]:
        return said[4] in values
    low, high = said[2], said[3]
    return any((low == "MIN" or low <= value) and (high == "MAX" or value <= high) for value in values)


def _projected(study: Study, fields: str) -> Study:
    """The parts asked for: whole sections, or the two fields that a list needs."""
    wanted = set(re.split(r"[|,]", fields)) if fields else set(study)
    kept = {name: value for name, value in study.items() if name in wanted}
    if "protocolSection" not in kept:
        kept["protocolSection"] = {"identificationModule": {"nctId": number_of(study)}}
        if "LastUpdatePostDate" in wanted:
            date = _status(study)["lastUpdatePostDateStruct"]["date"]
            kept["protocolSection"]["statusModule"] = {"lastUpdatePostDateStruct": {"date": date}}
    return kept


def _json(answer: object) -> Reply:
    return Reply([json.dumps(answer).encode()], "application/json")


def _text(message: str, status: int) -> Reply:
    return Reply([message.encode()], "text/plain", status)


def trial(number: str, *, updated: str = "2026-11-20", **values: Any) -> Study:
    """A synthetic trial; `values` replace single ones: status, title, count, completion, pmid, phases, alias …"""
    status: dict[str, Any] = {
        "overallStatus": values.get("status", "RECRUITING"),
        "statusVerifiedDate": updated[:7],
        "startDateStruct": {"date": values.get("start", "2026-01"), "type": "ACTUAL"},
        "primaryCompletionDateStruct": {"date": values.get("primary", "2027-06"), "type": "ESTIMATED"},
        "completionDateStruct": {"date": values.get("completion", "2027-12-31"), "type": "ESTIMATED"},
        "studyFirstPostDateStruct": {"date": values.get("posted", "2026-01-15"), "type": "ACTUAL"},
        "lastUpdatePostDateStruct": {"date": updated, "type": "ACTUAL"},
    }
    design: dict[str, Any] = {
        "studyType": "INTERVENTIONAL",
        "designInfo": {"allocation": "RANDOMIZED", "maskingInfo": {"masking": "DOUBLE"}},
        "enrollmentInfo": {"count": values.get("count", 40), "type": "ESTIMATED"},
    }
    if "phases" not in values or values["phases"] is not None:
        design["phases"] = values.get("phases", ["PHASE2"])
    ids: dict[str, Any] = {
        "nctId": number,
        "orgStudyIdInfo": {"id": f"ORG-{number[-3:]}"},
        "briefTitle": values.get("title", f"Adipose-derived stem cells for photoaged skin, trial {number[-3:]}"),
        "officialTitle": values.get("official", ""),
    }
    if "alias" in values:
        ids["nctIdAliases"] = [values["alias"]]
    references = [{"pmid": str(p), "type": kind, "citation": f"Paper {p}."} for p, kind in values.get("papers", ())]
    return {
        "protocolSection": {
            "identificationModule": ids,
            "statusModule": status,
            "sponsorCollaboratorsModule": {
                "leadSponsor": {"name": values.get("sponsor", "Example University Hospital"), "class": "OTHER"}
            },
            "descriptionModule": {"briefSummary": "Cells from fat are injected into photoaged skin of the face."},
            "conditionsModule": {"conditions": values.get("conditions", ["Skin Aging"]), "keywords": ["photoaging"]},
            "designModule": design,
            "armsInterventionsModule": {
                "armGroups": [{"label": "Cells", "type": "EXPERIMENTAL", "interventionNames": ["Biological: cells"]}],
                "interventions": [{"type": "BIOLOGICAL", "name": values.get("gives", "Adipose stem cell injection")}],
            },
            "outcomesModule": {"primaryOutcomes": [{"measure": "Wrinkle severity", "timeFrame": "12 months"}]},
            "eligibilityModule": {"sex": "ALL", "minimumAge": "35 Years", "eligibilityCriteria": "Adults."},
            "contactsLocationsModule": {
                "overallOfficials": [
                    {"name": values.get("official_name", "Ana Example"), "role": "PRINCIPAL_INVESTIGATOR"}
                ],
                "locations": [{"facility": "Clinic", "city": "Graz", "country": "Austria"}],
            },
            "referencesModule": {"references": references},
        },
        "derivedSection": {"miscInfoModule": {"versionHolder": "2026-11-26"}},
        "hasResults": False,
    }
