"""Rows of the catalogue as the API's answers."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from studies.models import Notice, Search, SearchRun, Study, TrialRegistration
from studies.queries.evidence_map import Cell, EvidenceMap, Head
from studies.queries.facets import Counts
from studies.queries.filters import NOTICES
from studies.queries.news_words import NewsItem
from studies.queries.study import ReportView, StudyPage
from studies.queries.tagging import TagLine
from studies.queries.vocabulary import Vocabulary
from studies.terms import DesignBasis, Facet, NoticeStatus, StudyDesign, TagOrigin

Values = dict[str, Any]


def address(path: str) -> str:
    return f"{settings.SITE_URL}{path}"


def study_line(study: Study, vocabulary: Vocabulary) -> Values:
    ids = [term for facet in Facet.values for term in getattr(study, facet)]
    return {
        "id": study.pk,
        "url": address(study.get_absolute_url()),
        "notice": NoticeStatus(study.notice_status).label if study.notice_status else "",
        "title": study.display_title,
        "authors": study.authors,
        "journal": study.journal,
        "year": study.year,
        "published_on": study.published_on,
        "design": StudyDesign(study.design).value,
        "design_basis": DesignBasis(study.design_basis).label,
        "evidence_level": study.evidence_level,
        "people": study.n_participants,
        "follow_up_months": None if study.follow_up_months is None else float(study.follow_up_months),
        "reports": study.n_reports,
        "registrations": study.n_registrations,
        "has_abstract": study.has_abstract,
        "has_full_text": study.has_full_text,
        "is_starter": study.is_starter,
        "first_seen": study.created_at,
        "terms": [{"term": tag.slug, "label": tag.label, "facet": tag.facet} for tag in vocabulary.leaves(ids)],
    }


def study_whole(page: StudyPage, vocabulary: Vocabulary) -> Values:
    """What the study's page says to the same reader."""
    return study_line(page.study, vocabulary) | {
        "notices": [notice(one, page.study.pk) for one in page.notices],
        "reports_whole": [_report(view) for view in page.reports],
        "tags": [_tag(line) for line in page.shown_tags],
        "protocol": [{"label": fact.label, "value": str(fact.value or "")} for fact in page.protocol],
        "registrations_whole": [
            {
                "number": view.registration.number,
                "registry": view.registration.registry,
                "url": view.registration.url,
                "basis": view.basis,
                "is_of_this_study": view.is_of_this_study,
            }
            for view in page.registrations
        ],
    }


def _report(view: ReportView) -> Values:
    report = view.report
    return {
        "id": report.pk,
        "kind": report.kind,
        "pmid": report.pmid,
        "pmcid": report.pmcid or "",
        "doi": report.doi,
        "title": report.title,
        "authors": list(view.authors),
        "citation": view.citation,
        "published": report.published_raw,
        "source": report.source,
        "publication_types": [str(one.get("name", "")) for one in report.publication_types],
        "abstract": [
            {"label": str(one.get("label") or ""), "text": str(one.get("text") or "")} for one in report.abstract
        ],
        "abstract_copyright": report.abstract_copyright,
        "licence": view.full_text.licence if view.full_text else "",
    }


def _tag(line: TagLine) -> Values:
    said = [
        (TagOrigin.PERSON, bool(line.said)),
        (TagOrigin.STARTER, line.is_starter),
        (TagOrigin.RULE, bool(line.evidence)),
    ]
    return {
        "term": line.tag.slug,
        "label": line.tag.label,
        "facet": line.tag.facet,
        "state": line.state.value,
        "said_by": [origin.value for origin, is_one in said if is_one],
    }


def notice(one: Notice, study: int | None) -> Values:
    return {
        "id": one.pk,
        "study": study,
        "report": one.report.identifier,
        "kind": one.effective_kind,
        "source": one.get_source_display(),
        "issued_on": one.issued_on,
        "first_seen": one.first_seen_at,
        "citation": one.citation,
        "note": one.note,
    }


def facets(counts: Counts, vocabulary: Vocabulary) -> Values:
    by_facet = {
        facet: [
            {"value": tag.slug, "label": tag.label, "count": counts.terms.get(tag.pk, 0)}
            for tag in sorted(vocabulary.by_id.values(), key=lambda tag: (tag.position, tag.pk))
            if tag.facet == facet and counts.terms.get(tag.pk)
        ]
        for facet in Facet
    }
    return {
        "total": counts.total,
        "registered": counts.registered,
        "full_text": counts.full_text,
        "facets": [{"facet": facet.value, "label": facet.label, "terms": terms} for facet, terms in by_facet.items()],
        "designs": _counted(((one.value, one.label) for one in StudyDesign), counts.designs),
        "notices": _counted(((name, name) for name in NOTICES), counts.notices),
    }


def _counted(names: Iterable[tuple[str, str]], counts: Mapping[str, int]) -> list[Values]:
    return [{"value": value, "label": label, "count": counts[value]} for value, label in names if counts.get(value)]


def map_of(shown: EvidenceMap) -> Values:
    return {
        "rows": shown.question.rows.value,
        "columns": shown.question.columns.value,
        "heads": [_head(head) for head in shown.heads],
        "lines": [
            {"head": _head(line.head), "total": _cell(line.total), "cells": [_cell(cell) for cell in line.cells]}
            for line in shown.lines
        ],
        "foot": [_cell(cell) for cell in shown.foot],
        "corner": _cell(shown.corner),
        "searched_at": shown.searched_at,
    }


def _head(head: Head) -> Values:
    return {"label": head.label, "depth": head.depth, "is_outside": head.is_outside}


def _cell(cell: Cell) -> Values:
    return {
        "studies": cell.total,
        "with_notice": cell.n_noticed,
        "query": cell.query,
        "designs": [{"kind": mark.kind.meaning, "count": mark.n} for mark in cell.marks],
        "gap": cell.gap,
        "waiting": cell.n_waiting,
    }


def trial(one: TrialRegistration) -> Values:
    return {
        "id": one.pk,
        "number": one.number,
        "registry": one.registry,
        "url": one.url,
        "title": one.title,
        "status": one.status,
        "enrolment": one.enrolment,
        "start_on": one.start_on,
        "completion_on": one.completion_on,
        "has_results": one.has_results,
        "sponsor": one.sponsor,
        "study": one.study_id,
        "first_seen": one.first_seen_at,
    }


def event(item: NewsItem) -> Values:
    return {
        "id": item.key,
        "at": item.at,
        "kind": item.kind.value,
        "happening": item.happening,
        "title": item.title,
        "detail": item.detail,
        "url": item.url if "://" in item.url else address(item.url),
        "study": item.study,
    }


def search(one: Search, last: SearchRun | None) -> Values:
    """No word of who made it or of its failures: those are the admins'."""
    return {
        "id": one.pk,
        "name": one.name,
        "kind": one.kind,
        "query": one.query,
        "is_paused": one.is_paused,
        "last_success": last.finished_at if last else None,
        "last_found": last.n_found if last else None,
    }
