"""The root resolvers of the textbook: a record by its id or number, and the viewer."""

import base64
from typing import Any
from uuid import UUID

from graphql import GraphQLObjectType, GraphQLSchema
from sqlalchemy import select

from db.global_ids import make_id
from db.tables import clinics
from domain.normal_forms import code_form
from tests.bench.textbook.fields import Args, Fields, Resolver
from tests.bench.textbook.models import Case, Invoice, Model, Patient, Payer, Remittance
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.records.users import own_sessions

_NO_FACTOR = {"isActive": False, "recoveryCodesLeft": 0}


async def _found(records: Records, model: type[Model], global_id: str) -> Any:
    """The record in reach that has this id and no other."""
    row = await records.one(model, UUID(bytes=base64.urlsafe_b64decode(global_id)[2:]))
    return row if row is not None and make_id(model.__name__, row.id) == global_id else None


def _by_id(model: type[Model]) -> Resolver:
    async def resolve(records: Records, source: Any, args: Args) -> Any:
        return await _found(records, model, args["id"])

    return resolve


def node_of(schema: GraphQLSchema) -> Resolver:
    """The resolver of `node` in a role's schema: any record that the schema publishes as a node."""
    names = [name for name, named in schema.type_map.items() if isinstance(named, GraphQLObjectType)]
    mapped: dict[str, Any] = {mapper.class_.__name__: mapper.class_ for mapper in Model.registry.mappers}

    async def resolve(records: Records, source: Any, args: Args) -> Any:
        for name in names:
            if name in mapped and any(face.name == "Node" for face in schema.type_map[name].interfaces):  # type: ignore[attr-defined]
                row = await _found(records, mapped[name], args["id"])
                if row is not None:
                    return row
        return None

    return resolve


def nodes_of(node: Resolver) -> Resolver:
    """The resolver of `nodes`: one record after the other."""

    async def resolve(records: Records, source: Any, args: Args) -> Any:
        return [await node(records, source, {"id": identity}) for identity in args["ids"]]

    return resolve


async def _invoice_by_number(records: Records, source: Any, args: Args) -> Any:
    return next(iter(await records.many(Invoice, "number", code_form(args["number"]))), None)


async def _viewer(records: Records, source: Any, args: Args) -> dict[str, Any]:
    viewer = records.viewer
    names = {"name": viewer.clinic_name, "shortName": viewer.clinic_short_name, "timeZone": viewer.time_zone}
    clinic = {"id": make_id("Clinic", viewer.clinic_id), **names}
    who = {"id": make_id("User", viewer.user_id), "email": viewer.email, "name": viewer.name, "role": viewer.role.name}
    # In the data of the comparisons each login has one account, and none has a second factor.
    login = {"memberships": [{"clinic": clinic, "role": viewer.role.name}], "secondFactor": _NO_FACTOR}
    roles = {"secondFactorRoles": await _second_factor_roles(records), "idleMinutes": 30}
    return {**who, **login, **roles, "clinic": clinic, "sessions": await own_sessions(records)}


async def _second_factor_roles(records: Records) -> list[str]:
    found = select(clinics.c.second_factor_roles).where(clinics.c.clinic_id == records.viewer.clinic_id)
    async with records.sessions() as session:
        return [role.upper() for role in await session.scalar(found) or ()]


ROOT_FIELDS: Fields = {
    "Query.invoice": _by_id(Invoice),
    "Query.case": _by_id(Case),
    "Query.patient": _by_id(Patient),
    "Query.payer": _by_id(Payer),
    "Query.remittance": _by_id(Remittance),
    "Query.invoiceByNumber": _invoice_by_number,
    "Query.viewer": _viewer,
}
