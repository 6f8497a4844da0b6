"""Makers of catalogue rows for tests; everything in them is synthetic."""

from collections.abc import Iterable
from datetime import date
from itertools import count

from django.utils import timezone

from studies.actions.study_rows import refresh_studies
from studies.models import FullText, Notice, RegistrationMention, Report, Study, StudyTag, Tag, TrialRegistration
from studies.terms import DatePrecision, Facet, MentionBasis, NoticeKind, TagOrigin, TagStatus

_numbers = count(700_000_001)


def make_tag(slug: str, facet: Facet = Facet.SOURCE, *, parent: Tag | None = None, **values: object) -> Tag:
    values = {"label": slug.replace("-", " ").capitalize(), "position": next(_numbers) % 30_000, **values}
    return Tag.objects.create(slug=slug, facet=facet, parent=parent, **values)


def make_report(study: Study, **values: object) -> Report:
    """A PubMed article of `study`; `year` stands for a whole date, `abstract` may be one text."""
    number = next(_numbers)
    year = values.pop("year", 2020)
    if isinstance(values.get("abstract"), str):
        values["abstract"] = [{"label": "", "category": "", "text": values["abstract"]}] if values["abstract"] else []
    defaults = {
        "pmid": number,
        "doi": f"10.5555/synthetic.{number}",
        "source": "pubmed",
        "title": f"Synthetic study {number}",
        "journal": "Synthetic Journal of Skin",
        "journal_abbreviation": "Synth J Skin",
        "authors": [{"last": "Doe", "fore": "Jane", "initials": "J"}],
        "published_on": date(year, 1, 1),
        "published_raw": str(year),
        "published_precision": DatePrecision.YEAR,
    }
    return Report.objects.create(study=study, **(defaults | values))


def make_study(
    title: str = "", *, tags: Iterable[Tag] = (), report: dict | None = None, design: str = "", **values: object
) -> Study:
    """A study with one report (`report={}` for one of defaults), its tags by a person's word, and its row refreshed.

    `design` is written over what the row would derive.
    """
    study = Study.objects.create(**values)
    make_report(study, **({"title": title} if title else {}), **(report or {}))
    for tag in tags:
        give_tag(study, tag)
    refresh_studies([study.pk])
    if design:
        Study.objects.filter(pk=study.pk).update(design=design)
    study.refresh_from_db()
    return study


def give_tag(
    study: Study, tag: Tag, *, origin: str = TagOrigin.PERSON, status: str = TagStatus.ACCEPTED, **values: object
) -> StudyTag:
    return StudyTag.objects.create(study=study, tag=tag, origin=origin, status=status, **values)


def make_notice(study: Study, kind: str = NoticeKind.RETRACTION, **values: object) -> Notice:
    """A notice on the study's first report, the study's row refreshed."""
    values = {"key": str(next(_numbers)), "issued_on": timezone.now().date(), **values}
    notice = Notice.objects.create(report=study.reports.order_by("pk")[0], kind=kind, **values)
    refresh_studies([study.pk])
    return notice


def make_registration(study: Study, number: str, *, is_own: bool = True, **values: object) -> TrialRegistration:
    """A registration of the study, or one that its report's text only names."""
    owner = study if is_own else None
    registration = TrialRegistration.objects.create(number=number, registry=number[:3], study=owner, **values)
    basis = MentionBasis.DATABANK if is_own else MentionBasis.TEXT
    RegistrationMention.objects.create(report=study.reports.order_by("pk")[0], registration=registration, basis=basis)
    refresh_studies([study.pk])
    return registration


def make_full_text(study: Study, *, licence: str = "CC BY 4.0", **values: object) -> FullText:
    values = {
        "licence_url": "https://creativecommons.org/licenses/by/4.0/" if licence else "",
        "has_body": True,
        "sections": [{"heading": "Methods", "level": 1, "paragraphs": ["Synthetic methods."], "captions": []}]
        if licence
        else [],
        **values,
    }
    text = FullText.objects.create(report=study.reports.order_by("pk")[0], licence=licence, **values)
    refresh_studies([study.pk])
    return text
