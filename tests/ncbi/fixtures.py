"""The local NCBI as pytest fixtures."""

from collections.abc import Iterator

import pytest

from studies.actions import pacing
from tests.ncbi.icite import ICiteServer
from tests.ncbi.jats import articles
from tests.ncbi.registry import RegistryServer
from tests.ncbi.server import NcbiServer
from tests.ncbi.synthetic import corpus


@pytest.fixture
def ncbi(settings) -> Iterator[NcbiServer]:
    """A fresh NCBI of 60 synthetic records and four full texts, and the settings pointing at it."""
    with NcbiServer(corpus(60)) as server:
        for number, article in articles():
            server.shelf.add_pmc(number, article)
        settings.NCBI_BASE_URL = server.url
        settings.NCBI_IDCONV_URL = server.idconv_url
        settings.NCBI_EMAIL = "stratum@example.org"
        yield server


@pytest.fixture
def icite(settings) -> Iterator[ICiteServer]:
    """A fresh iCite that knows nothing yet, and the settings pointing at it."""
    with ICiteServer() as server:
        settings.ICITE_BASE_URL = server.url
        yield server


@pytest.fixture
def registry(settings, monkeypatch) -> Iterator[RegistryServer]:
    """A fresh and empty ClinicalTrials.gov in no need of spacing, and the settings pointing at it."""
    monkeypatch.setattr(pacing, "CTGOV_SECONDS", 0.01)
    with RegistryServer() as server:
        settings.CTGOV_BASE_URL = server.url
        yield server
