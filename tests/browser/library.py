"""A catalogue with one of everything: the starter library, 500 synthetic studies, full texts, runs, people."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

from django.utils import timezone

from studies.actions import accounts, alerts, catalogue, trials
from studies.actions.starter import load_starter, load_vocabulary
from studies.actions.study_rows import refresh_studies
from studies.models import (
    AuditEvent,
    CitationCount,
    CitationLink,
    Digest,
    Finding,
    Heartbeat,
    ICiteMeasures,
    Notice,
    Report,
    ReportEvent,
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
from studies.sources import jats, pubmed_xml
from studies.sources.clinicaltrials_json import read
from studies.sources.record import Reading
from studies.sources.registration_table import registration_of
from studies.terms import (
    AlertSubject,
    BatchKind,
    CitationSource,
    DigestKind,
    DigestState,
    FindingResult,
    Frequency,
    NewsKind,
    ReportEventKind,
    RunKind,
    RunState,
    SiteRole,
)
from tests.conftest import PASSWORD
from tests.ncbi.jats import FIRST, articles
from tests.ncbi.registry import trial
from tests.ncbi.synthetic import FIRST_PMID, HEAD, TAIL, corpus

N_STUDIES = 500


def fill() -> dict[str, object]:
    """Write the catalogue and name one row of each kind that an address may ask for."""
    load_vocabulary()
    load_starter()
    admin = User.objects.create_admin("admin@example.org", PASSWORD, first_name="Ada")
    search = Search.objects.create(
        name="Synthetic search", query="synthetic[tiab] " * 20, schedule="0 3 * * 1", next_run_at=timezone.now()
    )
    run = _finished(search, admin)
    texts = [article for _, article in articles()]
    for text in texts:
        catalogue.upsert(list(jats.read(BytesIO(text), Reading())), source="pmc", by=admin)
    registration, proposal = _trials()
    invitation, secret = accounts.invite(by=admin, email="guest@example.org", role=SiteRole.CLINICIAN)
    Heartbeat.objects.create(name="worker")
    person = User.objects.create_user("clinician@example.org", PASSWORD, first_name="Clara")
    _cited(Report.objects.get(pmid=FIRST_PMID))
    return {
        "admin": admin,
        "search": search,
        "run": run,
        "runs": [run, *_other_runs(admin)],
        "study": Study.objects.get(reports__pmid=FIRST_PMID),
        "studies": _studies_worth_seeing(),
        "report": Report.objects.get(pmid=FIRST_PMID),
        "notice": Notice.objects.first(),
        "tag": Tag.objects.first(),
        "person": person,
        "invitation": invitation,
        "invitation secret": secret,
        "reset": accounts.reset_token(person, by=admin),
        "batch": TagBatch.objects.create(by=admin, kind=BatchKind.STUDY, said="accepted Synthetic", n_studies=1),
        "event": AuditEvent.objects.first(),
        "registration": registration,
        "proposal": proposal,
        "subscription": _followed(admin),
    }


def _trials() -> tuple[TrialRegistration, TrialLink]:
    """A registration by hand that an admin may edit, trials with every kind of event, and a link that waits."""
    stopped = {"status": "TERMINATED", "count": 12, "primary": "2024-05", "completion": "2028-01"}
    papers = [(FIRST_PMID, "RESULT")]
    for said in (
        [trial("NCT00000001"), trial("NCT00000002", primary="2020-01", status="COMPLETED"), trial("NCT00000003")],
        [trial("NCT00000001", **stopped), trial("NCT00000003", papers=papers, official="A long title " * 12)],
    ):
        trials.upsert([read(study) for study in said], source="registry", is_found=True)
    by_hand = registration_of({"number": "ISRCTN12345678", "title": "Fat cells for scars", "status": "Recruiting"})
    trials.upsert([by_hand], source="person", is_found=True)
    return TrialRegistration.objects.get(number="ISRCTN12345678"), TrialLink.objects.get(report__pmid=FIRST_PMID)


def _followed(admin: User) -> Subscription:
    """All news by mail, and a mail of each state that looks its own way."""
    for state in (DigestState.SENT, DigestState.UNCERTAIN):
        Digest.objects.create(user=admin, kind=DigestKind.WEEKLY, state=state, subject="Synthetic", text="-", html="-")
    return alerts.follow(
        by=admin,
        about=AlertSubject.EVERYTHING,
        subject=None,
        frequency=Frequency.WEEKLY,
        kinds=NewsKind.values,
        max_items=20,
        lookback_days=30,
    )


def _finished(search: Search, admin: User) -> SearchRun:
    """A run that brought the 500 studies, with a log that has every kind of result."""
    now = timezone.now()
    run = SearchRun.objects.create(
        search=search,
        kind=RunKind.SEARCH,
        asked=search.query,
        state=RunState.FINISHED,
        by=admin,
        planned_at=now,
        started_at=now - timedelta(minutes=1),
        finished_at=now,
        n_found=N_STUDIES,
        n_fetched=N_STUDIES,
        n_created=N_STUDIES,
        translation='"synthetic"[Title/Abstract]',
        warnings=["An invented phrase was not found."],
    )
    records = list(pubmed_xml.read(BytesIO(HEAD + b"".join(corpus(N_STUDIES)) + TAIL), Reading()))
    taken = catalogue.upsert(records, source="pubmed", by=run)
    results = [FindingResult.CREATED, FindingResult.CHANGED, FindingResult.REJECTED, FindingResult.VANISHED]
    Finding.objects.bulk_create(
        Finding(
            run=run,
            position=place,
            identifier=str(record.pmid),
            report_id=what.report_id,
            result=results[place % 4 if place < 20 else 0],
            reason="A synthetic reason." if place % 4 > 1 and place < 20 else "",
        )
        for place, (record, what) in enumerate(zip(records, taken, strict=True), start=1)
    )
    return run


def _cited(report: Report) -> None:
    """Counts of two sources over a year, iCite's measures, citations to and fro, and what has changed."""
    today = timezone.localdate()
    for place in range(12):
        day = (today.replace(day=1) - timedelta(days=30 * place)).replace(day=10)
        facts = {"report": report, "month": day.replace(day=1), "counted_on": day}
        CitationCount.objects.get_or_create(**facts, source=CitationSource.ICITE, count=90 - 4 * place)
    elink = {"report": report, "source": CitationSource.ELINK, "month": today.replace(day=1), "counted_on": today}
    CitationCount.objects.create(**elink, count=41)
    CitationCount.objects.create(**elink, count=3, is_doubtful=True)
    shares = {"human": Decimal("0.55"), "animal": Decimal("0.2"), "molecular": Decimal("0.25")}
    ICiteMeasures.objects.create(report=report, rcr=Decimal("2.345"), n_clinical=3, is_provisional=True, **shares)
    pairs = [(FIRST_PMID + n, FIRST_PMID) for n in range(1, 6)] + [(FIRST_PMID, FIRST_PMID + n) for n in range(6, 9)]
    pairs += [(FIRST_PMID + n, 80_000_000 + m) for n in range(30) for m in range(1, 30 - n)]
    pairs += [(70_000_000 + n, FIRST_PMID) for n in range(4)]
    CitationLink.objects.bulk_create(
        CitationLink(citing_pmid=citing, cited_pmid=cited, source=CitationSource.ICITE) for citing, cited in pairs
    )
    changed = {"report": report, "kind": ReportEventKind.FIELD_CHANGED}
    ReportEvent.objects.create(**changed, field="title", old="A synthetic titel", new="A synthetic title")
    ReportEvent.objects.create(**changed, field="abstract", old="An invented sentence. " * 40, new="Another one.")
    refresh_studies([report.study_id])


