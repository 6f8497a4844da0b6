"""Who may do what in a review: every address of reviews, every role, reading and writing, as one table."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import get_resolver, reverse

from reviews.actions import team
from reviews.actions.candidates import add_search
from reviews.actions.duplicates import merge
from reviews.actions.protocol import create_review
from reviews.models import (
    Assignment,
    Candidate,
    Membership,
    PairProposal,
    Review,
    ReviewInvitation,
    ScreeningDecision,
)
from reviews.rules.permissions import PERMISSIONS, SITE_ADMIN, Permission
from reviews.terms import PairKind, Role, SourceKind
from studies.models import AuditEvent, Search, User
from tests.conftest import signed_in
from tests.reviews.conftest import Cast, person
from tests.studies.test_access import IN_REVIEWS, patterns

pytestmark = pytest.mark.django_db

ROLES = ("nobody", "stranger", "observer", "reviewer", "adjudicator", "lead", "site admin")
READERS = frozenset({"observer", "reviewer", "adjudicator", "lead", "site admin"})
SCREENERS = frozenset({"reviewer", "adjudicator", "lead"})
ADDERS = SCREENERS | {"site admin"}
ADJUDICATORS = frozenset({"adjudicator", "lead"})
LEADS = frozenset({"lead", "site admin"})
MERGERS = LEADS | {"adjudicator"}
NOBODY = frozenset()


@dataclass(frozen=True)
class Rule:
    """Who may read and who may write at an address of a private review, and what its arguments are."""

    read: frozenset[str] = NOBODY
    write: frozenset[str] = NOBODY
    where: str = ""


TABLE = {
    "review": Rule(read=READERS),
    "edit": Rule(read=LEADS, write=LEADS),
    "words": Rule(read=LEADS, write=LEADS),
    "living": Rule(read=LEADS, write=LEADS),
    "status": Rule(write=LEADS),
    "criteria": Rule(read=LEADS, write=LEADS),
    "revisit": Rule(read=LEADS, write=LEADS),
    "team": Rule(read=READERS),
    "invite": Rule(write=LEADS),
    "leave": Rule(write=READERS),
    "member": Rule(write=LEADS, where="member"),
    "member_remove": Rule(write=LEADS, where="member"),
    "invitation_resend": Rule(write=LEADS, where="invitation"),
    "invitation_take_back": Rule(write=LEADS, where="invitation"),
    "sources": Rule(read=READERS),
    "search_add": Rule(write=LEADS),
    "search_remove": Rule(write=LEADS, where="search"),
    "import": Rule(write=ADDERS),
    "reports_add": Rule(write=ADDERS),
    "reports": Rule(read=READERS),
    "reports_csv": Rule(read=READERS),
    "report": Rule(read=READERS, where="report"),
    "settle": Rule(write=SCREENERS, where="report"),
    "full_text": Rule(write=SCREENERS, where="report"),
    "pdf": Rule(read=READERS, where="report"),
    "classify": Rule(write=ADJUDICATORS, where="report"),
    "reopen": Rule(write=LEADS, where="report"),
    "screening": Rule(read=READERS),
    "dealing": Rule(write=LEADS),
    "take": Rule(write=SCREENERS, where="stage"),
    "undo": Rule(write=SCREENERS, where="stage"),
    "stage": Rule(write=LEADS, where="stage"),
    "card": Rule(read=SCREENERS, write=SCREENERS, where="stage report"),
    "duplicates": Rule(read=READERS),
    "merges": Rule(read=READERS),
    "merge": Rule(write=MERGERS, where="pair"),
    "keep_apart": Rule(write=MERGERS, where="pair"),
    "group": Rule(write=MERGERS, where="pair"),
    "unmerge": Rule(write=MERGERS, where="merge"),
    "progress": Rule(read=READERS),
    "ranking": Rule(write=LEADS),
    "agreement": Rule(read=READERS),
    "agreement_csv": Rule(read=READERS),
    "flow": Rule(read=READERS),
    "flow_freeze": Rule(write=LEADS),
    "flow_compare": Rule(read=READERS),
    "flow_picture": Rule(read=READERS, where="picture"),
    "flow_rows": Rule(read=READERS, where="list"),
    "flow_rows_csv": Rule(read=READERS, where="list"),
    "prisma_csv": Rule(read=READERS),
    "log": Rule(read=READERS),
    "log_csv": Rule(read=READERS),
    "decisions_csv": Rule(read=READERS),
}
PUBLIC = {"review"}
FILES = {"reports_csv", "log_csv", "decisions_csv", "pdf"}
FILES |= {"agreement_csv", "flow_picture", "flow_rows_csv", "prisma_csv"}
ABSENT_FILE = {"pdf"}  # no PDF was uploaded: 404 for those who may read it


@pytest.fixture
def clients(cast: Cast, admin: User) -> dict[str, Client]:
    return {
        "nobody": Client(),
        "stranger": signed_in(person("Stranger", "reviewer")),
        "observer": signed_in(cast.observer),
        "reviewer": signed_in(cast.first),
        "adjudicator": signed_in(cast.adjudicator),
        "lead": signed_in(cast.lead),
        "site admin": signed_in(admin),
    }


@pytest.fixture
def rows(cast: Cast) -> dict[str, object]:
    search = Search.objects.create(name="Synthetic", query="nanofat")
    feeding = add_search(cast.review, search, by=cast.lead, kind=SourceKind.DATABASE, name="PubMed")
    invitation, _ = team.invite(cast.review, by=cast.lead, email="guest@example.org", role=Role.OBSERVER)
    return {
        "member": [cast.seat(cast.second).pk],
        "invitation": [invitation.pk],
        "search": [feeding.pk],
        "report": [cast.reports[0].pk],
        "stage": ["title-abstract"],
        "stage report": ["title-abstract", cast.reports[0].pk],
        "pair": [PairProposal.objects.create(**pair_of(cast, 0, 1)).pk],
        "merge": [merge(cast.reports[1], cast.reports[2], by=cast.lead).pk],
        "picture": ["png"],
        "list": ["records_screened"],
        "": [],
    }


def pair_of(cast: Cast, one: int, other: int) -> dict[str, object]:
    first, second = cast.reports[one], cast.reports[other]
    return {"review": cast.review, "first": first, "second": second, "kind": PairKind.DUPLICATE}


def address(name: str, cast: Cast, rows: dict[str, object]) -> str:
    return reverse(f"reviews:{name}", args=[cast.review.slug, *rows[TABLE[name].where]])


def verdict(answer) -> str:
    if answer.status_code == 302 and answer.url.startswith(reverse("login")):
        return "sign in first"
    return {403: "not for you", 404: "there is no such thing", 405: "not done here"}.get(answer.status_code, "welcome")


def expected(role: str, allowed: frozenset[str]) -> str:
    if role == "nobody":
        return "sign in first"
    if role == "stranger":
        return "there is no such thing"
    return "welcome" if role in allowed else "not for you"


def test_every_address_of_a_review_is_in_the_table():
    ours = {name.removeprefix("reviews:") for name in IN_REVIEWS}

    assert ours == set(TABLE)


@contextmanager
def forgotten(*, read_only: bool = False) -> Iterator[None]:
    """What happens inside is rolled back: one cast serves every address."""
    with transaction.atomic():
        if read_only:
            with connection.cursor() as cursor:
                # PostgreSQL itself refuses any writing statement from here to the end of the block.
                cursor.execute("SET LOCAL transaction_read_only = on")
        yield
        transaction.set_rollback(True)


def test_a_page_is_read_by_the_roles_it_is_decided_for(cast, rows, clients):
    wrong = {}
    for name, rule in TABLE.items():
        where = address(name, cast, rows)

        verdicts = {role: verdict(client.get(where)) for role, client in clients.items()}

        # What only takes posts says so to those who may post, and nothing to others.
        wanted = {role: expected(role, rule.read | rule.write) for role in ROLES}
        if not rule.read:
            wanted |= dict.fromkeys(rule.write, "not done here")
        if name in ABSENT_FILE:
            wanted |= dict.fromkeys(rule.read, "there is no such thing")
        if verdicts != wanted:
            wrong[name] = verdicts

    assert not wrong


def test_an_address_takes_posts_from_the_roles_it_is_decided_for(cast, rows, clients):
    wrong, before = {}, written()
    for name, rule in TABLE.items():
        where = address(name, cast, rows)

        verdicts = {}
        for role, client in clients.items():
            with forgotten():
                verdicts[role] = verdict(client.post(where, {}))
                if role not in rule.write and written() != before:
                    wrong[name] = f"{role} wrote something"

        wanted = {role: expected(role, rule.read | rule.write) for role in ROLES}
        if not rule.write:
            wanted |= dict.fromkeys(rule.read, "not done here")
        if verdicts != wanted:
            wrong[name] = verdicts

    assert not wrong


def written() -> tuple[int, ...]:
    models = (AuditEvent, Assignment, Candidate, Membership, Review, ReviewInvitation, ScreeningDecision, User)
    return tuple(model.objects.count() for model in models)


def test_no_address_knows_another_method(cast, rows, clients):
    methods, before = ("put", "patch", "delete"), written()

    answers = {
        (name, method): getattr(clients["lead"], method)(address(name, cast, rows)).status_code
        for name in TABLE
        for method in methods
    }

    assert set(answers.values()) == {405}, answers
    assert written() == before


def test_a_get_writes_nothing(cast, rows, clients):
    for name in [name for name, rule in TABLE.items() if rule.read]:
        with forgotten(read_only=True):
            assert clients["lead"].get(address(name, cast, rows)).status_code < 500


def test_a_post_without_its_token_is_refused(cast, rows):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.lead, backend="django.contrib.auth.backends.ModelBackend")
    before = written()

    answers = {name: strict.post(address(name, cast, rows), {}).status_code for name in TABLE if TABLE[name].write}

    assert set(answers.values()) == {403}, answers
    assert written() == before


def test_of_a_public_review_anybody_reads_the_protocol_and_nothing_else(cast, rows, clients):
    cast.review.is_public = True
    cast.review.save()

    for name in [name for name, rule in TABLE.items() if rule.read]:
        verdicts = [verdict(clients[role].get(address(name, cast, rows))) for role in ("nobody", "stranger")]
        shut = ["sign in first", "there is no such thing"]
        assert verdicts == (["welcome", "welcome"] if name in PUBLIC else shut), name


def test_who_left_is_a_stranger(cast, clients):
    team.let_go(cast.seat(cast.first), by=cast.lead)

    assert clients["reviewer"].get(cast.review.get_absolute_url()).status_code == 404


def test_one_reviews_pages_do_not_show_anothers_reports(cast, clients, admin):
    other = create_review(by=cast.lead, title="Another review")

    answers = [
        clients["lead"].get(reverse("reviews:report", args=[other.slug, cast.reports[0].pk])),
        clients["lead"].get(reverse("reviews:card", args=[other.slug, "title-abstract", cast.reports[0].pk])),
        clients["lead"].post(reverse("reviews:member_remove", args=[other.slug, cast.seat(cast.first).pk])),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_every_view_is_closed_by_the_permission_that_the_table_gives_to_the_same_roles():
    """The gate and this file's table are written apart: they have to say the same."""
    names = {
        "observer": Role.OBSERVER,
        "reviewer": Role.REVIEWER,
        "adjudicator": Role.ADJUDICATOR,
        "lead": Role.LEAD,
        "site admin": SITE_ADMIN,
    }
    views = {name.removeprefix("reviews:"): path.callback for name, path in patterns(get_resolver())}

    for name, rule in TABLE.items():
        permission = views[name].permission
        allowed = {role for role, ours in names.items() if permission in PERMISSIONS[ours]}
        assert allowed == rule.read | rule.write, name


def test_leads_are_shown_the_table_that_the_gate_reads(cast, clients):
    page = clients["lead"].get(reverse("reviews:team", args=[cast.review.slug])).content.decode()

    for permission in Permission:
        row = page.split(f'<th scope="row">{permission}</th>')[1].split("</tr>")[0]
        shown = [cell.rpartition(">")[2] for cell in row.split("</td>")[:-1]]
        assert shown == ["yes" if permission in powers else "no" for powers in PERMISSIONS.values()]
