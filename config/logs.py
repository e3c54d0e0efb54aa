"""One JSON line an event, with secrets and control characters kept out."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

# What a LogRecord always has; the rest came in through `extra`.
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRETS = re.compile(
    r"(?i)(bearer\s+|basic\s+|(?:client_secret|refresh_token|access_token|password|code"
    r"|code_verifier|token|secret)[\"']?\s*[=:]\s*[\"']?|whsec_|/servicenow/callback/)"
    r"[A-Za-z0-9._~+/=%-]+"
)


def redact(text: str) -> str:
    """Replace what follows the name of a secret by a mark."""
    return _SECRETS.sub(r"\1[redacted]", text)


class JsonFormatter(logging.Formatter):
    """`json.dumps` escapes line breaks and escape codes, so a line stays one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and not name.startswith("_"):
                line[name] = redact(str(value))
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line)


def logging_config(*, level: str) -> dict[str, Any]:
    """Return Django's LOGGING: everything to standard error, one line an event."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "propagate": False},
            # Full URLs, and so callback ids and OAuth codes, are printed at DEBUG.
            "urllib3": {"level": "INFO"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
