"""The door to NCBI, spoken to over HTTP at the local NCBI."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from Bio import Entrez as bio
from lxml import etree

from studies.sources.entrez import (
    Citation,
    Entrez,
    Match,
    SearchNotWhole,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from studies.sources.entrez_answer import read_document, read_xml
from studies.sources.entrez_search import page_from
from studies.sources.web import LONGEST_PAUSE, Refusal, Trouble, seconds_to_wait
from tests.ncbi import jats
from tests.ncbi.server import Fault, NcbiServer
from tests.ncbi.synthetic import FIRST_PMID, article_xml, corpus

N_RECORDS = 40
KEY = "0123456789abcdef-synthetic"
ARTICLES = list(corpus(N_RECORDS))
PMIDS = [FIRST_PMID + i for i in range(N_RECORDS)]

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "eutils_responses"
needs_real_answers = pytest.mark.skipif(not REAL.is_dir(), reason="the real answers are not beside the checkout")

Asker = Callable[..., Entrez]


@pytest.fixture
def server() -> Iterator[NcbiServer]:
    with NcbiServer(ARTICLES) as server:
        yield server


@pytest.fixture
def asker(server: NcbiServer) -> Asker:
    """Makes a door to the local NCBI that does not wait long."""

    def make(**options) -> Entrez:
        quick = {"limiter": lambda: None, "pauses": (0.01,) * 3, "timeout": 5.0, "cap": server.library.cap}
        return Entrez(server.url, "stratum", "stratum@example.org", KEY, **quick | options)

    return make


def pmids_in(document: bytes) -> list[int]:
    return [int(pmid) for pmid in etree.fromstring(document).xpath("PubmedArticle/MedlineCitation/PMID/text()")]


class TestSearch:
    def test_finds_every_record_newest_first(self, asker):
        answer = asker().search("synthetic")

        assert answer.ids == PMIDS[::-1]
        assert answer.count == N_RECORDS
        assert answer.is_whole
        assert answer.translation == '"synthetic"[All Fields]'
        assert answer.warnings == []
        assert answer.n_requests == 1

    def test_can_be_limited_to_days_of_creation(self, asker, server):
        server.shelf.add(article_xml(95_000_001, created=date(2031, 5, 6)))
        server.shelf.add(article_xml(95_000_002, created=date(2031, 5, 7)))

        closed = asker().search("synthetic", mindate=date(2031, 5, 6), maxdate=date(2031, 5, 6))
        still_open = asker().search("synthetic", mindate=date(2031, 5, 6))

        assert closed.ids == [95_000_001]
        assert still_open.ids == [95_000_002, 95_000_001]

    def test_can_be_limited_to_days_of_modification(self, asker, server):
        server.shelf.add(article_xml(95_000_001, created=date(2011, 5, 6), revised=date(2032, 1, 1)))

        answer = asker().search("synthetic", mindate=date(2031, 12, 1), datetype="mdat")

        assert answer.ids == [95_000_001]

    @pytest.mark.parametrize(
        ("query", "warning"),
        [
            ("synthetic AND zebrafication", "Phrase not found: zebrafication"),
            ('synthetic AND "purple zebra"', 'Quoted phrase not found: "purple zebra"'),
            ("synthetic[tiabb]", "Field not known: tiabb"),
            ("the synthetic", "Phrase ignored: the"),
        ],
    )
    def test_keeps_what_pubmed_says_it_dropped(self, asker, query, warning):
        answer = asker().search(query)

        assert answer.warnings == [warning]
        assert answer.count == N_RECORDS

    def test_finding_nothing_is_an_answer_and_no_warning(self, asker):
        answer = asker().search("synthetic", mindate=date(2099, 1, 1))

        assert (answer.ids, answer.count, answer.warnings) == ([], 0, [])

    def test_an_empty_query_is_refused_without_asking(self, asker, server):
        with pytest.raises(SourceRefused, match="empty"):
            asker().search(" \n ")

        assert server.requests == []

    def test_counting_asks_for_no_ids(self, asker, server):
        answer = asker().count("synthetic AND zebrafication")

        assert (answer.count, answer.ids) == (N_RECORDS, [])
        assert answer.warnings == ["Phrase not found: zebrafication"]
        assert server.requests[0].param("retmax") == "0"

    def test_the_newest_few_of_many_cost_one_request(self, asker, server):
        server.library.cap = 10

        answer = asker().search("synthetic", at_most=4)

        assert answer.ids == PMIDS[:-5:-1]
        assert answer.count == N_RECORDS
        assert not answer.is_whole
        assert answer.n_requests == 1


class TestSlicing:
    @pytest.mark.parametrize("cap", [1, 7, 39])
    def test_parts_tile_exactly_when_more_is_found_than_pubmed_serves(self, asker, server, cap):
        server.library.cap = cap

        answer = asker().search("synthetic AND zebrafication")

        assert answer.ids == PMIDS[::-1]
        assert answer.is_whole
        assert answer.warnings == ["Phrase not found: zebrafication"]
        assert answer.n_requests == len(server.asked("esearch"))
        assert all(int(request.param("retmax")) <= cap for request in server.requests)

    def test_one_day_over_the_cap_is_parted_by_the_day_of_entry(self, asker, server):
        server.library.cap = 5
        day = date(2030, 1, 1)
        for i in range(12):
            server.shelf.add(article_xml(95_000_001 + i, created=day, entrez=day + timedelta(days=i)))

        answer = asker().search("synthetic", mindate=day)

        assert sorted(answer.ids) == [95_000_001 + i for i in range(12)]

    def test_what_cannot_be_parted_is_an_error_and_never_cut_short(self, asker, server):
        server.library.cap = 5
        for i in range(6):
            server.shelf.add(article_xml(95_000_001 + i, created=date(2030, 1, 1)))

        with pytest.raises(SearchNotWhole, match="6 records share one day"):
            asker().search("synthetic")

    def test_a_record_that_appears_between_two_requests_is_found_in_a_second_round(self, asker, server):
        server.library.cap = 10

        def newcomer() -> None:
            if len(server.requests) == 4:
                server.shelf.add(article_xml(95_000_001, created=date(2005, 1, 1)))

        answer = asker(limiter=newcomer).search("synthetic")

        assert sorted(answer.ids) == [*PMIDS, 95_000_001]

    def test_parts_that_never_add_up_are_an_error(self, asker, server):
        server.library.cap = 10

        def newcomers() -> None:
            n_asked = len(server.requests)
            server.shelf.add(article_xml(95_000_001 + n_asked, created=date(2005, 1, 1) + timedelta(days=n_asked)))

        with pytest.raises(SearchNotWhole, match="in 3 rounds"):
            asker(limiter=newcomers).search("synthetic")

    def test_the_newest_of_many_are_read_from_the_newest_parts(self, asker, server):
        server.library.cap = 5

        answer = asker().search("synthetic", at_most=12)

        assert answer.ids == PMIDS[:-13:-1]
        assert answer.n_requests < 20


class TestFetch:
    def test_posts_the_ids_and_says_who_asks(self, asker, server):
        document = asker().fetch_batch(PMIDS[:3])

        request = server.requests[0]
        assert pmids_in(document) == PMIDS[:3]
        assert (request.method, request.ids) == ("POST", PMIDS[:3])
        assert request.param("tool") == "stratum"
        assert request.param("email") == "stratum@example.org"
        assert request.param("api_key") == KEY

    def test_without_a_key_none_is_sent(self, server):
        door = Entrez(server.url, "stratum", "stratum@example.org", limiter=lambda: None)

        door.count("synthetic")

        assert "api_key" not in server.requests[0].params

    def test_leaves_out_what_pubmed_no_longer_serves(self, asker, server):
        server.shelf.remove(PMIDS[1])

        document = asker().fetch_batch(PMIDS[:3])

        assert pmids_in(document) == [PMIDS[0], PMIDS[2]]

    def test_nothing_known_is_an_empty_set(self, asker):
        document = asker().fetch_batch([1, 2])

        assert pmids_in(document) == []

    def test_batches_keep_the_order_and_the_size(self, asker):
        assert list(asker(batch=3).batches(range(7))) == [[0, 1, 2], [3, 4, 5], [6]]

    @pytest.mark.parametrize("pmids", [[], [0]])
    def test_no_valid_id_is_refused_and_not_asked_again(self, asker, server, pmids):
        with pytest.raises(SourceRefused, match="empty"):
            asker().fetch_batch(pmids)

        assert len(server.requests) == len(pmids)

    def test_answers_that_come_cut_are_asked_for_by_halves(self, asker, server):
        server.faults = [Fault("efetch", "truncated", times=999, when=lambda p: p["id"][0].count(",") > 8)]

        document = asker().fetch_batch(PMIDS)

        assert pmids_in(document) == PMIDS
        assert etree.fromstring(document).tag == "PubmedArticleSet"

    def test_answers_larger_than_the_bound_are_asked_for_by_halves(self, asker):
        document = asker(max_bytes=100_000).fetch_batch(PMIDS[:20])

        assert pmids_in(document) == PMIDS[:20]

    def test_a_single_answer_larger_than_the_bound_is_given_up_at_once(self, asker, server):
        with pytest.raises(SourceUnavailable, match="larger than 1000 bytes"):
            asker(max_bytes=1000).fetch_batch(PMIDS[:1])

        assert len(server.requests) == 1


PASSING = ["429", "json429", "500", "502", "503", "html", "error", "error400", "truncated", "short", "empty"]
PASSING += ["reset", "hangup"]


class TestFaults:
    @pytest.mark.parametrize("kind", PASSING)
    @pytest.mark.parametrize("utility", ["esearch", "efetch", "esummary", "elink"])
    def test_a_passing_fault_is_survived(self, asker, server, utility, kind):
        server.shelf.link("pubmed_pubmed_citedin", PMIDS[0], [PMIDS[1]])
        server.faults = [Fault(utility, kind, times=2)]
        ask = {
            "esearch": lambda door: door.search("synthetic").ids == PMIDS[::-1],
            "efetch": lambda door: pmids_in(door.fetch_batch(PMIDS)) == PMIDS,
            "esummary": lambda door: all(door.summaries(PMIDS).values()),
            "elink": lambda door: door.links(PMIDS[:1], "pubmed_pubmed_citedin") == {PMIDS[0]: [PMIDS[1]]},
        }[utility]

        is_right = ask(asker())

        assert is_right
        assert len(server.requests) >= 3

    def test_a_slow_answer_is_given_up_and_asked_for_again(self, asker, server):
        server.faults = [Fault("efetch", "slow", seconds=30)]

        document = asker(timeout=0.3).fetch_batch(PMIDS[:2])

        assert pmids_in(document) == PMIDS[:2]

    def test_an_answer_that_drips_for_ever_is_given_up(self, asker, server):
        server.faults = [Fault("efetch", "drip", seconds=0.01)]

        with pytest.raises(SourceUnavailable, match=r"no answer within 0\.05 s"):
            asker(timeout=0.05, pauses=()).fetch_batch(PMIDS[:2])

    @pytest.mark.parametrize("kind", [*PASSING, "slow"])
    def test_a_lasting_fault_ends_in_an_error_that_names_what_was_asked(self, asker, server, kind):
        server.faults = [Fault("efetch", kind, times=99, seconds=30)]

        with pytest.raises(SourceUnavailable, match=str(PMIDS[0])) as caught:
            asker(timeout=0.2).fetch_batch(PMIDS[:1])

        assert len(server.requests) == 4
        assert "4 tries" in caught.value.reason

    @pytest.mark.parametrize("kind", ["final", "badkey", "404", "403"])
    def test_an_error_that_will_not_pass_is_not_asked_again(self, asker, server, kind):
        server.faults = [Fault("*", kind)]

        with pytest.raises(SourceRefused, match="search for 'synthetic'"):
            asker().search("synthetic")

        assert len(server.requests) == 1

    def test_errors_never_show_the_key(self, asker, server):
        server.faults = [Fault("*", kind) for kind in ("final", "reset", "500", "html", "badkey")]

        for _ in range(3):
            with pytest.raises(SourceError) as caught:
                asker(pauses=()).search("synthetic")

            assert KEY not in f"{caught.value} {caught.value.__cause__}"

    @pytest.mark.parametrize("retry_after", [1, format_datetime(datetime(2100, 1, 1, tzinfo=UTC), usegmt=True)])
    def test_waits_as_long_as_retry_after_says(self, asker, server, monkeypatch, retry_after):
        monkeypatch.setattr("studies.sources.web.LONGEST_PAUSE", 1.0)
        server.faults = [Fault("esearch", "429", retry_after=retry_after)]

        asker().search("synthetic")

        first, second = server.requests
        assert second.at - first.at >= 1.0

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("2", 2.0), ("999999", LONGEST_PAUSE), ("-5", 0.0), ("nan", 0.0), ("soon", 0.0), ("", 0.0)],
    )
    def test_reads_retry_after_within_bounds(self, header, seconds):
        assert seconds_to_wait(header) == seconds

    def test_every_request_waits_for_its_turn_tries_included(self, asker, server):
        server.faults = [Fault("efetch", "500", times=2)]
        turns = []

        asker(limiter=lambda: turns.append(len(server.requests))).fetch_batch(PMIDS[:2])

        assert turns == [0, 1, 2]

    def test_what_the_limiter_raises_reaches_the_caller(self, asker, server):
        def cancelled() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            asker(limiter=cancelled).search("synthetic")

        assert server.requests == []


class TestOneDoor:
    def test_a_redirect_to_another_host_is_not_followed(self, asker, server):
        with NcbiServer() as elsewhere:
            server.faults = [Fault("*", "redirect", location=elsewhere.url + "efetch.fcgi")]

            with pytest.raises(SourceRefused, match="NCBI_BASE_URL"):
                asker().fetch_batch(PMIDS[:1])

            assert elsewhere.requests == []

    def test_nothing_in_this_process_reaches_ncbi_past_the_limiter(self):
        request = bio.efetch(db="pubmed", id="1", email="stratum@example.org")

        assert request.host == "eutils.ncbi.nlm.nih.gov"
        assert not hasattr(request, "read")  # prepared, never sent

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_the_base_address_is_honoured_with_and_without_a_slash(self, server, slash):
        door = Entrez(server.url.rstrip("/") + slash, "stratum", "", limiter=lambda: None)

        assert door.count("synthetic").count == N_RECORDS


class TestOtherUtilities:
    def test_pmc_articles_come_whole_with_and_without_a_body(self, asker, server):
        for number, article in jats.articles():
            server.shelf.add_pmc(number, article)

        document = asker().fetch_pmc(["PMC90000001", 90_000_002, "90000003", 90_000_004, 77])

        root = etree.fromstring(document)
        assert [article.find("body") is not None for article in root.iterfind("article")] == [
            True,
            True,
            False,
            True,
        ]
        assert [reply.get("Id") for reply in root.iterfind("Reply")] == ["77"]

    def test_links_are_told_apart_by_record_and_by_name(self, asker, server):
        server.shelf.link("pubmed_pubmed_citedin", PMIDS[0], [11, 12])
        server.shelf.link("pubmed_pubmed_citedin", PMIDS[2], [12])
        server.shelf.link("pubmed_pubmed_refs", PMIDS[1], [13])

        links = asker().links(PMIDS[:3], "pubmed_pubmed_citedin")

        assert links == {PMIDS[0]: [11, 12], PMIDS[1]: [], PMIDS[2]: [12]}
        assert server.requests[0].params["id"] == [str(pmid) for pmid in PMIDS[:3]]
        assert server.requests[0].param("linkname") == "pubmed_pubmed_citedin"

    def test_a_summary_pubmed_does_not_have_is_none(self, asker, server):
        server.shelf.remove(PMIDS[1])

        summaries = asker(batch=2).summaries(PMIDS[:3])

        assert list(summaries) == PMIDS[:3]
        assert summaries[PMIDS[0]]["uid"] == str(PMIDS[0])
        assert summaries[PMIDS[1]] is None

    def test_a_citation_is_found_unknown_or_ambiguous(self, asker, server):
        entry = server.shelf.entries[PMIDS[4]]
        year = str(entry.dates["pdat"].year)
        known = Citation(entry.journal, year, entry.volume, entry.page, entry.first_author, "reference|1")
        citations = [known, Citation("No Such Journal", year, key="2"), Citation(entry.journal, key="3")]

        found = asker().match_citations(citations)

        assert found["reference|1"].match is Match.FOUND
        assert found["reference|1"].pmid == PMIDS[4]
        assert found["2"].match is Match.NOT_FOUND
        assert found["3"].match is Match.AMBIGUOUS

    def test_no_citation_needs_no_request(self, asker, server):
        assert asker().match_citations([]) == {}
        assert server.requests == []


@needs_real_answers
class TestRealAnswers:
    @pytest.mark.parametrize(
        ("name", "verdict"),
        [
            ("efetch_200_history_expired.xml", Refusal),
            ("efetch_400_empty_id_list.xml", Refusal),
            ("efetch_502_in_body_2026-09-17.xml", Trouble),
            ("efetch_history_unretrievable.xml", Refusal),
            ("ratelimit_429_no_key.json", Trouble),
            ("ratelimit_doc_example.json", Trouble),
        ],
    )
    def test_error_bodies_are_told_apart_from_articles(self, name, verdict):
        with pytest.raises(verdict):
            read_document((REAL / "errors" / name).read_bytes(), "PubmedArticleSet")

    def test_an_empty_set_is_an_answer(self):
        body = (REAL / "errors" / "efetch_200_unknown_pmid_empty_set.xml").read_bytes()

        assert pmids_in(read_document(body, "PubmedArticleSet")) == []

    def test_a_search_backend_that_is_down_may_be_up_next_time(self):
        with pytest.raises(Trouble, match="502 status"):
            read_xml((REAL / "errors" / "esearch_502_in_body_2026-09-17.xml").read_bytes())

    def test_a_search_with_an_unknown_phrase_keeps_its_warning(self):
        body = (REAL / "Klortho__Eutils-JSON__samples__esearch.error.xml").read_bytes()

        page = page_from(read_xml(body))

        assert (page.count, len(page.ids)) == (5163, 20)
        assert page.translation == '"obstetrics"[MeSH Terms]'
        assert page.warnings == ["Phrase not found: fleegle[MeSH Terms]"]
