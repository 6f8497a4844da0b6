"""Reviews as pages: begin one, write its criteria; invite, join, leave; screen without script; the log and files."""

import csv
import io
import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from reviews.actions import team
from reviews.models import Membership, Review
from reviews.queries import audit
from reviews.terms import Decision, Role
from studies.models import AuditEvent, User
from studies.terms import SiteRole
from tests.conftest import PASSWORD
from tests.reviews.conftest import FULL, TITLE, Cast, add_reports

pytestmark = pytest.mark.django_db


def at(cast: Cast, name: str, *arguments: object) -> str:
    return reverse(f"reviews:{name}", args=[cast.review.slug, *arguments])


def sent(lines: list[tuple[str, str, str]]) -> dict[str, str]:
    """What the page of criteria sends: (key, kind, label) a line."""
    data = {}
    for number, (key, kind, label) in enumerate(lines):
        data |= {f"key-{number}": key, f"kind-{number}": kind, f"label-{number}": label}
        data |= {f"description-{number}": "", f"place-{number}": str(number + 1)}
    return data


def test_a_reviewer_begins_a_review_and_leads_it(reviewer_client, reviewer):
    answer = reviewer_client.post(reverse("reviews:new"), {"title": "Nanofat for scars"})

    review = Review.objects.get()
    assert answer.url == reverse("reviews:criteria", args=["nanofat-for-scars"])
    assert (review.created_by, review.memberships.get().role) == (reviewer, Role.LEAD)
    assert {stage.mode for stage in review.stages.all()} == {"double"}
    assert AuditEvent.objects.get(verb="began review").detail == {"review": review.pk}
    assert reviewer_client.post(reverse("reviews:new"), {"title": ""}).status_code == 422
    again = reviewer_client.post(reverse("reviews:new"), {"title": "Nanofat for scars!"})
    assert again.url == reverse("reviews:criteria", args=["nanofat-for-scars-2"])


def test_the_list_shows_public_reviews_to_all_and_others_to_their_team(cast, visitor, stranger, admin_client):
    address = reverse("reviews:reviews")
    title = cast.review.title

    assert title not in visitor.get(address).content.decode()
    assert title not in stranger.get(address).content.decode()
    assert title in cast.client(cast.observer).get(address).content.decode()
    assert title in admin_client.get(address).content.decode()

    cast.review.is_public = True
    cast.review.save()
    page = visitor.get(address).content.decode()
    assert title in page
    assert f'href="{address}"' in page  # and the navigation leads there


def test_a_protocol_is_changed_with_what_was_before_in_the_log(cast):
    client = cast.client(cast.lead)

    client.post(at(cast, "edit"), {"title": cast.review.title, "question": "Which cells?", "is_public": "on"})

    cast.review.refresh_from_db()
    assert (cast.review.question, cast.review.is_public) == ("Which cells?", True)
    detail = AuditEvent.objects.get(verb="changed protocol").detail
    assert detail["before"] == {"question": "Do stem cells rejuvenate skin?", "is_public": False}
    assert client.post(at(cast, "edit"), {"title": ""}).status_code == 422


def test_a_living_review_says_why_and_states_its_status_with_counted_numbers(cast):
    client = cast.client(cast.lead)
    living = {"is_living": "on", "status": "up-to-date", "version": "2"}

    refused = client.post(at(cast, "living"), living)
    kept = client.post(at(cast, "living"), living | {"living_justification": "Evidence changes every month."})
    client.post(at(cast, "status"), {"plans": "Search monthly."})

    assert (refused.status_code, kept.status_code) == (422, 302)
    statement = cast.review.status_statements.get()
    assert (statement.n_new_records, statement.n_new_studies_included, statement.plans) == (3, 0, "Search monthly.")
    page = client.get(cast.review.get_absolute_url()).content.decode()
    assert "Evidence changes every month." in page
    assert "3 new records" in page


def test_criteria_are_written_ordered_and_refused_when_doubled(cast):
    client = cast.client(cast.lead)
    old = [
        (str(one.key), one.kind, one.label)
        for one in cast.review.criteria_versions.first().criteria.order_by("position")
    ]
    page = client.get(at(cast, "criteria")).content.decode()
    assert all(label in page for _, _, label in old)

    doubled = client.post(at(cast, "criteria"), sent([*old, ("", "exclusion", "wrong POPULATION")]))
    client.post(at(cast, "criteria"), sent([*old[::-1], ("", "exclusion", "Animals only")]))

    assert doubled.status_code == 422
    found = list(cast.review.criteria_versions.get().criteria.order_by("position").values_list("label", flat=True))
    assert found == [label for _, _, label in old[::-1]] + ["Animals only"]


