"""Every setting of the product, read from the environment (see .env.example)."""

from datetime import timedelta
from sys import maxsize
from urllib.parse import urlsplit

from config.broker_options import transport_options
from config.databases import with_options
from config.env import BASE_DIR, env
from config.logs import logging_config

# --- What an operator sets -----------------------------------------------------

SECRET_KEY: str = env.str("SECRET_KEY")
# Newest first: the first seals, all of them open. Apart from SECRET_KEY, so that
# sessions can be ended without losing every credential.
FIELD_ENCRYPTION_KEYS: list[str] = env.list("FIELD_ENCRYPTION_KEYS")

DEBUG = False
# The stand-in ServiceNow on this machine: plain http, loopback only, one factor.
DEMO: bool = env.bool("DEMO", default=False)

# Where browsers, bots and ServiceNow reach us; Callback and Redirect URL begin so.
PUBLIC_URL: str = env.web_address("PUBLIC_URL", default="http://127.0.0.1:8000")
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=[urlsplit(PUBLIC_URL).hostname or "127.0.0.1"]
)
# How many proxies in front of us append to X-Forwarded-For. None is assumed.
TRUSTED_PROXIES: int = env.int("TRUSTED_PROXIES", default=0)

DATABASES = {
    "default": with_options(
        env.database("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
    )
}
REDIS_URL: str = env.redis_address("REDIS_URL", default="")
# Without Redis the doorbell is a folder that web, worker and beat share.
BROKER_DIR: str = env.str("BROKER_DIR", default=str(BASE_DIR / ".broker"))
WORKER_CONCURRENCY: int = env.int("WORKER_CONCURRENCY", default=32)
# To one instance at the same time, of all workers together.
CALLS_PER_CONNECTION: int = env.int("CALLS_PER_CONNECTION", default=4)
WEB_THREADS: int = env.int("WEB_THREADS", default=16)

# Origins besides https://*.service-now.com that a Host URL may name.
SERVICENOW_EXTRA_ORIGINS: list[str] = env.list("SERVICENOW_EXTRA_ORIGINS", default=[])
# Private origins that a bot's webhook may name.
WEBHOOK_EXTRA_ORIGINS: list[str] = env.list("WEBHOOK_EXTRA_ORIGINS", default=[])

METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
LOG_LEVEL: str = env.log_level("LOG_LEVEL", default="INFO")

# --- The lane: LANE_LEASE must exceed REQUEST_DEADLINE by ten seconds or more ------

REQUEST_DEADLINE = timedelta(seconds=env.float("REQUEST_DEADLINE", default=15))
LANE_LEASE = timedelta(seconds=env.float("LANE_LEASE", default=45))
# How long after the deadline ServiceNow may still apply a call: its quota ends it then.
SETTLE_TIME = timedelta(seconds=env.float("SETTLE_TIME", default=60))
# A worker hands a lane back after this long, so that others get their turn.
DRAIN_BUDGET = timedelta(seconds=20)
SWEEP_INTERVAL = timedelta(seconds=2)
POLL_INTERVAL = timedelta(seconds=env.float("POLL_INTERVAL", default=15))
MAX_AGE = timedelta(hours=24)
MAX_ATTEMPTS = 20

# --- Limits on what is accepted ------------------------------------------------------

# A transcript of 200 kB, with every letter of it escaped.
MAX_BODY_BYTES = 1_310_720
# Agent Chat echoes what we sent: 32,000 characters, each of them escaped as a pair.
MAX_CALLBACK_BYTES = 524_288
# The largest file of any bot; each bot has a limit of its own below it.
MAX_ATTACHMENT_BYTES: int = env.int("MAX_ATTACHMENT_BYTES", default=26_214_400)
# The form around an uploaded file has names and borders.
FORM_BYTES = 65_536
# Files that a bot uploaded and has put into no message yet.
MAX_OPEN_UPLOADS = 1_000
# In days: after it the content is deleted.
ATTACHMENT_LIFETIME = timedelta(days=env.float("ATTACHMENT_LIFETIME", default=7))
MAX_JSON_DEPTH = 20
MAX_OPEN_ITEMS = 500
MAX_OPEN_HANDOFFS: int = env.int("MAX_OPEN_HANDOFFS", default=10_000)
RATE_LIMIT_PER_BOT: int = env.int("RATE_LIMIT_PER_BOT", default=6_000)
RATE_LIMIT_STRANGERS: int = env.int("RATE_LIMIT_STRANGERS", default=60)

# --- Django --------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the default one puts its site in ours' place
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "servicenow_auth",
    "handoff",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "handoff.limits.client_address"
# Kept with a failed login as asterisks: a recovery code is still good then.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "otp_token"]
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "Handoff"

_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SECURE_SSL_REDIRECT = False  # the proxy's work; probes come by plain http
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # which asks for that redirect
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# A larger file goes to the disk while it comes in: one piece of it is in memory.
FILE_UPLOAD_MAX_MEMORY_SIZE = 262_144
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "config.uploads.BoundedUploadHandler",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        # The admin alone adds what Unfold needs: handoff.admin.site.
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}

FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# Before `collectstatic` ran (tests, a first look) files come from their packages.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not STATIC_ROOT.exists()
LOGIN_URL = "admin:login"
LOGGING = logging_config(level=LOG_LEVEL)

# --- Libraries -----------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "handoff.api.authentication.ApiKeyAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["handoff.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "handoff.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Handoff",
    "DESCRIPTION": "Hand a conversation to a human agent in ServiceNow and relay it.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "HandoffState": "handoff.models.handoff.State",
        "Role": "handoff.models.message.Role",
    },
    "WEBHOOKS": ["handoff.api.webhook.EVENT_WEBHOOK"],
}
UNFOLD = {
    "SITE_TITLE": "Handoff",
    "SITE_HEADER": "Handoff",
    "SITE_URL": None,
    "SITE_SYMBOL": "support_agent",
    "SHOW_VIEW_ON_SITE": False,
}

# --- Celery: a doorbell, nothing more ------------------------------------------------

CELERY_BROKER_URL = REDIS_URL or "atomicfile://localhost//"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "handoff"
CELERY_TASK_PUBLISH_RETRY = False  # the sweep rings again, and nobody waits for it
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_POOL_LIMIT = 20
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 2
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(
    redis=bool(REDIS_URL), folder=BROKER_DIR
)
# Threads: the work is waiting for the network, and the deadline is our own client's.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = WORKER_CONCURRENCY
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# Celery would open a connection to the database for each task: see config.celery.
CELERY_DB_REUSE_MAX = maxsize
CELERY_TIMEZONE = "UTC"
# One clock for all that is due. A second beat would only ring twice.
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "handoff.tasks.sweep",
        "schedule": SWEEP_INTERVAL,
        "options": {"expires": SWEEP_INTERVAL.total_seconds() * 2},
    },
    "watch": {
        "task": "handoff.tasks.watch",
        "schedule": POLL_INTERVAL,
        "options": {"expires": POLL_INTERVAL.total_seconds()},
    },
}
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
