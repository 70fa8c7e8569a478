"""The keys of what remittances keep as JSON: no tables of the database, but read like them."""

from sqlalchemy import JSON, Column, Date, Integer, MetaData, Table, Text, Uuid

remitted_adjustments = Table(
    "remitted_adjustments",
    MetaData(),
    Column("group", Text),
    Column("reason_code", Text),
    Column("amount", Text),
    Column("quantity", Text),
)
remitted_lines = Table(
    "remitted_lines",
    MetaData(),
    Column("place", Integer),
    Column("code", Text),
    Column("modifiers", JSON),
    Column("charge", Text),
    Column("paid", Text),
    Column("units", Text),
    Column("service_on", Date),
    Column("reference", Text),
    Column("line_id", Uuid),
    Column("adjustments", JSON),
    Column("remark_codes", JSON),
)
broken_laws = Table(
    "broken_laws",
    MetaData(),
    Column("law", Text),
    Column("stated", Text),
    Column("computed", Text),
    Column("claim", Integer),
    Column("line", Integer),
)
remitted_provider_adjustments = Table(
    "remitted_provider_adjustments",
    MetaData(),
    Column("code", Text),
    Column("amount", Text),
    Column("reference", Text),
)
