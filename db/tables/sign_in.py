"""The tables that protect sign-in: failed attempts by e-mail and address (lockout), and second factors."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from db.tables.base import clinic_table, metadata, moment, refers

# A sign-in attempt belongs to no clinic yet, so that this table's key cannot begin with one. The key is a keyed hash of what is
# counted: neither e-mails nor addresses are stored.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    # The begin of the window in which failures are counted.
    Column("since_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    # When the failures are reset: the end of the window, or of the lockout.
    moment("until_at"),
    # Keyed hash of an account → how many of the failures are its own: a successful sign-in resets only those.
    Column("by_account", JSONB, nullable=False, server_default=text("'{}'")),
    # Until when the address counts as known for the e-mail: any of its accounts has signed in there.
    moment("known_until", nullable=True),
    # Keyed hash of an account → until when the address counts as known for this account.
    Column("known_accounts", JSONB, nullable=False, server_default=text("'{}'")),
)

second_factors = clinic_table(
    "second_factors",
    *refers("user_id", "users"),
    # Encrypted with the server's key and bound to this user.
    Column("secret", LargeBinary, nullable=False),
    moment("confirmed_at", nullable=True),
    # The time step of the code that was used last.
    Column("last_step", BigInteger),
    UniqueConstraint("clinic_id", "user_id"),
)