def _other_runs(admin: User) -> list[SearchRun]:
    """A file that was refused in part, one that waits, one that stands still; of each state that looks its own way."""
    states = {RunState.FAILED: "The file ends in the middle of a record.", RunState.PAUSED: "", RunState.CANCELLED: ""}
    runs = [
        SearchRun.objects.create(
            kind=RunKind.FILE, asked=f"a-long-file-name-of-a-{state}-import.nbib" * 3, state=state, failure=failure
        )
        for state, failure in states.items()
    ]
    other = Search.objects.create(name="Running", query="nanofat", is_paused=True, schedule="0 3 * * *")
    going = SearchRun.objects.create(
        search=other, kind=RunKind.SEARCH, asked="nanofat", state=RunState.RUNNING, by=admin, n_found=90, n_fetched=40
    )
    return [*runs, going]


def _studies_worth_seeing() -> list[Study]:
    """A starter study with a registration, a retracted one, one with its full text, one without a licence for it."""
    return [
        Study.objects.filter(is_starter=True, n_registrations__gt=0).exclude(title="").order_by("pk").first(),
        Study.objects.get(reports__pmid=FIRST_PMID + 7),
        Study.objects.get(reports__pmcid=f"PMC{FIRST}"),
        Study.objects.get(reports__pmcid=f"PMC{FIRST + 1}"),
    ]
