"""Home, Studies and Study as a clinician meets them; the pages for what is missing or went wrong."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from studies.models import AuditEvent, SearchRun, Study
from studies.queries import home
from studies.queries.protocol import protocol_of
from studies.terms import Facet, NoticeKind, RunKind, RunState, TagOrigin, TagStatus
from studies.views import errors
from tests.factories import (
    give_tag,
    make_full_text,
    make_notice,
    make_registration,
    make_report,
    make_study,
    make_tag,
)

pytestmark = pytest.mark.django_db


def text_of(answer) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<(script|style).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def n_queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def studies_with_everything(n: int) -> list[Study]:
    tag = make_tag(f"tag-{Study.objects.count()}")
    made = []
    for number in range(n):
        study = make_study(f"Nanofat {number}", tags=[tag], report={"abstract": "Nanofat again."})
        make_notice(study)
        make_registration(study, f"NCT{study.pk:08}")
        made.append(study)
    return made


# --- Home -----------------------------------------------------------------------------------------


def test_home_says_what_the_catalogue_holds_in_one_sentence(visitor):
    make_study(design="randomised", n_participants=30, follow_up_months=12)
    make_study(design="single-arm", n_participants=1200, follow_up_months=6)
    make_study(design="randomised", n_participants=5000, in_default_views=False)

    text = text_of(visitor.get("/"))

    assert "2 studies, 1 of them randomised trial" in text
    assert "1,230 people studied, known in 2 of 2 primary studies" in text
    assert "12 months" in text


def test_home_of_an_empty_catalogue_says_so_and_what_to_do(visitor):
    text = text_of(visitor.get("/"))

    assert "The catalogue is empty" in text
    assert "Never searched: PubMed, ClinicalTrials.gov" in text


def test_home_tells_when_each_source_last_answered(visitor):
    now = timezone.now()
    SearchRun.objects.create(
        kind=RunKind.SEARCH, asked="nanofat", state=RunState.FINISHED, started_at=now - timedelta(days=2)
    )

    text = text_of(visitor.get("/"))

    assert f"PubMed searched through {now - timedelta(days=2):%-d %b %Y}, 2 days ago" in text
    assert "ClinicalTrials.gov never searched" in text


def test_home_shows_retractions_before_concerns_and_leaves_old_ones_and_corrections_out(visitor):
    make_notice(make_study("Doubted"), NoticeKind.CONCERN)
    make_notice(make_study("Withdrawn for good"), NoticeKind.RETRACTION)
    make_notice(make_study("Corrected"), NoticeKind.CORRECTION)
    make_notice(make_study("Long ago"), issued_on=timezone.now().date() - timedelta(days=200))

    part = visitor.get("/").content.decode().split("notices-title")[2].split("</section>")[0]

    assert part.index("Withdrawn for good") < part.index("Doubted")
    assert "Corrected" not in part
    assert "Long ago" not in part


def test_home_names_the_gravest_few_notices_and_says_how_many_there_are(visitor):
    for n in range(6):
        make_notice(make_study(f"Doubted {n}"), NoticeKind.CONCERN)
    make_notice(make_study("Withdrawn for good"), NoticeKind.RETRACTION)

    part = visitor.get("/").content.decode().split("notices-title")[2].split("</section>")[0]

    assert part.count("banner--danger") == home.FEW
    assert "Withdrawn for good" in part
    assert "The gravest 5 of 7" in part


def test_home_asks_the_database_as_often_for_twenty_studies_as_for_ten(visitor):
    studies_with_everything(10)
    for_ten = n_queries(visitor, "/")

    studies_with_everything(10)

    assert n_queries(visitor, "/") == for_ten


# --- Studies --------------------------------------------------------------------------------------


def test_a_row_says_what_a_clinician_needs(visitor):
    study = make_study(
        "Nanofat for wrinkles",
        tags=[make_tag("nanofat")],
        design="randomised",
        n_participants=1,
        follow_up_months=1,
        is_starter=True,
    )
    make_notice(study)
    make_registration(study, "NCT01234567")
    make_full_text(study)

    text = text_of(visitor.get("/studies/"))

    for words in (
        "Retracted",
        "Nanofat for wrinkles",
        "Doe J · Synth J Skin · 2020",
        "1 person",
        "1 month followed",
        "Nanofat",
        "Full text",
        "Registered",
        "Starter data, to be verified",
    ):
        assert words in text, words


def test_an_identifier_typed_alone_opens_its_study(visitor):
    study = make_study("The one", report={"pmid": 700123})

    plain = visitor.get("/studies/", {"q": "700123"})
    with_script = visitor.get("/studies/", {"q": "700123"}, headers={"HX-Request": "true"})

    assert plain.url == study.get_absolute_url()
    assert with_script["HX-Redirect"] == study.get_absolute_url()


def test_an_identifier_nobody_has_is_said(visitor):
    make_study("Something")

    assert "PMID 123 is not the identifier of one study" in text_of(visitor.get("/studies/", {"q": "123"}))


def test_htmx_gets_the_results_alone_and_the_address_without_empty_fields(visitor):
    make_study("Nanofat")

    answer = visitor.get("/studies/?q=nanofat&year_from=&people=&sort=", headers={"HX-Request": "true"})

    assert answer["HX-Push-Url"] == "/studies/?q=nanofat"
    assert "<html" not in answer.content.decode()
    assert 'id="results"' in answer.content.decode()
    assert "HX-Request" in answer["Vary"]


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "page=-1",
        "page=99999999",
        "year_from=x&year_to=9",
        "sources=%27",
        "not=x&all=y",
        "q=" + "a" * 5000,
        "q=%22",
    ],
)
def test_nonsense_in_the_address_never_breaks_the_page(visitor, query):
    make_study("Something")

    assert visitor.get(f"/studies/?{query}").status_code == 200


def test_an_empty_result_says_what_to_do(visitor):
    make_study("Something")

    text = text_of(visitor.get("/studies/?q=unheardof"))

    assert "No study meets all of these filters" in text
    assert "start again with all studies" in text


def test_every_control_of_the_filters_is_sent_by_the_one_form_without_script(visitor):
    make_study("Nanofat", tags=[make_tag("nanofat")], design="cohort")

    page = visitor.get("/studies/").content.decode()

    controls = re.findall(r"<(?:input|select|button)[^>]*>", page.split('id="results"')[1].split("</main>")[0])
    assert len(controls) > 8
    assert all('form="search"' in control for control in controls)


def test_the_list_asks_the_database_as_often_for_twenty_rows_as_for_ten(visitor):
    studies_with_everything(10)
    for_ten = n_queries(visitor, "/studies/?q=nanofat")

    studies_with_everything(10)

    assert n_queries(visitor, "/studies/?q=nanofat") == for_ten


# --- Study ----------------------------------------------------------------------------------------


def test_an_address_with_an_old_title_leads_to_the_one_in_use(visitor):
    study = make_study("Nanofat for wrinkles")

    for slug in ("", "an-older-title"):
        answer = visitor.get(f"/studies/{study.pk}/{slug}")
        assert answer.url == study.get_absolute_url()
    assert visitor.get(study.get_absolute_url()).status_code == 200


def test_a_study_that_is_not_there_is_404(visitor):
    assert visitor.get("/studies/999999/none").status_code == 404


def test_a_notice_leads_the_page(visitor):
    study = make_study("Nanofat for wrinkles")
    make_notice(study, citation="Synth J Skin. 2021;1:1", notice_pmid=700999)

    page = visitor.get(study.get_absolute_url()).content.decode()

    assert page.index("Retraction") < page.index("<h1")
    assert "https://pubmed.ncbi.nlm.nih.gov/700999/" in page


def test_a_tag_says_who_says_so_and_a_suggestion_is_never_a_judgement(visitor, clinician):
    study = make_study("Nanofat", is_starter=True)
    give_tag(study, make_tag("nanofat"), by=clinician)
    give_tag(study, make_tag("needle", Facet.DELIVERY), origin=TagOrigin.STARTER)
    give_tag(
        study,
        make_tag("wrinkles", Facet.OUTCOME),
        origin=TagOrigin.RULE,
        status=TagStatus.SUGGESTED,
        rule="wrinkle-words",
        phrase="fine lines",
    )
    give_tag(study, make_tag("pores", Facet.OUTCOME), status=TagStatus.REJECTED)

    text = text_of(visitor.get(study.get_absolute_url()))

    assert "Nanofat Accepted by Clara," in text
    assert "Needle starter data, to be verified" in text
    assert "Wrinkles suggested “fine lines” in the record rule wrinkle-words" in text
    assert text.index("Rejected by people 1") < text.index("Pores")


def test_a_protocol_fact_that_is_missing_is_said_to_be_not_reported():
    facts = {fact.label: fact.value for fact in protocol_of({"protocol": {"sessions": 3, "interval_weeks": 1}})}

    assert facts["Sessions"] == "3"
    assert facts["Interval"] == "1 week"
    assert facts["Dose"] == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"value": 100_000_000, "unit": "cells"}, "100,000,000 cells"),
        ({"min": 1_000, "max": 3_000, "unit": "cells/mL"}, "1,000 to 3,000 cells/mL"),
        ({"min": 5, "unit": "mL"}, "at least 5 mL"),
        ({"values": [23_000_000, 92_000_000], "unit": "cells"}, "23,000,000 or 92,000,000 cells"),
        ({"value": 20, "unit": "nucleated cells", "per": "fold"}, "20 nucleated cells per fold"),
    ],
)
def test_a_dose_is_said_with_its_unit(value, words):
    facts = {fact.label: fact.value for fact in protocol_of({"protocol": {"dose": value}})}

    assert facts["Dose"] == words


def test_starter_data_says_that_it_is_to_be_verified_and_where_it_was_read(visitor):
    confirmed = make_study("One", is_starter=True, starter={"source": {"kind": "doi", "value": "10.5555/one"}})
    not_confirmed = make_study("Two", is_starter=True, starter={"source": {"kind": "not_confirmed"}})

    assert "https://doi.org/10.5555/one" in visitor.get(confirmed.get_absolute_url()).content.decode()
    assert "Source not confirmed" in text_of(visitor.get(not_confirmed.get_absolute_url()))


def test_full_text_is_shown_under_its_licence_and_its_absence_is_explained(visitor):
    licensed, closed, empty, unknown = (
        make_study(name, report={"pmcid": f"PMC{i}"}) for i, name in enumerate("ABCD", 1)
    )
    make_full_text(licensed)
    make_full_text(closed, licence="")
    make_full_text(empty, has_body=False, sections=[])

    texts = [text_of(visitor.get(study.get_absolute_url())) for study in (licensed, closed, empty, unknown)]

    assert "CC BY 4.0" in texts[0]
    assert "Synthetic methods." in texts[0]
    assert "no licence that allows reuse" in texts[1]
    assert "sent no body" in texts[2]
    assert "has not been fetched" in texts[3]


def test_an_address_from_a_source_is_linked_only_if_it_is_one_of_the_web(visitor):
    study = make_study(
        "One", is_starter=True, starter={"source": {"kind": "publisher", "value": "javascript:alert(1)"}}
    )
    make_full_text(study, licence_url="javascript:alert(2)")
    make_registration(study, "NCT01234567", details={"url": "data:text/html,x"})

    hrefs = re.findall(r'href="([^"]*)"', visitor.get(study.get_absolute_url()).content.decode())

    assert [href for href in hrefs if not re.match(r"https?://|/|#|\?", href)] == []


def test_nothing_from_a_record_is_markup(visitor):
    bad = "<script>alert('synthetic')</script>"
    study = make_study(
        bad,
        report={
            "abstract": [{"label": bad, "category": "", "text": bad}],
            "authors": [{"collective": bad}],
            "keywords": [{"text": bad}],
            "mesh": [{"name": bad, "qualifiers": [{"name": bad}]}],
            "publication_types": [{"name": bad}],
            "substances": [{"name": bad}],
            "grants": [{"number": bad, "agency": bad}],
            "references": [{"citation": bad}],
            "coi_statement": bad,
            "journal_abbreviation": bad,
            "other_abstracts": [{"kind": bad, "language": bad, "sections": [{"label": bad, "text": bad}]}],
        },
    )
    make_full_text(study, sections=[{"heading": bad, "level": 1, "paragraphs": [bad], "captions": [bad]}])
    make_notice(study, citation=bad, note=bad)
    make_registration(study, "NCT01234567", title=bad, status_raw=bad)

    page = visitor.get(study.get_absolute_url()).content.decode()

    assert bad not in page
    assert page.count("&lt;script&gt;") > 20


def test_a_registration_only_named_in_text_is_not_shown_as_the_studys_own(visitor):
    study = make_study("One")
    make_registration(study, "NCT01234567")
    make_registration(study, "NCT07654321", is_own=False)

    text = text_of(visitor.get(study.get_absolute_url()))

    own, named = text.index("NCT01234567"), text.index("NCT07654321")
    assert own < named < text.index("not confirmed as this study")


def test_the_history_tells_what_happened_to_the_study_and_to_its_reports(visitor, admin):
    study = make_study("One")
    AuditEvent.objects.record("loaded", study, by="setup")
    AuditEvent.objects.record("updated", study.reports.get(), by=admin, fields=["title"])

    text = text_of(visitor.get(study.get_absolute_url()))

    assert "setup loaded" in text
    assert "Ada updated a report: title" in text


def test_a_study_asks_the_database_as_often_for_twenty_reports_as_for_ten(visitor):
    study = make_study("One")
    tag = make_tag("nanofat")
    give_tag(study, tag, origin=TagOrigin.STARTER)

    def grow(n: int) -> int:
        for number in range(n):
            report = make_report(study)
            make_registration(study, f"NCT{report.pk:08}")
            give_tag(study, make_tag(f"tag-{report.pk}-{number}"))
        return n_queries(visitor, study.get_absolute_url())

    assert grow(10) == grow(10)


# --- The frame and the pages for what went wrong ---------------------------------------------------


@pytest.mark.parametrize("address", ["/", "/studies/", "/nowhere"])
def test_every_page_gives_nlm_its_due(visitor, address):
    page = visitor.get(address).content.decode()

    assert "https://www.ncbi.nlm.nih.gov/About/disclaimer.html" in page
    assert "Citation data courtesy of the" in page


def test_a_page_that_is_not_there_offers_a_search(visitor):
    answer = visitor.get("/nowhere")

    assert answer.status_code == 404
    assert f'action="{reverse("studies:studies")}"' in answer.content.decode()


def test_a_page_that_breaks_says_so_without_asking_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = errors.server_error(None)

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()


@pytest.fixture
def absent_database(transactional_db):
    """The connection is lost, and where it led to nobody answers."""
    kept = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = "/nowhere"
    yield
    connection.close()
    connection.settings_dict["HOST"] = kept


@pytest.mark.parametrize("address", ["/", "/studies/", "/studies/1/x", "/map/", "/reset/", "/healthz"])
def test_without_a_database_a_page_says_so_and_when_to_ask_again(absent_database, address):
    client = Client(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32

    answer = client.post(address, {"email": "a@example.org"}) if address == "/reset/" else client.get(address)

    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "The database does not answer" in answer.content.decode()


def test_a_monitor_hears_that_the_site_is_alive(visitor):
    assert visitor.get("/healthz").content == b"ok\n"
