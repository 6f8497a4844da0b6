"""The Celery app; its settings are Django's that begin with CELERY_."""

import logging
import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("stratum")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["studies", "reviews"])
app.conf.include = ["config.heart"]
# The log of `up` already names the process.
app.conf.worker_log_format = "%(levelname)s %(name)s: %(message)s"
app.conf.worker_task_log_format = "%(levelname)s %(task_name)s: %(message)s"
# The filesystem transport has no host, and says so at each connection.
logging.getLogger("kombu.connection").setLevel(logging.ERROR)
# Seven lines about root at each start; tasks come as JSON, so that no message can carry code.
warnings.simplefilter("ignore", SecurityWarning)
