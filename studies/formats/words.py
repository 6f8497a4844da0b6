"""Pieces that several formats write alike: abstracts in one line, and remarks that no reader takes for the source's."""

import re
from collections.abc import Iterable

from studies.sources.record import Section
from studies.sources.ris import REMARK
from studies.sources.text_stream import clean

# Readers, ours too, take a labelled number anywhere in a note for the record's own.
_LABEL = re.compile(r"\bPMID\s?[:=]", re.I)


def remark(text: str) -> str:
    """One of our own remarks in one line, marked so that our import takes it for no source's word."""
    return REMARK + _LABEL.sub("PMID", clean(text))


def abstract_line(sections: Iterable[Section]) -> str:
    """The abstract in one line; a heading stands before its part in capitals, as PubMed prints it."""
    parts = (f"{section.label.upper()}: {section.text}" if section.label else section.text for section in sections)
    return clean(" ".join(parts))
