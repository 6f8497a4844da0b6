"""Stream a synthetic catalogue from the site's own view: seconds, megabytes, peak memory of the process.

    python -m benchmarks.export_csv [--studies 100000] [--kind csv]

Somebody has said each term of every study, and every article has six authors with their affiliations.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.machine import described, temporary_database

ROOT = Path(__file__).resolve().parents[1]
TAGS = """
INSERT INTO studies_studytag (study_id, tag_id, origin, status, at, rule, strength, field, phrase, reason)
SELECT s.id, t.term, 'starter', 'accepted', now(), '', '', '', '', ''
FROM studies_study s, unnest(sources || products || donors || processings || deliveries || outcomes || designs
    || populations || comparators) AS t (term)
WHERE NOT EXISTS (
    SELECT FROM studies_tag AS narrower WHERE narrower.parent_id = t.term AND narrower.id = ANY (
        sources || products || donors || processings || deliveries || outcomes || designs || populations || comparators
    )
)
"""
AUTHORS = """
UPDATE studies_report SET authors = (
    SELECT jsonb_agg(jsonb_build_object('last', 'Synthetic' || n, 'fore', 'Ann B', 'initials', 'AB', 'affiliations',
        jsonb_build_array('Department of Made-up Sciences, University of Synthesis, city ' || n)))
    FROM generate_series(1, 6) AS n)
"""
FILL = """
import sys, django
django.setup()
from django.db import connection
from benchmarks import synthetic_catalogue
from benchmarks.export_csv import AUTHORS, TAGS
synthetic_catalogue.build(int(sys.argv[1]))
with connection.cursor() as cursor:
    cursor.execute(TAGS)
    cursor.execute(AUTHORS)
    cursor.execute("VACUUM ANALYZE")  # what a catalogue that has stood for an hour has had
"""
EXPORT = """
import json, resource, sys, time
import django
django.setup()
from django.test import RequestFactory
from studies.views import exports
begun, cpu, first, size, lines = time.perf_counter(), time.process_time(), None, 0, 0
answer = exports.of_list(RequestFactory().get("/", {"everything": "1"}), sys.argv[1])
for piece in answer:
    first = first or time.perf_counter() - begun
    size += len(piece)
    lines += piece.count(b"\\n")
print(json.dumps({
    "seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu, "first": first,
    "bytes": size, "lines": lines,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--kind", nargs="+", default=["csv"])
    asked = parser.parse_args()
    print(described())
    with temporary_database() as environment:
        environment |= {"DJANGO_SETTINGS_MODULE": "config.settings"}
        run(environment, FILL, str(asked.studies))
        for kind in asked.kind:
            figures = json.loads(run(environment, EXPORT, kind))
            print(
                f"{asked.studies:,} studies as {kind}: {figures['seconds']:.1f} s, of which its own CPU "
                f"{figures['cpu']:.1f} s; first piece after {figures['first']:.2f} s; {figures['bytes'] / 1e6:.0f} MB "
                f"in {figures['lines']:,} lines; peak memory of the process {figures['peak']:.0f} MB"
            )


def run(environment: dict[str, str], script: str, argument: str) -> str:
    command = [sys.executable, "-c", script, argument]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    main()
