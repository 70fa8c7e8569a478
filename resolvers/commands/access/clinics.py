"""The clinic's own data: its letterhead, the sender of its mail, its terms of payment, work list and calendar; for administrators."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from strawberry import Info

from db.global_ids import TAGS
from db.reports.readiness import find_gaps
from domain.clinics import checked_moves, checked_payment_terms, checked_tolerance
from domain.errors import Conflict
from domain.records.addresses import columns_of, texts_of
from domain.records.identifiers import NPI, TAXONOMY, TIN
from domain.records.invoice_numbers import checked_first_number, checked_prefix
from domain.records.readiness import ReadinessGap
from domain.texts import ADDRESS, EMAIL, NAME, PHONE, Text, checked
from domain.treatment.encounters import checked_unbilled_after_days
from permissions.viewers import Viewer
from resolvers.commands.documents import read_own
from resolvers.commands.unit_of_work import CommandResult, UnitOfWork, run_command
from resolvers.context import RequestContext
from storage.logos import LOGOS, written_anew

_LETTERHEAD = ", ".join(
    ("legal_name", "fax", "email", "tin", "npi", "taxonomy", *columns_of("physical"), *columns_of("remit"))
)
_READ = f"""select clinic_id, name, {_LETTERHEAD}, address, phone, logo is not null as has_logo, sender_name, sender_address, reply_to,
    payment_terms_days, small_balance_tolerance, unbilled_after_days, moves_to_working_days, attaches_documents,
    invoice_number_prefix, first_invoice_number from clinics where clinic_id = $1"""
# The counter of an imported invoice counts, too, if its number is one of the clinic's own format.
_NUMBERED = "select min(year) as year from invoice_counters where clinic_id = $1 having count(*) > 0"
_TEXTS = {
    "name": NAME,
    "legal_name": Text(NAME.longest),
    "address": ADDRESS,
    **texts_of("physical"),
    **texts_of("remit"),
    "phone": PHONE,
    "fax": PHONE,
    "email": EMAIL,
    "tin": TIN,
    "npi": NPI,
    "taxonomy": TAXONOMY,
    "sender_name": Text(NAME.longest),
    "sender_address": EMAIL,
    "reply_to": EMAIL,
}


async def read(info: Info) -> Mapping[str, Any]:
    """The row of the viewer's clinic."""
    context = info.context
    async with context.database.entered(context.viewer) as connection:
        found = await connection.fetchrow(_READ, context.viewer.clinic_id)
    context.audit.add_operation("clinic")
    return _profile(context.viewer, found)


async def gaps(info: Info) -> frozenset[ReadinessGap]:
    """What the viewer's clinic lacks before it does something for the first time."""
    context = info.context
    async with context.database.entered(context.viewer) as connection:
        return await find_gaps(connection, context.viewer.clinic_id, context.today)


def _profile(viewer: Viewer, row: Any) -> Mapping[str, Any]:
    """The clinic's own data, with the names that every session knows."""
    return {"short_name": viewer.clinic_short_name, "time_zone": viewer.time_zone, **row}


async def update(info: Info, input_: Any) -> tuple[CommandResult, Mapping[str, Any] | None]:
    """Change the given fields; the result, and the row of the clinic after it."""
    found: list[Mapping[str, Any]] = []

    async def run(work: UnitOfWork) -> UUID:
        if work.inputs.get("logo_id"):
            work.inputs = {**work.inputs, "logo": await _logo(info.context, work)}
        found.append(_profile(info.context.viewer, await _update(work)))
        return work.clinic_id

    done = await run_command(info, "update_clinic", input_, run)
    if done.record and not found:
        # A retry with the same idempotency key.
        return done, await read(info)
    return done, found[0] if done.record else None


async def _logo(context: RequestContext, work: UnitOfWork) -> bytes:
    """The uploaded logo, decoded and encoded again in a thread, so that the event loop is not blocked. Only this copy is drawn."""
    data, _ = await read_own(context, work.inputs["logo_id"], LOGOS, "A logo is a PNG file", ("logo_id",))
    return await asyncio.to_thread(written_anew, data)


async def _update(work: UnitOfWork) -> Any:
    changes: dict[str, Any] = {**checked(work.inputs, _TEXTS)}
    if "payment_terms_days" in work.inputs:
        changes["payment_terms_days"] = checked_payment_terms(work.inputs["payment_terms_days"])
    if "small_balance_tolerance" in work.inputs:
        changes["small_balance_tolerance"] = checked_tolerance(work.inputs["small_balance_tolerance"])
    if "unbilled_after_days" in work.inputs:
        changes["unbilled_after_days"] = checked_unbilled_after_days(work.inputs["unbilled_after_days"])
    if "moves_to_working_days" in work.inputs:
        changes["moves_to_working_days"] = checked_moves(work.inputs["moves_to_working_days"])
    changes |= await _numbering(work)
    if "logo_id" in work.inputs:
        changes["logo"] = work.inputs.get("logo")
    if work.inputs.get("attaches_documents") is not None:
        changes["attaches_documents"] = work.inputs["attaches_documents"]
    if changes:
        writes = work.writes()
        writes.update("clinics", {}, **changes)
        await writes.run(work.connection)
        work.audit.read((), (), TAGS["Clinic"].encode() + work.clinic_id.bytes)
    return await work.one(_READ)


async def _numbering(work: UnitOfWork) -> dict[str, Any]:
    """How invoices are numbered, as long as none is: numbers that are out tell what the next one is."""
    changes: dict[str, Any] = {}
    if "invoice_number_prefix" in work.inputs:
        changes["invoice_number_prefix"] = checked_prefix(work.inputs["invoice_number_prefix"])
    if "first_invoice_number" in work.inputs:
        changes["first_invoice_number"] = checked_first_number(work.inputs["first_invoice_number"])
    if changes and (numbered := await work.one(_NUMBERED)) is not None:
        words = (
            f"Invoices are numbered already, since {numbered['year']}: their prefix and first number stay as they are"
        )
        raise Conflict(words, (next(iter(changes)),))
    return changes
