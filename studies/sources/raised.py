"""Raised and lowered text in a plain line: signs of Unicode where it has them, braces where it has not."""

# Raised and lowered characters that have a sign of their own in Unicode.
_RAISED = str.maketrans("0123456789+-=()ni−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ⁻⁻")
_LOWERED = str.maketrans("0123456789+-=()aehklmnopstx−–", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕₖₗₘₙₒₚₛₜₓ₋₋")
_BETWEEN = frozenset(",/ ")  # stay as they are in a row of raised numbers such as citations
_ORDINALS = frozenset({"st", "nd", "rd", "th"})


def raised(text: str) -> str:
    """`8` becomes `⁸`, `high` becomes `^{high}`; marks such as ® and the `th` of `5th` stay."""
    return _shifted(text, _RAISED, "^")


def lowered(text: str) -> str:
    """`2` becomes `₂`, `max` becomes `_{max}`."""
    return _shifted(text, _LOWERED, "_")


def _shifted(text: str, table: dict[int, int], mark: str) -> str:
    if not text:
        return ""
    known = [ord(char) in table for char in text if char not in _BETWEEN]
    # Words of several letters are spelled out: C_{min} and C_{max} should look alike.
    if known and all(known) and (len(text) == 1 or not any(char.isalpha() for char in text)):
        return text.translate(table)
    if (mark == "^" and text in _ORDINALS) or not any(char.isalnum() for char in text):
        return text
    return f"{mark}{{{text}}}"
