"""Which licence a text stands under: short names of those that allow reuse, nothing for the others."""

import re

_URL = re.compile(
    r"creativecommons\.org/licen[cs]es/(by(?:-nc)?(?:-(?:nd|sa))?|by-nd-nc)(?:/(\d\.\d))?(?:/([a-z]{2,4}))?", re.I
)
_ZERO_URL = re.compile(r"creativecommons\.org/publicdomain/zero", re.I)
_MARK_URL = re.compile(r"creativecommons\.org/publicdomain/mark|creativecommons\.org/licen[cs]es/publicdomain", re.I)
_OGL_URL = re.compile(r"nationalarchives\.gov\.uk/doc/open-government-licence(?:/version/(\d))?", re.I)
# "The CC0 waiver applies to the data" stands in many articles and says nothing about the text.
_ONLY_DATA = re.compile(r"appl(?:y|ies) to (?:the|any) data", re.I)
_WORDS = re.compile(
    r"creative\s+commons\s+(?:licen[cs]e\s+)?\(?attribution"
    r"(?P<nc>[\s–-]*non-?\s?commercial)?(?P<nd>[\s–-]*no-?\s?deriv(?:ative|ate)?s?(?:\s+works?)?)?(?P<sa>[\s–-]*share-?\s?alike)?"
    r"[^.;]{0,60}?(?P<version>[1-4]\.\d)?(?=[^\d]|$)",
    re.I,
)
_VERSION = re.compile(r"(?<![\d.])([1-4]\.[05])(?![\d.])")
_SHORT = re.compile(
    r"\bcc[\s-]by(?P<parts>(?:-(?:nc|nd|sa))*)(?:[\s-]+(?:v|version\s)?(?P<version>[1-4]\.\d))?\b", re.I
)
_ZERO_WORDS = re.compile(r"\bcc-?0\b|creative commons (?:cc0|zero|public domain dedication)", re.I)


def short_name(urls: list[str], text: str) -> tuple[str, str]:
    """(`CC BY-NC 4.0`, the address it was read from), or two empty texts if no licence that allows reuse is found.

    Addresses speak before words, a named licence before a waiver.
    """
    for url in urls:
        if name := _from_url(url):
            return name, url
    if name := _from_url(text, waiver=False):
        return name, ""
    return _from_words(text), ""


def _from_url(text: str, waiver: bool = True) -> str:
    if found := _URL.search(text):
        parts = found[1].upper().replace("BY-ND-NC", "BY-NC-ND")
        return " ".join(part for part in ("CC", parts, found[2], _country(found[3])) if part)
    if waiver and _ZERO_URL.search(text):
        return "CC0"
    if waiver and _MARK_URL.search(text):
        return "Public domain"
    if found := _OGL_URL.search(text):
        return f"OGL {found[1]}.0" if found[1] else "OGL"
    return ""


def _country(code: str | None) -> str:
    """The port of an older licence; `deed` and the like are no country."""
    return code.upper() if code and len(code) == 2 else ""


def _from_words(text: str) -> str:
    if found := _SHORT.search(text):
        parts = "BY" + found["parts"].upper()
        return f"CC {parts} {found['version']}" if found["version"] else f"CC {parts}"
    if found := _WORDS.search(text):
        parts = "BY" + "".join(f"-{name.upper()}" for name in ("nc", "nd", "sa") if found[name])
        version = _VERSION.search(text, found.start(), found.start() + 200)
        return f"CC {parts} {version[1]}" if version else f"CC {parts}"
    if (_ZERO_WORDS.search(text) or _ZERO_URL.search(text)) and not _ONLY_DATA.search(text):
        return "CC0"
    return ""
