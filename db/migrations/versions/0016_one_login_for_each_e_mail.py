"""One login for each e-mail, with memberships in clinics: passwords, second factors and subjects move from accounts to logins.

An e-mail with one account gets a login for all clinics. Accounts of one e-mail in several clinics have passwords that cannot be
compared: each gets a login for its clinic alone, unless it is the only active one, until the person joins them. The columns and
the table that are moved stay for servers of the release before.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import idna
import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# The id of a login is that of its first account, to which the encrypted secret of the second factor is bound.
MOVES = (
    """insert into logins (id, email, password_hash, oidc_subject, only_clinic_id, email_verified_at, recorded_at)
        select id, email, password_hash, oidc_subject, case when is_only_one or of_email = 1 then null else clinic_id end,
            null, recorded_at
        from (select *, active and count(*) filter (where active) over (partition by email) = 1 as is_only_one,
                count(*) over (partition by email) as of_email
            from users where password_hash is not null or oidc_subject is not null) accounts""",
    """insert into memberships (login_id, clinic_id, user_id, recorded_at)
        select l.id, u.clinic_id, u.id, u.recorded_at from logins l join users u on u.id = l.id""",
    """update users u set joined_at = m.recorded_at from memberships m where m.clinic_id = u.clinic_id and m.user_id = u.id""",
    """insert into login_second_factors (login_id, secret, bound_clinic_id, confirmed_at, last_step, recorded_at)
        select m.login_id, f.secret, f.clinic_id, f.confirmed_at, f.last_step, f.recorded_at
        from second_factors f join memberships m on m.clinic_id = f.clinic_id and m.user_id = f.user_id""",
)
MOVES_BACK = (
    """update users u set password_hash = l.password_hash, oidc_subject = l.oidc_subject
        from memberships m join logins l on l.id = m.login_id where m.clinic_id = u.clinic_id and m.user_id = u.id""",
    # What was enrolled since is encrypted for a login, which the release before does not know.
    "delete from second_factors",
    """insert into second_factors (clinic_id, id, user_id, secret, confirmed_at, last_step, recorded_at)
        select m.clinic_id, m.user_id, m.user_id, f.secret, f.confirmed_at, f.last_step, f.recorded_at
        from login_second_factors f join memberships m on m.login_id = f.login_id and m.clinic_id = f.bound_clinic_id""",
)


def upgrade() -> None:
    op.create_table(
        "logins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("oidc_subject", sa.Text(), nullable=True),
        sa.Column("only_clinic_id", sa.Uuid(), nullable=True),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_logins_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logins")),
        sa.UniqueConstraint("email", "only_clinic_id", name="uq_logins_email", postgresql_nulls_not_distinct=True),
    )
    op.create_table(
        "reset_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asked_in_clinic_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('password-reset', 'second-factor-reset')", name=op.f("ck_reset_links_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reset_links")),
    )
    op.create_index("ix_reset_links_email", "reset_links", ["email"], unique=False)
    op.create_table(
        "login_second_factors",
        sa.Column("login_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("bound_clinic_id", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["login_id"], ["logins.id"], name=op.f("fk_login_second_factors_login_id")),
        sa.PrimaryKeyConstraint("login_id", name=op.f("pk_login_second_factors")),
    )
    op.create_table(
        "memberships",
        sa.Column("login_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["login_id"], ["logins.id"], name=op.f("fk_memberships_login_id")),
        sa.PrimaryKeyConstraint("login_id", "clinic_id", name=op.f("pk_memberships")),
        sa.UniqueConstraint("clinic_id", "user_id", name=op.f("uq_memberships_clinic_id_user_id")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("login_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["login_id"], ["logins.id"], name=op.f("fk_recovery_codes_login_id")),
        sa.PrimaryKeyConstraint("login_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "invitations",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_mailed", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role in ('admin', 'billing', 'physician', 'attorney', 'analyst')", name=op.f("ck_invitations_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "user_id"], ["users.clinic_id", "users.id"], name=op.f("fk_invitations_clinic_id_user_id")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_invitations_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_invitations")),
    )
    op.create_index(
        "ix_invitations_user",
        "invitations",
        ["clinic_id", sa.literal_column("user_id")],
        unique=False,
    )
    op.add_column(
        "clinics", sa.Column("second_factor_roles", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("users", sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True))
    _write_domains_in_ascii()
    for statement in MOVES:
        op.execute(statement)


def _write_domains_in_ascii() -> None:
    """E-mails of international domains are stored in ASCII from now on; one that an account has already stays as it is."""
    connection = op.get_bind()
    found = connection.execute(sa.text("select clinic_id, id, email from users where email ~ '@.*[^[:ascii:]]'"))
    for clinic_id, user_id, email in found.fetchall():
        local, _, domain = email.rpartition("@")
        try:
            plain = f"{local}@{idna.encode(domain, uts46=True).decode()}"
        except idna.IDNAError:
            continue
        connection.execute(
            sa.text(
                """update users set email = :plain where clinic_id = :clinic_id and id = :id
                and not exists (select from users o where o.clinic_id = :clinic_id and o.email = :plain)"""
            ),
            {"plain": plain, "clinic_id": clinic_id, "id": user_id},
        )


def downgrade() -> None:
    for statement in MOVES_BACK:
        op.execute(statement)
    op.drop_column("users", "joined_at")
    op.drop_column("clinics", "second_factor_roles")
    op.drop_index(
        "ix_invitations_user",
        table_name="invitations",
    )
    op.drop_table("invitations")
    op.drop_table("recovery_codes")
    op.drop_table("memberships")
    op.drop_table("login_second_factors")
    op.drop_index("ix_reset_links_email", table_name="reset_links")
    op.drop_table("reset_links")
    op.drop_table("logins")
