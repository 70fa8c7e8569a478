"""Steps on many records: one request takes the same step with each of them, each in a transaction of its own."""

from datetime import timedelta

# The records of one request.
MOST_AT_ONCE = 500
# The records of one selection, which is made once and used by several requests.
MOST_SELECTED = 10_000
# How long a selection can be used. Under an idempotency key with which its steps have begun, it can be used until the key is forgotten.
SELECTION_LIFETIME = timedelta(minutes=10)
SELECTIONS_KEPT = timedelta(hours=24)
