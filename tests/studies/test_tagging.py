"""What people say of tags: whose word stands, what counts, what two at once leave, and the way back."""

import threading

import pytest
from django.db import connections

from studies.actions import bulk_tagging, grouping, searches_kept, tagging, vocabulary_changes
from studies.actions.vocabulary import load_vocabulary
from studies.models import AuditEvent, Study, StudyTag, Tag, TagBatch
from studies.rules import marked_text
from studies.rules.marked_text import Span
from studies.rules.rule_standing import Standing, is_ticked, wilson
from studies.rules.tag_state import state_of
from studies.terms import BatchKind, Facet, TagOrigin, TagState, TagStatus
from tests.factories import make_study, make_tag

YES, NO = TagStatus.ACCEPTED, TagStatus.REJECTED
PERSON, STARTER, RULE = TagOrigin.PERSON, TagOrigin.STARTER, TagOrigin.RULE


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ([(RULE, TagStatus.SUGGESTED)], TagState.SUGGESTED),
        ([(RULE, YES)], TagState.SUGGESTED),
        ([(PERSON, YES)], TagState.ACCEPTED),
        ([(PERSON, YES), (PERSON, YES)], TagState.ACCEPTED),
        ([(PERSON, YES), (PERSON, NO)], TagState.DISPUTED),
        ([(PERSON, NO)], TagState.REJECTED),
        ([(STARTER, YES)], TagState.STARTER),
        ([(STARTER, YES), (RULE, TagStatus.SUGGESTED)], TagState.STARTER),
        ([(STARTER, YES), (PERSON, NO)], TagState.REJECTED),
        ([(STARTER, YES), (PERSON, YES)], TagState.ACCEPTED),
        ([(STARTER, YES), (PERSON, YES), (PERSON, NO)], TagState.DISPUTED),
    ],
)
def test_people_stand_above_the_starter_data_and_that_above_the_rules(statements, state):
    assert state_of(statements) == state


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (30, 32, 0.7985, 0.9827), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval_is_that_of_published_examples(hits, n, low, high):
    assert wilson(hits, n) == pytest.approx((low, high), abs=0.0005)


def test_a_rule_never_answered_has_no_interval():
    assert wilson(0, 0) is None


@pytest.mark.parametrize(
    ("accepted", "rejected", "is_demoted"),
    [(0, 0, False), (0, 19, False), (19, 1, True), (20, 0, False), (17, 3, True), (95, 5, False), (85, 15, True)],
)
def test_a_rule_is_mistrusted_once_enough_answers_say_so(accepted, rejected, is_demoted):
    assert Standing(accepted, rejected).is_demoted == is_demoted


@pytest.mark.parametrize(
    ("strength", "ticked"), [("title", True), ("abstract", True), ("source", True), ("derived", True), ("weak", False)]
)
def test_only_weak_suggestions_and_those_of_mistrusted_rules_come_unticked(strength, ticked):
    assert is_ticked(strength, Standing()) == ticked
    assert not is_ticked(strength, Standing(1, 30))


def test_overlapping_phrases_are_cut_where_each_begins_and_ends():
    found = marked_text.pieces("autologous nanofat graft", [Span(0, 18, 1), Span(11, 24, 2)])

    assert [(piece.text, piece.keys) for piece in found] == [
        ("autologous ", (1,)),
        ("nanofat", (1, 2)),
        (" graft", (2,)),
    ]


def test_places_in_the_joined_abstract_lead_back_to_their_section():
    sections = [{"label": "AIM", "text": "To see."}, {"label": "METHODS", "text": "Nanofat was given."}]
    joined = marked_text.joined(sections)
    start = joined.index("Nanofat")

    first, second = marked_text.by_section(sections, [Span(start, start + 7, 5), Span(0, 3, 6)])

    assert joined == "AIM: To see.\nMETHODS: Nanofat was given."
    assert first == []
    assert second == [Span(0, 7, 5)]


# --- one study ------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


@pytest.fixture
def nanofat(db) -> Tag:
    return make_tag("nanofat", label="Nanofat", facet=Facet.SOURCE)


@pytest.fixture
def study(nanofat) -> Study:
    study = make_study("Synthetic study of nanofat")
    suggest(study, nanofat)
    return study


def suggest(study: Study, tag: Tag, rule: str = "src-nanofat") -> StudyTag:
    return StudyTag.objects.create(
        study=study, tag=tag, origin=RULE, status=TagStatus.SUGGESTED, rule=rule, rule_version=1, strength="title"
    )


def now(study: Study) -> Study:
    return Study.objects.get(pk=study.pk)


def rule_status(study: Study) -> str:
    return StudyTag.objects.get(study=study, origin=RULE).status


