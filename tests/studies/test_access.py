"""Who may do what at which address: every path of the URLconf, every role, reading and writing."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from reviews.actions import team
from reviews.actions.protocol import create_review
from reviews.terms import Role
from studies.actions import accounts
from studies.models import (
    ApiToken,
    AuditEvent,
    CitationCheck,
    Digest,
    Heartbeat,
    Invitation,
    Notice,
    Report,
    SavedSearch,
    Search,
    SearchRun,
    Study,
    Subscription,
    Tag,
    TagBatch,
    TrialLink,
    TrialRegistration,
    User,
)
from studies.terms import AlertSubject, BatchKind, DigestKind, Facet, NoticeKind, RunKind, RunState, SiteRole

pytestmark = pytest.mark.django_db

ROLES = ("stranger", "visitor", "clinician", "reviewer", "admin")
EVERYBODY = frozenset(ROLES)
MEMBERS = EVERYBODY - {"stranger"}
TAGGERS = MEMBERS - {"visitor"}
REVIEWERS = frozenset({"reviewer", "admin"})
ADMIN = frozenset({"admin"})
NOBODY = frozenset()


@dataclass(frozen=True)
class Decision:
    """Who may read and who may write at an address; `where` names the row its arguments are taken from."""

    read: frozenset[str]
    write: frozenset[str] = NOBODY
    where: str = ""
    query: dict[str, str] = field(default_factory=dict)
    # Open although REQUIRE_LOGIN is set: without these nobody could come in.
    is_always_open: bool = False


def reading(**more) -> Decision:
    return Decision(read=EVERYBODY, **more)


def admin_only(**more) -> Decision:
    return Decision(read=ADMIN, **more)


def admin_writes(where: str = "") -> Decision:
    return Decision(read=NOBODY, write=ADMIN, where=where)


def tagger_only(**more) -> Decision:
    return Decision(read=TAGGERS, **more)


def tagger_writes(where: str) -> Decision:
    return Decision(read=NOBODY, write=TAGGERS, where=where)


DECISIONS: dict[str, Decision] = {
    "home": reading(),
    "healthz": reading(is_always_open=True),
    "login": reading(write=EVERYBODY, is_always_open=True),
    "logout": Decision(read=NOBODY, write=EVERYBODY),
    "password_reset": reading(write=EVERYBODY, is_always_open=True),
    "password_reset_done": reading(is_always_open=True),
    "password_reset_confirm": reading(write=EVERYBODY, where="reset", is_always_open=True),
    "studies:studies": reading(),
    "studies:map": reading(),
    "studies:map_cell": reading(),
    "studies:trials": reading(),
    "studies:trials_feed": reading(),
    "studies:trials_export": reading(),
    "studies:trial": reading(where="registration"),
    "studies:trial_enter": admin_only(write=ADMIN),
    "studies:trial_edit": admin_only(write=ADMIN, where="registration"),
    "studies:trials_import": admin_writes(),
    "studies:proposals": Decision(read=REVIEWERS, write=REVIEWERS),
    "studies:proposal_decide": Decision(read=NOBODY, write=REVIEWERS, where="proposal"),
    "studies:protocols": reading(),
    "studies:durability": reading(),
    "studies:study": reading(where="study"),
    "studies:study-short": reading(where="study"),
    "studies:candidates": reading(),
    "studies:candidates_take": admin_writes(),
    "studies:notices": admin_only(write=ADMIN, where="study"),
    "studies:notice_dismiss": admin_writes("notice"),
    "studies:notice_restore": admin_writes("notice"),
    "studies:notice_read_as": admin_writes("notice"),
    "studies:export": reading(where="format"),
    "studies:references": reading(),
    "studies:study_export": reading(where="study format"),
    "studies:study_references": reading(where="study"),
    "studies:study_log": reading(where="study"),
    "studies:study_log_csv": reading(where="study"),
    "studies:study_tag": tagger_writes("study"),
    "studies:tag": tagger_only(write=TAGGERS),
    "studies:tag_terms": tagger_only(),
    "studies:tag_rules": tagger_only(),
    "studies:tag_bulk": tagger_only(write=TAGGERS),
    "studies:tag_batch": tagger_only(where="batch"),
    "studies:tag_undo": tagger_writes("batch"),
    "studies:vocabulary": admin_only(),
    "studies:term_merge": admin_writes(),
    "studies:term_change": admin_writes("tag"),
    "studies:saved": tagger_only(write=TAGGERS),
    "studies:saved_delete": tagger_writes("saved search"),
    "studies:news": reading(),
    "studies:news_feed": reading(),
    "studies:studies_feed": reading(),
    "studies:seen": Decision(read=NOBODY, write=MEMBERS),
    "studies:alerts": tagger_only(),
    "studies:alert_begin": tagger_only(write=TAGGERS, where="everything"),
    "studies:alert_begin_of": tagger_only(write=TAGGERS, where="followed study"),
    "studies:alert_edit": tagger_only(write=TAGGERS, where="subscription"),
    "studies:alert_end": tagger_writes("subscription"),
    "studies:stop": reading(write=EVERYBODY, where="stop token", is_always_open=True),
    "studies:mails": admin_only(),
    "studies:mail_again": admin_writes("digest"),
    "studies:check": reading(write=EVERYBODY),
    "studies:check_result": reading(where="check"),
    "studies:check_progress": reading(where="check"),
    "studies:check_csv": reading(where="check"),
    "studies:check_repeat": Decision(read=NOBODY, write=EVERYBODY, where="check"),
    "studies:check_import": admin_writes("check"),
    "studies:api_docs": reading(),
    "studies:tokens": Decision(read=MEMBERS, write=MEMBERS),
    "studies:token_revoke": Decision(read=NOBODY, write=MEMBERS, where="token"),
    "api:studies": reading(),
    "api:study": reading(where="study"),
    "api:facets": reading(),
    "api:map": reading(),
    "api:trials": reading(),
    "api:notices": reading(),
    "api:events": reading(),
    "api:searches": reading(),
    "api:openapi-json": reading(),
    "studies:account": Decision(read=MEMBERS, write=MEMBERS),
    "studies:invitation": reading(write=EVERYBODY, where="invitation secret", is_always_open=True),
    "studies:people": admin_only(),
    "studies:invite": admin_writes(),
    "studies:person_role": admin_writes("person"),
    "studies:person_reset_link": admin_writes("person"),
    "studies:person_deactivate": admin_writes("person"),
    "studies:person_reactivate": admin_writes("person"),
    "studies:invitation_resend": admin_writes("invitation"),
    "studies:invitation_take_back": admin_writes("invitation"),
    "studies:sync": admin_only(),
    "studies:search_new": admin_only(write=ADMIN),
    "studies:search_edit": admin_only(write=ADMIN, where="search"),
    "studies:search_run": admin_writes("search"),
    "studies:search_pause": admin_writes("search"),
    "studies:search_resume": admin_writes("search"),
    "studies:search_delete": admin_writes("search"),
    "studies:import": admin_only(write=ADMIN),
    "studies:retractions": admin_only(write=ADMIN),
    "studies:runs": admin_only(),
    "studies:run": admin_only(where="run"),
    "studies:run_progress": admin_only(where="run"),
    "studies:run_line": admin_only(where="run"),
    "studies:run_pause": admin_writes("run"),
    "studies:run_resume": admin_writes("run"),
    "studies:run_cancel": admin_writes("run"),
    "studies:run_take": admin_writes("run"),
    "reviews:reviews": reading(),
    "reviews:new": Decision(read=REVIEWERS, write=REVIEWERS),
    "reviews:invitation": reading(write=EVERYBODY, where="review secret", is_always_open=True),
}


def patterns(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every path of the site with its full name; a path without one is named by its pattern."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from patterns(entry, inner)
        else:
            yield f"{space}{entry.name or entry.pattern}", entry


PATHS = dict(patterns(get_resolver()))
# Inside a review the role there decides, not the one on the site: tests/reviews/test_access.py has that table.
IN_REVIEWS = {
    name for name, path in PATHS.items() if name.startswith("reviews:") and "<slug:slug>" in str(path.pattern)
}
# The root of the API is no address: whoever asks for it is told that it is not there.
OURS = sorted(PATHS.keys() - IN_REVIEWS - {"api:api-root"} - {name for name in PATHS if name.startswith("admin:")})
DJANGO_ADMIN = sorted(name for name in PATHS if name.startswith("admin:"))


@pytest.fixture
def rows(admin) -> dict[str, object]:
    """One row of each kind that an address may name."""
    study = Study.objects.create(title="Synthetic study of adipose-derived cells")
    search = Search.objects.create(name="Synthetic search", query="nanofat", schedule="0 3 * * *")
    run = SearchRun.objects.create(search=search, kind=RunKind.SEARCH, asked="nanofat", state=RunState.PAUSED)
    invitation, secret = accounts.invite(by=admin, email="guest@example.org", role=SiteRole.CLINICIAN)
    report = Report.objects.create(study=study, title=study.title, pmid=900000001)
    tag = Tag.objects.create(facet=Facet.SOURCE, slug="synthetic", label="Synthetic")
    notice = Notice.objects.create(report=report, kind=NoticeKind.CONCERN, key="synthetic")
    batch = TagBatch.objects.create(by=admin, kind=BatchKind.STUDY, said="accepted Synthetic", n_studies=1)
    registration = TrialRegistration.objects.create(number="ISRCTN12345678", registry="ISRCTN", source="person")
    Heartbeat.objects.create(name="worker")
    return {
        "subscription": Subscription.objects.create(user=admin, about=AlertSubject.EVERYTHING, purpose="Synthetic"),
        "digest": Digest.objects.create(user=admin, kind=DigestKind.WEEKLY, subject="Synthetic", text="", html=""),
        "batch": batch,
        "check": CitationCheck.objects.create(),
        "token": ApiToken.objects.create(user=admin, name="Synthetic", digest="x", hint="x"),
        "saved search": SavedSearch.objects.create(user=admin, name="Synthetic"),
        "notice": notice,
        "study": study,
        "search": search,
        "run": run,
        "invitation": invitation,
        "invitation secret": secret,
        "review secret": _review_secret(admin),
        "person": User.objects.create_user("somebody@example.org", None),
        "report": report,
        "tag": tag,
        "registration": registration,
        "proposal": TrialLink.objects.create(registration=registration, report=report, bases=["databank"], score=0.95),
    }


def _review_secret(admin: User) -> str:
    review = create_review(by=admin, title="Synthetic review")
    return team.invite(review, by=admin, email="guest@example.org", role=Role.REVIEWER)[1]


@pytest.fixture
def clients(admin_client, clinician_client, reviewer_client, db) -> dict[str, Client]:
    visitor = Client()
    visitor.force_login(
        User.objects.create_user("visitor@example.org", None, role=SiteRole.VISITOR),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return {
        "stranger": Client(),
        "visitor": visitor,
        "clinician": clinician_client,
        "reviewer": reviewer_client,
        "admin": admin_client,
    }


def address(name: str, rows: dict[str, object]) -> str:
    where = DECISIONS[name].where
    match where:
        case "":
            return reverse(name)
        case "check":
            return reverse(name, args=[rows[where].token])
        case "reset":
            return reverse(name, args=["MQ", "no-such-token"])
        case "invitation secret" | "review secret":
            return reverse(name, args=[rows[where]])
        case "everything":
            return reverse(name, args=["everything"])
        case "followed study":
            return reverse(name, args=["study", rows["study"].pk])
        case "stop token":
            return reverse(name, args=[rows["subscription"].token])
        case "format":
            return reverse(name, args=["csv"])
        case "study format":
            return reverse(name, args=[rows["study"].pk, "ris"])
        case "registration":
            return reverse(name, args=[rows[where].number])
        case "proposal":
            return reverse(name, args=["link", rows[where].pk, "reject"])
        case "study" if name.endswith(":study"):
            return rows["study"].get_absolute_url()
    return reverse(name, args=[rows[where].pk])


def is_sent_to_sign_in(answer) -> bool:
    """To the page for people; a program is told by a 401."""
    return answer.status_code == 401 or (answer.status_code == 302 and answer.url.split("?")[0] == reverse("login"))


def test_every_address_has_a_decision_and_every_decision_an_address():
    assert set(OURS) == set(DECISIONS)


def verdict(answer) -> str:
    """What an answer says about the right to ask."""
    if is_sent_to_sign_in(answer):
        return "sign in first"
    return {403: "not for you", 405: "not done here"}.get(answer.status_code, "welcome")


def expected(role: str, allowed: frozenset[str], others: frozenset[str]) -> str:
    """`allowed` may do it this way, `others` may use the address in the other way only."""
    if role in allowed:
        return "welcome"
    if role in others:
        return "not done here"
    return "sign in first" if role == "stranger" else "not for you"


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_a_page_is_read_by_those_it_is_decided_for(name, rows, clients):
    decision, where = DECISIONS[name], address(name, rows)

    verdicts = {role: verdict(clients[role].get(where)) for role in ROLES}

    assert verdicts == {role: expected(role, decision.read, decision.write) for role in ROLES}


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_an_address_takes_posts_from_those_it_is_decided_for(name, rows, clients, log_of_rows):
    decision, where = DECISIONS[name], address(name, rows)
    before = log_of_rows()

    verdicts = {role: verdict(clients[role].post(where, {})) for role in ROLES if role not in decision.write}
    after = log_of_rows()
    verdicts |= {role: verdict(clients[role].post(where, {})) for role in ROLES if role in decision.write}

    assert verdicts == {role: expected(role, decision.write, decision.read) for role in ROLES}
    assert after == before


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_no_address_knows_another_method(name, rows, clients, log_of_rows):
    where, before, admin = address(name, rows), log_of_rows(), clients["admin"]

    answers = [admin.put(where), admin.patch(where), admin.delete(where)]

    assert [answer.status_code for answer in answers] == [405, 405, 405]
    assert log_of_rows() == before


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_where_login_is_required_strangers_read_nothing_but_the_doors(name, rows, clients, settings):
    settings.REQUIRE_LOGIN = True
    where = address(name, rows)

    answer = clients["stranger"].get(where)

    if DECISIONS[name].is_always_open:
        assert not is_sent_to_sign_in(answer)
        assert answer.status_code < 400
    else:
        assert is_sent_to_sign_in(answer)


def test_where_login_is_required_every_account_still_reads(clients, settings):
    settings.REQUIRE_LOGIN = True

    answer = clients["visitor"].get(reverse("studies:studies"))

    assert answer.status_code == 200


def test_a_fragment_asked_for_after_signing_out_sends_the_whole_page_to_sign_in(rows, visitor):
    page = "http://testserver" + reverse("studies:run", args=[rows["run"].pk])
    fragment = reverse("studies:run_progress", args=[rows["run"].pk])

    answer = visitor.get(fragment, headers={"HX-Request": "true", "HX-Current-URL": page})

    assert answer.status_code == 200
    assert answer["HX-Redirect"].startswith(reverse("login") + "?next=")
    assert "progress" not in answer["HX-Redirect"]


def admin_address(name: str, rows: dict[str, object]) -> str:
    """An address of Django's admin, of a row where it names one."""
    kinds = {"search": rows["search"], "searchrun": rows["run"], "study": rows["study"], "report": rows["report"]}
    kinds |= {"tag": rows["tag"], "user": rows["person"], "invitation": rows["invitation"]}
    kinds |= {"auditevent": AuditEvent.objects.first(), "notice": rows["notice"]}
    parts = name.removeprefix("admin:").split("_")
    if parts[-1] in ("history", "delete", "change") and parts[1] in kinds:
        return reverse(name, args=[kinds[parts[1]].pk])
    if name == "admin:app_list":
        return reverse(name, args=["studies"])
    if name == "admin:autocomplete":
        return reverse(name) + "?app_label=studies&model_name=tag&field_name=parent"
    return reverse(name)


