"""The local NCBI as pytest fixtures."""

from collections.abc import Iterator

import pytest

from tests.ncbi.jats import articles
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