def test_an_accepted_suggestion_counts_and_is_closed(study, nanofat, clinician):
    batch = tagging.answer(study, by=clinician, answers={nanofat.pk: YES})

    assert now(study).sources == [nanofat.pk]
    assert now(study).n_open_suggestions == 0
    assert rule_status(study) == YES
    assert batch.said == "accepted Nanofat"
    event = AuditEvent.objects.first()
    assert (event.verb, event.actor, event.object_id) == ("accepted the tag", "Clara", study.pk)
    assert event.detail["tag"] == "Nanofat"


def test_a_rejected_suggestion_does_not_count_and_is_closed(study, nanofat, clinician):
    tagging.answer(study, by=clinician, answers={nanofat.pk: NO}, reason="It was microfat.")

    assert now(study).sources == []
    assert now(study).n_open_suggestions == 0
    assert rule_status(study) == NO
    assert AuditEvent.objects.first().detail["reason"] == "It was microfat."


def test_saying_the_same_again_writes_nothing(study, nanofat, clinician):
    tagging.answer(study, by=clinician, answers={nanofat.pk: YES})
    n_events = AuditEvent.objects.count()

    again = tagging.answer(study, by=clinician, answers={nanofat.pk: YES})

    assert again is None
    assert (AuditEvent.objects.count(), TagBatch.objects.count()) == (n_events, 1)


def test_two_who_disagree_both_stay_on_record_until_one_gives_way(study, nanofat, clinician, reviewer):
    tagging.answer(study, by=clinician, answers={nanofat.pk: YES})
    with pytest.raises(tagging.ReasonMissing, match="Clara has accepted “Nanofat”"):
        tagging.answer(study, by=reviewer, answers={nanofat.pk: NO})

    tagging.answer(study, by=reviewer, answers={nanofat.pk: NO}, reason="The fat was not emulsified.")

    assert now(study).is_disputed
    assert now(study).sources == []
    assert rule_status(study) == TagStatus.DISPUTED
    assert StudyTag.objects.filter(study=study, origin=PERSON).count() == 2

    tagging.take_back(study, nanofat, by=reviewer)

    assert not now(study).is_disputed
    assert now(study).sources == [nanofat.pk]
    assert rule_status(study) == YES


def test_only_an_admin_removes_anothers_word_and_says_why(study, nanofat, clinician, reviewer, admin):
    tagging.answer(study, by=clinician, answers={nanofat.pk: YES})

    with pytest.raises(tagging.NotYours):
        tagging.take_back(study, nanofat, by=reviewer, author=clinician, reason="I think otherwise.")
    with pytest.raises(tagging.ReasonMissing):
        tagging.take_back(study, nanofat, by=admin, author=clinician)
    tagging.take_back(study, nanofat, by=admin, author=clinician, reason="Entered by mistake.")

    assert now(study).sources == []
    assert now(study).n_open_suggestions == 1
    event = AuditEvent.objects.first()
    assert event.verb == "removed another’s word on the tag"
    assert event.detail == {
        "tag": "Nanofat",
        "of": "Clara",
        "reason": "Entered by mistake.",
        "batch": event.detail["batch"],
    }


def test_a_persons_rejection_stands_above_the_starter_data(nanofat, clinician):
    study = make_study("Synthetic starter study")
    StudyTag.objects.create(study=study, tag=nanofat, origin=STARTER)

    tagging.answer(study, by=clinician, answers={nanofat.pk: NO})

    assert now(study).sources == []
    assert StudyTag.objects.filter(origin=STARTER, status=YES).exists()


def test_a_retired_term_is_no_longer_given(study, nanofat, clinician):
    Tag.objects.update(is_retired=True)

    with pytest.raises(tagging.TaggingError, match="Retired from the vocabulary: Nanofat"):
        tagging.answer(study, by=clinician, answers={nanofat.pk: YES})


def test_an_accepted_design_is_the_design_shown(clinician):
    study = make_study("Synthetic trial")
    design = make_tag("des-rct-split", label="Split-face randomised trial", facet=Facet.DESIGN)

    tagging.answer(study, by=clinician, answers={design.pk: YES})

    assert (now(study).design, now(study).design_basis) == ("randomised", "tag")


def test_undoing_puts_back_what_was_there(study, nanofat, clinician):
    tagging.answer(study, by=clinician, answers={nanofat.pk: NO}, reason="First thought.")
    batch = tagging.answer(study, by=clinician, answers={nanofat.pk: YES})

    n = tagging.undo(batch, by=clinician)

    word = StudyTag.objects.get(origin=PERSON)
    assert n == 1
    assert (word.status, word.reason) == (NO, "First thought.")
    assert rule_status(study) == NO
    assert AuditEvent.objects.first().verb == "undid, back to rejected, the word on the tag"
    with pytest.raises(tagging.TaggingError, match="undone already"):
        tagging.undo(batch, by=clinician)


