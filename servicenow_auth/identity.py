"""Which user ServiceNow takes us for: one row of `sys_user`, by the Table API."""

from dataclasses import dataclass
from typing import Any

from servicenow_auth.exceptions import NotAuthorized

PATH = "/api/now/table/sys_user"
PARAMS: dict[str, str | int] = {
    "sysparm_query": "sys_id=javascript:gs.getUserID()",
    "sysparm_fields": "sys_id,user_name,name",
    "sysparm_limit": 2,
}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The ServiceNow user that we act as."""

    sys_id: str
    user_name: str
    name: str


def read_identity(answer: dict[str, Any]) -> Identity:
    """Return who we are, or raise NotAuthorized.

    A part of a query that ServiceNow does not understand is ignored by it: two rows
    mean that it did not answer what was asked.
    """
    rows = answer.get("result")
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
        raise NotAuthorized(
            "ServiceNow did not say which user we are: the integration user must be "
            "able to read its own record in the table sys_user."
        )
    sys_id, user_name = rows[0].get("sys_id"), rows[0].get("user_name")
    if not (isinstance(sys_id, str) and sys_id and isinstance(user_name, str)):
        raise NotAuthorized("ServiceNow's record of our user has no sys_id.")
    name = str(rows[0].get("name") or user_name)
    return Identity(sys_id=sys_id[:32], user_name=user_name[:255], name=name)
