"""What a web process counts by itself; the rest is read from the database."""

from prometheus_client import Counter

DOORBELL_ERRORS = Counter(
    "handoff_doorbell_errors_total", "Rings that the broker did not take"
)
