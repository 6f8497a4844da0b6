"""Runs the local NCBI by hand: `python -m tests.ncbi --port 8765 --synthetic 10000`, then NCBI_BASE_URL."""

import argparse
import contextlib
import signal
import sys
from pathlib import Path

from tests.ncbi.jats import articles
from tests.ncbi.server import NcbiServer
from tests.ncbi.synthetic import corpus


def main() -> None:
    options = _options()
    server = NcbiServer(
        corpus(options.synthetic, options.seed),
        port=options.port,
        enforce_rate=options.enforce_rate,
        latency=options.latency,
    )
    for path in options.records or []:
        server.shelf.add_file(path)
    for number, article in articles():
        server.shelf.add_pmc(number, article)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    n_records = len(server.shelf.entries)
    sys.stdout.write(f"{n_records} records. NCBI_BASE_URL={server.url}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_for_ever()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.ncbi", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N", help="hold N synthetic records")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=Path, nargs="+", metavar="FILE", help="PubMed XML files to hold")
    parser.add_argument("--enforce-rate", action="store_true", help="answer 429 above 3 (10) requests a second")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    return parser.parse_args()


if __name__ == "__main__":
    main()
