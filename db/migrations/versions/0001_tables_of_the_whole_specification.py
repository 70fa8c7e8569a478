"""Tables of the whole specification

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The database keeps two copies that reads need: who represents an invoice's case now, and who treats in which case.
TRIGGERS = (
    """create function keep_invoice_attorney() returns trigger language plpgsql security definer set search_path from current as $$
    begin
        select attorney_id into new.attorney_id from cases where clinic_id = new.clinic_id and id = new.case_id;
        return new;
    end $$""",
    """create trigger keep_invoice_attorney before insert or update of case_id on invoices
        for each row execute function keep_invoice_attorney()""",
    """create function pass_attorney_to_invoices() returns trigger language plpgsql security definer set search_path from current as $$
    begin
        update invoices set attorney_id = new.attorney_id where clinic_id = new.clinic_id and case_id = new.id;
        return null;
    end $$""",
    """create trigger pass_attorney_to_invoices after update of attorney_id on cases
        for each row when (old.attorney_id is distinct from new.attorney_id) execute function pass_attorney_to_invoices()""",
    """create function keep_treating_physicians() returns trigger language plpgsql security definer set search_path from current as $$
    begin
        insert into treating_physicians (clinic_id, physician_id, case_id, patient_id)
        select distinct clinic_id, physician_id, case_id, patient_id from new_rows where physician_id is not null
        on conflict do nothing;
        return null;
    end $$""",
    """create trigger keep_treating_physicians after insert on encounters
        referencing new table as new_rows for each statement execute function keep_treating_physicians()""",
    """create trigger keep_treating_physicians after insert on invoices
        referencing new table as new_rows for each statement execute function keep_treating_physicians()""",
)


def upgrade() -> None:
    op.create_table(
        "clinics",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("short_name", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="America/New_York", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", name=op.f("pk_clinics")),
        sa.UniqueConstraint("short_name", name=op.f("uq_clinics_short_name")),
    )
    op.create_table(
        "attorneys",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("firm", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("name_fragments", sa.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_attorneys_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_attorneys")),
        sa.UniqueConstraint("clinic_id", "name", "firm", name=op.f("uq_attorneys_clinic_id_name_firm")),
    )
    op.create_table(
        "cpt_codes",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("base_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("bilateral_policy", sa.Text(), server_default="double", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "bilateral_policy in ('double', 'one_and_a_half', 'not_allowed')",
            name=op.f("ck_cpt_codes_bilateral_policy_known"),
        ),
        sa.CheckConstraint("base_price >= 0", name=op.f("ck_cpt_codes_base_price_not_negative")),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_cpt_codes_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_cpt_codes_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_cpt_codes")),
        sa.UniqueConstraint("clinic_id", "code", "valid_from", name=op.f("uq_cpt_codes_clinic_id_code_valid_from")),
    )
    op.create_table(
        "exam_types",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=True),
        sa.Column("selection_rule", sa.Text(), server_default="any", nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "selection_rule in ('any', 'exactly_one', 'at_least_one')", name=op.f("ck_exam_types_selection_rule_known")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "parent_id"],
            ["exam_types.clinic_id", "exam_types.id"],
            name=op.f("fk_exam_types_clinic_id_parent_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_exam_types_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_exam_types")),
    )
    op.create_index(
        "ix_exam_types_parent",
        "exam_types",
        ["clinic_id", sa.literal_column("parent_id"), sa.literal_column("position")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "facilities",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "geographic_factor", sa.Numeric(precision=6, scale=4), server_default=sa.text("1.0000"), nullable=False
        ),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("external_key", sa.Text(collation="C"), nullable=True),
        sa.Column("name_fragments", sa.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("geographic_factor > 0", name=op.f("ck_facilities_factor_positive")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_facilities_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_facilities")),
        sa.UniqueConstraint("clinic_id", "external_key", name=op.f("uq_facilities_clinic_id_external_key")),
    )
    op.create_index(
        "ix_facilities_name",
        "facilities",
        ["clinic_id", sa.literal_column("name"), sa.literal_column("id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "invoice_counters",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_invoice_counters_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "year", name=op.f("pk_invoice_counters")),
    )
    op.create_table(
        "outbound_messages",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("copy_to", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status in ('queued', 'sent', 'failed')", name=op.f("ck_outbound_messages_status_known")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_outbound_messages_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_outbound_messages")),
    )
    op.create_table(
        "patients",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mrn", sa.Text(collation="C"), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("sort_name", sa.Text(collation="C"), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_patients_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_patients")),
        sa.UniqueConstraint("clinic_id", "mrn", name=op.f("uq_patients_clinic_id_mrn")),
    )
    op.create_index(
        "ix_patients_sort",
        "patients",
        ["clinic_id", sa.literal_column("sort_name"), sa.literal_column("id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "physicians",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("npi", sa.Text(collation="C"), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("external_key", sa.Text(collation="C"), nullable=True),
        sa.Column("name_fragments", sa.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_physicians_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_physicians")),
        sa.UniqueConstraint("clinic_id", "external_key", name=op.f("uq_physicians_clinic_id_external_key")),
    )
    op.create_index(
        "ix_physicians_name",
        "physicians",
        ["clinic_id", sa.literal_column("name"), sa.literal_column("id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "reminder_templates",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_reminder_templates_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_reminder_templates")),
        sa.UniqueConstraint("clinic_id", "name", "version", name=op.f("uq_reminder_templates_clinic_id_name_version")),
    )
    op.create_table(
        "cases",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "number_key",
            sa.Text(collation="C"),
            sa.Computed('upper(number collate "C")', persisted=True),
            nullable=True,
        ),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("attorney_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("date_of_injury", sa.Date(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(status = 'settled') = (settled_on is not null)", name=op.f("ck_cases_settled_has_a_day")),
        sa.CheckConstraint("status in ('open', 'settled')", name=op.f("ck_cases_status_known")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attorney_id"],
            ["attorneys.clinic_id", "attorneys.id"],
            name=op.f("fk_cases_clinic_id_attorney_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_cases_clinic_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_cases_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_cases")),
        sa.UniqueConstraint("clinic_id", "id", "patient_id", name=op.f("uq_cases_clinic_id_id_patient_id")),
        sa.UniqueConstraint("clinic_id", "number", name=op.f("uq_cases_clinic_id_number")),
    )
    op.create_index(
        "ix_cases_attorney",
        "cases",
        [
            "clinic_id",
            sa.literal_column("attorney_id"),
            sa.literal_column("opened_on desc"),
            sa.literal_column("id desc"),
        ],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_cases_attorney_patient",
        "cases",
        ["clinic_id", sa.literal_column("attorney_id"), sa.literal_column("patient_id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_cases_number_key",
        "cases",
        ["clinic_id", sa.literal_column("number_key")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_cases_opened",
        "cases",
        ["clinic_id", sa.literal_column("opened_on desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_cases_patient",
        "cases",
        [
            "clinic_id",
            sa.literal_column("patient_id"),
            sa.literal_column("opened_on desc"),
            sa.literal_column("id desc"),
        ],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "patient_names",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("fragment", sa.Text(collation="C"), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_patient_names_clinic_id_patient_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("clinic_id", "fragment", "patient_id", name=op.f("pk_patient_names")),
    )
    op.create_index(
        "ix_patient_names_patient",
        "patient_names",
        ["clinic_id", sa.literal_column("patient_id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "payers",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "listed_name",
            sa.Text(collation="C"),
            sa.Computed("case when kind = 'patient' then 'Patient' else name end", persisted=True),
            nullable=True,
        ),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("attorney_id", sa.Uuid(), nullable=True),
        sa.Column("external_key", sa.Text(collation="C"), nullable=True),
        sa.Column("name_fragments", sa.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('attorney', 'insurance', 'patient')", name=op.f("ck_payers_kind_known")),
        sa.CheckConstraint("patient_id is null or kind = 'patient'", name=op.f("ck_payers_patient_pays_for_self")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attorney_id"],
            ["attorneys.clinic_id", "attorneys.id"],
            name=op.f("fk_payers_clinic_id_attorney_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_payers_clinic_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_payers_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_payers")),
        sa.UniqueConstraint("clinic_id", "external_key", name=op.f("uq_payers_clinic_id_external_key")),
    )
    op.create_index(
        "ix_payers_listed_name",
        "payers",
        ["clinic_id", sa.literal_column("listed_name"), sa.literal_column("id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_payers_name",
        "payers",
        ["clinic_id", sa.literal_column("name"), sa.literal_column("id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "reminder_policies",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payer_kind", sa.Text(), nullable=True),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "facility_id"],
            ["facilities.clinic_id", "facilities.id"],
            name=op.f("fk_reminder_policies_clinic_id_facility_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_reminder_policies_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_reminder_policies")),
        sa.UniqueConstraint("clinic_id", "name", name=op.f("uq_reminder_policies_clinic_id_name")),
    )
    op.create_table(
        "users",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("oidc_subject", sa.Text(), nullable=True),
        sa.Column("attorney_id", sa.Uuid(), nullable=True),
        sa.Column("physician_id", sa.Uuid(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(role = 'attorney') = (attorney_id is not null)", name=op.f("ck_users_attorney_is_somebody")
        ),
        sa.CheckConstraint(
            "(role = 'physician') = (physician_id is not null)", name=op.f("ck_users_physician_is_somebody")
        ),
        sa.CheckConstraint(
            "role in ('admin', 'billing', 'physician', 'attorney', 'analyst')", name=op.f("ck_users_role_known")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attorney_id"],
            ["attorneys.clinic_id", "attorneys.id"],
            name=op.f("fk_users_clinic_id_attorney_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "physician_id"],
            ["physicians.clinic_id", "physicians.id"],
            name=op.f("fk_users_clinic_id_physician_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_users_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_users")),
        sa.UniqueConstraint("clinic_id", "email", name=op.f("uq_users_clinic_id_email")),
    )
    op.create_table(
        "audit_events",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("entities", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("fields", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chain_seq", sa.BigInteger(), nullable=True),
        sa.Column("chain_hash", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "user_id"], ["users.clinic_id", "users.id"], name=op.f("fk_audit_events_clinic_id_user_id")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_audit_events_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("clinic_id", "chain_seq", name=op.f("uq_audit_events_clinic_id_chain_seq")),
    )
    op.create_index(
        "ix_audit_events_at",
        "audit_events",
        ["clinic_id", sa.literal_column("at desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "documents",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("blob_key", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "uploaded_by"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_documents_clinic_id_uploaded_by"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_documents_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_documents")),
    )
    op.create_table(
        "encounters",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("physician_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.Column("external_key", sa.Text(collation="C"), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "case_id", "patient_id"],
            ["cases.clinic_id", "cases.id", "cases.patient_id"],
            name=op.f("fk_encounters_clinic_id_case_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "case_id"], ["cases.clinic_id", "cases.id"], name=op.f("fk_encounters_clinic_id_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "facility_id"],
            ["facilities.clinic_id", "facilities.id"],
            name=op.f("fk_encounters_clinic_id_facility_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_encounters_clinic_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "physician_id"],
            ["physicians.clinic_id", "physicians.id"],
            name=op.f("fk_encounters_clinic_id_physician_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_encounters_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_encounters")),
        sa.UniqueConstraint("clinic_id", "external_key", name=op.f("uq_encounters_clinic_id_external_key")),
    )
    op.create_index(
        "ix_encounters_case",
        "encounters",
        ["clinic_id", sa.literal_column("case_id"), sa.literal_column("service_date")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_encounters_physician",
        "encounters",
        ["clinic_id", sa.literal_column("physician_id"), sa.literal_column("service_date")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "exports",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filter", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("columns", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("rows_written", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("billed_total", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("received_total", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("blob_key", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "requested_by"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_exports_clinic_id_requested_by"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_exports_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_exports")),
    )
    op.create_index(
        "ix_exports_requested",
        "exports",
        ["clinic_id", sa.literal_column("requested_by"), sa.literal_column("created_at desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "fee_schedules",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=True),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "valid_to is null or valid_to > valid_from", name=op.f("ck_fee_schedules_ends_after_it_begins")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "facility_id"],
            ["facilities.clinic_id", "facilities.id"],
            name=op.f("fk_fee_schedules_clinic_id_facility_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "payer_id"],
            ["payers.clinic_id", "payers.id"],
            name=op.f("fk_fee_schedules_clinic_id_payer_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_fee_schedules_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_fee_schedules")),
    )
    op.create_index(
        "ix_fee_schedules_payer",
        "fee_schedules",
        ["clinic_id", sa.literal_column("payer_id"), sa.literal_column("facility_id"), sa.literal_column("valid_from")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "user_id"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_idempotency_keys_clinic_id_user_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_idempotency_keys_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("clinic_id", "user_id", "key", name=op.f("uq_idempotency_keys_clinic_id_user_id_key")),
    )
    op.create_table(
        "reminder_levels",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("after_days", sa.Integer(), nullable=False),
        sa.Column("in_status", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("copy_to", sa.Text(), nullable=True),
        sa.Column("minimum_balance", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("repeat_days", sa.Integer(), nullable=True),
        sa.Column("repeat_times", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "policy_id"],
            ["reminder_policies.clinic_id", "reminder_policies.id"],
            name=op.f("fk_reminder_levels_clinic_id_policy_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "template_id"],
            ["reminder_templates.clinic_id", "reminder_templates.id"],
            name=op.f("fk_reminder_levels_clinic_id_template_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_reminder_levels_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_reminder_levels")),
        sa.UniqueConstraint(
            "clinic_id", "policy_id", "level", name=op.f("uq_reminder_levels_clinic_id_policy_id_level")
        ),
    )
    op.create_table(
        "representations",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("attorney_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "until_on is null or until_on >= from_on", name=op.f("ck_representations_ends_after_it_begins")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attorney_id"],
            ["attorneys.clinic_id", "attorneys.id"],
            name=op.f("fk_representations_clinic_id_attorney_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "case_id"], ["cases.clinic_id", "cases.id"], name=op.f("fk_representations_clinic_id_case_id")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_representations_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_representations")),
    )
    op.create_index(
        "ix_representations_case",
        "representations",
        ["clinic_id", sa.literal_column("case_id"), sa.literal_column("from_on")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "sessions",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="session", nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('session', 'api_token')", name=op.f("ck_sessions_kind_known")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "user_id"], ["users.clinic_id", "users.id"], name=op.f("fk_sessions_clinic_id_user_id")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_sessions_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("clinic_id", "token_hash", name=op.f("uq_sessions_clinic_id_token_hash")),
    )
    op.create_index(
        "ix_sessions_user", "sessions", ["clinic_id", sa.literal_column("user_id")], unique=False, postgresql_where=None
    )
    op.create_table(
        "treating_physicians",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("physician_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "case_id", "patient_id"],
            ["cases.clinic_id", "cases.id", "cases.patient_id"],
            name=op.f("fk_treating_physicians_clinic_id_case_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "physician_id"],
            ["physicians.clinic_id", "physicians.id"],
            name=op.f("fk_treating_physicians_clinic_id_physician_id"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "physician_id", "case_id", name=op.f("pk_treating_physicians")),
    )
    op.create_index(
        "ix_treating_physicians_patient",
        "treating_physicians",
        ["clinic_id", sa.literal_column("physician_id"), sa.literal_column("patient_id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "cheques",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("cheque_date", sa.Date(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("returned_on", sa.Date(), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("imported", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("external_key", sa.Text(collation="C"), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_cheques_amount_positive")),
        sa.CheckConstraint("imported or document_id is not null", name=op.f("ck_cheques_has_a_document")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "document_id"],
            ["documents.clinic_id", "documents.id"],
            name=op.f("fk_cheques_clinic_id_document_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "payer_id"], ["payers.clinic_id", "payers.id"], name=op.f("fk_cheques_clinic_id_payer_id")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_cheques_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_cheques")),
    )
    op.create_index(
        "ix_cheques_received",
        "cheques",
        ["clinic_id", sa.literal_column("received_on desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "uq_cheques_number_not_returned",
        "cheques",
        ["clinic_id", "payer_id", "number"],
        unique=True,
        postgresql_where=sa.text("returned_on is null"),
    )
    op.create_table(
        "encounter_exams",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("encounter_id", sa.Uuid(), nullable=False),
        sa.Column("exam_type_id", sa.Uuid(), nullable=False),
        sa.Column("bilateral", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("units", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("units between 1 and 999", name=op.f("ck_encounter_exams_units_in_range")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "encounter_id"],
            ["encounters.clinic_id", "encounters.id"],
            name=op.f("fk_encounter_exams_clinic_id_encounter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "exam_type_id"],
            ["exam_types.clinic_id", "exam_types.id"],
            name=op.f("fk_encounter_exams_clinic_id_exam_type_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_encounter_exams_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_encounter_exams")),
    )
    op.create_index(
        "ix_encounter_exams_encounter",
        "encounter_exams",
        ["clinic_id", sa.literal_column("encounter_id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "fee_schedule_rates",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fee_schedule_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("rate", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("rate >= 0", name=op.f("ck_fee_schedule_rates_rate_not_negative")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "fee_schedule_id"],
            ["fee_schedules.clinic_id", "fee_schedules.id"],
            name=op.f("fk_fee_schedule_rates_clinic_id_fee_schedule_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_fee_schedule_rates_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_fee_schedule_rates")),
        sa.UniqueConstraint(
            "clinic_id", "fee_schedule_id", "code", name=op.f("uq_fee_schedule_rates_clinic_id_fee_schedule_id_code")
        ),
    )
    op.create_index(
        "ix_fee_schedule_rates_code",
        "fee_schedule_rates",
        ["clinic_id", sa.literal_column("code")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "invoices",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("physician_id", sa.Uuid(), nullable=True),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("encounter_id", sa.Uuid(), nullable=True),
        sa.Column("attorney_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default="pending_invoice", nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_on", sa.Date(), nullable=False),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.Column("submitted_on", sa.Date(), nullable=True),
        sa.Column("submission_method", sa.Text(), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("fully_paid_on", sa.Date(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("billed_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("agreed_amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("received_amount", sa.Numeric(precision=12, scale=2), server_default=sa.text("0"), nullable=False),
        sa.Column("written_off_amount", sa.Numeric(precision=12, scale=2), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "balance",
            sa.Numeric(precision=12, scale=2),
            sa.Computed(
                "case when status in ('void', 'paid', 'written_off') then 0\n    else coalesce(agreed_amount, billed_amount) - received_amount end",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("floor_amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("target_amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("conditional_until", sa.Date(), nullable=True),
        sa.Column("external_key", sa.Text(collation="C"), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "case status\n    when 'pending_invoice' then agreed_amount is null\n    when 'pending_reduction' then agreed_amount is null and submitted_on is not null\n    when 'pending_cheque' then agreed_amount is not null and received_amount < agreed_amount\n    when 'cheque_received' then agreed_amount is not null and received_amount = agreed_amount and fully_paid_on is not null\n    when 'paid' then agreed_amount is not null and received_amount = agreed_amount and paid_on is not null\n    when 'void' then received_amount = 0\n    else true end",
            name=op.f("ck_invoices_status_agrees_with_ledger"),
        ),
        sa.CheckConstraint(
            "status in ('pending_invoice', 'pending_reduction', 'pending_cheque', 'cheque_received', 'paid', 'void', 'written_off')",
            name=op.f("ck_invoices_status_known"),
        ),
        sa.CheckConstraint(
            "submission_method in ('email', 'mail', 'fax', 'portal', 'hand')",
            name=op.f("ck_invoices_submission_method_known"),
        ),
        sa.CheckConstraint(
            "written_off_amount >= 0 and (written_off_amount = 0 or status = 'written_off')",
            name=op.f("ck_invoices_written_off"),
        ),
        sa.CheckConstraint(
            "agreed_amount > 0 and agreed_amount <= billed_amount", name=op.f("ck_invoices_agreed_within_billed")
        ),
        sa.CheckConstraint("billed_amount >= 0", name=op.f("ck_invoices_billed_not_negative")),
        sa.CheckConstraint("floor_amount >= 0 and target_amount >= 0", name=op.f("ck_invoices_limits_not_negative")),
        sa.CheckConstraint("length(number) <= 21", name=op.f("ck_invoices_number_fits_accounting")),
        sa.CheckConstraint(
            "received_amount >= 0 and received_amount <= coalesce(agreed_amount, 0)",
            name=op.f("ck_invoices_received_within_agreed"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attorney_id"],
            ["attorneys.clinic_id", "attorneys.id"],
            name=op.f("fk_invoices_clinic_id_attorney_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "case_id", "patient_id"],
            ["cases.clinic_id", "cases.id", "cases.patient_id"],
            name=op.f("fk_invoices_clinic_id_case_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "case_id"], ["cases.clinic_id", "cases.id"], name=op.f("fk_invoices_clinic_id_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "encounter_id"],
            ["encounters.clinic_id", "encounters.id"],
            name=op.f("fk_invoices_clinic_id_encounter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "facility_id"],
            ["facilities.clinic_id", "facilities.id"],
            name=op.f("fk_invoices_clinic_id_facility_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_invoices_clinic_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "payer_id"], ["payers.clinic_id", "payers.id"], name=op.f("fk_invoices_clinic_id_payer_id")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "physician_id"],
            ["physicians.clinic_id", "physicians.id"],
            name=op.f("fk_invoices_clinic_id_physician_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_invoices_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("clinic_id", "external_key", name=op.f("uq_invoices_clinic_id_external_key")),
        sa.UniqueConstraint("clinic_id", "number", name=op.f("uq_invoices_clinic_id_number")),
    )
    op.create_index(
        "ix_invoices_attorney",
        "invoices",
        [
            "clinic_id",
            sa.literal_column("attorney_id"),
            sa.literal_column("created_on desc"),
            sa.literal_column("id desc"),
        ],
        unique=False,
        postgresql_where=sa.text("status <> 'void'"),
    )
    op.create_index(
        "ix_invoices_attorney_facility",
        "invoices",
        ["clinic_id", sa.literal_column("attorney_id"), sa.literal_column("facility_id")],
        unique=False,
        postgresql_where=sa.text("status <> 'void'"),
    )
    op.create_index(
        "ix_invoices_attorney_payer",
        "invoices",
        ["clinic_id", sa.literal_column("attorney_id"), sa.literal_column("payer_id")],
        unique=False,
        postgresql_where=sa.text("status <> 'void'"),
    )
    op.create_index(
        "ix_invoices_attorney_physician",
        "invoices",
        ["clinic_id", sa.literal_column("attorney_id"), sa.literal_column("physician_id")],
        unique=False,
        postgresql_where=sa.text("status <> 'void'"),
    )
    op.create_index(
        "ix_invoices_balance",
        "invoices",
        ["clinic_id", sa.literal_column("balance desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_billed",
        "invoices",
        ["clinic_id", sa.literal_column("billed_amount desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_case",
        "invoices",
        ["clinic_id", sa.literal_column("case_id"), sa.literal_column("created_on desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_created",
        "invoices",
        ["clinic_id", sa.literal_column("created_on desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_facility",
        "invoices",
        [
            "clinic_id",
            sa.literal_column("facility_id"),
            sa.literal_column("created_on desc"),
            sa.literal_column("id desc"),
        ],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_patient",
        "invoices",
        [
            "clinic_id",
            sa.literal_column("patient_id"),
            sa.literal_column("created_on desc"),
            sa.literal_column("id desc"),
        ],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_payer",
        "invoices",
        [
            "clinic_id",
            sa.literal_column("payer_id"),
            sa.literal_column("created_on desc"),
            sa.literal_column("id desc"),
        ],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_physician",
        "invoices",
        [
            "clinic_id",
            sa.literal_column("physician_id"),
            sa.literal_column("created_on desc"),
            sa.literal_column("id desc"),
        ],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_physician_facility",
        "invoices",
        ["clinic_id", sa.literal_column("physician_id"), sa.literal_column("facility_id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_physician_payer",
        "invoices",
        ["clinic_id", sa.literal_column("physician_id"), sa.literal_column("payer_id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_service",
        "invoices",
        ["clinic_id", sa.literal_column("service_date desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_invoices_status",
        "invoices",
        ["clinic_id", sa.literal_column("status"), sa.literal_column("created_on desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "cheque_allocations",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cheque_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "amount <> 0 and (amount < 0) = (reverses_id is not null)",
            name=op.f("ck_cheque_allocations_reversal_is_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "cheque_id"],
            ["cheques.clinic_id", "cheques.id"],
            name=op.f("fk_cheque_allocations_clinic_id_cheque_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_cheque_allocations_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "reverses_id"],
            ["cheque_allocations.clinic_id", "cheque_allocations.id"],
            name=op.f("fk_cheque_allocations_clinic_id_reverses_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_cheque_allocations_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_cheque_allocations")),
    )
    op.create_index(
        "ix_cheque_allocations_cheque",
        "cheque_allocations",
        ["clinic_id", sa.literal_column("cheque_id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_cheque_allocations_invoice",
        "cheque_allocations",
        ["clinic_id", sa.literal_column("invoice_id"), sa.literal_column("effective_on")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "denials",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("denied_on", sa.Date(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("appeal_due_on", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_denials_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "recorded_by"], ["users.clinic_id", "users.id"], name=op.f("fk_denials_clinic_id_recorded_by")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_denials_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_denials")),
    )
    op.create_index(
        "ix_denials_invoice",
        "denials",
        ["clinic_id", sa.literal_column("invoice_id"), sa.literal_column("denied_on")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "holds",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("payer_id", sa.Uuid(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(invoice_id, case_id, payer_id) = 1", name=op.f("ck_holds_holds_one_thing")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "case_id"], ["cases.clinic_id", "cases.id"], name=op.f("fk_holds_clinic_id_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_holds_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "payer_id"], ["payers.clinic_id", "payers.id"], name=op.f("fk_holds_clinic_id_payer_id")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "placed_by"], ["users.clinic_id", "users.id"], name=op.f("fk_holds_clinic_id_placed_by")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_holds_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_holds")),
    )
    op.create_index(
        "ix_holds_case",
        "holds",
        ["clinic_id", sa.literal_column("case_id")],
        unique=False,
        postgresql_where=sa.text("released_at is null"),
    )
    op.create_index(
        "ix_holds_invoice",
        "holds",
        ["clinic_id", sa.literal_column("invoice_id")],
        unique=False,
        postgresql_where=sa.text("released_at is null"),
    )
    op.create_index(
        "ix_holds_payer",
        "holds",
        ["clinic_id", sa.literal_column("payer_id")],
        unique=False,
        postgresql_where=sa.text("released_at is null"),
    )
    op.create_table(
        "internal_notes",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_internal_notes_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "written_by"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_internal_notes_clinic_id_written_by"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_internal_notes_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_internal_notes")),
    )
    op.create_index(
        "ix_internal_notes_invoice",
        "internal_notes",
        ["clinic_id", sa.literal_column("invoice_id"), sa.literal_column("written_at")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "invoice_events",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("transition", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "by_user_id"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_invoice_events_clinic_id_by_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_invoice_events_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_invoice_events_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_invoice_events")),
        sa.UniqueConstraint("clinic_id", "invoice_id", "seq", name=op.f("uq_invoice_events_clinic_id_invoice_id_seq")),
    )
    op.create_table(
        "invoice_lines",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("bilateral", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("price_source", sa.Text(), nullable=False),
        sa.Column("price_rate", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column(
            "geographic_factor", sa.Numeric(precision=6, scale=4), server_default=sa.text("1.0000"), nullable=False
        ),
        sa.Column("bilateral_factor", sa.Numeric(precision=3, scale=1), server_default=sa.text("1.0"), nullable=False),
        sa.Column("override_reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "price_source in ('payer_facility_rate', 'payer_rate', 'facility_schedule', 'clinic_schedule', 'base_price', 'override')",
            name=op.f("ck_invoice_lines_price_source_known"),
        ),
        sa.CheckConstraint("unit_price >= 0 and amount >= 0", name=op.f("ck_invoice_lines_amounts_not_negative")),
        sa.CheckConstraint("units >= 1", name=op.f("ck_invoice_lines_units_positive")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_invoice_lines_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_invoice_lines_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_invoice_lines")),
        sa.UniqueConstraint(
            "clinic_id", "invoice_id", "position", name=op.f("uq_invoice_lines_clinic_id_invoice_id_position")
        ),
    )
    op.create_table(
        "message_invoices",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("level_id", sa.Uuid(), nullable=False),
        sa.Column("repetition", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_message_invoices_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "level_id"],
            ["reminder_levels.clinic_id", "reminder_levels.id"],
            name=op.f("fk_message_invoices_clinic_id_level_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "message_id"],
            ["outbound_messages.clinic_id", "outbound_messages.id"],
            name=op.f("fk_message_invoices_clinic_id_message_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_message_invoices_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_message_invoices")),
        sa.UniqueConstraint(
            "clinic_id",
            "level_id",
            "invoice_id",
            "repetition",
            name=op.f("uq_message_invoices_clinic_id_level_id_invoice_id_repetition"),
        ),
    )
    op.create_index(
        "ix_message_invoices_invoice",
        "message_invoices",
        ["clinic_id", sa.literal_column("invoice_id")],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "reduction_offers",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("party in ('clinic', 'payer')", name=op.f("ck_reduction_offers_party_known")),
        sa.CheckConstraint(
            "status in ('open', 'superseded', 'accepted', 'declined', 'expired', 'lapsed')",
            name=op.f("ck_reduction_offers_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_reduction_offers_amount_positive")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "document_id"],
            ["documents.clinic_id", "documents.id"],
            name=op.f("fk_reduction_offers_clinic_id_document_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_reduction_offers_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "made_by"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_reduction_offers_clinic_id_made_by"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_reduction_offers_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_reduction_offers")),
        sa.UniqueConstraint(
            "clinic_id", "invoice_id", "round", name=op.f("uq_reduction_offers_clinic_id_invoice_id_round")
        ),
    )
    op.create_table(
        "reminders",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("target_date", sa.Date(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default="scheduled", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status in ('scheduled', 'completed', 'cancelled')", name=op.f("ck_reminders_status_known")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "assignee_id"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_reminders_clinic_id_assignee_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "created_by"], ["users.clinic_id", "users.id"], name=op.f("fk_reminders_clinic_id_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_reminders_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_reminders_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_reminders")),
    )
    op.create_index(
        "ix_reminders_due",
        "reminders",
        ["clinic_id", sa.literal_column("target_date"), sa.literal_column("invoice_id")],
        unique=False,
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_index(
        "ix_reminders_invoice",
        "reminders",
        ["clinic_id", sa.literal_column("invoice_id"), sa.literal_column("target_date")],
        unique=False,
        postgresql_where=None,
    )
    for statement in TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_reminders_invoice", table_name="reminders", postgresql_where=None)
    op.drop_index("ix_reminders_due", table_name="reminders", postgresql_where=sa.text("status = 'scheduled'"))
    op.drop_table("reminders")
    op.drop_table("reduction_offers")
    op.drop_index("ix_message_invoices_invoice", table_name="message_invoices", postgresql_where=None)
    op.drop_table("message_invoices")
    op.drop_table("invoice_lines")
    op.drop_table("invoice_events")
    op.drop_index("ix_internal_notes_invoice", table_name="internal_notes", postgresql_where=None)
    op.drop_table("internal_notes")
    op.drop_index("ix_holds_payer", table_name="holds", postgresql_where=sa.text("released_at is null"))
    op.drop_index("ix_holds_invoice", table_name="holds", postgresql_where=sa.text("released_at is null"))
    op.drop_index("ix_holds_case", table_name="holds", postgresql_where=sa.text("released_at is null"))
    op.drop_table("holds")
    op.drop_index("ix_denials_invoice", table_name="denials", postgresql_where=None)
    op.drop_table("denials")
    op.drop_index("ix_cheque_allocations_invoice", table_name="cheque_allocations", postgresql_where=None)
    op.drop_index("ix_cheque_allocations_cheque", table_name="cheque_allocations", postgresql_where=None)
    op.drop_table("cheque_allocations")
    op.drop_index("ix_invoices_status", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_service", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_physician_payer", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_physician_facility", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_physician", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_payer", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_patient", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_facility", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_created", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_case", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_billed", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_balance", table_name="invoices", postgresql_where=None)
    op.drop_index("ix_invoices_attorney_physician", table_name="invoices", postgresql_where=sa.text("status <> 'void'"))
    op.drop_index("ix_invoices_attorney_payer", table_name="invoices", postgresql_where=sa.text("status <> 'void'"))
    op.drop_index("ix_invoices_attorney_facility", table_name="invoices", postgresql_where=sa.text("status <> 'void'"))
    op.drop_index("ix_invoices_attorney", table_name="invoices", postgresql_where=sa.text("status <> 'void'"))
    op.drop_table("invoices")
    op.drop_index("ix_fee_schedule_rates_code", table_name="fee_schedule_rates", postgresql_where=None)
    op.drop_table("fee_schedule_rates")
    op.drop_index("ix_encounter_exams_encounter", table_name="encounter_exams", postgresql_where=None)
    op.drop_table("encounter_exams")
    op.drop_index(
        "uq_cheques_number_not_returned", table_name="cheques", postgresql_where=sa.text("returned_on is null")
    )
    op.drop_index("ix_cheques_received", table_name="cheques", postgresql_where=None)
    op.drop_table("cheques")
    op.drop_index("ix_treating_physicians_patient", table_name="treating_physicians", postgresql_where=None)
    op.drop_table("treating_physicians")
    op.drop_index("ix_sessions_user", table_name="sessions", postgresql_where=None)
    op.drop_table("sessions")
    op.drop_index("ix_representations_case", table_name="representations", postgresql_where=None)
    op.drop_table("representations")
    op.drop_table("reminder_levels")
    op.drop_table("idempotency_keys")
    op.drop_index("ix_fee_schedules_payer", table_name="fee_schedules", postgresql_where=None)
    op.drop_table("fee_schedules")
    op.drop_index("ix_exports_requested", table_name="exports", postgresql_where=None)
    op.drop_table("exports")
    op.drop_index("ix_encounters_physician", table_name="encounters", postgresql_where=None)
    op.drop_index("ix_encounters_case", table_name="encounters", postgresql_where=None)
    op.drop_table("encounters")
    op.drop_table("documents")
    op.drop_index("ix_audit_events_at", table_name="audit_events", postgresql_where=None)
    op.drop_table("audit_events")
    op.drop_table("users")
    op.drop_table("reminder_policies")
    op.drop_index("ix_payers_name", table_name="payers", postgresql_where=None)
    op.drop_index("ix_payers_listed_name", table_name="payers", postgresql_where=None)
    op.drop_table("payers")
    op.drop_index("ix_patient_names_patient", table_name="patient_names", postgresql_where=None)
    op.drop_table("patient_names")
    op.drop_index("ix_cases_patient", table_name="cases", postgresql_where=None)
    op.drop_index("ix_cases_opened", table_name="cases", postgresql_where=None)
    op.drop_index("ix_cases_number_key", table_name="cases", postgresql_where=None)
    op.drop_index("ix_cases_attorney_patient", table_name="cases", postgresql_where=None)
    op.drop_index("ix_cases_attorney", table_name="cases", postgresql_where=None)
    op.drop_table("cases")
    op.drop_table("reminder_templates")
    op.drop_index("ix_physicians_name", table_name="physicians", postgresql_where=None)
    op.drop_table("physicians")
    op.drop_index("ix_patients_sort", table_name="patients", postgresql_where=None)
    op.drop_table("patients")
    op.drop_table("outbound_messages")
    op.drop_table("invoice_counters")
    op.drop_index("ix_facilities_name", table_name="facilities", postgresql_where=None)
    op.drop_table("facilities")
    op.drop_index("ix_exam_types_parent", table_name="exam_types", postgresql_where=None)
    op.drop_table("exam_types")
    op.drop_table("cpt_codes")
    op.drop_table("attorneys")
    op.drop_table("clinics")
    for function in ("keep_invoice_attorney", "pass_attorney_to_invoices", "keep_treating_physicians"):
        op.execute(f"drop function {function}")