# Addresses of Django's admin that only redirect, or that need what this catalogue has not.
NOT_PAGES = {"admin:view_on_site", "admin:login", "admin:logout", "admin:password_change", "admin:password_change_done"}
ADDED = {"admin:studies_tag_add", "admin:studies_search_add"}
DELETED = {"admin:studies_search_delete"}  # it only leaves the lists
ADMIN_PAGES = [name for name in DJANGO_ADMIN if name not in NOT_PAGES and PATHS[name].name]


@pytest.mark.parametrize("name", ADMIN_PAGES)
def test_djangos_admin_is_for_admins_alone(name, rows, clients):
    where = admin_address(name, rows)

    verdicts = {role: verdict(clients[role].get(where)) for role in ROLES}

    # Nothing of the catalogue is deleted by hand, and only terms and searches are added.
    is_shut = name.endswith(("_delete", "_add")) and name not in ADDED | DELETED
    assert verdicts == {
        role: "sign in first" if role == "stranger" else "welcome" if role == "admin" and not is_shut else "not for you"
        for role in ROLES
    }


def test_djangos_own_doors_lead_to_ours(clients):
    signing_in = clients["clinician"].get(reverse("admin:login"), follow=True)
    password = clients["admin"].get(reverse("admin:password_change"))
    out = clients["admin"].post(reverse("admin:logout"))

    assert signing_in.status_code == 403
    assert password.url == reverse("studies:account")
    assert out.url == reverse("home")
    assert is_sent_to_sign_in(clients["admin"].get(reverse("admin:index")))


