"""Incidents as the Table API shows them, and what is asked of it."""

import json
from typing import Any

from handoff.models import Handoff
from tests.relay.conftest import HOST

INCIDENTS = f"{HOST}/api/now/table/incident"
SYS_ID = "1" * 32
TICKET = {
    "number": "INC0010001",
    "sys_id": SYS_ID,
    "url": f"{HOST}/incident.do?sys_id={SYS_ID}",
}


def incident(handoff: Handoff, sys_id: str = SYS_ID) -> dict[str, str]:
    number = f"INC001000{sys_id[0]}"
    return {"sys_id": sys_id, "number": number, "correlation_id": str(handoff.pk)}


def create(http: Any, **answer: Any) -> None:
    """Answer that there is none yet, and then to the wish for one."""
    http.get(INCIDENTS, json={"result": []})
    http.post(INCIDENTS, **answer)


def sent_body(http: Any) -> dict[str, str]:
    """Return what was posted last."""
    body: dict[str, str] = json.loads(http.calls[-1].request.body)
    return body
