"""The textbook runs a document on a role's published schema, field after field, with ordinary resolvers."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLEnumType,
    GraphQLField,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    execute,
    get_named_type,
    parse,
)

from db.global_ids import make_id
from tests.bench.textbook.fields import Fields
from tests.bench.textbook.issued_documents import DOCUMENT_FIELDS
from tests.bench.textbook.merges import MERGE_FIELDS
from tests.bench.textbook.records.action_items import ACTION_ITEM_FIELDS
from tests.bench.textbook.records.audit import AUDIT_FIELDS
from tests.bench.textbook.records.cases import CASE_FIELDS
from tests.bench.textbook.records.cheques import CHEQUE_FIELDS
from tests.bench.textbook.records.coverages import COVERAGE_FIELDS
from tests.bench.textbook.records.encounters import ENCOUNTER_FIELDS
from tests.bench.textbook.records.followups import FOLLOW_UP_FIELDS
from tests.bench.textbook.records.invoices import INVOICE_FIELDS
from tests.bench.textbook.records.ledger import LEDGER_FIELDS
from tests.bench.textbook.records.messages import MESSAGE_FIELDS
from tests.bench.textbook.records.parties import PARTY_FIELDS
from tests.bench.textbook.records.pricing import PRICING_FIELDS
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.records.recoupment import RECOUPMENT_FIELDS
from tests.bench.textbook.records.transitions import TRANSITION_FIELDS
from tests.bench.textbook.records.users import USER_FIELDS
from tests.bench.textbook.remittances import REMITTANCE_FIELDS
from tests.bench.textbook.remitted import REMITTED_FIELDS
from tests.bench.textbook.roots import ROOT_FIELDS, node_of, nodes_of

FIELDS: Fields = {
    **ROOT_FIELDS,
    **ACTION_ITEM_FIELDS,
    **AUDIT_FIELDS,
    **DOCUMENT_FIELDS,
    **INVOICE_FIELDS,
    **LEDGER_FIELDS,
    **MESSAGE_FIELDS,
    **CASE_FIELDS,
    **ENCOUNTER_FIELDS,
    **CHEQUE_FIELDS,
    **RECOUPMENT_FIELDS,
    **REMITTANCE_FIELDS,
    **REMITTED_FIELDS,
    **MERGE_FIELDS,
    **COVERAGE_FIELDS,
    **FOLLOW_UP_FIELDS,
    **PARTY_FIELDS,
    **PRICING_FIELDS,
    **TRANSITION_FIELDS,
    **USER_FIELDS,
}


def _moment(moment: datetime) -> str:
    """A moment in UTC without trailing zeros, as PostgreSQL writes it."""
    digits = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{digits}{moment:%z}"[:-2] + ":00"


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


_WRITTEN: Mapping[str, Callable[[Any], str]] = {"Money": _money, "Date": date.isoformat, "DateTime": _moment}


class Textbook:
    """The textbook's answers for one role, whose schema is read from its text. `fields` may differ from FIELDS in a test."""

    def __init__(self, sdl: str, fields: Fields | None = None) -> None:
        self.schema: GraphQLSchema = build_schema(sdl)
        self.asked: set[str] = set()
        node = node_of(self.schema)
        self.fields = {**(fields or FIELDS), "Query.node": node, "Query.nodes": nodes_of(node)}
        for name, write in _WRITTEN.items():
            scalar = self.schema.type_map.get(name)
            if isinstance(scalar, GraphQLScalarType):
                scalar.coerce_output_value = write

    async def answer(
        self, records: Records, document: str, variables: Mapping[str, Any] | None = None
    ) -> ExecutionResult:
        """The answer of a document for the viewer of the records."""
        await records.follow_merges()
        result: Any = execute(
            self.schema,
            parse(document),
            context_value=records,
            variable_values=dict(variables or {}),
            field_resolver=self._resolve,
            type_resolver=lambda row, info, face: type(row).__name__,
        )
        found: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
        return found

    def _resolve(self, source: Any, info: GraphQLResolveInfo[Any], **args: Any) -> Any:
        coordinate = f"{info.parent_type.name}.{info.field_name}"
        self._note(coordinate, info.parent_type.fields[info.field_name], args)
        resolver = self.fields.get(coordinate)
        if resolver is None:
            return _plain(source, info)
        records: Records = info.context
        return resolver(records, source, records.merged.translated(args))

    def _note(self, coordinate: str, field: GraphQLField, args: Mapping[str, Any]) -> None:
        """Record the requested coordinates, down to the keys of filters, so that a test can show that all were compared."""
        self.asked.add(coordinate)
        for name, value in args.items():
            self.asked.add(f"{coordinate}({name}:)")
            if isinstance(value, Mapping):
                self.asked.update(f"{get_named_type(field.args[name].type).name}.{key}" for key in value)


def _plain(source: Any, info: GraphQLResolveInfo[Any]) -> Any:
    """The value of a field that has no resolver: a key of a mapping, or an attribute by its name in snake case."""
    if isinstance(source, Mapping):
        return source[info.field_name]
    if info.field_name == "id":
        return make_id(info.parent_type.name, source.id)
    value = getattr(source, re.sub("([A-Z])", r"_\1", info.field_name).lower())
    if isinstance(value, str) and isinstance(get_named_type(info.return_type), GraphQLEnumType):
        return value.upper()
    return value