def test_undoing_leaves_what_changed_since(study, nanofat, clinician):
    batch = tagging.answer(study, by=clinician, answers={nanofat.pk: YES})
    tagging.answer(study, by=clinician, answers={nanofat.pk: NO})

    n = tagging.undo(batch, by=clinician)

    assert n == 0
    assert StudyTag.objects.get(origin=PERSON).status == NO


@pytest.mark.parametrize("then", [YES, ""], ids=["said", "taken-back"])
def test_after_a_grouping_an_act_is_undone_only_with_the_grouping(then, study, nanofat, clinician, admin):
    companion = make_study("Companion report")
    batch = tagging.answer(companion, by=clinician, answers={nanofat.pk: YES})
    if not then:
        batch = tagging.take_back(companion, nanofat, by=clinician)
    made = grouping.group(study, companion, by=admin)
    before = set(StudyTag.objects.filter(origin=PERSON).values_list("study", "status"))

    with pytest.raises(tagging.TaggingError, match="undo the grouping first"):
        tagging.undo(batch, by=clinician)
    with pytest.raises(tagging.TaggingError, match="tag it there"):
        tagging.answer(companion, by=clinician, answers={nanofat.pk: NO})

    assert set(StudyTag.objects.filter(origin=PERSON).values_list("study", "status")) == before
    grouping.undo(made, by=admin)
    assert tagging.undo(batch, by=clinician) == 1


def test_a_bulk_act_is_undone_on_the_studies_that_are_studies_still(nanofat, clinician, admin):
    one, other, third = (make_study(f"Report {i}") for i in range(3))
    batch = bulk_tagging.apply([one.pk, other.pk, third.pk], nanofat, by=clinician, adds=True)
    grouping.group(one, other, by=admin)

    assert tagging.undo(batch, by=clinician) == 2
    assert not StudyTag.objects.filter(study=third, origin=PERSON).exists()


