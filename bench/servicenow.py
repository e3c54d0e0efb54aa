"""The call that both relays among the baselines make."""

import requests

from bench.settings import SERVICENOW_AUTH, SERVICENOW_URL


def post_message(*, group: str, text: str) -> None:
    url = f"{SERVICENOW_URL}/api/now/connect/conversations/{group}/messages"
    answer = requests.post(
        url, json={"message": text}, auth=SERVICENOW_AUTH, timeout=15
    )
    answer.raise_for_status()
