"""What came back from NCBI: data, a trouble that may pass, or a refusal that will not."""

import json
import re
from typing import Any

from lxml import etree

from studies.sources.web import Cut, Refusal, Trouble, error_text

_FINAL = re.compile(
    r"invalid db name|api key invalid|id list is empty|no correct ids|invalid uid|empty term"
    r"|cannot be larger than|unable to obtain query|cannot retrieve history|nothing to do",
    re.I,
)
_PASSING = re.compile(r"backend failed|rate limit|proxy_stream|temporar|try again|\b50[0-4]\b", re.I)


def read_xml(body: bytes) -> etree._Element:
    """The root of a small answer; Trouble or Refusal when it is not XML, is cut or holds an ERROR."""
    _refuse_non_answers(body)
    # Entities and network off: an answer may name a DTD, and must not make us fetch it.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Cut("the XML is broken off") from error
    for element in root.iter("ERROR"):  # espell and others send it empty when all is well
        if element.text and element.text.strip():
            raise _judged(element.text)
    return root


def read_document(body: bytes, root: str) -> bytes:
    """The body itself, seen to reach from `<root` to `</root>`; whether it is well-formed is its parser's to say."""
    _refuse_non_answers(body)
    start = body.find(b"<" + root.encode())
    if not 0 <= start < 4096:
        message = error_text(body)
        raise _judged(message) if message else Cut(f"no <{root}> in the answer")
    if not body[-200:].rstrip().endswith((f"</{root}>".encode(), f"<{root}/>".encode())):
        raise Cut("the XML is broken off")
    return body


def read_json(body: bytes) -> dict[str, Any]:
    """A JSON object; NCBI leaves raw line breaks in strings."""
    _refuse_non_answers(body)
    try:
        answer = json.loads(body, strict=False)
    except ValueError as error:
        raise Cut("the JSON is broken off") from error
    if not isinstance(answer, dict):
        raise Trouble("the JSON is not an object")
    return answer


def read_text(body: bytes) -> str:
    """A plain text answer."""
    _refuse_non_answers(body)
    if message := error_text(body):
        raise _judged(message)
    return body.decode("utf-8", "replace")


def _judged(message: str) -> Trouble | Refusal:
    words = " ".join(message.split())[:300]
    return Refusal(words) if _FINAL.search(words) else Trouble(words)


def _refuse_non_answers(body: bytes) -> None:
    start = body[:500].lstrip().lower()
    if not start:
        raise Cut("the answer is empty")
    if start.startswith((b"<!doctype html", b"<html")):
        raise Trouble(f"an HTML page instead of data ({error_text(body) or 'without a title'})")
    # The rate limit speaks JSON whatever was asked, at times under status 200.
    if start.startswith(b"{") and len(body) < 2000 and (message := error_text(body)):
        raise _judged(message)


def is_passing(message: str) -> bool:
    """Whether an error under status 400 speaks of a broken backend rather than of the question."""
    return bool(_PASSING.search(message)) and not _FINAL.search(message)
