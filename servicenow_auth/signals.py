"""What other apps may listen to."""

from django.dispatch import Signal

# Sent with `connection` and `ready` inside the transaction that changes the state:
# what a receiver writes is committed, or lost, together with it.
authorization_changed = Signal()
