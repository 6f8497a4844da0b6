"""The vocabulary file and the starter library: what they say, and how they come into the catalogue."""

import json
import re
from collections import Counter
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from studies import identifiers
from studies.actions.catalogue import upsert
from studies.actions.starter import STARTER, load_starter, load_vocabulary, read_rows
from studies.actions.vocabulary import VOCABULARY, VocabularyError, read_terms
from studies.models import (
    AuditEvent,
    RegistrationMention,
    Report,
    Search,
    Study,
    StudyTag,
    Tag,
    TrialRegistration,
)
from studies.rules.study_design import design_of
from studies.sources.record import PartialDate, Record
from studies.terms import Facet, StudyDesign, TagOrigin

N_TERMS = 117
# As numbered and listed where the rows were compiled: 47 numbered human studies, three safety reports that are journal
# records, ten laboratory studies, 13 systematic and other plus ten narrative reviews, 16 registrations of their own.
N_ROWS = {"human": 47, "safety": 3, "preclinical": 10, "review": 23, "trial": 16}
# Human studies whose title was not displayed where they were found.
UNTITLED = {20, 35, 36, 37, 40, 41, 42}
INDIRECT, PLANT, PLATELETS = {31, 32, 33}, {42, 44, 45}, {46, 47}
SOURCES = {"doi", "pmid", "pmcid", "registry", "publisher", "institution", "not_confirmed"}
ROWS = read_rows()
BY_KEY = {row["key"]: row for row in ROWS}


def human(number: int) -> dict:
    return BY_KEY[f"human-{number:02}"]


@pytest.fixture
def library(db):
    load_vocabulary()
    load_starter()


def rows_in_tables() -> dict[str, int]:
    models = (Tag, Study, Report, StudyTag, TrialRegistration, RegistrationMention, Search, AuditEvent)
    return {model.__name__: model.objects.count() for model in models}


# --- the vocabulary file --------------------------------------------------------------------------


def test_the_vocabulary_has_117_terms_in_nine_facets():
    terms = read_terms(VOCABULARY)

    assert len(terms) == N_TERMS
    assert {term.values["facet"] for term in terms} == set(Facet.values)


def test_every_term_has_a_label_of_its_own_and_says_what_it_means():
    terms = read_terms(VOCABULARY)

    assert [t.slug for t in terms if not t.values["definition"].endswith(".")] == []
    assert [label for label, n in Counter(t.values["label"] for t in terms).items() if n > 1] == []


def test_a_synonym_is_a_word_people_type_and_stands_once_in_its_term():
    terms = read_terms(VOCABULARY)

    for term in terms:
        synonyms = term.values["synonyms"]
        assert [word for word in synonyms if re.search(r"[()!;]|\s{2}|^\s|\s$", word)] == []
        assert len(synonyms) == len(set(synonyms))


def test_mesh_ids_have_the_shape_of_mesh_ids_and_one_heading_has_one_id():
    headings = [heading for term in read_terms(VOCABULARY) for heading in term.values["mesh"]]

    assert [h for h in headings if not re.fullmatch(r"(D\d{6,9})?", h["ui"])] == []
    assert [h for h in headings if re.search(r"[^\w ,&'-]", h["name"])] == []
    assert len({(h["name"], h["ui"]) for h in headings}) == len({h["name"] for h in headings})


def test_not_reported_and_out_of_scope_are_marked():
    terms = {term.slug: term.values for term in read_terms(VOCABULARY)}

    assert {s for s, t in terms.items() if t["is_not_reported"]} == {"don-nr", "prc-nr", "dlv-nr"}
    assert {s for s, t in terms.items() if t["is_out_of_scope"]} == {
        "src-plant",
        "prd-prp",
        "prd-gf",
        "ind-hair",
        "ind-wound",
    }


