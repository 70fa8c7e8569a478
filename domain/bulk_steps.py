"""Steps on many records: one request takes the same step with each of them, each in a transaction of its own."""

# The records of one request.
MOST_AT_ONCE = 500
