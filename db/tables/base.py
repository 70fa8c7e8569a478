"""The building blocks of tables: keys that begin with the clinic (the tenant), composite foreign keys, exact money."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.schema import SchemaItem

from domain.records.addresses import columns_of

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def clinic_table(name: str, *items: SchemaItem) -> Table:
    """A table whose rows belong to one clinic (tenant): its key is (clinic_id, id), so that it can be sharded by clinic."""
    return Table(
        name,
        metadata,
        Column("clinic_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        *items,
        recorded_at(),
        PrimaryKeyConstraint("clinic_id", "id"),
        ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"]),
    )


def refers(column: str, table: str, *, nullable: bool = False) -> tuple[SchemaItem, SchemaItem]:
    """A column that refers to a row of another table in the same clinic, with its composite foreign key."""
    return (
        Column(column, Uuid, nullable=nullable),
        ForeignKeyConstraint(["clinic_id", column], [f"{table}.clinic_id", f"{table}.id"]),
    )


def money(name: str, *, nullable: bool = False) -> Column[Any]:
    """An amount in US dollars, exact to the cent."""
    return Column(name, Numeric(12, 2), nullable=nullable)


def words(name: str, *, nullable: bool = False) -> Column[Any]:
    """Text with collation C, compared byte by byte, so that sorting and prefix search work alike on every server."""
    return Column(name, Text(collation="C"), nullable=nullable)


def normal_form(name: str, *, computed: str | None = None) -> Column[Any]:
    """The normal form of a text, by which its record is unique and is found (domain/normal_forms.py); null in rows of earlier releases' code."""
    return Column(name, Text(collation="C"), *([Computed(computed, persisted=True)] if computed else []))


def is_duplicate() -> Column[Any]:
    """Whether an earlier release stored the record although another one has the same normal form; `billing duplicates` lists them."""
    return Column("is_duplicate", Boolean, nullable=False, server_default=text("false"))


def moment(name: str, *, nullable: bool = False) -> Column[Any]:
    """A timestamp with time zone."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def recorded_at() -> Column[Any]:
    """When the row was recorded; imports and demo data set it to the business date, so that reports on past days include it."""
    return Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()"))


def remark_codes() -> Column[Any]:
    """The remark codes that come with a reason code."""
    return Column("remark_codes", ARRAY(Text), nullable=False, server_default=text("'{}'"))


def one_of(column: str, values: type[StrEnum] | Iterable[str]) -> CheckConstraint:
    """A check that a text column holds one of the values that the domain knows."""
    return CheckConstraint(f"{column} in {listed(values)}", name=f"{column}_known")


def listed(values: Iterable[str]) -> str:
    """Constants of the code as an SQL list in brackets; not for values from input, since nothing is escaped."""
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def address(prefix: str) -> list[Column[Any]]:
    """The columns of a postal address in parts."""
    return [Column(name, Text) for name in columns_of(prefix)]


def index(
    name: str, *columns: str, where: str | None = None, beside: Sequence[str] = (), unique: bool = False
) -> Index:
    """An index that begins with the clinic; expressions such as "created_on desc" are used as written, `beside` are INCLUDE columns.

    A `unique` index also allows at most one row with nulls.
    """
    led: list[Any] = ["clinic_id", *map(text, columns)]
    return Index(
        name,
        *led,
        unique=unique,
        postgresql_where=text(where) if where else None,
        postgresql_include=list(beside) or None,
        postgresql_nulls_not_distinct=unique or None,
    )
