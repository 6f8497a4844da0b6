"""Import through a loopback NCBI into PostgreSQL: records a second, peak memory, and where the time goes.

    python -m benchmarks.import_pubmed [--records 10000]

One process serves, one imports, PostgreSQL keeps: all on this machine. An API key is set (10 requests a second).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import described, temporary_database

ROOT = Path(__file__).resolve().parents[1]
WORKER = """
import json, resource, sys, time
import django
django.setup()
from pathlib import Path
from studies.actions import importing, running, searching, vocabulary
from studies.models import StudyTag
vocabulary.load_vocabulary()  # without it nothing could be suggested
kind, asked = sys.argv[1:]
run = importing.request_path(Path(asked)) if kind == "file" else searching.request_once(kind, asked)
begun, cpu = time.perf_counter(), time.process_time()
run = running.carry_on(run.pk)
print(json.dumps({
    "seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu, "state": run.state,
    "planned": (run.planned_at - run.started_at).total_seconds() if run.planned_at else 0,
    "failure": run.failure, "found": run.n_found, "fetched": run.n_fetched, "created": run.n_created,
    "changed": run.n_changed, "unchanged": run.n_unchanged, "known": run.n_known, "rejected": run.n_rejected,
    "suggested": StudyTag.objects.count(), "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    n = parser.parse_args().records
    print(described())
    with temporary_database() as environment, tempfile.TemporaryDirectory() as folder:
        server, url = start_server(n)
        environment |= {"NCBI_BASE_URL": url, "NCBI_API_KEY": "synthetic", "DJANGO_SETTINGS_MODULE": "config.settings"}
        environment["STRATUM_UPLOAD_MEGABYTES"] = "1000"
        try:
            search(environment, n)
        finally:
            server.terminate()
            server.wait()
        file = write_file(Path(folder) / "records.xml", n)
        again = work(environment, "file", str(file))
        print(f"the same records from a file: {rate(again)}, {again['unchanged']} unchanged")


def search(environment: dict[str, str], n: int) -> None:
    first = work(environment, "search", "synthetic[tiab]")
    print(f"first run: {rate(first)} end to end, {first['created']} created")
    print(f"  {first['suggested'] / first['created']:.1f} suggestions a record written with it")
    print(
        f"  of {first['seconds']:.1f} s: searches {first['planned']:.1f} s, the worker's own CPU {first['cpu']:.1f} s"
    )
    print(f"  peak memory of the worker {first['peak']:.0f} MB")
    second = work(environment, "search", "synthetic[tiab]")
    print(f"nothing new: {second['seconds']:.1f} s for {second['found']} ids, {second['fetched']} articles fetched")


def rate(figures: dict) -> str:
    if figures["state"] != "finished":
        raise SystemExit(f"The run {figures['state']}: {figures['failure']}")
    return f"{figures['found'] / figures['seconds']:.0f} records/s ({figures['seconds']:.1f} s)"


def work(environment: dict[str, str], kind: str, asked: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", WORKER, kind, asked],
        env=os.environ | environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def start_server(n: int) -> tuple[subprocess.Popen, str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.ncbi", "--synthetic", str(n)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    for line in server.stdout:
        for word in line.split():
            if word.startswith("http://") or "=http://" in word:
                return server, word[word.index("http") :]
    raise SystemExit("The local NCBI did not start.")


def write_file(path: Path, n: int) -> Path:
    from tests.ncbi.synthetic import corpus

    with path.open("wb") as file:
        file.write(b'<?xml version="1.0"?>\n<PubmedArticleSet>\n')
        for article in corpus(n):
            file.write(article)
        file.write(b"</PubmedArticleSet>\n")
    print(f"the records' mean size is {path.stat().st_size / n / 1000:.1f} kB")
    return path


if __name__ == "__main__":
    begun = time.perf_counter()
    main()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"(all of it {time.perf_counter() - begun:.0f} s; this process {own:.0f} MB)")
