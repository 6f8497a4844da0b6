"""Personal names as reference files write them."""

import re

from studies.sources.record import Author

_INITIALS = re.compile(r"(?:[A-Z]\.?[\s-]?){1,4}")
_GROUP = re.compile(r"\b(group|consortium|collaborat\w+|investigators|network|team|committee|society|study)\b", re.I)


def author_of(text: str) -> Author | None:
    """`Smith, John A.`, `Smith, J.A., Jr.`, `Smith JA` or `Smith J.A.`; a group's name stays whole.

    Reference managers mark a name that must stay whole by a comma at its end, or by two commas within.
    """
    text = " ".join(text.split())
    is_whole = ",," in text or (text.endswith(",") and not _is_person(text[:-1]))
    text = text.replace(",,", ",").strip(" ;,")
    if not text or text.lower().strip(".") in {"et al", "anonymous", "anon"}:
        return None
    if is_whole:
        return Author(collective=text)
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


def _is_person(text: str) -> bool:
    """`Smith, John` or `Smith JA` with a stray comma behind it."""
    return "," in text or bool(_INITIALS.fullmatch(text.rpartition(" ")[2]))


def initials_of(fore: str) -> str:
    """`John A.` and `J.A.` as `JA`."""
    return "".join(word[0] for word in re.split(r"[\s.-]+", fore) if word)


def name_line(author: Author) -> str:
    """`Smith, John A., Jr.`, or a group with the comma that keeps it whole: what `author_of` reads."""
    if author.collective:
        name = " ".join(author.collective.split()).strip(" ,;")
        return name.replace(",", ",,", 1) if "," in name else f"{name},"
    return ", ".join(filter(None, (author.last, given_names(author), author.suffix)))


def given_names(author: Author) -> str:
    """`John A.`, or `J.A.` where only initials are known."""
    return author.fore or "".join(f"{letter}." for letter in author.initials if letter.isalpha())
