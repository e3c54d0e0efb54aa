"""How the doorbell's broker is spoken to: nothing waits for it for long."""

from typing import Any

REDIS = {
    "visibility_timeout": 120,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    # What a frozen Redis costs the call that meets it first; then nobody rings.
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "retry_on_timeout": False,
    "global_keyprefix": "handoff:",
}


def transport_options(*, redis: bool, folder: str) -> dict[str, Any]:
    """Return kombu's options for Redis, or for a folder that all processes share."""
    if redis:
        return REDIS
    return {
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": f"{folder}/control",
        "polling_interval": 0.02,
    }
