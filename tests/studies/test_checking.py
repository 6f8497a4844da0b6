"""Checks of citations against the local NCBI over real HTTP, faults included."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from config.celery import app
from studies import tasks
from studies.actions import allowances, checking, worked_example
from studies.actions.report_values import fingerprint_of
from studies.models import AuditEvent, CitationCheck, SearchRun, Study
from studies.queries import checks
from studies.sources.record import Author, PartialDate, Record
from studies.terms import CheckState, CheckVerdict, NoticeKind, NoticeStatus, RunKind
from tests.factories import make_notice, make_registration, make_study
from tests.ncbi.registry import trial
from tests.ncbi.server import Fault, NcbiServer
from tests.ncbi.synthetic import article_xml, corpus

pytestmark = pytest.mark.django_db(transaction=True)

N = 160
FIRST = 90_000_001
PMC_ONLY = 99_000_001


@pytest.fixture(scope="module")
def library() -> Iterator[NcbiServer]:
    """A PubMed of 160 records, two of them twins, and an article that only PMC has."""
    with NcbiServer(corpus(N)) as server:
        twin = {
            "title": "A twin report on fictive dermal cells.",
            "authors": [{"last": "Twinning", "fore": "Tom", "affiliation": "X"}],
        }
        server.shelf.add(article_xml(91_000_001, **twin))
        server.shelf.add(article_xml(91_000_002, **twin))
        server.shelf.add(
            article_xml(
                91_000_003,
                title="Elasticity of invented cheeks: a cohort.",
                comments=[("ExpressionOfConcernIn", "Synth", None, None)],
            )
        )
        server.shelf.pmc_only[PMC_ONLY] = {
            "title": "Only in the archive: a fictive manuscript",
            "authors": [{"name": "Archiver A"}],
            "pubdate": "2018 May",
            "source": "Utop Lett Regen",
            "articleids": [{"idtype": "pmcid", "value": f"PMC{PMC_ONLY}"}],
        }
        yield server


@pytest.fixture
def sources(library, settings) -> NcbiServer:
    settings.NCBI_BASE_URL, settings.NCBI_IDCONV_URL = library.url, library.idconv_url
    settings.CTGOV_BASE_URL = "http://127.0.0.1:9/api/v2/"
    settings.NCBI_EMAIL, settings.NCBI_API_KEY = "stratum@example.org", "synthetic-key"
    library.faults.clear()
    library.requests.clear()
    return library


@pytest.fixture
def no_network(settings) -> None:
    settings.NCBI_BASE_URL = settings.NCBI_IDCONV_URL = settings.CTGOV_BASE_URL = "http://127.0.0.1:9/"


def check_of(text: str, **who) -> CitationCheck:
    """Taken in and worked off."""
    check = checking.request_check(text, file=checking.pasted(text), **who)
    return checking.carry_on(check.pk) or check


def verdicts(check: CitationCheck) -> list[str]:
    return list(check.references.values_list("verdict", flat=True))


def vancouver(entry, **other) -> str:
    """The entry as somebody would cite it; `other` replaces its parts."""
    said = {
        "author": entry.first_author,
        "title": entry.title,
        "journal": entry.journal,
        "year": entry.dates["pdat"].year,
        "volume": entry.volume,
        "page": entry.page,
        "ids": f"PMID: {entry.pmid}.",
    } | other
    return "{author}, Doe J, et al. {title} {journal}. {year};{volume}(1):{page}-9. {ids}".format(**said)


def apa(entry, **other) -> str:
    said = {"title": entry.title, "year": entry.dates["pdat"].year} | other
    family = entry.first_author.rsplit(" ", 1)[0]
    return f"{family}, A., & Doe, J. ({said['year']}). {said['title']} {entry.full_journal}."


def whole_entries(server: NcbiServer) -> list:
    """Records that can be cited by author and title, no notices and not translated."""
    kept = [
        entry
        for entry in server.shelf.entries.values()
        if entry.first_author and " " in entry.first_author and "Group" not in entry.first_author
        and not entry.title.startswith(("Retraction", "[")) and entry.pmid < 91_000_000
    ]  # fmt: skip
    return sorted(kept, key=lambda entry: entry.pmid)


def mixed(server: NcbiServer) -> list[tuple[str, str]]:
    """200 references of every kind, each with the verdict that is right."""
    entries = whole_entries(server)
    in_pmc = [entry for entry in entries if entry.pmc]
    outside = [entry for entry in entries if not entry.pmc]
    rows = [(f"PMID: {e.pmid}", "match") for e in entries[:30]]
    rows += [(f"PMID: {80_000_000 + n}", "not-found") for n in range(12)]
    rows += [(e.pmc, "match") for e in in_pmc[:15]]
    rows += [(f"PMC{70_000_000 + n}", "not-found") for n in range(6)]
    rows += [(e.doi, "match") for e in in_pmc[15:22]]
    rows += [(e.doi, "match") for e in outside[30:45]]
    rows += [(f"10.5555/nowhere.{n}", "not-found") for n in range(6)]
    rows += [(vancouver(e), "match") for e in entries[50:75]]
    rows += [(vancouver(e, ids=f"PMID: {entries[n].pmid}."), "mismatch") for n, e in enumerate(entries[75:90])]
    rows += [(vancouver(e, ids=f"doi: {in_pmc[n].doi}"), "mismatch") for n, e in enumerate(outside[70:75])]
    rows += [
        (vancouver(e, ids=f"PMID: {e.pmid}; PMCID: {in_pmc[n].pmc}"), "mismatch") for n, e in enumerate(outside[75:79])
    ]
    rows += [(vancouver(e, ids=f"PMID: {79_000_000 + e.pmid % 1000}."), "mismatch") for e in entries[90:94]]
    rows += [(vancouver(e, ids=""), "match") for e in entries[94:106]]
    rows += [(apa(e), "match") for e in entries[106:116]]
    rows += [(apa(e, year=e.dates["pdat"].year - 6), "mismatch") for e in entries[116:120]]
    rows += [(vancouver(e, author="Nobody Q", ids=""), "mismatch") for e in entries[120:123]]
    rows += [
        (
            f"Inventor B. Wholly imaginary fibroblasts of planet {word}. J Unknown Skin. 2019;7(1):{n}1-9.",
            "not-found",
        )
        for n, word in enumerate(["Alpha", "Venus", "Mars", "Jupiter", "Saturn", "Pluto", "Ceres", "Vesta"])
    ]
    rows += [("Twinning T. A twin report on fictive dermal cells. 2019.", "ambiguous")]
    rows += [(f"NCT0123456{n}", "not-asked") for n in range(3)]
    rows += [(f"PMC{PMC_ONLY}", "match")]
    rows += [(f"Archiver A. Another manuscript altogether. Utop Lett Regen. 2018. PMC{PMC_ONLY}", "mismatch")]
    rows += [("PMID: 91000003", "match")]
    rows += [(f"PMID: {e.pmid}", "match") for e in entries[30:][: 200 - len(rows)]]
    return rows


@pytest.mark.slow
def test_two_hundred_mixed_references_are_judged_rightly_though_the_sources_stumble(sources):
    rows = mixed(sources)
    sources.faults += [
        Fault("esummary", "503"),
        Fault("idconv", "500"),
        Fault("idconv", "truncated"),
        Fault("esearch", "429", retry_after=0),
        Fault("esearch", "reset"),
        Fault("ecitmatch", "hangup"),
        Fault("esummary", "truncated"),
        Fault("esearch", "json429", retry_after=0, when=lambda params: "au" in params["term"][0]),
    ]
    text = "\n\n".join(f"{n}. {line}" for n, (line, _) in enumerate(rows, 1))

    check = check_of(text)

    said = list(check.references.all())
    assert len(rows) == check.n_references == 200
    wrong = [
        (one.pasted, right, one.verdict, one.remark, one.differences)
        for one, (_, right) in zip(said, rows, strict=True)
        if one.verdict != right
    ]
    assert wrong == []
    assert check.state == CheckState.FINISHED
    assert not [fault for fault in sources.faults if fault.times]
    assert set(Counter(right for _, right in rows)) == set(CheckVerdict.values) - {"waiting"}
    noticed = {one.pasted: one.notice_status for one in said if one.notice_status}
    assert noticed["PMID: 91000003"] == NoticeStatus.CONCERN
    assert noticed[f"PMID: {FIRST + 7}"] == NoticeStatus.RETRACTED


def test_a_mismatch_names_what_differs_and_what_may_be_meant(sources):
    right, wrong = whole_entries(sources)[40:42]

    (one,) = check_of(vancouver(right, ids=f"PMID: {wrong.pmid}")).references.all()
    line = checks.line_of(one)

    assert one.verdict == CheckVerdict.MISMATCH and "title" in one.differences
    assert one.found["pmid"] == wrong.pmid
    assert [choice["pmid"] for choice in one.choices] == [right.pmid]
    assert next(part for part in line.parts if part.label == "Title").mark == "differs"


@pytest.mark.parametrize("form", ["nbib", "ris", "bib"])
def test_a_whole_bibliography_is_checked(form, sources):
    entries = whole_entries(sources)[:40]
    text = "".join(WRITERS[form](n, entry) for n, entry in enumerate(entries))

    check = check_of(text)

    assert check.n_references == 40
    expected = ["mismatch" if n % 10 == 3 else "match" for n in range(40)]
    assert verdicts(check) == expected


def _nbib(n: int, entry) -> str:
    """Every tenth has the title of something else."""
    title = "Something else was in that place." if n % 10 == 3 else entry.title
    return (
        f"PMID- {entry.pmid}\nDP  - {entry.dates['pdat'].year}\nTI  - {title}\nAU  - {entry.first_author}\n"
        f"TA  - {entry.journal}\nVI  - {entry.volume}\nPG  - {entry.page}\n\n"
    )


def _ris(n: int, entry) -> str:
    title = "Something else was in that place" if n % 10 == 3 else entry.title
    family, initials = entry.first_author.rsplit(" ", 1)
    return (
        f"TY  - JOUR\nAU  - {family}, {'. '.join(initials)}.\nTI  - {title}\nJO  - {entry.journal}\n"
        f"PY  - {entry.dates['pdat'].year}\nVL  - {entry.volume}\nSP  - {entry.page}\nDO  - {entry.doi}\nER  - \n"
    )


def _bib(n: int, entry) -> str:
    title = "Something else was in that place" if n % 10 == 3 else entry.title.rstrip(".")
    family, initials = entry.first_author.rsplit(" ", 1)
    return (
        f"@article{{key{n},\n author = {{{family}, {initials}}},\n title = {{{title}}},\n"
        f" journal = {{{entry.journal}}},\n"
        f" year = {{{entry.dates['pdat'].year}}},\n pmid = {{{entry.pmid}}}\n}}\n"
    )


WRITERS = {"nbib": _nbib, "ris": _ris, "bib": _bib}


def test_the_catalogue_answers_first_and_needs_no_network(no_network):
    title = "Nanofat of the synthetic cheek: a cohort"
    record = Record(title=title, published=PartialDate("2020", 2020), authors=(Author(last="Doe"),))
    ids = {"pmid": 700, "pmcid": "PMC700700", "fingerprint": fingerprint_of(record)}
    study = make_study(title, report=ids)
    make_notice(study, NoticeKind.RETRACTION)
    make_registration(make_study("Registered"), "NCT01234567", source="ctgov", title="A trial of nothing")
    text = "PMID: 700\n\nPMC700700\n\nDoe J. Nanofat of the synthetic cheek: a cohort. 2020.\n\nNCT01234567"

    check = checking.request_check(text)

    assert check.state == CheckState.FINISHED
    assert verdicts(check) == ["match"] * 4
    first = check.references.first()
    assert (first.notice_status, first.study, first.sources) == (NoticeStatus.RETRACTED, study, ["catalogue"])


@pytest.mark.parametrize(
    ("later", "status"),
    [(NoticeKind.REINSTATEMENT, NoticeStatus.NONE), (NoticeKind.CORRECTION, NoticeStatus.RETRACTED)],
)
def test_a_check_says_of_a_paper_what_its_study_says(no_network, later, status):
    study = make_study("Nanofat of the synthetic cheek: a cohort", report={"pmid": 700})
    make_notice(study, NoticeKind.RETRACTION, issued_on=date(2020, 1, 1))
    make_notice(study, later, issued_on=date(2021, 1, 1))

    found = checking.request_check("PMID: 700").references.get()
    study.refresh_from_db()

    assert found.notice_status == study.notice_status == status


@pytest.mark.parametrize(
    ("pasted", "verdict"),
    [
        ("Stem cells cure wrinkles completely. PMID: 700", "ambiguous"),
        ("(Smith 2020, PMID 700)", "ambiguous"),
        ("Nanofat of the synthetic cheek: a cohort. PMID: 700", "match"),
        ("PMID: 700", "match"),
    ],
)
def test_words_beside_an_id_that_were_not_compared_are_never_called_a_match(no_network, pasted, verdict):
    make_study("Nanofat of the synthetic cheek: a cohort", report={"pmid": 700})

    found = checking.request_check(pasted).references.get()

    assert found.verdict == verdict
    assert verdict == "match" or (found.choices[0]["pmid"] == 700 and "not compared" in found.remark)


def test_an_article_that_may_be_meant_says_that_it_was_retracted(no_network, visitor):
    study = make_study("Nanofat of the synthetic cheek: a cohort", report={"pmid": 700})
    make_notice(study, NoticeKind.RETRACTION)

    check = checking.request_check("Stem cells cure wrinkles completely. PMID: 700")
    *_, row = checks.table_of(check)
    (line,) = checks.page_of(check).lines

    assert any(str(cell).startswith("RETRACTED, PMID 700") for cell in row)
    assert (line.choices[0].notice, line.choices[0].is_grave) == ("Retracted", True)
    body = visitor.get(check.get_absolute_url()).content.decode()
    assert "Retracted</span> Nanofat" in body and "<strong>1</strong> may mean an article that is retracted" in body


def test_a_check_whose_workers_always_die_ends_and_can_be_repeated(no_network):
    check = checking.request_check("PMID: 999000")
    gone = CitationCheck.objects.filter(pk=check.pk)
    gone.update(n_attempts=20, touched_at=timezone.now() - timedelta(hours=1))

    checking.give_up(timezone.now())
    check.refresh_from_db()

    assert check.state == CheckState.FINISHED
    assert verdicts(check) == ["not-asked"]
    assert "repeated" in check.references.get().remark
    assert checking.repeat(check).is_open


def test_an_article_of_the_same_title_year_and_author_elsewhere_is_asked_for(no_network):
    title = "Nanofat of the synthetic cheek: a cohort"
    record = Record(title=title, published=PartialDate("2020", 2020), authors=(Author(last="Doe"),))
    make_study(title, report={"pmid": 700, "fingerprint": fingerprint_of(record), "journal": "Synthetic Preprints"})

    check = checking.request_check(f"Doe J. {title}. Journal of Invented Skin. 2020;3(2):10-12.")

    assert verdicts(check) == ["waiting"]


def test_what_a_file_or_the_starter_library_claims_is_no_proof(no_network):
    make_study("Claimed by a file", report={"pmid": 701, "source": "file"})

    check = check_of("PMID: 701")

    assert verdicts(check) == ["not-asked"]


def test_a_source_that_is_down_leaves_a_reference_unasked_and_one_click_asks_again(sources, visitor):
    entries = whole_entries(sources)
    in_pmc = next(entry for entry in entries if entry.pmc)
    sources.faults.append(Fault("idconv", "503", times=1000))
    check = check_of(f"PMID: {entries[0].pmid}\n\n{in_pmc.pmc}")
    before = verdicts(check)
    sources.faults.clear()

    answer = visitor.post(reverse("studies:check_repeat", args=[check.token]))
    checking.carry_on(check.pk)

    assert before == ["match", "match"] or before == ["match", "not-asked"]
    assert answer.url == check.get_absolute_url()
    assert verdicts(check) == ["match", "match"]


def test_without_network_nothing_is_concluded(no_network):
    check = check_of("PMID: 1\n\nPMC5600176\n\nJarrow K. A title of some length here. Utop Lett Regen. 2020;1(1):2-3.")

    assert verdicts(check) == ["not-asked"] * 3
    assert all(one.remark and one.asked_at for one in check.references.all())


def test_a_number_that_an_answer_leaves_out_is_not_called_unknown(sources):
    pmid = whole_entries(sources)[0].pmid
    sources.faults.append(Fault("esummary", "error", times=1000))

    check = check_of(f"PMID: {pmid}")

    assert verdicts(check) == ["not-asked"]


def test_a_check_can_be_killed_and_goes_on_without_loss_or_repetition(sources):
    entries = whole_entries(sources)[:100]
    check = checking.request_check("\n".join(str(entry.pmid) for entry in entries))
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    code = (
        "import django, os; django.setup()\n"
        "from studies.actions import checking\n"
        f"checking.carry_on({check.pk}, at_most=1)\n"
        "os.kill(os.getpid(), 9)"
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database,
        "NCBI_BASE_URL": sources.url,
        "NCBI_IDCONV_URL": sources.idconv_url,
        "NCBI_API_KEY": "synthetic-key",
    }
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False, timeout=60)
    settled = list(check.references.exclude(verdict="waiting").values_list("pk", "asked_at"))

    checking.carry_on(check.pk)
    checking.carry_on(check.pk)

    assert killed.returncode == -9
    assert len(settled) == checking.BATCH
    assert set(settled) <= set(check.references.values_list("pk", "asked_at"))
    assert verdicts(check) == ["match"] * 100


ROOT = Path(__file__).resolve().parents[2]


def test_a_trial_number_is_asked_of_its_registry(sources, registry):
    registry.put(trial("NCT07000001", title="A trial of fictive cells"))

    check = check_of("NCT07000001 NCT07000002 ISRCTN12345678")

    assert verdicts(check) == ["match", "not-found", "not-asked"]
    assert check.references.first().found["title"] == "A trial of fictive cells"


# --- The worked example ---


def test_the_worked_example_is_not_asked_until_a_source_answers(no_network, visitor):
    before = visitor.get(reverse("studies:check")).content.decode()
    worked_example.tend(timezone.now())
    after = visitor.get(reverse("studies:check")).content.decode()

    assert "PMC5600176" in before and "Not asked yet" in before
    assert "Could not ask" in after
    assert not Study.objects.exists()


def test_the_worked_example_says_what_the_sources_say_with_the_date(sources, visitor):
    worked_example.tend(timezone.now())

    page = visitor.get(reverse("studies:check")).content.decode()

    one = worked_example.example().references.get()
    assert one.verdict == CheckVerdict.NOT_FOUND
    assert f"{timezone.now():%-d %B %Y}" in page and "Not found" in page
    assert not Study.objects.exists()


def test_the_worked_example_shows_both_sides_where_the_id_is_another_article(sources):
    sources.shelf.add(
        article_xml(
            91_000_009, title="Counting invented transcripts.", pmcid="PMC5600176", created=timezone.now().date()
        )
    )

    worked_example.tend(timezone.now())
    sources.shelf.remove(91_000_009)

    one = worked_example.example().references.get()
    assert one.verdict == CheckVerdict.MISMATCH
    assert {"title", "first author", "year"} <= set(one.differences)
    assert not Study.objects.exists()


def test_the_worked_example_is_asked_once_a_day_and_keeps_its_answer_through_an_outage(sources, settings):
    now = timezone.now()
    worked_example.tend(now)
    n_asked = len(sources.requests)
    worked_example.tend(now + timedelta(hours=1))
    assert len(sources.requests) == n_asked

    settings.NCBI_BASE_URL = settings.NCBI_IDCONV_URL = "http://127.0.0.1:9/"
    worked_example.tend(now + timedelta(days=2))

    assert worked_example.example().references.get().verdict == CheckVerdict.NOT_FOUND
    assert CitationCheck.objects.count() == 1


# --- The page ---


def test_a_check_is_pasted_read_and_taken_along(sources, visitor):
    entry = whole_entries(sources)[10]
    answer = visitor.post(reverse("studies:check"), {"text": f"{entry.pmid}\n80000000\n=1+1 PMID: 80000001"})
    check = CitationCheck.objects.get()
    waiting = visitor.get(answer.url).content.decode()
    checking.carry_on(check.pk)

    page = visitor.get(answer.url)
    table = b"".join(visitor.get(reverse("studies:check_csv", args=[check.token])).streaming_content).decode()

    assert answer.url == check.get_absolute_url() and len(check.token) > 20
    assert "0 of 3 answered" in waiting
    assert page["X-Robots-Tag"].startswith("noindex") and "no-store" in page["Cache-Control"]
    assert entry.title in page.content.decode()
    assert len(table.splitlines()) == 4 and "Match" in table and "\n=1" not in table


def test_a_file_is_checked(sources, visitor):
    file = BytesIO(_nbib(0, whole_entries(sources)[0]).encode())
    file.name = "library.nbib"

    answer = visitor.post(reverse("studies:check"), {"file": file})

    check = CitationCheck.objects.get()
    assert answer.status_code == 302
    assert (check.name, check.n_references) == ("library.nbib", 1)


@pytest.mark.parametrize("data", [{}, {"text": "  "}, {"text": "stem cells"}])
def test_what_holds_no_reference_is_refused_with_a_sentence(data, visitor):
    answer = visitor.post(reverse("studies:check"), data)

    assert answer.status_code == 422
    assert not CitationCheck.objects.exists()


def test_what_was_pasted_comes_back_escaped(no_network, visitor):
    check = checking.request_check('PMID: 1 <script>alert("x")</script> 2019')

    page = visitor.get(check.get_absolute_url()).content.decode()

    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_a_visitor_may_ask_so_much_an_hour_and_a_member_more(no_network, settings, visitor, clinician_client):
    settings.CHECK_AN_HOUR = settings.CHECK_MOST = 10
    text = "\n".join(str(number) for number in range(1, 8))

    first = visitor.post(reverse("studies:check"), {"text": text})
    second = visitor.post(reverse("studies:check"), {"text": text})
    member = [clinician_client.post(reverse("studies:check"), {"text": text}).status_code for _ in range(2)]

    assert (first.status_code, second.status_code) == (302, 429)
    assert member == [302, 302]


def test_an_allowance_is_whole_again_after_its_span(settings):
    for _ in range(2):
        allowances.spend("check", "somebody", 5, most=10, span=timedelta(hours=1))
    with pytest.raises(allowances.Exhausted):
        allowances.spend("check", "somebody", 1, most=10, span=timedelta(hours=1))

    allowances.spend("check", "somebody", 1, most=10, span=timedelta(0))


def test_more_than_is_checked_at_once_is_said(no_network, settings, visitor):
    settings.CHECK_MOST = 10

    check = checking.request_check("\n".join(str(number) for number in range(1, 16)))

    assert (check.n_references, check.n_left_out) == (10, 5)
    assert "5 more references" in visitor.get(check.get_absolute_url()).content.decode()


def test_an_admin_imports_the_matches_once(sources, admin_client, admin):
    entries = whole_entries(sources)[:3]
    check = check_of("\n".join(str(entry.pmid) for entry in entries) + "\n80000000", by=admin)
    where = reverse("studies:check_import", args=[check.token])

    first, again = admin_client.post(where), admin_client.post(where)

    run = SearchRun.objects.get(kind=RunKind.PMIDS)
    assert first.url == again.url == run.get_absolute_url()
    assert run.asked == " ".join(str(entry.pmid) for entry in entries)
    assert AuditEvent.objects.filter(verb="imported the matches of", actor_id=admin.pk).count() == 1


def test_a_guessed_address_is_nothing(visitor):
    assert visitor.get(reverse("studies:check_result", args=["x" * 24])).status_code == 404


def test_old_checks_go_and_forgotten_ones_are_called_for(no_network, settings):
    now = timezone.now()
    old, waiting = (checking.request_check("PMID: 1") for _ in range(2))
    CitationCheck.objects.filter(pk=old.pk).update(created_at=now - timedelta(days=settings.CHECK_DAYS + 1))

    assert waiting.pk in checking.unattended(now)
    checking.remove_old(now)

    assert list(CitationCheck.objects.all()) == [waiting]


def test_every_beat_entry_of_the_checks_can_be_fired(no_network):
    queue = Path(configured.HOME) / "queue"
    queue.mkdir(exist_ok=True)
    check = checking.request_check("PMID: 1")

    app.tasks[configured.CELERY_BEAT_SCHEDULE["tend checks"]["task"]].apply(throw=True)
    knocks = [message.read_text() for message in queue.iterdir()]
    shutil.rmtree(queue)
    tasks.tend_example.apply(throw=True)

    assert any("check_citations" in knock for knock in knocks) and check.pk
    assert any("tend_example" in knock for knock in knocks)
    assert CitationCheck.objects.filter(is_example=True).exists()


def test_a_page_of_a_check_costs_the_same_however_long_it_is(no_network, visitor, django_assert_num_queries):
    few = checking.request_check("\n".join(str(n) for n in range(1, 6)))
    many = checking.request_check("\n".join(str(n) for n in range(1, 60)))

    with django_assert_num_queries(8):
        visitor.get(few.get_absolute_url())
    with django_assert_num_queries(8):
        visitor.get(many.get_absolute_url())
