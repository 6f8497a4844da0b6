"""The read API: what it answers, to whom, how often, and that a reader loses and doubles nothing."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import pytest
import schemathesis
from django.db import close_old_connections, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.wsgi import application
from studies.actions import metering, tokens
from studies.actions.catalogue import upsert
from studies.actions.report_values import Said
from studies.actions.study_rows import refresh_studies
from studies.api.page import EXAMPLE
from studies.models import ApiToken, AuditEvent, Search, Study, User
from studies.queries.filters import Filters
from studies.queries.listing import listing
from studies.queries.vocabulary import Vocabulary
from studies.sources.record import PartialDate, Record
from studies.terms import Facet, NoticeKind, SiteRole, TagOrigin, TagStatus
from tests.factories import give_tag, make_notice, make_registration, make_study, make_tag

pytestmark = pytest.mark.django_db
STUDIES = "/api/v1/studies"


@pytest.fixture(autouse=True)
def unmetered(settings, tmp_path) -> None:
    settings.API_METER = tmp_path / "meter"


def get(client: Client, path: str, secret: str = "", **query) -> dict:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    answer = client.get(f"{path}?{urlencode(query, doseq=True)}", headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def all_pages(client: Client, path: str = STUDIES, **query) -> list[dict]:
    found, cursor = [], ""
    while True:
        page = get(client, path, cursor=cursor, **query)
        found += page["results"]
        if not page["next"]:
            return found
        cursor = page["next"]


# --- The same as the pages ---


def test_the_same_address_lists_the_same_studies_as_the_page(visitor):
    fat, exosomes = make_tag("fat"), make_tag("exosomes", Facet.PRODUCT)
    wanted = make_study("Fat of the cheek", tags=[fat, exosomes], report={"year": 2021}, n_participants=30)
    make_study("Fat of the chin", tags=[fat], report={"year": 2015})
    make_study("Laser of the cheek", report={"year": 2022}, n_participants=50)
    vocabulary = Vocabulary()
    for query in (
        {"sources": "fat", "year_from": "2018"},
        {"q": "cheek", "people": "20", "sources": ["fat"]},
        {"not": "exosomes"},
        {"products": "exosomes", "sources": "fat", "unknown": "people", "people": "40"},
        {},
    ):
        given = {name: [value] if isinstance(value, str) else value for name, value in query.items()}
        filters = Filters.read(lambda name, given=given: given.get(name, []), vocabulary.by_slug)
        page = listing(filters, vocabulary, now=timezone.now())

        answer = get(visitor, STUDIES, **query)

        assert {one["id"] for one in answer["results"]} == {row.study.pk for row in page.rows}
        assert answer["total"] == page.total
    (one,) = get(visitor, STUDIES, q="cheek", people="20", sources="fat")["results"]
    assert one["id"] == wanted.pk
    assert {term["term"] for term in one["terms"]} == {"fat", "exosomes"}


def test_a_notice_leads(visitor):
    study = make_study("A withdrawn hope")
    make_notice(study)

    (line,) = get(visitor, STUDIES)["results"]
    whole = get(visitor, f"{STUDIES}/{study.pk}")
    (notice,) = get(visitor, "/api/v1/notices")["results"]

    assert line["notice"] == whole["notice"] == "Retracted"
    assert list(line).index("notice") < list(line).index("title")
    assert whole["notices"][0]["kind"] == notice["kind"] == "retraction"
    assert notice["study"] == study.pk


def test_notices_are_those_in_force_read_as_the_pages_read_them(visitor):
    reinstated, read = make_study("Reinstated"), make_study("Republished at once")
    make_notice(reinstated, issued_on=date(2026, 1, 5))
    make_notice(reinstated, kind=NoticeKind.REINSTATEMENT, key="back", issued_on=date(2026, 3, 5))
    make_notice(read, read_as=NoticeKind.RETRACT_AND_REPLACE)

    found = {(one["study"], one["kind"]) for one in get(visitor, "/api/v1/notices")["results"]}

    assert found == {(reinstated.pk, "reinstatement"), (read.pk, "retract-and-replace")}
    assert [one["kind"] for one in get(visitor, f"{STUDIES}/{read.pk}")["notices"]] == ["retract-and-replace"]


def test_a_number_that_was_grouped_away_still_answers(visitor):
    stays, absorbed = make_study("Stays"), make_study("Absorbed")
    Study.objects.filter(pk=absorbed.pk).update(grouped_into=stays)

    assert get(visitor, f"{STUDIES}/{absorbed.pk}")["id"] == stays.pk
    assert visitor.get(reverse("studies:study_export", args=[absorbed.pk, "ris"])).status_code == 200
    assert visitor.get(reverse("studies:study_references", args=[absorbed.pk])).status_code == 200


def test_a_study_is_told_whole_with_no_more_than_its_page_shows(visitor):
    study = make_study(
        "Whole", tags=[make_tag("fat")], report={"abstract": "Own synthetic words.", "abstract_copyright": "Nobody"}
    )
    give_tag(study, make_tag("svf"), origin=TagOrigin.RULE, status=TagStatus.SUGGESTED, rule="x", phrase="svf")
    make_registration(study, "NCT01234567")

    whole = get(visitor, f"{STUDIES}/{study.pk}")
    page = visitor.get(study.get_absolute_url()).content.decode()

    assert whole["reports_whole"][0]["abstract"][0]["text"] == "Own synthetic words."
    assert "Own synthetic words." in page and "Nobody" in page
    assert {tag["term"]: tag["state"] for tag in whole["tags"]} == {"fat": "accepted", "svf": "suggested"}
    assert whole["registrations_whole"][0]["number"] == "NCT01234567"
    assert "example.org" not in str(whole)


def test_facets_map_trials_events_and_searches_are_told(visitor):
    study = make_study("Mapped", tags=[make_tag("fat"), make_tag("wrinkles", Facet.OUTCOME)])
    make_registration(study, "NCT01234567", title="A trial of nothing", source="ctgov")
    Search.objects.create(name="Weekly", query="nanofat[ti]")

    facets = get(visitor, "/api/v1/facets")
    shown = get(visitor, "/api/v1/map")
    (trial,) = get(visitor, "/api/v1/trials")["results"]
    events = get(visitor, "/api/v1/events")
    (search,) = get(visitor, "/api/v1/searches")["results"]

    assert facets["total"] == 1
    assert shown["lines"][0]["cells"][0]["studies"] == 1 == shown["corner"]["studies"]
    assert (trial["number"], trial["study"]) == ("NCT01234567", study.pk)
    assert isinstance(events["results"], list)
    assert (search["name"], search["query"], search["last_success"]) == ("Weekly", "nanofat[ti]", None)


@pytest.mark.parametrize(
    "query",
    ["sources=nonsense", "limit=0", "limit=9999", "cursor=x", "cursor=-1", "year_from=12", "design=bad", "people=x",
     "cursor=99999999999999999999"],
)  # fmt: skip
def test_nonsense_is_refused_with_a_sentence(query, visitor):
    answer = visitor.get(f"{STUDIES}?{query}")

    assert answer.status_code == 422
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", [f"{STUDIES}/999999", f"{STUDIES}/-1", f"{STUDIES}/{10**30}", "/api/v1/nothing"])
def test_what_is_not_there_is_404_in_json(path, visitor):
    answer = visitor.get(path)

    assert answer.status_code == 404 and answer.json()["detail"]


def test_nothing_can_be_written_and_that_is_said_in_json(visitor):
    answer = visitor.post(STUDIES, {})

    assert (answer.status_code, answer["Allow"]) == (405, "GET")
    assert answer.json()["detail"] == "Method Not Allowed"


# --- Who may ---


@pytest.mark.parametrize("requires_login", [False, True])
def test_every_role_may_the_same_on_the_pages_and_in_the_api(requires_login, settings):
    settings.REQUIRE_LOGIN = requires_login
    study = make_study("Read by whom?")
    make_tag("fat")
    clients = {"stranger": (Client(), "")}
    for role in SiteRole.values:
        user = User.objects.create_user(f"{role}@example.org", None, role=role)
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        clients[role] = (client, tokens.create_token(user, name="x")[1])
    pairs = {
        "/studies/": "/api/v1/studies",
        study.get_absolute_url(): f"/api/v1/studies/{study.pk}",
        "/map/": "/api/v1/map",
    }

    for page, path in pairs.items():
        for role, (client, secret) in clients.items():
            on_page = client.get(page).status_code == 200
            by_session = client.get(path).status_code == 200
            assert on_page == by_session == (role != "stranger" or not requires_login), (role, path)
            if secret:
                bare = Client().get(path, headers={"Authorization": f"Bearer {secret}"})
                assert (bare.status_code == 200) == on_page
    refused = Client().get("/api/v1/studies")
    assert refused.status_code == (401 if requires_login else 200)


def test_a_token_is_shown_once_stored_hashed_used_and_revoked(clinician_client, clinician):
    where = reverse("studies:tokens")
    answer = clinician_client.post(where, {"name": "my script"})
    secret = next(word for word in answer.content.decode().replace("<", " <").split() if "stratum_" in word).split(">")[
        -1
    ]
    token = ApiToken.objects.get()

    assert secret not in clinician_client.get(where).content.decode()
    assert secret not in str(ApiToken.objects.values().get()) and token.hint in secret
    assert get(Client(), STUDIES, secret)["results"] == []
    token.refresh_from_db()
    assert token.last_used_at is not None
    clinician_client.post(reverse("studies:token_revoke", args=[token.pk]))
    gone = Client().get(STUDIES, headers={"Authorization": f"Bearer {secret}"})
    assert gone.status_code == 401 and gone["WWW-Authenticate"] == "Bearer"
    assert set(AuditEvent.objects.values_list("verb", flat=True)) >= {"made an API token", "revoked an API token"}


def test_nobody_revokes_the_token_of_another(reviewer_client, clinician):
    token, _ = tokens.create_token(clinician, name="mine")

    answer = reviewer_client.post(reverse("studies:token_revoke", args=[token.pk]))

    assert answer.status_code == 404
    assert ApiToken.objects.in_force().filter(pk=token.pk).exists()


def test_a_closed_account_closes_its_tokens(clinician):
    _, secret = tokens.create_token(clinician, name="mine")
    clinician.is_active = False
    clinician.save()

    assert tokens.token_of(secret) is None


def test_a_token_opens_no_page(admin):
    _, secret = tokens.create_token(admin, name="mine")

    assert Client().get("/sync/", headers={"Authorization": f"Bearer {secret}"}).status_code == 302


def test_one_has_so_many_tokens_and_no_more(clinician):
    for n in range(tokens.MOST):
        tokens.create_token(clinician, name=str(n))

    with pytest.raises(tokens.TooMany):
        tokens.create_token(clinician, name="one more")


# --- How often ---


def test_strangers_may_ask_so_often_and_holders_of_a_token_more_often(settings, visitor, clinician):
    settings.API_A_MINUTE, settings.API_TOKEN_A_MINUTE = 2, 4
    _, secret = tokens.create_token(clinician, name="x")
    headers = {"Authorization": f"Bearer {secret}"}

    without = [visitor.get(STUDIES).status_code for _ in range(3)]
    with_one = [visitor.get(STUDIES, headers=headers).status_code for _ in range(5)]
    refused = visitor.get(STUDIES)

    assert without in ([200, 200, 429], [200, 200, 200])  # a new minute may have begun
    assert with_one[:4] == [200] * 4
    assert refused.status_code in (200, 429)
    if refused.status_code == 429:
        assert 0 < int(refused["Retry-After"]) <= 60


def test_all_processes_count_together(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom studies.actions.metering import meter\n"
        "print(sum(meter(Path(sys.argv[1]), 'asker', most=100, span=100_000).is_allowed for _ in range(40)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "shared")]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    allowed = sum(int(one.communicate(timeout=60)[0]) for one in running)

    assert allowed == 100


def test_the_meter_counts_in_a_file_that_another_process_has_only_just_made(tmp_path):
    (tmp_path / "m").touch()

    assert metering.meter(tmp_path / "m", "one", most=2).is_allowed


def test_the_meter_forgets_and_tells_askers_apart(tmp_path):
    one = [metering.meter(tmp_path / "m", "one", most=2, span=100_000).is_allowed for _ in range(3)]
    other = metering.meter(tmp_path / "m", "other", most=2, span=100_000)

    assert one == [True, True, False]
    assert other.is_allowed and other.n_left == 1


def test_an_unchanged_answer_is_not_sent_twice(visitor):
    make_study("Unchanged")
    first = visitor.get(STUDIES)

    again = visitor.get(STUDIES, headers={"If-None-Match": first["ETag"]})
    make_study("Changed")
    changed = visitor.get(STUDIES, headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200


def test_a_page_costs_the_same_however_many_rows_it_has(visitor, django_assert_max_num_queries):
    tags = [make_tag(f"t{n}") for n in range(3)]
    for n in range(12):
        make_study(f"Study {n}", tags=tags)

    with django_assert_max_num_queries(4):
        get(visitor, STUDIES, limit=2)
    with django_assert_max_num_queries(4):
        get(visitor, STUDIES, limit=12)


# --- While a sync runs ---


def record(pmid: int, title: str) -> Said:
    return Said(Record(pmid=pmid, title=title, published=PartialDate("2024", 2024)))


@pytest.mark.django_db(transaction=True)
def test_a_script_reads_every_study_once_while_a_sync_runs(visitor):
    upsert([record(1000 + n, f"Synthetic study number {n}") for n in range(120)], source="pubmed", by="test")
    before = set(Study.objects.values_list("pk", flat=True))
    read: list[int] = []

    def sync() -> None:
        """Changes every study that was there, and brings as many new ones."""
        for start in range(0, 120, 20):
            rows = [record(1000 + n, f"Synthetic study number {n}, revised") for n in range(start, start + 20)]
            rows += [record(5000 + n, f"New study number {n}") for n in range(start, start + 20)]
            upsert(rows, source="pubmed", by="test")
            refresh_studies(list(before)[:5])
        close_old_connections()

    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(sync)
        cursor = ""
        while True:
            page = get(visitor, STUDIES, limit=7, cursor=cursor)
            read += [one["id"] for one in page["results"]]
            if not (cursor := page["next"] or ""):
                break
        running.result()
        pool.submit(close_connections).result()

    assert len(read) == len(set(read))
    assert before <= set(read)


def close_connections() -> None:
    connections.close_all()


# --- The description, and asking whatever it allows ---


def test_the_page_describes_every_operation_and_shows_the_example(visitor):
    page = visitor.get(reverse("studies:api_docs"))
    schema = visitor.get("/api/v1/openapi.json").json()

    text = page.content.decode()
    assert all(f"GET {path}" in text for path in schema["paths"])
    assert "urllib.request" in text and "<script>" not in text
    assert "default-src 'none'" in page["Content-Security-Policy"]


@pytest.mark.django_db(transaction=True)
def test_the_example_reads_every_page(live_server, settings):
    settings.API_METER = settings.HOME / "limits" / "example"
    ids = {make_study(f"Randomised {n}", design="randomised").pk for n in range(5)}
    code = EXAMPLE.format(site=live_server.url).replace('"limit": 100', '"limit": 2')

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert [int(line.split("\t")[0]) for line in done.stdout.splitlines()] == sorted(ids)
    assert len(EXAMPLE.strip().splitlines()) <= 12


@pytest.mark.django_db(transaction=True)  # the real application closes its connections
def test_the_api_keeps_to_its_description_whatever_is_asked(settings):
    """A bounded number of questions made from the description: no 500, and no answer that it does not know."""
    settings.API_A_MINUTE = 100_000
    settings.ALLOWED_HOSTS = ["*"]
    study = make_study("Asked of", tags=[make_tag("fat")])
    make_notice(study)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    n_asked = 0
    for operation in schema.get_all_operations():
        strategy = operation.ok().as_strategy()

        @given(case=strategy)
        @bounds(
            max_examples=6,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case) -> None:
            nonlocal n_asked
            n_asked += 1
            # Which terms there are is the vocabulary's to say: an unknown one is refused, and told.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        ask()
    assert n_asked >= 40


ROOT = Path(__file__).resolve().parents[2]
