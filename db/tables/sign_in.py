"""Decides what is stored to defend sign-in: attempts by e-mail and address, and second factors."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, UniqueConstraint

from db.tables.base import clinic_table, metadata, moment, refers

# Whoever tries to sign in is of no clinic yet, so that this table's key cannot begin with one. The key is a keyed hash of what
# is counted: neither an e-mail nor an address stands here.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    # When the failures are forgotten: the end of the window, or of the lock.
    moment("until_at"),
    # Until when an address counts as one at which the e-mail has signed in.
    moment("known_until", nullable=True),
)

second_factors = clinic_table(
    "second_factors",
    *refers("user_id", "users"),
    # Encrypted under the server's key, for this user alone.
    Column("secret", LargeBinary, nullable=False),
    moment("confirmed_at", nullable=True),
    # The half minute whose code was used last.
    Column("last_step", BigInteger),
    UniqueConstraint("clinic_id", "user_id"),
)
