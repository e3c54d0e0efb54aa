"""The demo bot's own Django settings; it shares none with the product."""

import hashlib
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

BOT_NAME = os.environ.get("DEMO_BOT_NAME", "Demo bot")
PRODUCT_URL = os.environ["DEMO_BOT_PRODUCT_URL"].rstrip("/")
# Pictures come from the product, and avatars from an instance on this machine.
IMAGE_HOSTS = ["127.0.0.1", "localhost"]
IMAGE_ORIGIN = "{0.scheme}://{0.netloc}".format(urlsplit(PRODUCT_URL))

DATA = Path(os.environ["DEMO_BOT_DATA"])

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
# Nothing signed outlives the process: chats are kept by rows, not by signed cookies.
SECRET_KEY = secrets.token_urlsafe(50)

INSTALLED_APPS = ["handoff.sandbox.demo_bot"]
ROOT_URLCONF = "handoff.sandbox.demo_bot.urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    # Refuses names that are not ours: a page may have rebound one to this machine.
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA / "demo_bot.sqlite3",
        "OPTIONS": {
            "timeout": 20,
            # Writers queue at BEGIN; a later upgrade from read to write cannot wait.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
APPEND_SLASH = False

# Browsers share cookies between the ports of one host: this one is of this store alone.
CONVERSATION_COOKIE_NAME = (
    f"demo_bot_{hashlib.sha256(str(DATA).encode()).hexdigest()[:12]}"
)
CSRF_COOKIE_NAME = "demo_bot_csrf"
CSRF_COOKIE_HTTPONLY = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "connect-src": ["'self'"],
        "img-src": [
            "'self'",
            IMAGE_ORIGIN,
            *(f"http://{host}:*" for host in IMAGE_HOSTS),
        ],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # One line a poll and a second would bury everything else.
    "loggers": {"django.server": {"handlers": ["stderr"], "level": "WARNING"}},
}