@pytest.mark.parametrize(
    ("terms", "complaint"),
    [
        ([{"slug": "a", "label": "A", "parent": "b"}], "b is no term"),
        ([{"slug": "a", "label": "A"}, {"slug": "a", "label": "B"}], "twice"),
        (
            [{"slug": "a", "label": "A", "parent": "b"}, {"slug": "b", "label": "B", "parent": "a"}],
            "own ancestor",
        ),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, terms, complaint):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({"facets": [{"facet": "sources", "terms": terms}]}))

    with pytest.raises(VocabularyError, match=complaint):
        read_terms(path)


# --- the starter file -----------------------------------------------------------------------------


def test_the_files_hold_none_of_the_marks_of_the_notes_they_came_from():
    marks = re.compile(r"[✓○]|\[store\]|\[calc\]|\[expert\]|\bt~|\bexpert\b|\bcalc\b|\(id - \)|used in store")

    assert marks.findall(VOCABULARY.read_text() + STARTER.read_text()) == []


def test_the_starter_library_has_every_row_of_every_section():
    assert Counter(row["category"] for row in ROWS) == N_ROWS
    assert len(BY_KEY) == len(ROWS)
    assert [key for key in BY_KEY if key.startswith("human")] == [f"human-{n:02}" for n in range(1, 48)]


def test_every_row_says_where_it_comes_from_or_that_this_is_not_confirmed():
    for row in ROWS:
        kind, value = row["source"]["kind"], row["source"].get("value", "")
        assert kind in SOURCES, row["key"]
        assert bool(value) == (kind != "not_confirmed"), row["key"]
        if kind in {"doi", "pmid", "pmcid"}:
            assert str(row[kind]) == value, row["key"]
        elif kind == "registry":
            assert value in [registration["number"] for registration in row["registrations"]], row["key"]
        elif kind in {"publisher", "institution"}:
            assert value.startswith("https://"), row["key"]


def test_every_identifier_is_valid_and_belongs_to_one_row():
    numbers = [r["number"] for row in ROWS for r in row.get("registrations", ())]
    pages = [number for number in numbers if not identifiers.registry_id(number)]

    assert [row["pmid"] for row in ROWS if "pmid" in row and identifiers.pmid(str(row["pmid"])) != row["pmid"]] == []
    assert [r["pmcid"] for r in ROWS if "pmcid" in r and identifiers.pmcid(r["pmcid"]) != r["pmcid"]] == []
    assert [r["doi"] for r in ROWS if "doi" in r and identifiers.doi(r["doi"]) != r["doi"].lower()] == []
    assert pages == ["IRCT page 76107", "IRCT page 76964"]
    for name in ("pmid", "pmcid", "doi"):
        values = [str(row[name]).lower() for row in ROWS if name in row]
        assert len(values) == len(set(values)), name
    assert len(numbers) == len(set(numbers))


def test_every_tag_of_a_row_is_a_term_and_its_design_follows_from_its_tags():
    slugs = {term.slug for term in read_terms(VOCABULARY)}

    for row in ROWS:
        design, _ = design_of(
            tags=[slug for slug in row["tags"] if slug.startswith("des-")],
            publication_types=[],
            check_tags=[],
            has_databank_registration=False,
            has_reports=True,
        )
        assert set(row["tags"]) <= slugs, row["key"]
        assert len(row["tags"]) == len(set(row["tags"])), row["key"]
        assert row["design"] == design in StudyDesign.values, row["key"]


def test_a_title_that_was_not_displayed_is_not_made_up():
    untitled = {row["key"] for row in ROWS if row["category"] == "human" and "title" not in row}

    assert untitled == {f"human-{number:02}" for number in UNTITLED}
    assert [row["key"] for row in ROWS if row["category"] in {"preclinical", "review"} and "title" in row] == []


def test_nothing_is_empty_where_it_could_be_left_out():
    empty = [(row["key"], name) for row in ROWS for name, value in row.items() if value in ("", None, [], {})]

    assert [pair for pair in empty if pair[1] != "tags"] == []
    assert "not stated by" not in STARTER.read_text()


