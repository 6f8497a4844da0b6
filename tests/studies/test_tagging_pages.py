"""The pages of tagging: the study, the queue, many studies at once, the vocabulary, saved searches, states."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from studies.actions import catalogue, tagging
from studies.actions.vocabulary import load_vocabulary
from studies.models import SavedSearch, Study, StudyTag, Tag, TagBatch
from studies.sources.record import PartialDate, Record, Section
from studies.terms import Facet, TagOrigin, TagStatus
from tests.factories import make_study, make_tag

pytestmark = pytest.mark.django_db

QUEUE = "/tag/"


def record(pmid: int = 1, **facts) -> Record:
    values = {
        "title": "Nanofat injection for facial rejuvenation",
        "abstract": (Section("Forty patients received nanofat. Wrinkles improved <b>clearly</b> & lastingly."),),
        "published": PartialDate("2020", 2020, precision="year"),
    }
    return Record(pmid=pmid, **(values | facts))


def take(*records: Record) -> list[Study]:
    return [Study.objects.get(reports=what.report_id) for what in catalogue.upsert(records, source="pubmed")]


@pytest.fixture
def study(db) -> Study:
    load_vocabulary()
    return take(record())[0]


@pytest.fixture
def nanofat(study) -> Tag:
    return Tag.objects.get(slug="src-nanofat")


def text_of(answer) -> str:
    body = re.sub(r"<(script|style).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def words_on(study: Study) -> dict[str, str]:
    said = StudyTag.objects.filter(study=study, origin=TagOrigin.PERSON)
    return dict(said.values_list("tag__slug", "status"))


def n_queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


# --- the study's page -----------------------------------------------------------------------------


def test_a_study_shows_what_is_suggested_with_its_phrase_marked(visitor, study, nanofat):
    answer = visitor.get(study.get_absolute_url())

    body = answer.content.decode()
    assert re.search(
        rf'<a class="phrase" href="#tag-\d+" data-tags="[^"]*\b{nanofat.pk}\b[^"]*">nanofat</a>', body, re.I
    )
    assert "suggested" in body
    assert "&lt;b&gt;clearly&lt;/b&gt; &amp; lastingly" in body
    assert 'name="act"' not in body


@pytest.mark.parametrize(("act", "status"), [("accepted", TagStatus.ACCEPTED), ("rejected", TagStatus.REJECTED)])
def test_a_clinician_answers_a_suggestion_without_script(clinician_client, study, nanofat, act, status):
    where = reverse("studies:study_tag", args=[study.pk])

    answer = clinician_client.post(where, {"act": act, "tag": "src-nanofat"}, follow=True)

    assert words_on(study) == {"src-nanofat": status}
    assert f"{status.label} by you" in text_of(answer)
    assert f"{status} the tag “{nanofat.label}”" in text_of(answer)


def test_with_htmx_the_tags_come_back_with_what_follows_from_them(clinician_client, study, nanofat):
    where = reverse("studies:study_tag", args=[study.pk])

    answer = clinician_client.post(where, {"act": "add", "tag": "des-case-report"}, headers={"HX-Request": "true"})

    body = answer.content.decode()
    assert answer.status_code == 200
    assert body.lstrip().startswith('<section class="study-tags"')
    assert re.search(r'id="facts" hx-swap-oob="true".*?Case report or series', body, re.S)
    assert re.search(r'id="history".*?hx-swap-oob="true".*?added the tag “Case report”', body, re.S)
    assert body.count("</section>") == 2, "the page itself does not come along"


def test_contradicting_somebody_needs_a_reason_and_shows_as_disputed(clinician, reviewer_client, study, nanofat):
    tagging.answer(study, by=clinician, answers={nanofat.pk: TagStatus.ACCEPTED})
    where = reverse("studies:study_tag", args=[study.pk])

    refused = reviewer_client.post(where, {"act": "rejected", "tag": "src-nanofat"})
    taken = reviewer_client.post(where, {"act": "rejected", "tag": "src-nanofat", "reason": "Microfat."}, follow=True)

    assert refused.status_code == 422
    assert "There is a problem" in text_of(refused)
    assert "say why you see it otherwise" in text_of(refused)
    assert "disputed" in text_of(taken)
    assert "“Microfat.”" in text_of(taken)


@pytest.mark.parametrize(("said", "act"), [("accepted", "rejected"), ("rejected", "accepted"), ("rejected", "add")])
def test_a_missing_reason_is_asked_for_beside_the_tag_and_enter_repeats_the_act(
    clinician, reviewer_client, study, nanofat, said, act
):
    tagging.answer(study, by=clinician, answers={nanofat.pk: said})
    where = reverse("studies:study_tag", args=[study.pk])

    answer = reviewer_client.post(where, {"act": act, "tag": "src-nanofat"}, headers={"HX-Request": "true"})

    body = answer.content.decode()
    line = body[body.index(f'id="tag-{nanofat.pk}"') :]
    first_button = re.search(r"<button[^>]*>", line)[0]
    assert 'id="id_reason"' in line
    assert f'name="act" value="{"rejected" if said == "accepted" else "accepted"}"' in first_button
    assert body.count("data-focus") == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"act": "accepted"},
        {"act": "accepted", "tag": "no-such-term"},
        {"act": "add", "words": "no such term"},
        {"act": "add", "words": ""},
        {"act": "burn", "tag": "src-nanofat"},
        {"remove": "1.5", "tag": "src-nanofat"},
    ],
)
def test_what_makes_no_sense_is_answered_with_a_summary(clinician_client, study, data):
    answer = clinician_client.post(reverse("studies:study_tag", args=[study.pk]), data)

    assert answer.status_code == 422
    assert "There is a problem" in text_of(answer)
    assert words_on(study) == {}


def test_a_term_is_added_by_one_of_its_synonyms(clinician_client, study):
    term = Tag.objects.get(slug="src-adsc")
    where = reverse("studies:study_tag", args=[study.pk])

    clinician_client.post(where, {"act": "add", "words": term.synonyms[0]})

    assert words_on(study) == {"src-adsc": TagStatus.ACCEPTED}


def test_where_several_terms_fit_they_are_offered(clinician_client, study):
    answer = clinician_client.post(reverse("studies:study_tag", args=[study.pk]), {"act": "add", "words": "fat"})

    assert answer.status_code == 422
    assert answer.content.decode().count('name="tag" value="src-') > 1


def test_an_admin_removes_anothers_word_with_a_reason(admin_client, clinician, study, nanofat):
    tagging.answer(study, by=clinician, answers={nanofat.pk: TagStatus.ACCEPTED})
    where, data = reverse("studies:study_tag", args=[study.pk]), {"remove": clinician.pk, "tag": "src-nanofat"}

    refused = admin_client.post(where, data)
    admin_client.post(where, data | {"reason": "By mistake."})

    assert refused.status_code == 422
    assert words_on(study) == {}


# --- the queue ------------------------------------------------------------------------------------


def test_the_queue_shows_the_next_study_with_strong_suggestions_ticked(clinician_client, study, nanofat):
    answer = clinician_client.get(QUEUE)
    body = answer.content.decode()

    assert study.title in text_of(answer)
    assert re.search(rf'name="answer-{nanofat.pk}" value="accepted" checked', body)


def test_a_rule_that_people_mistrust_comes_unticked(clinician_client, study, nanofat):
    rules = StudyTag.objects.filter(study=study, tag=nanofat).values_list("rule", flat=True)
    other = make_study("Synthetic other study")
    for number, rule in enumerate(r for r in rules for _ in range(25)):
        tag = make_tag(f"mistaken-{number}")
        StudyTag.objects.create(
            study=other, tag=tag, origin=TagOrigin.RULE, rule=rule, rule_version=1, status=TagStatus.REJECTED
        )

    body = clinician_client.get(QUEUE).content.decode()

    assert not re.search(rf'name="answer-{nanofat.pk}" value="accepted" checked', body)
    assert "often rejected, so not ticked" in body


def test_one_post_answers_adds_and_goes_on_to_the_next(clinician_client, study, nanofat):
    (other,) = take(record(2, title="Nanofat for perioral wrinkles"))
    first = clinician_client.get(QUEUE).context["page"].study
    data = {"study": first.pk, f"answer-{nanofat.pk}": "accepted", "add": ["dlv-topical"], "do": "save"}

    answer = clinician_client.post(QUEUE, data, follow=True)

    assert words_on(first) == {"src-nanofat": TagStatus.ACCEPTED, "dlv-topical": TagStatus.ACCEPTED}
    assert answer.context["page"].study == (other if first == study else study)
    assert TagBatch.objects.count() == 1


def test_undo_takes_the_whole_study_back_and_shows_it_again(clinician_client, study, nanofat):
    clinician_client.post(QUEUE, {"study": study.pk, f"answer-{nanofat.pk}": "accepted", "add": "dlv-topical"})
    batch = TagBatch.objects.get()

    answer = clinician_client.post(reverse("studies:tag_undo", args=[batch.pk]), {"back": QUEUE}, follow=True)

    assert words_on(study) == {}
    assert answer.context["page"].study == study


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_undo_leads_nowhere_else(clinician_client, study, nanofat, back):
    clinician_client.post(QUEUE, {"study": study.pk, f"answer-{nanofat.pk}": "accepted"})

    answer = clinician_client.post(reverse("studies:tag_undo", args=[TagBatch.objects.get().pk]), {"back": back})

    assert answer.url == QUEUE


def test_a_skipped_study_does_not_come_again_and_is_left_as_it_was(clinician_client, study):
    answer = clinician_client.post(QUEUE, {"study": study.pk, "do": "skip"}, follow=True)

    assert answer.context["page"] is None
    assert "No study waits" in text_of(answer)
    assert not TagBatch.objects.exists()


def test_whoever_skipped_studies_may_see_them_again(clinician_client, study):
    skipped = clinician_client.post(QUEUE, {"study": study.pk, "do": "skip"}, follow=True)

    again = clinician_client.post(QUEUE, {"do": "again"}, follow=True)

    assert "Show the 1 that still waits" in text_of(skipped)
    assert again.context["page"].study == study


def test_finding_a_term_without_script_keeps_the_answers_given(clinician_client, study, nanofat):
    data = {"study": study.pk, f"answer-{nanofat.pk}": "rejected", "words": "topical", "do": "find"}

    answer = clinician_client.post(QUEUE, data)

    body = answer.content.decode()
    assert re.search(rf'name="answer-{nanofat.pk}" value="rejected" checked', body)
    assert 'name="add" value="dlv-topical"' in body
    assert words_on(study) == {}


def test_the_queue_stays_within_the_search_it_was_opened_from(clinician_client, study):
    (other,) = take(record(2, title="Adipose stem cells for acne scars", abstract=()))

    answer = clinician_client.get(QUEUE + "?q=acne")

    assert answer.context["page"].study == other
    assert f'action="{QUEUE}?q=acne"' in answer.content.decode()


@pytest.mark.parametrize("number", ["", "x", "99999999999", "-1"])
def test_a_post_about_no_study_is_refused(clinician_client, study, number):
    answer = clinician_client.post(QUEUE, {"study": number})

    assert answer.status_code == 422
    assert "There is a problem" in text_of(answer)


def test_the_type_ahead_finds_terms_by_label_and_synonym(clinician_client, study):
    term = Tag.objects.get(slug="src-adsc")

    answers = [
        clinician_client.get(reverse("studies:tag_terms"), {"words": words}).content.decode()
        for words in (term.label[:12].upper(), term.synonyms[0])
    ]

    assert all('value="src-adsc"' in body for body in answers)


def test_on_the_page_of_a_study_what_is_found_is_added_by_one_press(clinician_client, study):
    body = clinician_client.get(reverse("studies:tag_terms"), {"words": "ADSC", "for": "study"}).content.decode()

    assert '<button class="button button--small found__choice" type="submit" name="tag" value="src-adsc">' in body


def test_where_nothing_is_suggested_the_page_says_why_and_what_changes_that(visitor, study):
    of_pubmed, of_nothing, off_topic = take(
        record(2, title="", abstract=()),
        Record(doi="10.1000/none", title="", published=PartialDate("2020", 2020, precision="year")),
        record(3, title="Iron in donated blood", abstract=(Section("Donors were asked."),)),
    )

    said = [text_of(visitor.get(one.get_absolute_url())) for one in (of_pubmed, of_nothing, off_topic, study)]

    assert "neither title nor abstract is kept here for the rules to read: the next answer from PubMed may" in said[0]
    assert "neither title nor abstract is kept here for the rules to read: a record of it that is imported" in said[1]
    assert "no rule knows a phrase in what the record says" in said[2]
    assert "Nothing is suggested" not in said[3]


def test_the_tag_that_was_answered_keeps_the_focus(clinician_client, study, nanofat):
    where = reverse("studies:study_tag", args=[study.pk])

    body = clinician_client.post(where, {"act": "rejected", "tag": "src-nanofat"}, headers={"HX-Request": "true"})

    assert f'id="tag-{nanofat.pk}" tabindex="-1" data-focus' in body.content.decode()
    assert '<details class="fold" open>' in body.content.decode()


def test_the_queue_costs_the_same_for_few_and_many_suggestions(clinician_client, study):
    few = n_queries(clinician_client, QUEUE + f"?study={study.pk}")
    for number in range(12):
        StudyTag.objects.create(
            study=study, tag=make_tag(f"more-{number}"), origin=TagOrigin.RULE, rule=f"r{number}", rule_version=1,
            status=TagStatus.SUGGESTED,
        )  # fmt: skip

    many = n_queries(clinician_client, QUEUE + f"?study={study.pk}")

    assert few == many


def test_each_rule_is_shown_with_its_answers_and_interval(clinician, clinician_client, study, nanofat):
    tagging.answer(study, by=clinician, answers={nanofat.pk: TagStatus.ACCEPTED})

    rows = clinician_client.get(reverse("studies:tag_rules")).context["rows"]

    row = next(row for row in rows if row.tag == nanofat)
    assert (row.fired, row.open, row.standing.accepted, row.percent) == (1, 0, 1, "100%")
    assert row.interval == "21% to 100%"


# --- many studies ---------------------------------------------------------------------------------


def test_clinicians_select_studies_in_the_list_and_visitors_do_not(visitor, clinician_client, study):
    seen = [client.get(reverse("studies:studies")).content.decode() for client in (visitor, clinician_client)]

    assert ['name="study"' in body for body in seen] == [False, True]


def test_bulk_shows_what_changes_applies_it_and_undoes_it(clinician_client, study):
    where = reverse("studies:tag_bulk") + "?q=nanofat&every=1"
    data = {"act": "add", "tag": "dlv-topical"}

    preview = clinician_client.post(where, data | {"preview": "1"})
    nothing_yet = words_on(study)
    seen = {"apply": "1", "seen": preview.context["seen"]}
    applied = clinician_client.post(where, data | seen, follow=True)
    words = words_on(study)
    clinician_client.post(reverse("studies:tag_undo", args=[TagBatch.objects.get().pk]))

    assert "1 study changes" in text_of(preview)
    assert nothing_yet == {}
    assert "Undo all of it" in text_of(applied)
    assert words == {"dlv-topical": TagStatus.ACCEPTED}
    assert words_on(study) == {}


def test_bulk_applies_nothing_that_its_preview_did_not_show(clinician_client, study):
    where = reverse("studies:tag_bulk") + "?q=nanofat&every=1"
    data = {"act": "add", "tag": "dlv-topical"}
    seen = {"apply": "1", "seen": clinician_client.post(where, data | {"preview": "1"}).context["seen"]}

    other_term = clinician_client.post(where, data | seen | {"tag": "dlv-laser"})
    take(record(2))
    grown = clinician_client.post(where, data | seen)

    assert "1 study changes" in text_of(other_term)
    assert "2 studies change" in text_of(grown)
    assert not TagBatch.objects.exists()


def test_from_bulk_one_comes_back_to_the_search_one_came_from(clinician_client, study):
    listing = clinician_client.get(reverse("studies:studies") + "?q=nanofat").content.decode()
    pages = [
        clinician_client.get(reverse("studies:tag_bulk") + query).content.decode()
        for query in ("?q=nanofat&every=1", f"?q=nanofat&study={study.pk}")
    ]

    assert '<input type="hidden" name="q" value="nanofat">' in listing
    assert all('href="/studies/?q=nanofat">Leave without changing' in page for page in pages)
    assert "Tag 1 study" in pages[1]


@pytest.mark.parametrize(
    ("query", "data"), [("", {"act": "add", "tag": "dlv-topical"}), ("?every=1", {}), ("?every=1", {"act": "add"})]
)
def test_bulk_without_studies_or_a_term_is_refused(clinician_client, study, query, data):
    answer = clinician_client.post(reverse("studies:tag_bulk") + query, data | {"apply": "1"})

    assert answer.status_code == 422
    assert "There is a problem" in text_of(answer)


# --- filters and saved searches -------------------------------------------------------------------


def test_studies_are_found_by_the_state_of_their_tagging(visitor, clinician, reviewer, study, nanofat):
    settled, disputed = make_study("Synthetic settled study"), make_study("Synthetic disputed study")
    tagging.answer(settled, by=clinician, answers={nanofat.pk: TagStatus.ACCEPTED})
    tagging.answer(disputed, by=clinician, answers={nanofat.pk: TagStatus.ACCEPTED})
    tagging.answer(disputed, by=reviewer, answers={nanofat.pk: TagStatus.REJECTED}, reason="No.")

    def found(query: str) -> set[Study]:
        return {row.study for row in visitor.get(reverse("studies:studies") + query).context["listing"].rows}

    panels = visitor.get(reverse("studies:studies")).context["listing"].panels
    counts = {o.value: o.count for panel in panels if panel.name == "state" for o in panel.options}
    assert found("?state=open") == {study}
    assert found("?state=disputed") == {disputed}
    assert found("?state=untagged") == {study, disputed}
    assert found("?state=open&state=disputed") == {study, disputed}
    assert found(f"?{Facet.SOURCE}=src-nanofat") == {settled}
    assert counts == {"untagged": 2, "open": 1, "disputed": 1}


def test_a_search_is_saved_listed_and_deleted_by_its_owner_alone(clinician_client, reviewer_client, study):
    where = reverse("studies:saved")

    saved = clinician_client.post(where + "?q=nanofat&page=3", {"name": " My  nanofat "}, follow=True)
    search = SavedSearch.objects.get()
    strangers = reviewer_client.post(reverse("studies:saved_delete", args=[search.pk]))
    clinician_client.post(reverse("studies:saved_delete", args=[search.pk]))

    assert (search.name, search.query_string) == ("My nanofat", "?q=nanofat")
    assert reverse("studies:studies") + "?q=nanofat" in saved.content.decode()
    assert strangers.status_code == 404
    assert not SavedSearch.objects.exists()


def test_a_search_is_not_saved_without_a_name_of_its_own(clinician_client, study):
    where = reverse("studies:saved") + "?q=nanofat"
    clinician_client.post(where, {"name": "Nanofat"})

    answers = [clinician_client.post(where, {"name": name}) for name in ("", "Nanofat")]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert SavedSearch.objects.count() == 1


# --- the vocabulary -------------------------------------------------------------------------------


def test_an_admin_retires_merges_and_parts_terms(admin_client, study, nanofat):
    admin_client.post(reverse("studies:term_change", args=[nanofat.pk]), {"retire": "1"})
    retired = Tag.objects.get(pk=nanofat.pk).is_retired
    admin_client.post(reverse("studies:term_change", args=[nanofat.pk]), {"bring_back": "1"})
    admin_client.post(reverse("studies:term_merge"), {"tag": "src-nanofat", "into": "src-fat"})
    merged = Tag.objects.get(pk=nanofat.pk).merged_into
    admin_client.post(reverse("studies:tag_undo", args=[TagBatch.objects.get().pk]))

    assert retired
    assert merged.slug == "src-fat"
    assert Tag.objects.get(pk=nanofat.pk).merged_into is None


def test_an_address_with_a_merged_term_finds_what_the_merger_moved(admin_client, clinician, study, nanofat):
    tagging.answer(study, by=clinician, answers={nanofat.pk: TagStatus.ACCEPTED})
    admin_client.post(reverse("studies:term_merge"), {"tag": "src-nanofat", "into": "src-fat"})

    found = admin_client.get(reverse("studies:studies") + "?sources=src-nanofat").context["listing"]
    without = admin_client.get(reverse("studies:studies") + "?not=src-nanofat").context["listing"]

    ticked = {option.value for panel in found.panels for option in panel.options if option.state == "on"}
    assert [row.study for row in found.rows] == [study]
    assert [chip.label for chip in found.chips] == ["Fat graft (macro/milli/microfat)"]
    assert ticked == {"src-fat"}
    assert not without.rows


def test_a_refused_change_of_a_term_says_why(admin_client, clinician, study, nanofat):
    tagging.answer(study, by=clinician, answers={nanofat.pk: TagStatus.ACCEPTED})

    deleted = admin_client.post(reverse("studies:term_change", args=[nanofat.pk]), {"delete": "1"})
    merged = admin_client.post(reverse("studies:term_merge"), {"tag": "src-nanofat", "into": "src-nanofat"})

    assert (deleted.status_code, merged.status_code) == (422, 422)
    assert "retire it, or merge it" in text_of(deleted)
    assert "cannot be merged into itself" in text_of(merged)


def test_a_clinician_undoes_no_merger(admin_client, clinician_client, study, nanofat):
    admin_client.post(reverse("studies:term_merge"), {"tag": "src-nanofat", "into": "src-fat"})

    answer = clinician_client.post(reverse("studies:tag_undo", args=[TagBatch.objects.get().pk]))

    assert answer.status_code == 403
    assert Tag.objects.get(pk=nanofat.pk).is_retired
