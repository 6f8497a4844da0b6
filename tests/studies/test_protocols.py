"""Protocols: quantities with their units, what is not reported counted, what nobody has extracted kept apart."""

from urllib.parse import parse_qs

import pytest
from django.urls import reverse

from studies.models import Study
from studies.queries.filters import Filters
from studies.queries.plots import short, strip
from studies.queries.protocols import ASKED, Protocols, protocols, span_of
from studies.queries.vocabulary import Vocabulary
from studies.terms import NoticeStatus, StudyDesign


def treated(protocol: dict | None, **fields) -> Study:
    """A synthetic study of people with these facts; with None, one that nobody has extracted."""
    starter = {} if protocol is None else {"category": "human", "protocol": protocol}
    values = {"title": "Synthetic treatment", "design": StudyDesign.RANDOMISED, "year": 2020} | fields
    return Study.objects.create(starter=starter, **values)


def read(address: str = "") -> Protocols:
    vocabulary = Vocabulary()
    return protocols(Filters.read(lambda name: parse_qs(address).get(name, []), vocabulary.by_slug), vocabulary)


@pytest.mark.django_db
def test_what_a_report_does_not_say_is_counted_and_what_nobody_has_read_is_not():
    treated({"sessions": 3, "dose": {"value": 20_000_000, "unit": "cells"}})
    treated({"sessions": 3})
    treated({})
    treated(None)

    found = read()

    counts = {column.label: (column.n_reported, column.n_missing, column.share) for column in found.columns}
    assert counts["Sessions"] == (2, 1, 67)
    assert counts["Dose"] == (1, 2, 33)
    assert counts["Plane"] == (0, 3, 0)
    assert (found.n_studies, found.n_not_extracted) == (3, 1)


@pytest.mark.django_db
def test_every_quantity_carries_its_unit():
    treated(
        {
            "concentration": {"min": 10_000_000, "max": 30_000_000, "unit": "cells/mL"},
            "volume": {"value": 0.4, "unit": "mL"},
            "interval_weeks": 1,
            "plane": "intradermal",
        }
    )

    values = dict(zip((name for name, _, _ in ASKED), read().rows[0].values, strict=True))

    assert values == {
        "dose": "",
        "concentration": "10,000,000 to 30,000,000 cells/mL",
        "volume": "0.4 mL",
        "sessions": "",
        "interval_weeks": "1 week",
        "plane": "intradermal",
        "device": "",
    }


@pytest.mark.django_db
def test_different_units_never_share_an_axis():
    treated({"dose": {"value": 1e7, "unit": "cells"}})
    treated({"dose": {"value": 3e7, "unit": "cells"}})
    treated({"dose": {"value": 5e9, "unit": "exosomes"}})
    treated({"dose": {"min": 1e9, "max": 2e9, "unit": "exosomes"}})
    treated({"dose": {"value": 2, "unit": "mg"}})

    assert {plot.label: len(plot.spots) for plot in read().strips} == {"Dose, cells": 2, "Dose, exosomes": 2}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "design", [StudyDesign.SYSTEMATIC_REVIEW, StudyDesign.REGISTERED, StudyDesign.ANIMAL, StudyDesign.PROTOCOL]
)
def test_only_studies_that_treated_people_have_a_protocol_here(design):
    treated({"sessions": 3}, design=design)

    found = read()

    assert (found.rows, found.n_not_extracted) == ((), 0)


@pytest.mark.django_db
def test_the_filters_of_the_list_hold_here_too(visitor):
    treated({"sessions": 3}, title="Synthetic early treatment", year=2001)
    treated({"sessions": 4}, title="Synthetic late treatment", year=2021)

    page = visitor.get(reverse("studies:protocols") + "?year_from=2010&year_to=soon").content.decode()

    assert "Synthetic late treatment" in page
    assert "Synthetic early treatment" not in page
    assert "year_to=soon" in page  # said to be not understood
    assert "From 2010" in page


@pytest.mark.django_db
def test_a_retraction_reaches_the_table(visitor):
    treated({"sessions": 3}, notice_status=NoticeStatus.RETRACTED)

    page = visitor.get(reverse("studies:protocols")).content.decode()

    assert "<b>Retracted</b>" in page


@pytest.mark.django_db
def test_without_any_protocol_the_page_says_so(visitor):
    assert "No protocol has been extracted" in visitor.get(reverse("studies:protocols")).content.decode()


@pytest.mark.parametrize(
    ("value", "span"),
    [
        (3, (3, 3)),
        ({"value": 2.5, "unit": "mL"}, (2.5, 2.5)),
        ({"min": 1, "max": 2}, (1, 2)),
        ({"min": 20_000_000, "unit": "cells/mL"}, (20_000_000, 20_000_000)),
        ({"values": [92, 23]}, (23, 92)),
        ({"unit": "mL"}, None),
        ("as needed", None),
        (True, None),
        (None, None),
    ],
)
def test_a_fact_spans_the_numbers_it_gives(value, span):
    assert span_of(value) == span


def test_equal_values_are_stacked_and_far_ones_share_a_line():
    plot = strip("Sessions", [(3, 3, "a"), (3, 3, "b"), (1, 1, "c")])

    heights = {spot.label: spot.y for spot in plot.spots}
    assert heights["a"] > heights["b"]
    assert heights["c"] == heights["a"]


def test_an_axis_over_powers_of_ten_steps_by_them():
    plot = strip("Dose", [(60_000, 60_000, "a"), (100_000_000, 100_000_000, "b")])

    assert plot.is_log
    assert [tick.label for tick in plot.ticks] == ["10 k", "100 k", "1 M", "10 M", "100 M"]
    assert all(0 <= spot.x <= plot.width for spot in plot.spots)


@pytest.mark.parametrize(("value", "said"), [(0, "0"), (2.5, "2.5"), (1500, "1.5 k"), (2e7, "20 M"), (5e9, "5 bn")])
def test_numbers_of_an_axis_are_short(value, said):
    assert short(value) == said
