"""The speed of the tag rules alone: seconds of processor time for 10,000 records, on one core.

    python -m benchmarks.tag_rules [--records 10000]

Synthetic records, and the real ones beside the checkout if they are there. Parsing is not counted.
"""

import argparse
import io
import itertools
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.machine import described
from studies.rules.tagging import Text, suggest
from studies.sources import pubmed_xml
from studies.sources.files import open_records
from studies.sources.record import Reading, Record
from tests.ncbi.synthetic import corpus

REAL = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "pubmed_xml"
MOST_BYTES = 10**9


def text_of(record: Record) -> Text:
    return Text(
        title=record.title,
        abstract=record.abstract_text,
        keywords=tuple(keyword.text for keyword in record.keywords),
        mesh=tuple(heading.name for heading in record.mesh),
        publication_types=tuple((kind.ui, kind.name) for kind in record.publication_types),
        has_registration=bool(record.databanks),
    )


def synthetic_texts(n: int) -> list[Text]:
    xml = b"".join([b"<PubmedArticleSet>", *corpus(n), b"</PubmedArticleSet>"])
    return [text_of(record) for record in pubmed_xml.read(io.BytesIO(xml), Reading())]


def real_texts() -> list[Text]:
    """Every distinct real record, mostly of other fields."""
    found = {}
    for path in sorted(REAL.glob("*.xml*")):
        for record in open_records(path, path.name, Reading(), MOST_BYTES):
            found[record.pmid or record.title] = text_of(record)
    return list(found.values())


def measured(name: str, texts: Iterable[Text], n: int) -> None:
    """Texts are taken again from the start until there are `n`."""
    run = list(itertools.islice(itertools.cycle(texts), n))
    for text in run[:200]:
        suggest(text)
    begun = time.process_time()
    found = sum(len(suggest(text)) for text in run)
    seconds = time.process_time() - begun
    length = sum(len(text.title) + len(text.abstract) for text in run) / n
    print(
        f"{name}: {seconds * 10_000 / n:.1f} s for 10,000 records ({n} read, {length:.0f} characters each on average)"
    )
    print(f"  {found / n:.1f} suggestions a record")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    n = parser.parse_args().records
    print(described())
    begun = time.process_time()
    suggest(Text("Nanofat for facial skin", ""))
    print(f"reading the rules: {time.process_time() - begun:.2f} s, once")
    measured("synthetic records of the field", synthetic_texts(min(n, 1_000)), n)
    if REAL.exists():
        abstracts = [text for text in real_texts() if text.abstract]
        measured("real records with an abstract, mostly of other fields", abstracts, n)
        long = [text for text in abstracts if 1_300 <= len(text.abstract) <= 2_600]
        measured("those of about 1,800 characters", long, n)


if __name__ == "__main__":
    main()
