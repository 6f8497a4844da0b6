"""Files that leave the catalogue, streamed; spreadsheets by pandas."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from studies.formats import bibtex, csl, nbib, references, ris, table
from studies.queries import export
from studies.queries.export import COLUMNS, Entry, Provenance
from studies.queries.vocabulary import Vocabulary
from studies.sources.table import harmless

MOST_IN_A_SPREADSHEET = 50_000
MOST_ON_A_PAGE = 200  # formatting a reference takes milliseconds
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class TooMany(ValueError):
    """The list does not fit into this format; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file; `hint` says what it does not carry."""

    name: str
    label: str
    media_type: str
    hint: str = ""

    def file_name(self, what: str, said: Provenance) -> str:
        return f"stratum-{what}-{said.exported_at:%Y-%m-%d}.{self.name}"


_REPORTS = "every report; no trial known by its registration alone"
FORMATS = {
    kind.name: kind
    for kind in (
        Format("csv", "CSV", table.MEDIA_TYPE, "a row a study"),
        Format("xlsx", "Excel", XLSX, f"a row a study, up to {MOST_IN_A_SPREADSHEET:,}"),
        Format("ris", "RIS", ris.MEDIA_TYPE, _REPORTS),
        Format("nbib", "nbib (PubMed)", nbib.MEDIA_TYPE, "every report with a PMID"),
        Format("bib", "BibTeX", bibtex.MEDIA_TYPE, _REPORTS),
        Format("json", "CSL-JSON", csl.MEDIA_TYPE, _REPORTS),
    )
}


def streamed(name: str, study_ids: Sequence[int], vocabulary: Vocabulary, said: Provenance) -> Iterator[str]:
    """The file in pieces, for every format but the spreadsheet."""
    if name == "csv":
        return _csv(export.rows(study_ids, vocabulary, said))
    entries = export.entries(study_ids, vocabulary, said)
    return _json(entries) if name == "json" else map(_WRITERS[name], entries)


def _csv(batches: Iterable[list[list[export.Cell]]]) -> Iterator[str]:
    yield table.BYTE_ORDER_MARK + table.lines([COLUMNS])
    yield from map(table.lines, batches)


def _json(entries: Iterable[Entry]) -> Iterator[str]:
    yield "["
    for place, entry in enumerate(entries):
        yield (",\n" if place else "\n") + json.dumps(item_of(entry), ensure_ascii=False)
    yield "\n]\n"


def item_of(entry: Entry) -> dict:
    return csl.item(entry.record, f"stratum-{entry.number}", entry.remarks)


_WRITERS: dict[str, Callable[[Entry], str]] = {
    "ris": lambda entry: ris.reference(entry.record, entry.remarks),
    "nbib": lambda entry: nbib.reference(entry.record, entry.remarks) if entry.record.pmid else "",
    "bib": lambda entry: bibtex.reference(entry.record, entry.number, entry.remarks),
}


def write_spreadsheet(file: IO[bytes], study_ids: Sequence[int], vocabulary: Vocabulary, said: Provenance) -> None:
    """The rows as a sheet `Studies`, the provenance as a sheet `About`. Raises TooMany."""
    if len(study_ids) > MOST_IN_A_SPREADSHEET:
        raise TooMany(
            f"A spreadsheet takes at most {MOST_IN_A_SPREADSHEET:,} studies and these are {len(study_ids):,}: "
            "download them as CSV, which has no limit."
        )
    import pandas  # dear to load, and spreadsheets are rare

    # Long texts as text: neither a formula nor a link that somebody could hide behind a title.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with pandas.ExcelWriter(file, engine="xlsxwriter", engine_kwargs={"options": options}) as writer:
        place = 0
        for batch in export.rows(study_ids, vocabulary, said):
            frame = pandas.DataFrame(batch, columns=COLUMNS, dtype=object).map(_cell)
            frame.to_excel(writer, sheet_name="Studies", startrow=place + bool(place), header=not place, index=False)
            place += len(frame)
        if not place:
            pandas.DataFrame(columns=COLUMNS).to_excel(writer, sheet_name="Studies", index=False)
        writer.sheets["Studies"].freeze_panes(1, 0)
        about = pandas.DataFrame(about_lines(said, len(study_ids)), dtype=object).map(_cell)
        about.to_excel(writer, sheet_name="About", header=False, index=False)


_LONGEST_CELL = 32_767


def _cell(value: export.Cell) -> export.Cell:
    return harmless(value)[:_LONGEST_CELL] if isinstance(value, str) else value


def about_lines(said: Provenance, n_studies: int) -> list[tuple[str, str]]:
    return [
        ("Exported", f"{said.exported_at:%Y-%m-%d %H:%M} UTC"),
        ("Query", said.query),
        ("Searched through", said.searched_through),
        ("Studies", str(n_studies)),
        ("Notices", "A study with a notice says so in its first cell; read it before you use the row."),
    ]


def printed(study_ids: Sequence[int], vocabulary: Vocabulary, said: Provenance, style: str) -> list[tuple[int, str]]:
    """(study, formatted reference) of what each study is known by; a grave notice is its first word."""
    found: dict[int, Entry] = {}
    for entry in export.entries(study_ids[:MOST_ON_A_PAGE], vocabulary, said):
        found.setdefault(entry.study, entry)
    texts = references.formatted([item_of(entry) for entry in found.values()], style)
    return [
        (entry.study, f"{entry.warning}: {text}" if entry.warning else text)
        for entry, text in zip(found.values(), texts, strict=True)
    ]
