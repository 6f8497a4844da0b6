"""Files into the catalogue: an upload is kept until it is read, and read batch by batch like any other run."""

import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
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
    try:
        files.recognise(stream.read(files.HEAD_BYTES), name)
    except files.UnreadableFile as error:
        raise Refused(str(error)) from None
    stream.seek(0)
    path, digest = _keep(name, stream)
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
    """Read the run's file from where it stopped. An unreadable file fails the run with the reader's sentence."""
    path = Path(run.file_path)
    reading = Reading()
    n_skipped = run.findings.count()
    batch: list[Record | Rejection] = []
    failure = None
    for item in _items(path, run.asked, reading):
        if isinstance(item, files.UnreadableFile):
            failure = item
        elif n_skipped:
            n_skipped -= 1
        else:
            batch.append(item)
        if len(batch) == BATCH:
            on_progress(_take_over(run.pk, batch, source_of(path, run.asked), step))
            batch = []
    if batch:
        on_progress(_take_over(run.pk, batch, source_of(path, run.asked), step))
    if failure:
        raise Unfinished(f"{run.asked}", str(failure))
    if path.is_relative_to(settings.UPLOADS):
        path.unlink(missing_ok=True)


class Unfinished(Exception):
    """The file could be read only in part or not at all."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


def source_of(path: Path, name: str) -> str:
    """Who speaks in the file: a PubMed or PMC export is those sources' own word."""
    with path.open("rb") as stream:
        kind = files.recognise(stream.read(files.HEAD_BYTES), name)
    return {"pubmed-xml": "pubmed", "jats": "pmc"}.get(kind, "file")


def _items(path: Path, name: str, reading: Reading) -> Iterator[Record | Rejection | files.UnreadableFile]:
    """Records and rejections in the order of the file; last, what ended the reading early."""
    n_told = 0
    try:
        with path.open("rb") as stream:
            for record in files.open_records(stream, name, reading, settings.UPLOAD_MEGABYTES * 1024 * 1024):
                yield from reading.rejections[n_told:]
                n_told = len(reading.rejections)
                yield record
        yield from reading.rejections[n_told:]
    except files.UnreadableFile as error:
        yield from reading.rejections[n_told:]
        yield error
    except OSError as error:
        yield files.UnreadableFile(f"it cannot be opened: {error.strerror}.")


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


def _keep(name: str, stream: BinaryIO) -> tuple[Path, str]:
    settings.UPLOADS.mkdir(parents=True, exist_ok=True, mode=0o700)
    suffix = "".join(Path(name).suffixes[-2:])[:20]
    path = settings.UPLOADS / f"{uuid.uuid4().hex}{suffix if suffix.replace('.', '').isalnum() else ''}"
    limit = settings.UPLOAD_MEGABYTES * 1024 * 1024
    with path.open("wb") as kept:
        shutil.copyfileobj(stream, kept)
    if path.stat().st_size > limit:
        path.unlink()
        raise Refused(f"The file is larger than {settings.UPLOAD_MEGABYTES} MB (STRATUM_UPLOAD_MEGABYTES).")
    with path.open("rb") as kept:
        return path, hashlib.file_digest(kept, "sha256").hexdigest()
