"""The tables of the parties to a bill: patients, payers, attorneys, physicians, facilities."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKeyConstraint,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import (
    address,
    clinic_table,
    index,
    is_duplicate,
    metadata,
    moment,
    normal_form,
    one_of,
    refers,
    words,
)
from domain.access.people import PayerKind
from domain.parties import Sex


def _fragments(name: str = "name") -> tuple[Column[list[str]], Column[str]]:
    """What a search of the name matches, and the normal form of the name, which is the first of it."""
    fragments: Column[list[str]] = Column(
        "name_fragments", ARRAY(Text(collation="C")), nullable=False, server_default=text("'{}'")
    )
    return fragments, normal_form("name_key", computed=f"coalesce(name_fragments[1], lower({name}))")


patients = clinic_table(
    "patients",
    words("mrn"),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    words("sort_name"),
    Column("birth_date", Date),
    Column("sex", Text),
    Column("phone", Text),
    Column("email", Text),
    Column("address", Text),
    *address("address"),
    normal_form("mrn_key"),
    normal_form("phone_key"),
    is_duplicate(),
    moment("retired_at", nullable=True),
    *refers("merged_into_id", "patients", nullable=True),
    UniqueConstraint("clinic_id", "mrn"),
    one_of("sex", Sex),
    index("ix_patients_sort", "sort_name", "id"),
    index("ix_patients_mrn_key", "mrn_key"),
    index("ix_patients_merged", "merged_into_id", where="merged_into_id is not null"),
    index("ix_patients_phone_key", "phone_key"),
    index("uq_patients_mrn_key", "mrn_key", where="not is_duplicate and mrn_key is not null", unique=True),
)

# The search index of patients' names: a range condition on this table can use an index under row-level security, LIKE cannot.
patient_names = Table(
    "patient_names",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    words("fragment"),
    Column("patient_id", Uuid, nullable=False),
    PrimaryKeyConstraint("clinic_id", "fragment", "patient_id"),
    ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"], ondelete="CASCADE"),
    index("ix_patient_names_patient", "patient_id"),
)

firms = clinic_table(
    "firms",
    words("name"),
    Column("email", Text),
    Column("phone", Text),
    Column("fax", Text),
    Column("address", Text),
    *address("address"),
    *_fragments(),
    moment("retired_at", nullable=True),
    index("ix_firms_name", "name", "id"),
    index("uq_firms_name_key", "name_key", unique=True),
)

attorneys = clinic_table(
    "attorneys",
    words("name"),
    # The name of the firm as the attorney's record spells it; readers get the name of the firm itself. A later release drops it.
    words("firm"),
    *refers("firm_id", "firms"),
    Column("email", Text),
    Column("phone", Text),
    *_fragments("name || ' ' || firm"),
    is_duplicate(),
    moment("retired_at", nullable=True),
    UniqueConstraint("clinic_id", "name", "firm"),
    index("uq_attorneys_name_key", "name_key", where="not is_duplicate and name_key is not null", unique=True),
    index("ix_attorneys_firm", "firm_id", "name", "id"),
)

payers = clinic_table(
    "payers",
    words("name"),
    Column("kind", Text, nullable=False),
    # The name for readers who may not see patients' names: a patient who is the payer appears as “Patient”.
    Column(
        "listed_name",
        Text(collation="C"),
        Computed("case when kind = 'patient' then 'Patient' else name end", persisted=True),
    ),
    Column("email", Text),
    Column("phone", Text),
    Column("fax", Text),
    Column("address", Text),
    *address("address"),
    *refers("patient_id", "patients", nullable=True),
    *refers("attorney_id", "attorneys", nullable=True),
    *refers("firm_id", "firms", nullable=True),
    words("external_key", nullable=True),
    *_fragments(),
    moment("retired_at", nullable=True),
    *refers("merged_into_id", "payers", nullable=True),
    UniqueConstraint("clinic_id", "external_key"),
    one_of("kind", PayerKind),
    CheckConstraint("patient_id is null or kind = 'patient'", name="patient_pays_for_self"),
    CheckConstraint("firm_id is null or kind = 'attorney'", name="firm_pays_as_attorney"),
    index("ix_payers_firm", "firm_id", "name", "id", where="firm_id is not null"),
    index("ix_payers_merged", "merged_into_id", where="merged_into_id is not null"),
    index("ix_payers_name", "name", "id"),
    index("ix_payers_name_key", "name_key"),
    index("ix_payers_listed_name", "listed_name", "id"),
)

physicians = clinic_table(
    "physicians",
    words("name"),
    words("npi", nullable=True),
    words("taxonomy", nullable=True),
    words("licence_number", nullable=True),
    words("licence_state", nullable=True),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    words("external_key", nullable=True),
    *_fragments(),
    UniqueConstraint("clinic_id", "external_key"),
    index("ix_physicians_name", "name", "id"),
)

facilities = clinic_table(
    "facilities",
    words("name"),
    Column("geographic_factor", Numeric(6, 4), nullable=False, server_default=text("1.0000")),
    words("npi", nullable=True),
    words("place_of_service", nullable=True),
    *address("address"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    words("external_key", nullable=True),
    *_fragments(),
    UniqueConstraint("clinic_id", "external_key"),
    CheckConstraint("geographic_factor > 0", name="factor_positive"),
    index("ix_facilities_name", "name", "id"),
)