def test_the_citation_that_nobody_could_confirm_is_no_study():
    text = STARTER.read_text()

    assert "PMC5600176" not in text
    assert "Yin" not in text


def test_people_are_counted_only_where_people_were_studied():
    counted = {row["category"] for row in ROWS if "n_participants" in row}

    assert counted == {"human", "safety"}
    assert "n_participants" not in human(37)
    assert human(37)["facts"]["n_procedures"] == 2365


def test_a_number_that_a_secondary_page_got_wrong_is_kept_right():
    successes = {result["measure"]: result["control"] for result in human(28)["results"]}

    assert successes["success, judged by the evaluator"] == 42
    assert any("2 %" in note for note in human(28)["notes"])


def test_indirect_plant_and_platelet_rows_stay_out_of_default_views():
    hidden = {row["key"] for row in ROWS if row["category"] == "human" and not row.get("in_default_views", True)}

    assert hidden == {f"human-{number:02}" for number in INDIRECT | PLANT | PLATELETS}
    assert all(human(number)["indirect"] for number in INDIRECT)
    assert all("src-plant" in human(number)["tags"] for number in PLANT)
    assert all("prd-prp" in human(number)["tags"] for number in PLATELETS)


def test_the_rows_have_the_shape_of_the_field_cell_free_trials_many_marrow_trials_none():
    marrow = [row for row in ROWS if {"src-bmsc", "src-bmac"} & set(row["tags"])]
    cell_free = [
        row
        for row in ROWS
        if row["design"] == "randomised" and {"prd-cm", "prd-ev"} & set(row["tags"]) and row["category"] == "human"
    ]

    assert {row["category"] for row in marrow} == {"preclinical"}
    assert len(cell_free) > len([r for r in ROWS if r["design"] == "randomised"]) / 2


# --- loading --------------------------------------------------------------------------------------


def test_the_vocabulary_arrives_as_a_tree(db):
    counts = load_vocabulary()

    tag = Tag.objects.get(slug="src-bmac")
    assert (counts.read, counts.created) == (N_TERMS, N_TERMS)
    assert tag.parent.parent.slug == "src-adult-msc"
    assert Tag.objects.get(slug="don-nr").is_not_reported
    assert Tag.objects.get(slug="src-plant").is_out_of_scope
    assert "adipose-derived stem cells" in Tag.objects.get(slug="src-adsc").synonyms


def test_each_row_becomes_one_study_marked_to_be_verified(library):
    assert Study.objects.filter(is_starter=True).count() == Study.objects.count() == sum(N_ROWS.values())
    assert Report.objects.count() == sum(N_ROWS.values()) - N_ROWS["trial"]
    said = StudyTag.objects.exclude(origin="rule")
    assert set(said.values_list("origin", "status")) == {("starter", "accepted")}
    assert said.count() == sum(len(row["tags"]) for row in ROWS)
    assert not Report.objects.exclude(abstract=[]).exists()


def test_a_starter_study_can_be_listed_filtered_and_counted(library):
    study = Study.objects.get(reports__pmid=33073298)

    assert study.title == human(4)["title"]
    assert (study.journal, study.year, study.design) == ("Acta Derm Venereol", 2020, "randomised")
    assert (study.n_participants, float(study.follow_up_months)) == (25, 2.8)
    assert Tag.objects.get(slug="src-adult-msc").pk in study.sources
    assert study.starter["protocol"] == {"sessions": 3, "device": "fractional CO2 laser", "formulation": "gel"}
    assert study.starter["source"] == {"kind": "pmid", "value": "33073298"}


def test_the_design_in_the_catalogue_is_the_design_of_the_row(library):
    kept = dict(Study.objects.values_list("starter__key", "design"))

    assert kept == {row["key"]: row["design"] for row in ROWS}


