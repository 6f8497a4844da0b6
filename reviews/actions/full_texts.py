"""Full texts: sought, retrieved with a link or an uploaded PDF, or not to be had."""

import shutil
import uuid
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from reviews.actions import log
from reviews.models import Candidate, ScreeningDecision
from reviews.terms import Retrieval, Stage
from studies.models import User

FOLDER = "full-texts"
_PDF = b"%PDF-"


class NotPossible(Exception):
    """The full text cannot be kept so; the message is one sentence for people."""


@transaction.atomic
def add_link(candidate: Candidate, *, by: User, url: str) -> Candidate:
    """Where the team reads it."""
    return _retrieved(_sought(candidate), by=by, full_text_url=url)


@transaction.atomic
def upload(candidate: Candidate, *, by: User, stream: BinaryIO) -> Candidate:
    """Keep a PDF beside the other uploads; only members of the review are served it."""
    candidate = _sought(candidate)
    if stream.read(len(_PDF)) != _PDF:
        raise NotPossible("This is no PDF.")
    stream.seek(0)
    folder = settings.UPLOADS / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{uuid.uuid4().hex}.pdf"
    with (folder / name).open("wb") as kept:
        shutil.copyfileobj(stream, kept)
    old = candidate.full_text_path
    candidate = _retrieved(candidate, by=by, full_text_path=name)
    if old:
        transaction.on_commit(lambda: path_of(old).unlink(missing_ok=True))
    return candidate


@transaction.atomic
def mark_unavailable(candidate: Candidate, *, by: User, why: str = "") -> Candidate:
    """Nobody could get it: PRISMA's reports not retrieved. It can be found after all later."""
    candidate = _sought(candidate)
    if ScreeningDecision.objects.standing().filter(candidate=candidate, stage=Stage.FULL_TEXT, round=candidate.round):
        raise NotPossible("Somebody has decided on the full text already: it was retrieved.")
    before, candidate.retrieval = candidate.retrieval, Retrieval.UNAVAILABLE
    candidate.save(update_fields=["retrieval"])
    log.record("could not retrieve", candidate, review=candidate.review_id, by=by, before=before, why=why)
    return candidate


def path_of(name: str) -> Path:
    return settings.UPLOADS / FOLDER / Path(name).name


def _sought(candidate: Candidate) -> Candidate:
    candidate = Candidate.objects.select_for_update().get(pk=candidate.pk)
    if candidate.stage != Stage.FULL_TEXT or candidate.duplicate_of_id:
        raise NotPossible("Full texts are sought for what passed title and abstract.")
    return candidate


def _retrieved(candidate: Candidate, *, by: User, **values: str) -> Candidate:
    before = candidate.retrieval
    for name, value in values.items():
        setattr(candidate, name, value)
    candidate.retrieval, candidate.retrieved_at = Retrieval.RETRIEVED, candidate.retrieved_at or timezone.now()
    candidate.save(update_fields=[*values, "retrieval", "retrieved_at"])
    how = "link" if "full_text_url" in values else "PDF"
    log.record("retrieved full text", candidate, review=candidate.review_id, by=by, before=before, how=how)
    return candidate
