"""Personal names as reference files write them."""

import re

from studies.sources.record import Author

_INITIALS = re.compile(r"(?:[A-Z]\.?[\s-]?){1,4}")
_GROUP = re.compile(r"\b(group|consortium|collaborat\w+|investigators|network|team|committee|society|study)\b", re.I)


def author_of(text: str) -> Author | None:
    """`Smith, John A.`, `Smith, J.A., Jr.`, `Smith JA` or `Smith J.A.`; a group's name stays whole."""
    text = " ".join(text.split()).strip(" ;,")
    if not text or text.lower().strip(".") in {"et al", "anonymous", "anon"}:
        return None
    if "," in text:
        last, fore, *rest = (part.strip() for part in text.split(","))
        return Author(last=last, fore=fore, initials=initials_of(fore), suffix=rest[0] if rest else "")
    if _GROUP.search(text):
        return Author(collective=text)
    last, _, tail = text.rpartition(" ")
    if last and _INITIALS.fullmatch(tail):
        return Author(last=last, initials=re.sub(r"[.\s]", "", tail))
    if not last:
        return Author(last=text)
    return Author(last=tail, fore=last, initials=initials_of(last))


def initials_of(fore: str) -> str:
    """`John A.` and `J.A.` as `JA`."""
    return "".join(word[0] for word in re.split(r"[\s.-]+", fore) if word)
