"""What every test may ask for."""

import config.celery  # noqa: F401 - tells shared tasks which app they belong to
