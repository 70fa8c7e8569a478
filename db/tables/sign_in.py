"""The tables of logins (one for each person), of what protects them, and of the invitations by which accounts get one."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.tables.base import clinic_table, index, metadata, moment, one_of, recorded_at, refers, words
from domain.access.one_time_links import RESETS
from domain.access.people import Role

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

# Of the release before, and read by no code; the next release drops it.
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

# A login belongs to a person, who may have accounts in several clinics, so that the key of these tables cannot begin with one.
logins = Table(
    "logins",
    metadata,
    Column("id", Uuid, primary_key=True),
    words("email"),
    # Null where the person signs in by the identity provider alone.
    Column("password_hash", Text),
    Column("oidc_subject", Text),
    # The only clinic of the login: set where an e-mail had accounts with passwords of their own before logins were shared.
    Column("only_clinic_id", Uuid),
    # When the person proved that the mailbox is theirs; null where an invitation was not sent by mail.
    moment("email_verified_at", nullable=True),
    recorded_at(),
    UniqueConstraint("email", "only_clinic_id", name="uq_logins_email", postgresql_nulls_not_distinct=True),
    CheckConstraint("email = lower(email)", name="email_lower"),
)

# The accounts that a login has accepted. One counts only while it is active, has joined and has the e-mail of the login.
memberships = Table(
    "memberships",
    metadata,
    Column("login_id", Uuid, ForeignKey("logins.id"), primary_key=True),
    Column("clinic_id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    recorded_at(),
    UniqueConstraint("clinic_id", "user_id"),
)

login_second_factors = Table(
    "login_second_factors",
    metadata,
    Column("login_id", Uuid, ForeignKey("logins.id"), primary_key=True),
    # Encrypted with the server's key and bound to this login, or to this login and the clinic in which it was made.
    Column("secret", LargeBinary, nullable=False),
    Column("bound_clinic_id", Uuid),
    moment("confirmed_at", nullable=True),
    # The time step of the code that was used last.
    Column("last_step", BigInteger),
    recorded_at(),
)

# Each code signs in once instead of a code of the authenticator app.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("login_id", Uuid, ForeignKey("logins.id"), primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    recorded_at(),
)

# Requests for a new password, or for an end of the second factor. They are recorded for every e-mail, so that nothing shows which
# of them has a login.
reset_links = Table(
    "reset_links",
    metadata,
    Column("id", Uuid, primary_key=True),
    words("email"),
    Column("kind", Text, nullable=False),
    # The clinic whose administrator has asked; it tells which login is meant where an e-mail has several.
    Column("asked_in_clinic_id", Uuid),
    moment("expires_at"),
    moment("used_at", nullable=True),
    moment("sent_at", nullable=True),
    moment("next_attempt_at"),
    recorded_at(),
    one_of("kind", RESETS),
    Index("ix_reset_links_email", "email"),
)

# An account waits for its invitation to be accepted; of several invitations to one account only the newest is valid.
invitations = clinic_table(
    "invitations",
    *refers("user_id", "users"),
    words("email"),
    Column("role", Text, nullable=False),
    Column("is_mailed", Boolean, nullable=False),
    moment("expires_at"),
    moment("accepted_at", nullable=True),
    moment("revoked_at", nullable=True),
    moment("sent_at", nullable=True),
    moment("next_attempt_at"),
    one_of("role", Role),
    index("ix_invitations_user", "user_id"),
)
