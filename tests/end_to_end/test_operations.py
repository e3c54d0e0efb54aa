"""What an operator's probes see of the product's own processes."""

import pytest
import requests

pytestmark = pytest.mark.end_to_end


def test_web_worker_and_beat_together_are_healthy(product):
    worker = product.worker()
    product.web()
    beat = product.beat()

    def is_healthy() -> bool:
        return requests.get(f"{product.url}/healthz/deep", timeout=5).ok

    beat.wait_until(is_healthy)
    assert requests.get(f"{product.url}/readyz", timeout=5).ok
    assert worker.terminate() == 0
    assert beat.terminate() == 0


def test_without_its_migrations_a_web_process_gets_no_traffic(product):
    product.manage("migrate", "handoff", "zero", "--verbosity=0")
    product.web()

    answer = requests.get(f"{product.url}/readyz", timeout=5)

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "failing"}
