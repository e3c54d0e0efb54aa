"""The worker and beat processes: `celery -A config worker`, `celery -A config beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_prerun
from django.db import close_old_connections
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Celery would load all pages for Django's checks, and tell nobody what they found.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")
TRANSPORT_ALIASES["atomicfile"] = "config.broker:Transport"

app = Celery("handoff")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """With a receiver here Celery keeps its hands off LOGGING and LOG_LEVEL."""


@task_prerun.connect
def leave_broken_connections(**_: Any) -> None:
    """Do before a task what Django does before a request.

    A thread keeps its connection to the database (CELERY_DB_REUSE_MAX); one that is too
    old is closed here, and the first statement finds out whether the other side has.
    """
    close_old_connections()
