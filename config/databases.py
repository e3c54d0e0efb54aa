"""How a database is opened: what was committed lasts, and nothing waits for ever."""

from typing import Any

SQLITE_OPTIONS = {
    # BEGIN IMMEDIATE: a write lock taken late fails at once instead of waiting.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
POSTGRES_OPTIONS = {
    # What is asked again and again is planned once for a connection.
    "server_side_binding": True,
    "prepare_threshold": 5,
    "options": "-c statement_timeout=5s -c lock_timeout=3s"
    " -c idle_in_transaction_session_timeout=10s -c synchronous_commit=on",
}


def with_options(database: dict[str, Any]) -> dict[str, Any]:
    """Complete what DATABASE_URL says to an entry of Django's DATABASES."""
    sqlite = database["ENGINE"].endswith("sqlite3")
    ours = SQLITE_OPTIONS if sqlite else POSTGRES_OPTIONS
    return database | {
        # What the address asks for, such as ?sslmode=verify-full, is kept.
        "OPTIONS": database.get("OPTIONS", {}) | ours,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
