"""Uploaded files: recognise the kind, read the records, say in one sentence what is wrong."""

import codecs
import re
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import IO

from studies.sources import bibtex, jats, nbib, pubmed_xml, ris, table
from studies.sources.record import Reading, Record
from studies.sources.text_stream import UnreadableFile, seekable, text_lines, unpacked
from studies.sources.xml_stream import BrokenXML

__all__ = ["BrokenXML", "Kind", "UnreadableFile", "kind_of", "open_records", "recognise"]

_HEAD = 1 << 16
_ACCEPTED = "PubMed XML, PMC (JATS) XML, nbib/MEDLINE, RIS, BibTeX or CSV"


class Kind(Enum):
    """The kinds of file that can be read."""

    PUBMED_XML = "PubMed XML"
    JATS = "JATS XML"
    MEDLINE = "nbib/MEDLINE"
    RIS = "RIS"
    BIBTEX = "BibTeX"
    TABLE = "CSV"


_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)[\s/>]")
_PROLOG = (("<?", "?>"), ("<!--", "-->"), ("<!", ">"))
_MEDLINE = re.compile(r"^PMID- ?\d", re.M)
_RIS = re.compile(r"^TY  ?-", re.M)
_BIBTEX = re.compile(r"^[ \t]{0,20}@[ \t]{0,9}[A-Za-z]\w{0,40}\s{0,9}[{(]", re.M)
# What people send by mistake, and what to do instead.
_BINARY = (
    (b"%PDF", "This is a PDF; export the references from PubMed or your reference manager as nbib or RIS instead."),
    (b"PK\x03\x04", "This is a zip archive or an Office file; unpack it, or save a spreadsheet as CSV, and try again."),
    (b"\xd0\xcf\x11\xe0", "This is an old Office file; save it as CSV and try again."),
    (b"BZh", "This is packed with bzip2; unpack it or pack it with gzip."),
    (b"\xfd7zXZ", "This is packed with xz; unpack it or pack it with gzip."),
    (b"\x28\xb5\x2f\xfd", "This is packed with zstd; unpack it or pack it with gzip."),
    (b"7z\xbc\xaf", "This is a 7z archive; unpack it and try again."),
    (b"SQLite format 3", "This is a database; export its references as RIS or CSV."),
)
_FOREIGN = (
    (re.compile(r"^%0 ", re.M), "This is EndNote's own format; export the references as RIS instead."),
    (re.compile(r"^FN (?:Clarivate|ISI|Thomson)", re.M), "This is Web of Science's plain text; export as RIS instead."),
    (re.compile(r"^\s*[{\[]"), "This is JSON; export the references as RIS, nbib or CSV instead."),
    (re.compile(r"^\s*(?:\d{1,9}\s+){2,}$"), "This is a list of PMIDs; fetch them by number (`fetch_pmids`) instead."),
)


def open_records(
    path_or_stream: str | Path | IO[bytes], name: str, reading: Reading, max_bytes: int
) -> Iterator[Record]:
    """Every record of the file. Bad ones are noted in `reading` with their place and reason; the rest goes on.

    `name` is the file's name as sent, used only for a CSV of doubtful look. Raises UnreadableFile at once where the
    file is of no kind that can be read; UnreadableFile or BrokenXML later where it breaks off, after the good ones.
    """
    if isinstance(path_or_stream, str | Path):
        return _from_path(Path(path_or_stream), name, reading, max_bytes)
    stream = seekable(path_or_stream, max_bytes)
    kind = kind_of(stream, name, max_bytes)
    return _READERS[kind](stream, reading, max_bytes)


def _from_path(path: Path, name: str, reading: Reading, max_bytes: int) -> Iterator[Record]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"The file cannot be opened: {error.strerror}.") from None
    try:
        kind = kind_of(stream, name or path.name, max_bytes)
    except UnreadableFile:
        stream.close()
        raise
    return _closing(stream, _READERS[kind](stream, reading, max_bytes))


def _closing(stream: IO[bytes], records: Iterator[Record]) -> Iterator[Record]:
    with stream:
        yield from records


