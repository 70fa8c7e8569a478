"""Everything that names a patient or payer by an id or by its natural key: what is asked by a merged one answers like the one that stays."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from db.global_ids import read_id
from domain.access.people import Role
from domain.imports import ImportKind
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.imports.imported_files import counts, imported
from tests.support.api.selections import everything
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.files.export_files import Bureau

# The arguments that these need besides the filter. Previews of merges refuse a merged one, prices need a code.
_MORE = {"analytics": 'from: "2024-01-01", to: "2026-12-31", '}
# What is answered for the moment of the request, and what is not given together with a payer.
_WITHOUT = frozenset(
    {
        *("Upload.uploadUrl", "Cheque.documentUrl", "Export.downloadUrl", "Remittance.documentUrl"),
        *("Analytics.amountsByCoverageKind", "Analytics.denialsByReason", "Analytics.documentsByKind"),
    }
)
_EXPORT = "mutation ($input: ExportInvoicesInput!) { exportInvoices(input: $input) { errors { message } } }"
_TRAIL = (
    """query ($filter: AuditFilter) { auditTrail(filter: $filter, first: 500) { totalCount nodes { id operation } } }"""
)
_BEFORE = "2026-11-01T00:00:00Z"


def questions(role: Role, kind: str) -> Iterator[tuple[str, str]]:
    """Each root field of a role that takes the id of a Patient or Payer, by itself or in its filter; the variable is `id`."""
    schema = role_schemas()[role]
    assert schema.query_type is not None
    for name, field in schema.query_type.fields.items():
        if name == "auditTrail":
            # Every question adds to it: `answered_by` asks for what is old.
            continue
        selection = _selection(schema, name)
        if name == kind.lower() or name == "node":
            inside = (
                f"{{ ... on {kind} {everything(_type(schema, kind), 2, without=_WITHOUT)} }}"
                if name == "node"
                else selection
            )
            yield name, f"query ($id: ID!) {{ {name}(id: $id) {inside} }}"
        filtered = get_named_type(field.args["filter"].type) if "filter" in field.args else None
        if isinstance(filtered, GraphQLInputObjectType) and f"{kind.lower()}Id" in filtered.fields:
            of = filtered.fields[f"{kind.lower()}Id"].type
            value = "[$id]" if isinstance(of.of_type if isinstance(of, GraphQLNonNull) else of, GraphQLList) else "$id"
            pages = ", first: 500" if "first" in field.args else ""
            given = f"{_MORE.get(name, '')}{kind.lower()}Id: {value}"
            yield name, f"query ($id: ID!) {{ {name}(filter: {{ {given} }}{pages}) {selection} }}"


def _type(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    found = schema.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


@cache
def _selection(schema: GraphQLSchema, name: str) -> str:
    assert schema.query_type is not None
    of = get_named_type(schema.query_type.fields[name].type)
    if isinstance(of, GraphQLObjectType) and "nodes" in of.fields:
        node = get_named_type(of.fields["nodes"].type)
        return f"{{ totalCount nodes {everything(node, 1, without=_WITHOUT)} }}"
    return everything(of, 2, without=_WITHOUT)


def answered_by(client: Client, role: Role, identity: str) -> list[tuple[str, Any]]:
    """What a role is told of a patient or payer by an id: the answer to every question."""
    kind = (read_id(identity) or ("",))[0]
    found = [(name, client.read(document, id=identity)) for name, document in questions(role, kind)]
    if role is Role.ADMIN:
        # Events of before, since each question makes others.
        trails = [{"entityId": identity}, *([{"patientId": identity}] if kind == "Patient" else [])]
        found += [("auditTrail", client.read(_TRAIL, filter={**one, "atTo": _BEFORE})) for one in trails]
    return found


def exported_by(bureau: Bureau, role: Role, identity: str) -> Any:
    """A file of the invoices of a patient or payer, by rows; the errors where the role has no such filter."""
    kind = (read_id(identity) or ("",))[0]
    wanted: dict[str, Any] = {"format": "CSV", "filter": {f"{kind.lower()}Id": [identity]}}
    answer = bureau.people[role].post(_EXPORT, input=wanted).json()
    if "errors" in answer:
        return [error["message"] for error in answer["errors"]]
    assert answer["data"]["exportInvoices"]["errors"] == []
    return bureau.rows(role, **wanted)


def unchanged_by_import(address: DatabaseUrls, merged: str, surviving: str) -> list[tuple[int, int, int, int]]:
    """Added, changed, unchanged and bad rows of a dry run with the values of the record that stays, by the key of either."""
    (kind, old), (_, new) = (read_id(one) or ("", None) for one in (merged, surviving))
    if kind == "Payer":
        [row] = rows(address, "select name, kind from payers where id = $1", new)
        names = [rows(address, "select name from payers where id = $1", one)[0]["name"] for one in (old, new)]
        return [
            counts(imported(address, ImportKind.PAYERS, f'name,kind\n"{name}",{row["kind"].upper()}\n', dry_run=True))
            for name in names
        ]
    [row] = rows(address, "select first_name, last_name from patients where id = $1", new)
    keys = [rows(address, "select mrn from patients where id = $1", one)[0]["mrn"] for one in (old, new)]
    return [
        counts(
            imported(
                address,
                ImportKind.PATIENTS,
                f"mrn,first_name,last_name\n{key},{row['first_name']},{row['last_name']}\n",
                dry_run=True,
            )
        )
        for key in keys
    ]