@pytest.mark.parametrize("model", ["study", "report", "notice", "finding", "auditevent", "searchrun", "tag"])
def test_nothing_of_the_catalogue_is_deleted_in_djangos_admin(model, rows, clients):
    name = f"admin:studies_{model}_delete"
    if name not in DJANGO_ADMIN:  # not shown there at all
        return
    where = reverse(name, args=[1])

    answer = clients["admin"].post(where, {"post": "yes"})

    assert answer.status_code in (302, 403)
    assert Study.objects.exists()
    assert Search.objects.exists()
    assert AuditEvent.objects.exists()


@pytest.fixture
def log_of_rows():
    """How many rows each of our tables has."""

    def count() -> dict[str, int]:
        models = (AuditEvent, Invitation, Notice, Report, Search, SearchRun, Study, Tag, User)
        return {model.__name__: model.objects.count() for model in models}

    return count


@pytest.mark.parametrize("name", [*sorted(n for n in DECISIONS if DECISIONS[n].read), *ADMIN_PAGES])
def test_a_get_writes_nothing(name, rows, clients):
    where = address(name, rows) if name in DECISIONS else admin_address(name, rows)

    with transaction.atomic():
        with connection.cursor() as cursor:
            # PostgreSQL itself refuses any writing statement from here to the end of the block.
            cursor.execute("SET LOCAL transaction_read_only = on")
        answer = clients["admin"].get(where)
        transaction.set_rollback(True)

    assert answer.status_code < 500


# A mailbox ends mail for its owner by a post of its own (RFC 8058): the secret in the address is the authority.
BY_SECRET = {"studies:stop"}


@pytest.mark.parametrize(
    "name", [name for name in sorted(DECISIONS) if DECISIONS[name].write and name not in BY_SECRET]
)
def test_a_post_without_its_token_is_refused(name, rows, admin, log_of_rows):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    where, before = address(name, rows), log_of_rows()

    answer = strict.post(where, {"email": "x@example.org", "role": "admin", "name": "x", "query": "x"})

    assert answer.status_code == 403
    assert log_of_rows() == before