def kind_of(stream: IO[bytes], name: str, max_bytes: int) -> Kind:
    """The kind of an open, seekable file, packed or not. Raises UnreadableFile."""
    try:
        head = unpacked(stream, max(max_bytes, _HEAD)).read(_HEAD)
        return recognise(head, name)
    except OSError as error:
        raise UnreadableFile(f"The file cannot be read: {error}.") from None


def recognise(head: bytes, name: str) -> Kind:
    """The kind of a file from its first bytes (unpacked); the name only decides about tables."""
    if not head.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise UnreadableFile("The file is empty.")
    for magic, sentence in _BINARY:
        if head.startswith(magic):
            raise UnreadableFile(sentence)
    text = _decoded(head).lstrip("\ufeff")
    if text.lstrip().startswith("<"):
        return _xml_kind(text)
    if _MEDLINE.search(text):
        return Kind.MEDLINE
    if _RIS.search(text):
        return Kind.RIS
    if _BIBTEX.search(text):
        return Kind.BIBTEX
    for pattern, sentence in _FOREIGN:
        if pattern.search(text):
            raise UnreadableFile(sentence)
    if "\x00" in text or _share_of_controls(text) > 0.02:
        raise UnreadableFile(f"The file is binary, not text; it should be {_ACCEPTED}.")
    if table.looks_like_table(text, name):
        return Kind.TABLE
    raise UnreadableFile(f"The file is of no kind that can be read; it should be {_ACCEPTED}.")


def _decoded(head: bytes) -> str:
    for bom, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(bom):
            return head.decode(encoding, "replace")
    if len(head) > 8 and head[1::2].count(0) > 0.2 * len(head):
        return head.decode("utf-16-le", "replace")
    if len(head) > 8 and head[::2].count(0) > 0.2 * len(head):
        return head.decode("utf-16-be", "replace")
    return head.decode("utf-8", "replace")


def _share_of_controls(text: str) -> float:
    return sum(1 for char in text if char < " " and char not in "\t\r\n\x0c") / len(text)


def _root_of(text: str) -> str:
    """The root's name behind declaration, comments and DOCTYPE; empty if the head holds none."""
    place = text.find("<")
    while 0 <= place < len(text):
        end = next((mark for start, mark in _PROLOG if text.startswith(start, place)), "")
        if not end:
            root = _ROOT.match(text, place)
            return root[1] if root else ""
        close = text.find(end, place)
        if end == ">" and text.find("[", place, close) >= 0:
            close = text.find(">", max(text.find("]", place), place))
        place = text.find("<", close) if close >= 0 else -1
    return ""


def _xml_kind(text: str) -> Kind:
    name = _root_of(text)
    if name in pubmed_xml.ROOTS:
        return Kind.PUBMED_XML
    if name in jats.ROOTS:
        return Kind.JATS
    if name.lower() in {"html", "head", "body"} or "<!doctype html" in text[:2000].lower():
        raise UnreadableFile("This is a web page, not a file of references; use the page's own download or export.")
    if name in {"eFetchResult", "eSearchResult", "ERROR"}:
        raise UnreadableFile("This is an answer of NCBI without records, most likely an error message.")
    raise UnreadableFile(
        f"This XML begins with <{name}>, which is neither PubMed's nor JATS; export as RIS or nbib instead."
        if name
        else "This looks like XML but has no root element."
    )


def _xml_reader(read: Callable[[IO[bytes], Reading], Iterator[Record]]) -> Callable[..., Iterator[Record]]:
    return lambda stream, reading, max_bytes: read(unpacked(stream, max_bytes), reading)


def _text_reader(read: Callable[[IO[str], Reading], Iterator[Record]]) -> Callable[..., Iterator[Record]]:
    return lambda stream, reading, max_bytes: read(text_lines(stream, max_bytes), reading)


_READERS: dict[Kind, Callable[[IO[bytes], Reading, int], Iterator[Record]]] = {
    Kind.PUBMED_XML: _xml_reader(pubmed_xml.read),
    Kind.JATS: _xml_reader(jats.read),
    Kind.MEDLINE: _text_reader(nbib.read),
    Kind.RIS: _text_reader(ris.read),
    Kind.BIBTEX: _text_reader(bibtex.read),
    Kind.TABLE: _text_reader(table.read),
}
