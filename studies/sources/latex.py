"""LaTeX in the fields of BibTeX files as plain text: accents, symbols, raised and lowered signs; braces go."""

import html
import re
from functools import lru_cache

import latexcodec

from studies.sources.raised import lowered, raised
from studies.sources.text_stream import clean

_MARKUP = re.compile(r"</?(?:p|br|i|b|sup|sub|em|strong|span|div|jats:\w{1,20})\b[^<>]{0,200}>", re.I)
_ENTITY = re.compile(r"\{?\\?&\}?(#?\w{1,10};)")  # exporters escape the & of an entity they did not read
_ESCAPED = re.compile(r"\\([&%_#])")
_TIE = re.compile(r"(?<=[\w.,}$])~")  # a ~ behind a blank means "about"
_RAISED = re.compile(r"\$\s?\^\s?(?:\{([^{}$]{1,60})\}|(\w))\s?\$|\\textsuperscript\s?\{([^{}]{1,60})\}")
_LOWERED = re.compile(r"\$\s?_\s?(?:\{([^{}$]{1,60})\}|(\w))\s?\$|\\textsubscript\s?\{([^{}]{1,60})\}")
_WORD = re.compile(r"\\([A-Za-z]{1,40})\*?(?:(\s)(?=\w)|\s?)")
_MATHS = re.compile(r"\$([^$]{0,400}[\\^_{}α-ωΑ-Ω≤≥<>±×][^$]{0,400})\$")
_BRACE = re.compile(r"(?<!\\)[{}]")
_SIGNS = {
    "textmu": "µ", "textgreater": ">", "textless": "<", "textquoteright": "’", "textquoteleft": "‘",
    "textquotedblleft": "“", "textquotedblright": "”", "textasciitilde": "~", "textbackslash": "\\",
    "textquotesingle": "'", "textbar": "|", "textasciicircum": "^", "textendash": "–", "textemdash": "—",
}  # fmt: skip
_DECODE = latexcodec.codec.find_latex("ulatex").decode  # type: ignore[union-attr]


def plain(value: str) -> str:
    """One line of text without LaTeX, HTML or control characters. Its cost grows with its length, no faster."""
    text = clean(value)
    if "&" in text:
        text = html.unescape(_ENTITY.sub(r"&\1", text))
    if "<" in text:
        text = _MARKUP.sub(" ", text)
    text = _TIE.sub(" ", _ESCAPED.sub(r"\1", text))
    if "\\" in text or "$" in text:
        text = _without_commands(text)
    text = text.replace("---", "—").replace("--", "–").replace("``", "“").replace("''", "”")
    return clean(_BRACE.sub("", text).replace("\\{", "{").replace("\\}", "}"))


def bare(value: str) -> str:
    """An identifier or address: braces and escapes go, every other sign stays."""
    text = clean(value).replace("\\textunderscore", "_").replace("\\textasciitilde", "~")
    return _BRACE.sub("", _ESCAPED.sub(r"\1", text)).replace("\\url", "").strip()


def _without_commands(text: str) -> str:
    if "\\" in text:
        # To the decoder a % begins a comment; here it is most often a per cent.
        text = _DECODE(text.replace("%", "\\%").replace("~", "\\textasciitilde "), "replace")[0]
        text = text.replace("\ufffd", "")
    text = _RAISED.sub(lambda found: raised(_inner(found)), text)
    text = _LOWERED.sub(lambda found: lowered(_inner(found)), text)
    text = _WORD.sub(_worded, text)
    return _MATHS.sub(r"\1", text)


def _inner(found: re.Match[str]) -> str:
    return _WORD.sub(_worded, found[1] or found[2] or found[3])


def _worded(found: re.Match[str]) -> str:
    """TeX drops the blank behind a command; who writes `\\beta and` outside of maths means two words."""
    sign = _sign(found[1])
    return sign + (found[2] or "") if sign and (sign in "<>" or found[1] not in _SIGNS) else sign


@lru_cache(maxsize=4096)
def _sign(name: str) -> str:
    """The sign of `\\textmu` or, outside of maths, `\\beta`; nothing for a command such as `\\emph`."""
    if name in _SIGNS:
        return _SIGNS[name]
    sign = _DECODE(f"$\\{name}$", "replace")[0].strip()
    return "" if "\\" in sign else sign
