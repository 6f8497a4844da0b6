"""XML from outside, element by element: constant memory, no network, no entities."""

from collections.abc import Iterable, Iterator
from typing import IO

from lxml import etree

from studies.sources.record import Reading

_CHUNK = 1 << 16


class BrokenXML(Exception):
    """The stream is not the XML it should be; `n_read` records before the fault were good."""

    def __init__(self, reason: str, n_read: int) -> None:
        super().__init__(f"The XML cannot be read further after {n_read} records: {reason.rstrip('.')}.")
        self.reason = reason
        self.n_read = n_read


def elements(
    stream: IO[bytes],
    tags: Iterable[str],
    roots: frozenset[str],
    reading: Reading,
    record_limit: int,
) -> Iterator[etree._Element]:
    """Each finished outermost element named in `tags`, freed when the next one is asked for.

    `roots` are the local names a document may begin with. `record_limit` bounds the bytes of one record, and with
    them the memory. libxml2's own limits stay on (10 MB for one text, 256 levels, entity amplification).
    """
    # Never `collect_ids=False`: libxml2 then goes for the DTD and fails on those with an http address.
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=tuple(tags),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    state = _State(reading, roots)
    since_last = depth = 0
    while chunk := stream.read(_CHUNK):
        fault = _feed(parser, chunk)
        since_last += len(chunk)
        for event, element in parser.read_events():
            state.check_document(element)
            depth += 1 if event == "start" else -1
            if event == "end" and depth == 0:
                since_last = 0
                yield element
                _free(element)
        if fault:
            raise BrokenXML(fault, reading.n_read)
        if since_last > record_limit:
            raise BrokenXML(f"one record is larger than {record_limit // 1_000_000} MB", reading.n_read)
    state.check_end(parser)


def _feed(parser: etree.XMLPullParser, chunk: bytes) -> str:
    """The parser's complaint or nothing; what it finished before the fault can still be read."""
    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        return error.msg or "it is not well-formed"
    return ""


class _State:
    """Whether the document's root and prolog have been looked at."""

    def __init__(self, reading: Reading, roots: frozenset[str]) -> None:
        self.reading, self.roots, self.checked = reading, roots, False

    def check_document(self, element: etree._Element) -> None:
        if self.checked:
            return
        self.checked = True
        tree = element.getroottree()
        dtd = tree.docinfo.internalDTD
        if dtd is not None and any(True for _ in dtd.iterentities()):
            raise BrokenXML("it declares entities of its own, which are not accepted", self.reading.n_read)
        root = etree.QName(tree.getroot()).localname
        if root not in self.roots:
            raise BrokenXML(f"it begins with <{root}>, which holds no records", self.reading.n_read)

    def check_end(self, parser: etree.XMLPullParser) -> None:
        try:
            root = parser.close()
        except etree.XMLSyntaxError as error:
            reason = error.msg or "it is not well-formed"
            if "no element found" in reason or "Premature end" in reason:
                reason = "it ends too early"
            raise BrokenXML(reason, self.reading.n_read) from None
        self.check_document(root)


def _free(element: etree._Element) -> None:
    """Empties a finished element and drops everything before it: nobody will look there again."""
    parent = element.getparent()
    element.clear()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