def test_out_of_scope_and_indirect_studies_are_loaded_but_not_shown_by_default(library):
    shown = set(Study.objects.in_default_views().values_list("starter__key", flat=True))

    assert not shown & {f"human-{number:02}" for number in INDIRECT | PLANT | PLATELETS}
    assert "human-25" in shown, "a human product was tested beside the plant product"
    assert "human-26" in shown, "fibroblasts stay in view, tagged as no stem cells"


def test_a_published_trial_keeps_its_registration_and_makes_no_second_study(library):
    registration = TrialRegistration.objects.get(number="NCT03965936")

    assert registration.study.title == human(15)["title"]
    assert [m.basis for m in registration.mentions.all()] == ["starter"]
    assert registration.study.n_registrations == 1


def test_a_registered_trial_without_a_report_is_a_study(library):
    study = TrialRegistration.objects.get(number="NCT03928444").study

    assert (study.design, study.n_reports) == ("registered", 0)
    assert study.title.startswith("Evaluation of the Efficacy and Tolerability")
    assert study.n_participants is None


def test_a_page_number_of_a_registry_is_not_passed_off_as_a_registration_number(library):
    registration = TrialRegistration.objects.get(number="IRCT page 76107")

    assert registration.registry == ""
    assert registration.url == "https://irct.behdasht.gov.ir/trial/76107"


def test_loading_again_creates_nothing(library):
    before = rows_in_tables()

    vocabulary, starter = load_vocabulary(), load_starter()

    assert (vocabulary.created, vocabulary.changed, vocabulary.retired, vocabulary.kept) == (0, 0, 0, N_TERMS)
    assert (starter.created, starter.changed, starter.kept) == (0, 0, sum(N_ROWS.values()))
    assert rows_in_tables() == before


def test_an_admins_edit_of_a_term_survives_a_reload(library):
    Tag.objects.filter(slug="src-svf").update(label="SVF cells", edited_at=timezone.now())
    Tag.objects.filter(slug="src-adsc").update(label="Changed by nobody")

    counts = load_vocabulary()

    assert counts.changed == 1
    assert Tag.objects.get(slug="src-svf").label == "SVF cells"
    assert Tag.objects.get(slug="src-adsc").label == "Adipose-derived stem/stromal cell"


def test_a_tag_that_a_person_rejected_or_removed_does_not_come_back(library):
    study = Study.objects.get(reports__pmid=25324650)
    study.study_tags.filter(tag__slug="out-gais").delete()
    study.study_tags.filter(tag__slug="out-texture").update(status="rejected")

    load_starter()

    assert not study.study_tags.filter(tag__slug="out-gais").exists()
    assert study.study_tags.get(tag__slug="out-texture").status == "rejected"


def test_what_pubmed_said_since_is_not_overwritten(library):
    upsert([Record(pmid=25324650, title="As PubMed prints it", journal="Annals")], source="pubmed")

    load_starter()

    report = Report.objects.get(pmid=25324650)
    assert (report.title, report.journal, report.source) == ("As PubMed prints it", "Annals", "pubmed")
    assert report.study.is_starter
    assert report.study.study_tags.filter(origin=TagOrigin.STARTER).count() == len(human(1)["tags"])


def test_a_study_that_pubmed_brought_first_gains_tags_and_facts_and_keeps_its_words(db):
    load_vocabulary()
    record = Record(pmid=33073298, title="Synthetic title from PubMed", published=PartialDate("2020", 2020))
    upsert([record], source="pubmed")

    counts = load_starter()

    report = Report.objects.get(pmid=33073298)
    assert (counts.created, counts.changed) == (sum(N_ROWS.values()) - 1, 1)
    assert report.title == report.study.title == "Synthetic title from PubMed"
    assert (report.source, report.study.n_participants) == ("pubmed", 25)
    assert report.study.design == "randomised"


