"""The evidence map of 20 by 20 terms at 100,000 studies: milliseconds on the server and bytes of the page.

python -m benchmarks.evidence_map [--studies 100000]
"""

import argparse
import os
from urllib.parse import urlencode

from benchmarks.machine import described, temporary_database
from benchmarks.studies_page import median

MOST_MILLISECONDS, MOST_BYTES = 150, 150_000
N_TERMS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100_000)
    n = parser.parse_args().studies
    print(described())
    with temporary_database() as environment:
        os.environ |= environment | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        import django

        django.setup()
        build(n)
        measure(n)


def build(n: int) -> None:
    """A full map: no cell is empty, and a study in twenty is new, so that every cell says so too."""
    from django.core.management import call_command
    from django.db import connection

    from benchmarks import synthetic_catalogue
    from studies.terms import Facet

    call_command("collectstatic", interactive=False, verbosity=0)
    synthetic_catalogue.TERMS |= {Facet.SOURCE: (N_TERMS, 2), Facet.OUTCOME: (N_TERMS, 4)}
    synthetic_catalogue.build(n)
    connection.set_autocommit(True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE studies_study SET created_at = now() WHERE id % 20 = 0")
        cursor.execute("VACUUM ANALYZE")


def measure(n: int) -> None:
    from django.conf import settings
    from django.test import Client

    from studies.models import Tag
    from studies.terms import Facet

    settings.ALLOWED_HOSTS.append("testserver")
    client = Client()
    delivery = Tag.objects.filter(facet=Facet.DELIVERY).order_by("position").first().slug
    cell = {facet.value: Tag.objects.filter(facet=facet).order_by("position").first().slug for facet in (
        Facet.SOURCE, Facet.OUTCOME)}  # fmt: skip
    questions = {
        "source by outcome": "/map/",
        "all evidence": "/map/?evidence=all",
        "one delivery method": f"/map/?deliveries={delivery}",
        "2015 and later": "/map/?year_from=2015",
        "delivery by outcome": "/map/?rows=deliveries&columns=outcomes",
        "the studies of its fullest cell": "/map/cell/?" + urlencode(cell),
        "home": "/",
        "protocols": "/protocols/",
        "durability": "/durability/",
    }
    print(f"{n} studies")
    for name, address in questions.items():
        took, size = median(client, address), len(client.get(address).content)
        print(f"{name:32} {took:6.0f} ms {size / 1000:8.1f} kB")
        if name == "source by outcome" and (took > MOST_MILLISECONDS or size > MOST_BYTES):
            print(f"  more than {MOST_MILLISECONDS} ms or {MOST_BYTES / 1000:.0f} kB")


if __name__ == "__main__":
    main()
