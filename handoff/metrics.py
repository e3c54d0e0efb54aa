"""What this process counts; what lies in the database is measured when asked for."""

from prometheus_client import Counter

ITEMS = Counter(
    "handoff_items_total", "Outcomes of deliveries", ["direction", "outcome"]
)
CALLBACKS = Counter(
    "handoff_callbacks_total", "Callbacks by what became of them", ["state", "note"]
)
DOORBELL_ERRORS = Counter(
    "handoff_doorbell_errors_total", "Rings that the broker did not take"
)
