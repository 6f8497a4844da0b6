"""The door for gunicorn."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import_module("config.celery")  # so that what a page asks for goes where the worker's app looks
application = get_wsgi_application()
