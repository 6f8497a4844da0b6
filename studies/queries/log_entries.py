"""An act of the log as people read it; what a study's log and a review's have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studies.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Entry:
    """One act: a sentence, and what was before, after and why, where the act has such."""

    event: AuditEvent
    what: str
    before: str
    after: str
    why: str

    @property
    def at(self) -> datetime:
        return self.event.at

    @property
    def who(self) -> str:
        return self.event.actor


def plain(value: Any) -> str:
    """A value of an event's detail in words; nothing for what is not there."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name.replace('_', ' ')}: {plain(one)}" for name, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(plain, value))
    if isinstance(value, bool):  # 1 is True to Python, and a share of 1 is no yes
        return "yes" if value else "no"
    return "" if value is None else str(value)
