"""Bytes of uploaded files as text: unpacked within bounds, in whatever encoding they were written."""

import codecs
import gzip
import io
import re
import tempfile
import zlib
from typing import IO

from charset_normalizer import from_bytes

_CHUNK = 1 << 18
_SAMPLE = 1 << 18
_MAX_RATIO = 200  # real PubMed files pack 8 to 12 times smaller, invented repetitive ones up to 60 times
_RATIO_FROM = 10_000_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class UnreadableFile(Exception):
    """The file as a whole cannot be imported; the message is one sentence for the person who sent it."""


class Bounded(io.RawIOBase):
    """A byte stream that refuses to give more than `limit` bytes, or too much out of too little."""

    def __init__(self, stream: IO[bytes], limit: int, packed: IO[bytes] | None = None) -> None:
        self.stream, self.limit, self.packed, self.given = stream, limit, packed, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            chunk = self.stream.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(f"The packed file is damaged or cut off ({error}).") from None
        self.given += len(chunk)
        if self.given > self.limit:
            what = "unpacks to more" if self.packed else "is larger"
            raise UnreadableFile(f"The file {what} than the {_megabytes(self.limit)} that are accepted.")
        if self.packed and self.given > _RATIO_FROM and self.given > _MAX_RATIO * max(self.packed.tell(), 1):
            raise UnreadableFile(f"The file unpacks to more than {_MAX_RATIO} times its size, which no real file does.")
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:g} MB" if size >= 1_000_000 else f"{size:,} bytes"


def seekable(stream: IO[bytes], max_bytes: int) -> IO[bytes]:
    """The stream itself if it can be rewound, else a bounded copy on disk."""
    if stream.seekable():
        return stream
    copy = tempfile.SpooledTemporaryFile(max_size=1 << 22)  # noqa: SIM115 (closed when collected)
    bounded = Bounded(stream, max_bytes)
    while chunk := bounded.read(_CHUNK):
        copy.write(chunk)
    copy.seek(0)
    return copy  # type: ignore[return-value]


def unpacked(stream: IO[bytes], max_bytes: int) -> IO[bytes]:
    """The bytes of `stream` from its start, gunzipped if they are packed, never more than `max_bytes`."""
    stream.seek(0)
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    if not packed:
        return io.BufferedReader(Bounded(stream, max_bytes))
    return io.BufferedReader(Bounded(gzip.GzipFile(fileobj=stream), max_bytes, stream))  # type: ignore[arg-type]


def text_lines(stream: IO[bytes], max_bytes: int) -> IO[str]:
    """The file as lines of text. It is read twice: once to learn its encoding, once to give it."""
    encoding = encoding_of(unpacked(stream, max_bytes))
    # Old exports mix encodings: one bad byte must not cost the file.
    return io.TextIOWrapper(unpacked(stream, max_bytes), encoding=encoding, errors="replace", newline=None)  # type: ignore[arg-type]


def encoding_of(stream: IO[bytes]) -> str:
    """A byte order mark decides; else UTF-8 if nearly everything is; else what charset-normalizer thinks."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    sample, doubtful, high, broken = b"", b"", 0, 0
    while chunk := stream.read(_CHUNK):
        if not sample:
            sample = chunk[:_SAMPLE]
            if known := next((name for bom, name in _BOMS if sample.startswith(bom)), ""):
                return known
            if wide := _wide(sample):
                return wide
        if not chunk.isascii():
            doubtful = doubtful or chunk[:_SAMPLE]
            text = decoder.decode(chunk)
            broken += text.count("\ufffd") - chunk.count(b"\xef\xbf\xbd")  # some were written so
            high += sum(1 for char in text if char > "\x7f" and char != "\ufffd")
    if not broken or high > 10 * broken:
        return "utf-8"
    best = from_bytes(
        doubtful, cp_isolation=["cp1252", "latin_1", "cp1250", "mac_roman", "gb18030", "shift_jis"]
    ).best()
    # latin-1 has only control characters where cp1252 has quotation marks and dashes.
    return "cp1252" if best is None or best.encoding == "latin_1" else best.encoding


def _wide(sample: bytes) -> str:
    """UTF-16 without a mark: every other byte of Western text is zero."""
    half = len(sample) // 2
    if half < 4:
        return ""
    if sample[1::2].count(0) > 0.4 * half:
        return "utf-16-le"
    return "utf-16-be" if sample[::2].count(0) > 0.4 * half else ""


def clean(text: str) -> str:
    """One line without control characters (PostgreSQL refuses NUL)."""
    return " ".join(_CONTROL.sub("", text).split())
