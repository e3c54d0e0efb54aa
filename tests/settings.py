"""The product's settings with what a test run must not take from its surroundings."""

import os
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet

os.environ["SECRET_KEY"] = "tests-only-" + "0" * 50
os.environ["FIELD_ENCRYPTION_KEYS"] = Fernet.generate_key().decode()

from config.databases import SQLITE_OPTIONS
from config.settings import *

_FILE = Path(tempfile.gettempdir(), f"handoff-test-{os.getpid()}.sqlite3")
# A file, since threads that share a database in memory lock each other out at once.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        # What a power cut would lose is nothing to a test.
        "OPTIONS": SQLITE_OPTIONS
        | {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"},
        "TEST": {"NAME": str(_FILE)},
    }
}
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
