"""The tables of merges: which patient or payer was merged into which, and the links that readers follow (decision 30)."""

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from db.tables.base import clinic_table, index, metadata, moment, refers

# What was merged, by whom, and whether it was undone: append-only but for the undoing. A trigger keeps the links from it: the
# column merged_into_id of both tables, and the tables of links below.
merges = clinic_table(
    "merges",
    *refers("merged_patient_id", "patients", nullable=True),
    *refers("surviving_patient_id", "patients", nullable=True),
    *refers("merged_payer_id", "payers", nullable=True),
    *refers("surviving_payer_id", "payers", nullable=True),
    # The merge of two patients of which this merge of their payers is a part.
    *refers("part_of_id", "merges", nullable=True),
    Column("reason", Text),
    # Whether somebody confirmed that the cases of the patients have different attorneys.
    Column("different_attorneys", Boolean, nullable=False, server_default=text("false")),
    # What both had when they were merged, by which it is known whether something was added since.
    Column("before", JSON, nullable=False),
    *refers("merged_by", "users", nullable=True),
    moment("merged_at"),
    *refers("undone_by", "users", nullable=True),
    moment("undone_at", nullable=True),
    CheckConstraint(
        "num_nonnulls(merged_patient_id, merged_payer_id) = 1"
        " and (merged_patient_id is null) = (surviving_patient_id is null)"
        " and (merged_payer_id is null) = (surviving_payer_id is null)",
        name="merges_one_kind",
    ),
    CheckConstraint(
        "merged_patient_id is distinct from surviving_patient_id or merged_payer_id is distinct from surviving_payer_id",
        name="merges_two",
    ),
    index("ix_merges_merged", "merged_at desc", "id desc"),
    index(
        "uq_merges_patient",
        "merged_patient_id",
        where="merged_patient_id is not null and undone_at is null",
        unique=True,
    ),
    index("uq_merges_payer", "merged_payer_id", where="merged_payer_id is not null and undone_at is null", unique=True),
    index("ix_merges_part_of", "part_of_id", where="part_of_id is not null"),
)


def _links(parties: str) -> Table:
    """The links of merged records to the one that stays, with the ids of all that are one with it, itself included."""
    name = f"merged_{parties}"
    return Table(
        name,
        metadata,
        Column("clinic_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        Column("survivor_id", Uuid, nullable=False),
        Column("group_ids", ARRAY(Uuid), nullable=False),
        PrimaryKeyConstraint("clinic_id", "id"),
        ForeignKeyConstraint(["clinic_id", "id"], [f"{parties}.clinic_id", f"{parties}.id"]),
        ForeignKeyConstraint(["clinic_id", "survivor_id"], [f"{parties}.clinic_id", f"{parties}.id"]),
        CheckConstraint("id <> survivor_id", name="links_two"),
        index(f"ix_{name}_survivor", "survivor_id", "id"),
    )


# Tables of their own, so that the row policies of patients and payers can ask them: a policy cannot ask its own table.
merged_patients = _links("patients")
merged_payers = _links("payers")
