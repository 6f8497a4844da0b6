"""How many PubMed records a second one core parses with every field: `python benchmarks/parse_pubmed.py [FILE…]`.

Without files it measures a synthetic corpus of 2,000 records. Parsing alone: the bytes are in memory already.
"""

import gzip
import io
import sys
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lxml import etree

from studies.sources import pubmed_xml
from studies.sources.record import Reading


def load(names: list[str]) -> list[tuple[str, bytes]]:
    if names:
        return [
            (
                Path(name).name,
                gzip.decompress(Path(name).read_bytes()) if name.endswith(".gz") else Path(name).read_bytes(),
            )
            for name in names
        ]
    from tests.ncbi import synthetic

    return [("synthetic", synthetic.HEAD + b"".join(synthetic.corpus(2000)) + synthetic.TAIL)]


def bare(data: bytes) -> float:
    """Seconds lxml alone needs to walk the same bytes."""
    start = time.process_time()
    for _, element in etree.iterparse(io.BytesIO(data), tag=("PubmedArticle", "PubmedBookArticle")):
        element.clear()
    return time.process_time() - start


def parse(data: bytes) -> tuple[int, float]:
    start = time.process_time()
    n = sum(1 for _ in pubmed_xml.read(io.BytesIO(data), Reading()))
    return n, time.process_time() - start


def main() -> None:
    total_n, total_seconds = 0, 0.0
    for name, data in load(sys.argv[1:]):
        n, seconds = min((parse(data) for _ in range(3)), key=lambda found: found[1])
        total_n, total_seconds = total_n + n, total_seconds + seconds
        size, alone = len(data) / n / 1000, n / bare(data)
        print(f"{name}: {n} records of {size:.1f} kB, {n / seconds:,.0f}/s (bare lxml {alone:,.0f}/s)")
    print(f"all: {total_n} records, {total_n / total_seconds:,.0f}/s")
    tracemalloc.start()
    parse(data)
    print(f"peak of Python's memory while streaming: {tracemalloc.get_traced_memory()[1] / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