def test_a_change_after_the_first_decision_asks_what_to_look_at_again(cast):
    client = cast.client(cast.lead)
    for user in (cast.first, cast.second):
        cast.say(user, cast.reports[0], Decision.EXCLUDE, 0)
    old = [
        (str(one.key), one.kind, one.label)
        for one in cast.review.criteria_versions.first().criteria.order_by("position")
    ]

    answer = client.post(at(cast, "criteria"), sent(old[:4]) | {"why": "Too strict."})
    page = client.get(answer.url).content.decode()
    client.post(answer.url, {"group": "excluded", "why": "All of them"})

    assert answer.url == at(cast, "revisit")
    assert "Taken out: exclusion “No original data”." in page
    assert "Excluded by title and abstract" in page
    cast.reports[0].refresh_from_db()
    assert (cast.reports[0].verdict, cast.reports[0].round) == ("not-screened", 2)
    assert AuditEvent.objects.get(verb="reopened").detail["why"] == "Criteria 2: All of them"


def test_an_invitation_goes_out_by_mail_and_opens_an_account_that_may_do_nothing_else(cast, visitor):
    answer = cast.client(cast.lead).post(at(cast, "invite"), {"email": "New@example.org", "role": "reviewer"})
    link = re.search(r"http://\S+(/reviews/invitation/\S+)", mail.outbox[0].body)[1]
    assert answer.status_code == 302
    assert cast.review.title in mail.outbox[0].body

    page = visitor.get(link)
    wrong = visitor.post(link, {"first_name": "Nora", "password1": "short", "password2": "short"})
    joined = visitor.post(link, {"first_name": "Nora", "password1": PASSWORD, "password2": PASSWORD})

    assert (page.status_code, wrong.status_code, joined.status_code) == (200, 422, 302)
    user = User.objects.get(email="new@example.org")
    assert (user.role, Membership.objects.get(user=user).role) == (SiteRole.VISITOR, Role.REVIEWER)
    assert visitor.get(at(cast, "screening")).status_code == 200
    assert Client().get(link).status_code == 410


def test_somebody_with_an_account_joins_with_it(cast, clinician, clinician_client, visitor):
    cast.client(cast.lead).post(at(cast, "invite"), {"email": clinician.email, "role": "observer"})
    link = re.search(r"(/reviews/invitation/\S+)", mail.outbox[0].body)[1]

    assert "sign in" in visitor.get(link).content.decode()
    assert visitor.post(link, {}).status_code == 422
    assert clinician_client.post(link).status_code == 302
    assert Membership.objects.get(user=clinician).role == Role.OBSERVER


def test_an_invitation_is_sent_again_or_taken_back(cast, visitor):
    client = cast.client(cast.lead)
    client.post(at(cast, "invite"), {"email": "new@example.org", "role": "reviewer"})
    invitation = cast.review.invitations.get()

    twice = client.post(at(cast, "invite"), {"email": "new@example.org", "role": "reviewer"})
    client.post(at(cast, "invitation_resend", invitation.pk))
    links = [re.search(r"(/reviews/invitation/\S+)", message.body)[1] for message in mail.outbox]
    assert twice.status_code == 422
    assert [visitor.get(link).status_code for link in links] == [410, 200]
    client.post(at(cast, "invitation_take_back", invitation.pk))
    assert visitor.get(links[1]).status_code == 410


