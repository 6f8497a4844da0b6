"""The story of surveillance: what happens outside, step by step, what Stratum does then, and all that it remembers."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from django.apps import apps
from django.db import connection
from django.db.models import DateTimeField
from django.utils import timezone

from studies import tasks
from studies.actions import alerts, searching, tagging, watching
from studies.actions.starter import load_vocabulary
from studies.models import (
    AuditEvent,
    CitationCount,
    CitationLink,
    Digest,
    Finding,
    Notice,
    RegistrationMention,
    Report,
    ReportEvent,
    RequestCount,
    RequestSlot,
    Search,
    SearchRun,
    SentItem,
    Study,
    StudyGrouping,
    StudyTag,
    Subscription,
    Tag,
    TrialEvent,
    TrialLink,
    TrialRegistration,
    User,
)
from studies.queries import news
from studies.terms import AlertSubject, Frequency, NewsKind, RunKind, SiteRole, TagStatus
from tests import mailbox
from tests.ncbi import words
from tests.ncbi.icite import ICiteServer
from tests.ncbi.registry import RegistryServer, trial
from tests.ncbi.server import Fault, NcbiServer
from tests.ncbi.synthetic import article_xml

TODAY = date.today()
LONG_AGO, LAST_MONTH = TODAY - timedelta(days=900), TODAY - timedelta(days=40)
A_WEEK = 8  # days: more than a week, so that what is due weekly is due
WRINKLES, LAXITY, SCARS, LINES, HANDS, RESULTS, NOTICE = 71, 72, 73, 74, 75, 76, 99
TITLES = {
    WRINKLES: "Adipose-derived stem cells for facial wrinkles",
    LAXITY: "Stromal vascular fraction for laxity of the neck",
    SCARS: "Bone marrow cells for acne scars",
    LINES: "Nanofat for periorbital lines",
    HANDS: "Fibroblasts for ageing hands",
    RESULTS: "Cultured fat cells in photoaged skin: a randomised trial",
}
ONE, TWO, THREE = "NCT00000001", "NCT00000002", "NCT00000003"
CELLS = {ONE: "Fat cells for photoaging", TWO: "Exosomes for melasma", THREE: "Stem cells for crow's feet"}
DAILY_READER, ALERT_READER = "daily@example.org", "alert@example.org"


# --- The world outside ----------------------------------------------------------------------------
@dataclass
class World:
    """The sources that Stratum asks, and the mail server that it writes through."""

    pubmed: NcbiServer
    icite: ICiteServer
    registry: RegistryServer
    post: mailbox.Server

    def publish(self, pmid: int, *, revised: date = TODAY, **facts) -> None:
        facts = {
            "title": f"{TITLES[pmid]}.",
            "abstract": [("", "", "Skin rejuvenation: the wrinkle severity score improved after a year.")],
            "created": LONG_AGO if pmid < LINES else TODAY,
            "publication_types": [words.ARTICLE],
            "mesh": [(ui, name, False, []) for ui, name in words.HUMAN_TAGS],
            "pmcid": None,
        } | facts
        self.pubmed.shelf.add(article_xml(pmid, revised=revised, **facts))

    def cite(self, pmid: int, count: int) -> None:
        self.icite.knows(pmid, count, cited_by=list(range(8001, 8001 + count)))
        self.pubmed.shelf.link("pubmed_pubmed_citedin", pmid, list(range(9001, 9001 + count)))

    def register(self, number: str, **values) -> None:
        dates = {"primary": f"{TODAY + timedelta(days=200):%Y-%m}", "completion": f"{TODAY + timedelta(days=300)}"}
        dates |= {"start": f"{LONG_AGO:%Y-%m}", "posted": f"{LONG_AGO}"}
        values = {"title": CELLS[number], "updated": f"{TODAY}"} | dates | values
        self.registry.put(trial(number, **values))

    def update(self, number: str, **modules) -> None:
        self.registry.change(number, f"{TODAY}", **modules)


def as_it_was(world: World) -> None:
    for pmid in (WRINKLES, LAXITY, SCARS):
        world.publish(pmid, revised=LAST_MONTH)
        world.cite(pmid, 2)
    for number in (ONE, TWO):
        world.register(number, updated=f"{LAST_MONTH}")


def new_records_are_found(world: World) -> None:
    world.publish(LINES)
    world.publish(HANDS)
    world.register(THREE)
    world.pubmed.faults.append(Fault("efetch", "429", retry_after=0))


def a_record_changes(world: World) -> None:
    world.publish(WRINKLES, title="Adipose-derived stem cells for facial wrinkles: a corrected title.")
    world.pubmed.faults.append(Fault("esearch", "500"))


def one_is_retracted(world: World) -> None:
    # Not revised, so that no search asks for it again: the weekly look at what somebody depends on finds it.
    world.publish(
        LAXITY,
        revised=LAST_MONTH,
        publication_types=[words.ARTICLE, words.RETRACTED],
        comments=[("RetractionIn", "Synth J Skin. 2026", NOTICE, None)],
    )


def trials_change_status(world: World) -> None:
    world.update(ONE, statusModule={"overallStatus": "COMPLETED"})
    world.update(TWO, statusModule={"overallStatus": "TERMINATED", "whyStopped": "No participants were found"})
    world.registry.faults.append(Fault("studies", "503"))
    for pmid in TITLES:
        world.cite(pmid, 5)


def results_are_posted(world: World) -> None:
    world.update(
        ONE, hasResults=True, statusModule={"resultsFirstPostDateStruct": {"date": f"{TODAY}", "type": "ACTUAL"}}
    )


def a_publication_names_its_trial(world: World) -> None:
    world.publish(RESULTS, databanks=[("ClinicalTrials.gov", [ONE])])


STORY = (
    new_records_are_found,
    a_record_changes,
    one_is_retracted,
    trials_change_status,
    results_are_posted,
    a_publication_names_its_trial,
)
# What each step is told as, once to whoever asked for a daily mail of everything.
TOLD = {
    new_records_are_found: [
        f"New study: {TITLES[LINES]}.",
        f"New study: {TITLES[HANDS]}.",
        f"New trial: {CELLS[THREE]}",
    ],
    a_record_changes: [f"Title corrected at the source: {TITLES[WRINKLES]}: a corrected title."],
    one_is_retracted: [f"Retraction: {TITLES[LAXITY]}."],
    trials_change_status: [f"Trial now completed: {CELLS[ONE]}", f"Trial terminated: {CELLS[TWO]}"],
    results_are_posted: [f"Results posted: {CELLS[ONE]}"],
    a_publication_names_its_trial: [f"New study: {TITLES[RESULTS]}.", f"Publication linked: {CELLS[ONE]}"],
}
ALL_TOLD = [head for heads in TOLD.values() for head in heads]
GRAVE = [f"Retraction: {TITLES[LAXITY]}.", f"Trial terminated: {CELLS[TWO]}"]


# --- Stratum --------------------------------------------------------------------------------------
def begin(world: World) -> None:
    """The sources as they were; the vocabulary, two searches and the standing jobs, all of them due."""
    for server in (world.pubmed, world.registry, world.icite):
        server.faults.clear()
    world.registry.studies.clear()
    world.icite.papers.clear()
    for pmid in list(world.pubmed.shelf.entries):
        world.pubmed.shelf.remove(pmid)
    world.pubmed.shelf.links.clear()
    world.post.__init__()
    as_it_was(world)
    load_vocabulary()
    daily = f"0 {(timezone.now().hour + 12) % 24} * * *"  # far from now: nothing becomes due by itself meanwhile
    for name, kind, query in (
        ("Cells for skin", RunKind.SEARCH, "rejuvenation[tiab]"),
        ("Trials of cells", RunKind.TRIALS, "query.cond=skin aging"),
        ("Records again", RunKind.REFRESH, ""),
        ("Registrations again", RunKind.REGISTRATIONS, ""),
        ("Citations", RunKind.CITATIONS, ""),
    ):
        searching.create_search(by="setup", name=name, kind=kind, query=query, schedule=daily)
    make_due()


def people_follow() -> None:
    """A clinician tags what is there; two people ask for mails; a review depends on one study."""
    User.objects.create_user("clinician@example.org", role=SiteRole.CLINICIAN, first_name="Clara")
    tag({"reports__pmid": WRINKLES}, "src-adsc")
    tag({"reports__pmid": LAXITY}, "src-svf")
    tag({"registrations__number": ONE}, "src-adsc")
    watching.check_weekly([Study.objects.get(reports__pmid=LAXITY).pk])
    for email, frequency in ((DAILY_READER, Frequency.DAILY), (ALERT_READER, Frequency.IMMEDIATE)):
        alerts.follow(
            by=User.objects.create_user(email, role=SiteRole.CLINICIAN),
            about=AlertSubject.EVERYTHING,
            subject=None,
            frequency=frequency,
            kinds=NewsKind.values,
            max_items=20,
            lookback_days=30,
        )


def tag(study: dict, source: str) -> None:
    """The clinician puts a study into one cell of the map."""
    terms = Tag.objects.filter(slug__in=(source, "out-wrinkles"))
    answers = {term.pk: TagStatus.ACCEPTED for term in terms}
    tagging.answer(Study.objects.get(**study), by=User.objects.get(first_name="Clara"), answers=answers)


def beat() -> None:
    """What the clock does: start what is due, carry on what was left behind, write and send the mails."""
    tasks.tick()
    tasks.tell()


def make_due() -> None:
    """Every search and every subscription is due now, whatever its hour."""
    Search.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    Subscription.objects.update(next_due_at=timezone.now() - timedelta(minutes=1))


def days_pass(days: int) -> None:
    """All that Stratum remembers is so many days older, its append-only logs too."""
    with connection.cursor() as cursor:
        for model in set(apps.get_app_config("studies").get_models()) - {RequestCount, RequestSlot}:
            times = [f.column for f in model._meta.local_concrete_fields if isinstance(f, DateTimeField)]
            sets = ", ".join(f'"{name}" = "{name}" - %(span)s' for name in times)
            if sets:
                table = f'"{model._meta.db_table}"'
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # the logs refuse to change
                cursor.execute(f"UPDATE {table} SET {sets}", {"span": timedelta(days=days)})  # noqa: S608
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


# --- What came of it ------------------------------------------------------------------------------
SHOWN = {
    Study: ("reports__pmid", "registrations__number", "grouped_into__title"),
    Report: ("study__title",),
    ReportEvent: ("report__pmid",),
    Notice: ("report__pmid",),
    RegistrationMention: ("report__pmid", "registration__number"),
    TrialRegistration: ("study__title", "alias_of__number"),
    TrialEvent: ("registration__number", "report__pmid"),
    TrialLink: ("registration__number", "report__pmid"),
    StudyGrouping: ("kept__title", "other__title"),
    StudyTag: ("study__title", "tag__slug", "by__email", "report__pmid"),
    CitationCount: ("report__pmid",),
    CitationLink: (),
    SentItem: ("user__email", "digest__subject"),
    Digest: ("user__email",),
    Subscription: ("user__email",),
}
RUNS = {SearchRun: ("search__name",), Finding: ("run__kind", "report__pmid", "registration__number")}
# Numbers and secrets that no two stories share; what is shown otherwise; and what a kill may well change: how often
# somebody had to begin, and whether a mail is known to have arrived.
OWN = {"object_id", "token", "search_vector", "text", "html", "n_attempts"}
FATE = {"state", "failure"}


def remembered(*, with_runs: bool = False) -> dict[str, list]:
    """Every row that surveillance writes, without ids and times, with the news and the mails as people read them."""
    models = SHOWN | (RUNS if with_runs else {})
    shown = {model.__name__: rows(model, *names) for model, names in models.items()}
    acts = AuditEvent.objects.exclude(verb__in=() if with_runs else ("requested run of",))
    shown["acts"] = sorted(Counter(acts.values_list("actor", "verb")).items())
    shown["news"] = sorted((item.kind, item.headline, item.detail) for item in news.page((), size=500).items)
    shown["mails"] = sorted((d.user.email, d.kind, bare(d.text)) for d in Digest.objects.select_related("user"))
    return shown


def rows(model: type, *names: str) -> list[str]:
    own = OWN | (FATE if model is Digest else set())
    fields = [f for f in model._meta.concrete_fields if not (f.primary_key or f.is_relation or f.name in own)]
    plain = [f.name for f in fields if not isinstance(f, DateTimeField)]
    return sorted(map(repr, model._default_manager.values(*plain, *names)))


def bare(text: str) -> str:
    """A mail without the numbers in its addresses."""
    return re.sub(r"(/stop/)[\w-]+|(/studies/)\d+", r"\1\2", text)
