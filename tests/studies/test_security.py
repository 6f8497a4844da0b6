"""What keeps a page safe: headers, cookies, escaping, bounds."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from studies.models import Finding, Report, Search, SearchRun, Study
from studies.terms import FindingResult, RunKind, RunState
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPT = "<script>alert('synthetic')</script>"


def policy_of(answer) -> dict[str, list[str]]:
    parts = [part.split() for part in answer["Content-Security-Policy"].split(";") if part.strip()]
    return {part[0]: part[1:] for part in parts}


ANSWERS = {
    "a page": "/studies/",
    "the sign-in page": "/sign-in/",
    "a page that is not there": "/nothing-here/",
    "a page that sends to sign in": "/sync/",
    "Django's admin": "/admin/",
    "the answer to a monitor": "/healthz",
}


@pytest.mark.parametrize("path", ANSWERS.values(), ids=ANSWERS.keys())
def test_every_answer_carries_a_strict_policy(admin_client, path):
    answer = admin_client.get(path)

    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_refusal_and_a_static_file_carry_the_policy_too(clinician_client):
    refusal = clinician_client.get(reverse("studies:sync"))
    file = clinician_client.get(staticfiles_storage.url("css/tokens.css"))

    assert refusal.status_code == 403
    assert file.status_code == 200
    assert policy_of(refusal) == policy_of(file)
    assert file["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_has_nothing_that_the_policy_forbids(path):
    text = path.read_text()
    if "emails" in path.parts:
        # A mail stands under no policy, and its reader fetches no style sheet.
        text = re.sub(r"<style>.*?</style>", "", text, flags=re.S)

    assert not re.search(r"\sstyle\s*=|<style|\son\w+\s*=\s*[\"']|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\|\s*safe\b(?!seq)", text.replace("field.help_text|safe", "")), "only our own help texts"
    assert "autoescape off" not in text


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(visitor, clinician):
    answer = visitor.post(reverse("login"), {"username": clinician.email, "password": PASSWORD})

    cookie = answer.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_signing_in_gives_a_new_session(visitor, clinician):
    session = visitor.session
    session["mark"] = "set before"
    session.save()
    before = visitor.cookies["sessionid"].value if "sessionid" in visitor.cookies else session.session_key

    visitor.post(reverse("login"), {"username": clinician.email, "password": PASSWORD})

    assert visitor.cookies["sessionid"].value != before


@pytest.mark.parametrize(("url", "is_https"), [("https://stratum.example", True), ("http://stratum.example", False)])
def test_cookies_and_redirects_follow_the_configured_address(url, is_https):
    code = (
        "import json; from config import settings as s; print(json.dumps([s.SESSION_COOKIE_SECURE,"
        " s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"STRATUM_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [is_https] * 4


def test_nothing_that_a_source_or_a_person_wrote_is_rendered_as_markup(admin_client, admin):
    admin.first_name = SCRIPT
    admin.save()
    study = Study.objects.create(title=SCRIPT, authors=SCRIPT, journal=SCRIPT)
    report = Report.objects.create(study=study, title=SCRIPT, pmid=900000001)
    search = Search.objects.create(name=SCRIPT, query=SCRIPT)
    run = SearchRun.objects.create(
        search=search,
        kind=RunKind.SEARCH,
        asked=SCRIPT,
        state=RunState.FAILED,
        translation=SCRIPT,
        warnings=[SCRIPT],
        failure=SCRIPT,
        by=admin,
    )
    Finding.objects.create(run=run, position=1, identifier=SCRIPT, result=FindingResult.REJECTED, reason=SCRIPT)
    Finding.objects.create(run=run, position=2, identifier="2", result=FindingResult.CREATED, report=report)
    pages = [
        reverse("studies:sync"),
        reverse("studies:search_edit", args=[search.pk]),
        reverse("studies:runs"),
        run.get_absolute_url(),
        reverse("studies:people"),
        reverse("studies:studies"),
        study.get_absolute_url(),
        reverse("admin:studies_report_change", args=[report.pk]),
    ]

    texts = [admin_client.get(page).content.decode() for page in pages]

    assert not [page for page, text in zip(pages, texts, strict=True) if SCRIPT in text]
    assert all("&lt;script&gt;" in text for text in texts)


def test_a_body_larger_than_an_import_may_be_is_refused_before_it_is_read(admin_client, settings):
    settings.UPLOAD_MEGABYTES = 1
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 200_000
    file = SimpleUploadedFile("large.nbib", b"PMID- 1\n" * 300_000)

    answer = admin_client.post(reverse("studies:import"), {"file": file})

    assert answer.status_code == 413
    assert not SearchRun.objects.exists()


def test_only_an_admin_may_send_a_large_body_and_only_to_the_import(admin_client, clinician_client, visitor, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20_000

    def send(client, path: str) -> int:
        return client.post(path, {"file": SimpleUploadedFile("x.nbib", b"x" * 30_000)}).status_code

    assert send(visitor, reverse("login")) == 413
    assert send(clinician_client, reverse("studies:import")) == 413
    assert send(admin_client, reverse("studies:sync")) == 413
    assert send(admin_client, reverse("studies:import")) == 422
