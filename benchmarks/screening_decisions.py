"""A screening decision on the server: the median of 200 POSTs with 10,000 candidates, ranking on, commit included.

    python -m benchmarks.screening_decisions [--candidates 10000] [--decisions 200]

Each POST decides one card and answers with the next but one, as the page asks for it. Two reviewers take turns in a
review that is half screened.
"""

import argparse
import os
import random
import statistics
import time

from benchmarks.machine import described, temporary_database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=10_000)
    parser.add_argument("--decisions", type=int, default=200)
    asked = parser.parse_args()
    print(described())
    with temporary_database() as environment:
        os.environ |= environment | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        import django

        django.setup()
        measure(asked.candidates, asked.decisions)


def measure(n_candidates: int, n_decisions: int) -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    settings.ALLOWED_HOSTS.append("testserver")
    call_command("collectstatic", interactive=False, verbosity=0)
    review, people = build(n_candidates)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    clients, cards = [Client() for _ in people], []
    take = reverse("reviews:take", args=[review.slug, "title-abstract"])
    for client, user in zip(clients, people, strict=True):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        here = held(client.post(take, headers={"HX-Request": "true"}))
        ahead = held(client.post(take, {"open": here}, headers={"HX-Request": "true"}))
        cards.append([here, ahead])
    took, worked = [], []
    for number in range(n_decisions + 20):
        client, card = clients[number % 2], cards[number % 2]
        where = reverse("reviews:card", args=[review.slug, "title-abstract", card[0]])
        said = {"decision": ("exclude", "exclude", "include", "maybe")[number % 4], "seconds": "9", "ahead": card[1]}
        begun, cpu = time.perf_counter(), time.process_time()
        answer = client.post(where, said, headers={"HX-Request": "true"})
        if number >= 20:  # warm
            took.append(1000 * (time.perf_counter() - begun))
            worked.append(1000 * (time.process_time() - cpu))
        assert answer.status_code == 200, answer.content
        cards[number % 2] = [card[1], held(answer)]
    quickest = statistics.quantiles(took, n=20)
    print(
        f"{n_candidates} candidates, {len(took)} decisions: median {statistics.median(took):.1f} ms,"
        f" 95 of 100 within {quickest[-1]:.1f} ms; Python's own work {statistics.median(worked):.1f} ms (median)"
    )


def held(answer) -> str:
    return answer.content.decode().split('data-card="')[1].split('"')[0]


def build(n: int):
    """A review of `n` synthetic reports, a third of them decided by one reviewer or by both, all of them ranked."""
    from benchmarks import synthetic_catalogue
    from reviews.actions import candidates, protocol
    from reviews.models import Candidate, Membership, ReviewSource, ScreeningDecision
    from reviews.rules.criteria import Draft
    from studies.models import Report, User

    dice = random.Random(2026)
    synthetic_catalogue.build(n)
    people = [User.objects.create_user(f"{name}@example.org", None, first_name=name) for name in ("first", "second")]
    review = protocol.create_review(
        by=people[0],
        title="Synthetic review",
        is_ranked=True,
        card_order="relevance",
        include_words=["rareword", "tenthword"],
        exclude_words=["thirdword"],
    )
    drafts = [Draft("exclusion", f"Reason {number}") for number in range(6)]
    version = protocol.write_criteria(review, by=people[0], drafts=drafts)
    Membership.objects.create(review=review, user=people[1], role="reviewer")
    source = ReviewSource.objects.create(review=review, kind="database", name="PubMed")
    reports = list(Report.objects.order_by("pk").values_list("pk", flat=True)[:n])
    candidates._join(source, [(pk, None, 1) for pk in reports], how="search", by=people[0])
    rows, found = [], list(Candidate.objects.order_by("pk"))
    for candidate in found:
        candidate.rank = dice.random()
        fate = dice.random()
        deciders = people if fate < 0.2 else [dice.choice(people)] if fate < 0.4 else []
        if deciders:
            candidate.verdict = "excluded" if len(deciders) == 2 else "screened-once"
        rows += [
            ScreeningDecision(
                candidate=candidate, stage="title-abstract", reviewer=user, decision="exclude", criteria_version=version
            )
            for user in deciders
        ]
    Candidate.objects.bulk_update(found, ["rank", "verdict"], batch_size=2000)
    ScreeningDecision.objects.bulk_create(rows, batch_size=2000)
    return review, people


if __name__ == "__main__":
    main()
