"""What other apps may listen to."""

from django.dispatch import Signal

# Sent with `connection`, `ready` and `detail`, which says why it is not, inside the
# transaction that changes the state: what a receiver writes is committed, or lost,
# together with it. A receiver that is told of `ready` locks nothing before the commit.
authorization_changed = Signal()

# Sent with `connection` and `user_name` before we act as another ServiceNow user than
# so far; a receiver that raises AnotherUser keeps the connection from being ready.
user_changing = Signal()

# Sent with `connection`, as the first one is, when a pause is over.
calls_resumed = Signal()
