"""The Studies page at 100,000 studies: milliseconds on the server, the median of 20 warm requests.

python -m benchmarks.studies_page [--studies 100000]
"""

import argparse
import os
import statistics
import time

from benchmarks.machine import described, temporary_database

WARM, MEASURED = 3, 20
FILTERS = ("sources", "products", "deliveries", "outcomes", "designs", "populations")
WORDS = ("rareword", "tenthword", "thirdword", "halfword", "commonword")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100_000)
    n = parser.parse_args().studies
    print(described())
    with temporary_database() as environment:
        os.environ |= environment | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        import django

        django.setup()
        measure(n)


def measure(n: int) -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from benchmarks import synthetic_catalogue
    from studies.models import Tag

    settings.ALLOWED_HOSTS.append("testserver")
    call_command("collectstatic", interactive=False, verbosity=0)
    synthetic_catalogue.build(n)
    connection.set_autocommit(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    client = Client()
    print(f"{n} studies")
    questions = {"no filter, newest": ""}
    for facet in FILTERS:
        slug = Tag.objects.filter(facet=facet).order_by("position").values_list("slug", flat=True).first()
        questions[f"one {facet} term, newest"] = f"?{facet}={slug}&sort=newest"
    questions |= {f"{word}, newest": f"?q={word}&sort=newest" for word in WORDS}
    questions |= {f"{word}, relevance": f"?q={word}&sort=relevance" for word in WORDS}
    questions["2015 and later, newest"] = "?year_from=2015&sort=newest"
    for name, query in questions.items():
        print(f"{name:36} {median(client, '/studies/' + query):6.0f} ms")


def median(client, address: str) -> float:
    took = []
    for i in range(WARM + MEASURED):
        begun = time.perf_counter()
        answer = client.get(address)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}")
        if i >= WARM:
            took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


if __name__ == "__main__":
    main()
