"""What a change of criteria changes, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Draft:
    """One criterion as somebody wrote it; without a key it is a new one."""

    kind: str
    label: str
    description: str = ""
    key: UUID | None = None


def changes(before: Sequence[Draft], after: Sequence[Draft]) -> list[str]:
    """One sentence a change; an empty list means that both say the same in the same order."""
    old = {draft.key: draft for draft in before}
    kept = {draft.key for draft in after if draft.key in old}
    said = [f"Taken out: {draft.kind} “{draft.label}”." for draft in before if draft.key not in kept]
    for draft in after:
        said += _change(old.get(draft.key) if draft.key else None, draft)
    if not said and [draft.key for draft in before] != [draft.key for draft in after]:
        said.append("The order is another one.")
    return said


def _change(old: Draft | None, new: Draft) -> list[str]:
    if old is None:
        return [f"New: {new.kind} “{new.label}”."]
    said = []
    if old.kind != new.kind:
        said.append(f"“{new.label}” is now an {new.kind} criterion.")
    if old.label != new.label:
        said.append(f"“{old.label}” is now called “{new.label}”.")
    if old.description != new.description:
        said.append(f"The explanation of “{new.label}” is another one.")
    return said