def test_a_stub_that_a_report_left_becomes_the_registration_of_its_study(db):
    load_vocabulary()
    TrialRegistration.objects.create(registry="NCT", number="NCT03928444", status="terminated")

    load_starter()

    registration = TrialRegistration.objects.get(number="NCT03928444")
    assert registration.study.starter["key"] == "trial-nct03928444"
    assert (registration.status, registration.status_raw, registration.enrolment) == ("terminated", "", 15)


def test_one_search_waits_to_complete_the_starter_pmids(library):
    search = Search.objects.get(slug="starter-library")

    assert {int(word) for word in search.query.split()} == {row["pmid"] for row in ROWS if "pmid" in row}
    assert (search.kind, search.next_run_at <= timezone.now()) == ("pmids", True)


def test_another_field_is_another_vocabulary_file(library, tmp_path):
    path = tmp_path / "knees.json"
    terms = [{"slug": "joint", "label": "Joint"}, {"slug": "knee", "label": "Knee", "parent": "joint"}]
    path.write_text(json.dumps({"version": 1, "facets": [{"facet": "populations", "terms": terms}]}))

    counts = load_vocabulary(path=path)

    assert (counts.created, counts.retired) == (2, N_TERMS)
    assert Tag.objects.get(slug="knee").parent.slug == "joint"
    assert list(Tag.objects.filter(is_retired=False).values_list("slug", flat=True)) == ["joint", "knee"]
    assert StudyTag.objects.exists(), "what people tagged with a retired term stays"


def test_a_renamed_or_moved_term_is_found_at_once_in_the_studies_that_carry_it(library, tmp_path):
    document = json.loads(VOCABULARY.read_text())
    svf = next(t for facet in document["facets"] for t in facet["terms"] if t["slug"] == "src-svf")
    svf |= {"label": "Synthetic renaming", "parent": "src-fat"}
    path = tmp_path / "second.json"
    path.write_text(json.dumps(document))

    load_vocabulary(path=path)

    study = Study.objects.get(starter__key="human-10")
    assert "Synthetic renaming" in study.search_terms
    assert study.sources == sorted(Tag.objects.filter(slug__in=["src-svf", "src-fat"]).values_list("pk", flat=True))


def test_the_command_says_what_it_loaded(db):
    lines, summary = StringIO(), StringIO()

    call_command("load_starter", stdout=lines)
    call_command("load_starter", "--json", stdout=summary)

    vocabulary, library, searches = lines.getvalue().splitlines()
    assert vocabulary == "Vocabulary: 117 terms, 117 new, 0 changed, 0 kept"
    assert library == "Starter library: 99 studies, 99 new, 0 changed, 0 kept"
    assert searches.startswith("Starter searches: ") and searches.endswith(", 0 changed, 0 kept")
    assert json.loads(summary.getvalue())["starter"] == {
        "read": 99,
        "created": 0,
        "changed": 0,
        "kept": 99,
        "retired": 0,
    }


def test_the_command_keeps_quiet_when_asked_to(db):
    lines = StringIO()

    call_command("load_starter", verbosity=0, stdout=lines)

    assert lines.getvalue() == ""
    assert Study.objects.filter(is_starter=True).exists()


def test_a_row_of_a_later_version_joins_the_search(library, tmp_path):
    search = Search.objects.get(slug="starter-library")
    row = {"key": "human-48", "category": "human", "pmid": 999999999, "tags": [], "source": {"kind": "not_confirmed"}}
    path = tmp_path / "next.json"
    path.write_text(json.dumps({"rows": [*ROWS, row]}))

    counts = load_starter(path=path)

    assert (counts.created, counts.kept) == (1, sum(N_ROWS.values()))
    assert Search.objects.get(pk=search.pk).query == f"{search.query} 999999999"


def test_the_load_is_on_the_record(library):
    study = Study.objects.get(reports__pmid=33073298)

    event = AuditEvent.objects.get(object_type="study", object_id=study.pk)

    assert (event.actor, event.verb, event.detail) == ("setup", "loaded starter data", {"key": "human-04"})
    assert event.object_label == study.title