def test_only_whoever_did_it_or_an_admin_undoes_an_act(study, nanofat, clinician, reviewer, admin):
    batch = tagging.answer(study, by=clinician, answers={nanofat.pk: YES})

    with pytest.raises(tagging.NotYours):
        tagging.undo(batch, by=reviewer)
    tagging.undo(batch, by=admin)

    assert not StudyTag.objects.filter(origin=PERSON).exists()


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_lose_no_word(study, nanofat, clinician, reviewer):
    together = threading.Barrier(2)
    others = [make_tag(f"other-{n}", facet=Facet.SOURCE) for n in range(2)]

    def tag(by, other):
        together.wait()
        try:
            tagging.answer(study, by=by, answers={nanofat.pk: YES, other.pk: YES})
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tag, args=pair) for pair in zip((clinician, reviewer), others, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert StudyTag.objects.filter(study=study, origin=PERSON, status=YES).count() == 4
    assert now(study).sources == sorted([nanofat.pk, *(tag.pk for tag in others)])
    assert AuditEvent.objects.filter(verb__endswith="ed the tag").count() == 4


# --- many studies ---------------------------------------------------------------------------------


def test_bulk_adds_where_nobody_has_spoken_and_undoes_as_one(nanofat, clinician, reviewer):
    plain, has, rejected = (make_study(f"Synthetic study {n}") for n in range(3))
    tagging.answer(has, by=reviewer, answers={nanofat.pk: YES})
    tagging.answer(rejected, by=reviewer, answers={nanofat.pk: NO})
    ids = [plain.pk, has.pk, rejected.pk]

    planned = bulk_tagging.plan(ids, nanofat, by=clinician, adds=True)
    batch = bulk_tagging.apply(ids, nanofat, by=clinician, adds=True)

    assert planned.study_ids == [plain.pk]
    assert dict(planned.left) == {"have it already": 1, "rejected by somebody": 1}
    assert (batch.said, batch.kind) == ("added “Nanofat” to 1 study", BatchKind.BULK)
    assert now(plain).sources == [nanofat.pk]
    assert tagging.undo(batch, by=clinician) == 1
    assert now(plain).sources == []
    assert now(has).sources == [nanofat.pk]


def test_bulk_removes_ones_own_words_and_rejects_starter_data(nanofat, clinician, reviewer):
    mine, anothers, starter = (make_study(f"Synthetic study {n}") for n in range(3))
    tagging.answer(mine, by=clinician, answers={nanofat.pk: YES})
    tagging.answer(anothers, by=reviewer, answers={nanofat.pk: YES})
    StudyTag.objects.create(study=starter, tag=nanofat, origin=STARTER)
    ids = [mine.pk, anothers.pk, starter.pk]

    bulk_tagging.apply(ids, nanofat, by=clinician, adds=False)

    assert now(mine).sources == []
    assert now(anothers).sources == [nanofat.pk]
    assert now(starter).sources == []


def test_an_admin_removes_others_words_in_bulk_only_with_a_reason(nanofat, clinician, admin):
    study = make_study("Synthetic study")
    tagging.answer(study, by=clinician, answers={nanofat.pk: YES})

    with pytest.raises(tagging.ReasonMissing):
        bulk_tagging.apply([study.pk], nanofat, by=admin, adds=False)
    bulk_tagging.apply([study.pk], nanofat, by=admin, adds=False, reason="Out of scope.")

    assert now(study).sources == []


# --- the vocabulary -------------------------------------------------------------------------------


def test_a_term_in_use_is_never_deleted(study, nanofat, admin):
    unused = make_tag("unused", facet=Facet.SOURCE)

    with pytest.raises(vocabulary_changes.TermInUse):
        vocabulary_changes.delete(nanofat, by=admin)
    vocabulary_changes.delete(unused, by=admin)

    assert list(Tag.objects.all()) == [nanofat]


def test_a_retired_term_keeps_peoples_words_and_loses_what_was_open(study, nanofat, clinician, admin):
    tagged = make_study("Synthetic tagged study")
    tagging.answer(tagged, by=clinician, answers={nanofat.pk: YES})

    vocabulary_changes.retire(nanofat, by=admin)

    assert now(study).n_open_suggestions == 0
    assert now(tagged).sources == [nanofat.pk]


def test_a_merger_moves_every_word_and_is_undone_word_by_word(study, nanofat, clinician, reviewer, admin):
    fat = make_tag("fat", label="Fat graft", facet=Facet.SOURCE)
    child = make_tag("child", facet=Facet.SOURCE, parent=nanofat)
    tagging.answer(study, by=clinician, answers={nanofat.pk: YES, fat.pk: YES})
    tagging.answer(study, by=reviewer, answers={nanofat.pk: YES})
    before = statements()

    batch = vocabulary_changes.merge(nanofat, into=fat, by=admin)

    assert now(study).sources == [fat.pk]
    assert StudyTag.objects.filter(tag=fat, origin=PERSON).count() == 2
    assert Tag.objects.get(pk=nanofat.pk).merged_into == fat
    assert Tag.objects.get(pk=child.pk).parent == fat
    assert "Nanofat" in Tag.objects.get(pk=fat.pk).synonyms

    vocabulary_changes.undo_merge(batch, by=admin)

    assert statements() == before
    assert now(study).sources == sorted([nanofat.pk, fat.pk])
    assert not Tag.objects.get(pk=nanofat.pk).is_retired
    assert Tag.objects.get(pk=child.pk).parent == nanofat
    assert Tag.objects.get(pk=fat.pk).synonyms == []


def statements() -> set[tuple]:
    return set(StudyTag.objects.values_list("study", "tag", "origin", "by", "rule", "status", "reason"))


def test_a_term_merges_only_with_another_of_its_facet_that_is_not_beneath_it(nanofat, admin):
    child = make_tag("child", facet=Facet.SOURCE, parent=nanofat)
    outcome = make_tag("wrinkles", facet=Facet.OUTCOME)

    for into in (nanofat, child, outcome):
        with pytest.raises(vocabulary_changes.TermError):
            vocabulary_changes.merge(nanofat, into=into, by=admin)


def test_loading_the_vocabulary_again_undoes_no_change_of_an_admin(admin):
    load_vocabulary()
    retired, merged, into = (Tag.objects.get(slug=slug) for slug in ("out-wrinkles", "src-nanofat", "src-fat"))
    vocabulary_changes.retire(retired, by=admin)
    vocabulary_changes.merge(merged, into=into, by=admin)

    load_vocabulary()

    assert Tag.objects.get(pk=retired.pk).is_retired
    assert Tag.objects.get(pk=merged.pk).merged_into == into


def test_two_searches_of_one_person_have_two_names(clinician, reviewer):
    searches_kept.keep(by=clinician, name="Nanofat", query_string="?q=nanofat")
    searches_kept.keep(by=reviewer, name="Nanofat", query_string="?q=nanofat")

    with pytest.raises(searches_kept.NameTaken):
        searches_kept.keep(by=clinician, name="Nanofat", query_string="?q=svf")