def test_without_a_mail_server_the_link_is_shown_once(cast, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    page = cast.client(cast.lead).post(at(cast, "invite"), {"email": "new@example.org", "role": "reviewer"})

    assert "/reviews/invitation/" in page.content.decode()


def test_a_member_leaves_and_the_last_lead_cannot(cast):
    left = cast.client(cast.first).post(at(cast, "leave"))
    refused = cast.client(cast.lead).post(at(cast, "leave"))

    assert (left.url, refused.status_code) == (reverse("reviews:reviews"), 422)
    assert cast.review.memberships.active().count() == 4


def test_the_whole_of_a_screen_works_without_script(cast):
    client = cast.client(cast.first)

    card = client.post(at(cast, "take", TITLE)).url
    page = client.get(card).content.decode()
    unsaid = client.post(card, {})
    following = client.post(card, {"decision": "exclude", "note": "No."}).url
    undone = client.post(at(cast, "undo", TITLE)).url

    assert '<mark class="word word--include" title="speaks for inclusion">Fat</mark>' in page
    assert '<mark class="word word--exclude" title="speaks for exclusion">mice</mark>' in page
    assert "Wrong population" in page
    assert unsaid.status_code == 422
    assert following != card == undone
    assert "You said" not in client.get(card).content.decode()


def test_an_exclusion_at_full_text_without_its_reason_is_sent_back(cast):
    candidate = cast.pass_first(cast.reports[0])
    client = cast.client(cast.first)

    refused = client.post(at(cast, "card", FULL, candidate.pk), {"decision": "exclude"})
    kept = client.post(at(cast, "card", FULL, candidate.pk), {"decision": "exclude", "reason": cast.reason(0).pk})

    assert (refused.status_code, kept.status_code) == (422, 302)
    assert "primary reason" in refused.content.decode()


def test_a_pdf_is_kept_for_the_team_and_nothing_else_is(cast, settings, tmp_path):
    from django.core.files.uploadedfile import SimpleUploadedFile

    settings.UPLOADS = tmp_path
    candidate = cast.pass_first(cast.reports[0], retrieved=False)
    client, address = cast.client(cast.first), at(cast, "full_text", candidate.pk)

    wrong = client.post(address, {"pdf": SimpleUploadedFile("x.pdf", b"<script>")})
    none = client.post(address, {})
    kept = client.post(address, {"pdf": SimpleUploadedFile("x.pdf", b"%PDF-1.7 synthetic")})
    served = cast.client(cast.observer).get(at(cast, "pdf", candidate.pk))

    assert (wrong.status_code, none.status_code, kept.status_code) == (422, 422, 302)
    assert b"".join(served.streaming_content) == b"%PDF-1.7 synthetic"
    assert served["Content-Disposition"].startswith("attachment")


def test_what_a_report_says_of_itself_is_text(cast):
    (candidate,) = add_reports(cast, 1, title="<script>alert(1)</script> fat & mice", abstract='<b>Fat</b> " onload=x')
    client = cast.client(cast.first)

    for address in (at(cast, "card", TITLE, candidate.pk), at(cast, "report", candidate.pk), at(cast, "reports")):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_the_exported_decisions_hold_every_word_with_its_circumstances(cast):
    cast.say(cast.first, cast.reports[0], Decision.INCLUDE, note="=1+1")
    cast.say(cast.first, cast.reports[0], Decision.EXCLUDE, 1, also=(cast.reason(2).pk,))
    cast.say(cast.second, cast.reports[0], Decision.EXCLUDE, 1)

    text = cast.client(cast.observer).get(at(cast, "decisions_csv")).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))

    assert [row["decision"] for row in rows] == ["include", "exclude", "exclude"]
    assert rows[0]["superseded_by"] == rows[1]["decision_id"]
    assert rows[0]["note"].startswith("'")  # no spreadsheet runs it
    assert (rows[1]["primary_reason"], rows[1]["secondary_reasons"]) == ("Wrong intervention", "No original data")
    assert {row["criteria_version"] for row in rows} == {"1"}


def test_the_log_tells_every_act_in_words_and_leaves_as_a_file(cast):
    cast.say(cast.first, cast.reports[0], Decision.EXCLUDE, 0)
    cast.say(cast.second, cast.reports[0], Decision.EXCLUDE, 0)
    client = cast.client(cast.observer)

    page = client.get(at(cast, "log")).content.decode()
    rows = list(csv.DictReader(io.StringIO(client.get(at(cast, "log_csv")).content.decode("utf-8-sig"))))

    assert "exclude, Wrong population (title and abstract, criteria 1, 0 s)" in page
    assert [row["who"] for row in rows if row["what"].startswith("screened")] == ["Fiona", "Simon"]
    assert rows[0]["what"] == f"began review: {cast.review.title}"


def test_a_number_in_the_log_is_a_number_and_a_switch_is_yes_or_no(cast):
    seat = cast.seat(cast.first)
    team.change_member(seat, by=cast.lead, role="reviewer", is_expert=True, share=3)
    team.change_member(seat, by=cast.lead, role="reviewer", is_expert=False, share=1)

    last, first = audit.entries(audit.events(cast.review, about=("membership", seat.pk)), cast.lead)

    assert first.before == "role: reviewer; share: 1; is expert: no"
    assert (last.before, last.after) == (first.after, first.before)
    assert last.before == "role: reviewer; share: 3; is expert: yes"


@pytest.mark.parametrize("name", ["reports", "log", "screening", "sources", "review", "decisions_csv", "reports_csv"])
def test_a_page_asks_as_much_for_many_reports_as_for_few(cast, name):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = cast.client(cast.lead)
    client.get(at(cast, name))
    with CaptureQueriesContext(connection) as few:
        client.get(at(cast, name))
    for candidate in add_reports(cast, 6):
        cast.say(cast.first, candidate, Decision.EXCLUDE, 0)
        cast.say(cast.second, candidate, Decision.EXCLUDE, 0)

    with CaptureQueriesContext(connection) as many:
        client.get(at(cast, name))

    assert len(many) <= len(few) + 1  # labels of reasons are asked for where there are any
    assert len(many) < 30
