"""Files into the catalogue: an upload is kept until it is read, and read batch by batch like any other run."""

import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from studies.actions import catalogue, findings
from studies.models import AuditEvent, Finding, SearchRun
from studies.sources import files
from studies.sources.record import Reading, Record, Rejection
from studies.terms import FindingResult, RunKind

BATCH = 200
Step = Callable[[int], AbstractContextManager[SearchRun]]


class Refused(ValueError):
    """The file cannot be imported; the message is one sentence for people."""


def request_import(name: str, stream: BinaryIO, *, by: Any) -> SearchRun:
    """Keep an upload and make a waiting run for it. Raises Refused for what is no file of records or too large."""
    path, digest = keep(name, stream)
    try:
        _kind(path, name)
    except files.UnreadableFile as error:
        path.unlink()
        raise Refused(str(error)) from None
    run = _request(name, path, digest, by=by)
    AuditEvent.objects.record("uploaded a file", run, by=by, name=name)
    return run


def request_path(path: Path) -> SearchRun:
    """A run for a file where it lies (the command line)."""
    try:
        digest = hashlib.file_digest(path.open("rb"), "sha256").hexdigest()
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}.") from None
    return _request(path.name, path.resolve(), digest, by=None)


def read_file(run: SearchRun, *, step: Step, on_progress: Callable[[SearchRun], None]) -> None:
    """Read the run's file from where it stopped; a batch is one `step`. Raises Unfinished."""
    path = Path(run.file_path)
    try:
        source = _source_of(path, run.asked)
        left = islice(_items(path, run.asked), run.findings.count(), None)
        while batch := list(islice(left, BATCH)):
            broken = isinstance(batch[-1], Unfinished) and batch.pop()
            if batch:
                on_progress(_take_over(run.pk, batch, source, step))
            if broken:
                raise broken
    except (OSError, files.UnreadableFile) as error:
        raise Unfinished(run.asked, getattr(error, "strerror", None) or str(error)) from None
    if path.is_relative_to(settings.UPLOADS):
        path.unlink(missing_ok=True)


class Unfinished(Exception):
    """The file could be read only in part or not at all."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


def _source_of(path: Path, name: str) -> str:
    """Who speaks in the file: an export of PubMed or PMC in XML is those sources' own word."""
    return {files.Kind.PUBMED_XML: "pubmed", files.Kind.JATS: "pmc"}.get(_kind(path, name), "file")


def _kind(path: Path, name: str) -> files.Kind:
    with path.open("rb") as stream:
        return files.kind_of(stream, name, _max_bytes())


def _max_bytes() -> int:
    return settings.UPLOAD_MEGABYTES * 1024 * 1024


def _items(path: Path, name: str) -> Iterator[Record | Rejection | Unfinished]:
    """Records and rejections in the order of the file; last, what ended the reading early."""
    reading, n_told = Reading(), 0
    with path.open("rb") as stream:
        try:
            for record in files.open_records(stream, name, reading, _max_bytes()):
                yield from reading.rejections[n_told:]
                n_told = len(reading.rejections)
                yield record
            yield from reading.rejections[n_told:]
        except (files.UnreadableFile, files.BrokenXML) as error:
            yield from reading.rejections[n_told:]
            yield Unfinished(name, str(error))


def _take_over(run_id: int, batch: list[Record | Rejection], source: str, step: Step) -> SearchRun:
    with step(run_id) as run:
        records = [item for item in batch if isinstance(item, Record)]
        taken = iter(catalogue.upsert(records, source=source, by=run))
        rows = []
        for position, item in enumerate(batch, run.n_found + 1):
            rows.append(_finding(run, position, item, taken))
        Finding.objects.bulk_create(rows)
        run.n_found += len(rows)
        findings.count(run, rows, n_fetched=len(records))
        return run


def _finding(run: SearchRun, position: int, item: Record | Rejection, taken: Iterator[catalogue.Taken]) -> Finding:
    if isinstance(item, Rejection):
        where = " ".join(filter(None, (item.identifier, item.where)))[:200]
        return Finding(run=run, position=position, identifier=where, result=FindingResult.REJECTED, reason=item.reason)
    what = next(taken)
    name = str(item.pmid or item.pmcid or item.doi or item.title)[:200]
    return Finding(
        run=run,
        position=position,
        identifier=name,
        report_id=what.report_id,
        result=what.result,
        reason=what.reason,
    )


def _request(name: str, path: Path, digest: str, *, by: Any) -> SearchRun:
    return SearchRun.objects.create(
        kind=RunKind.FILE,
        asked=name,
        file_path=str(path),
        file_digest=digest,
        by=by if getattr(by, "pk", None) else None,
    )


def keep(name: str, stream: BinaryIO) -> tuple[Path, str]:
    settings.UPLOADS.mkdir(parents=True, exist_ok=True, mode=0o700)
    suffix = "".join(Path(name).suffixes[-2:])[:20]
    path = settings.UPLOADS / f"{uuid.uuid4().hex}{suffix if suffix.replace('.', '').isalnum() else ''}"
    with path.open("wb") as kept:
        shutil.copyfileobj(stream, kept)
    if path.stat().st_size > _max_bytes():
        path.unlink()
        raise Refused(f"The file is larger than {settings.UPLOAD_MEGABYTES} MB (STRATUM_UPLOAD_MEGABYTES).")
    with path.open("rb") as kept:
        return path, hashlib.file_digest(kept, "sha256").hexdigest()
