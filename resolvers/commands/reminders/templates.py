"""Message templates: each change is saved as a new version; and their preview for an invoice."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from db.global_ids import TAGS
from db.merged_records import joined
from domain.errors import InvalidInput, NotFound
from domain.ids import new_id
from domain.texts import NAME, NOTE, required_text
from exports.templates import Listed, Section, Words, check_template, fill_in
from resolvers.commands.unit_of_work import UnitOfWork

_NEWEST = """select id, version, subject, body from reminder_templates where clinic_id = $1 and name = $2
    order by version desc limit 1"""
_FOLLOW = """update reminder_levels set template_id = $3 where clinic_id = $1
    and template_id in (select id from reminder_templates where clinic_id = $1 and name = $2)"""
_TEMPLATE = "select subject, body from reminder_templates where clinic_id = $1 and id = $2"
_INVOICE = f"""select c.number as case_number, i.number as invoice_number, i.balance,
        case y.kind when 'patient' then 'Patient' else y.name end as recipient,
        $3 - coalesce(case i.status when 'pending_cheque' then i.agreed_on else i.submitted_on end, i.created_on) as days
    from invoices i join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id
        {joined("payer", "y", "i.payer_id")}
    where i.clinic_id = $1 and i.id = $2"""
# The protected fields of the invoice that are read to fill in any template, whatever variables it uses.
_SHOWN = ("Case.number", "Invoice.balance")
_SAVING = "select pg_advisory_xact_lock(hashtextextended($1::text || $2, 0))"
# Many commands may use a template at once while none saves it; locks are taken in one order to avoid deadlocks.
_USING = """select pg_advisory_xact_lock_shared(hashtextextended(clinic_id::text || name, 0)) from (
    select distinct clinic_id, name from reminder_templates where clinic_id = $1 and id = any($2) order by name) used"""
# Whichever version is given, the newest one is used.
_NEWEST_OF = """select distinct on (named.id) named.id, newest.id as newest from reminder_templates named
    join reminder_templates newest on newest.clinic_id = named.clinic_id and newest.name = named.name
    where named.clinic_id = $1 and named.id = any($2) order by named.id, newest.version desc"""


async def save(work: UnitOfWork) -> UUID:
    """Save a new version of a template, which its levels use from now on; identical texts create no new version."""
    name = required_text(work.inputs, "name", NAME)
    subject, body = _texts(work.inputs)
    # Concurrent saves are serialised: the second saves the version after the first's.
    await work.connection.execute(_SAVING, str(work.clinic_id), name)
    newest = await work.one(_NEWEST, name)
    if newest is not None and (newest["subject"], newest["body"]) == (subject, body):
        unchanged: UUID = newest["id"]
        return unchanged
    identity, writes = new_id(work.moment), work.writes()
    version = newest["version"] + 1 if newest else 1
    made = {"created_by": work.user_id, "recorded_at": work.moment}
    writes.insert("reminder_templates", id=identity, name=name, version=version, subject=subject, body=body, **made)
    await writes.run(work.connection)
    await work.connection.execute(_FOLLOW, work.clinic_id, name, identity)
    return identity


async def newest_of(work: UnitOfWork, named: Sequence[UUID]) -> dict[UUID, UUID]:
    """The newest version of each given version's template, stable until the transaction ends; unknown ids are left out."""
    await work.all(_USING, named)
    return {row["id"]: row["newest"] for row in await work.all(_NEWEST_OF, named)}


async def preview(work: UnitOfWork, clinic: str) -> Words:
    """The preview of a saved or unsaved template for one invoice, as of today."""
    inputs = work.inputs
    named = inputs.get("reminder_template_id")
    if (named is None) == (inputs.get("subject") is None and inputs.get("body") is None):
        raise InvalidInput("A template, or a subject and a body, is required", ("reminder_template_id",))
    subject, body = await _kept(work, named) if named else _texts(inputs)
    row = await work.one(_INVOICE, inputs["invoice_id"], work.today)
    if row is None:
        raise NotFound("There is no such invoice", ("invoice_id",))
    work.audit.read(_SHOWN, (), TAGS["Invoice"].encode() + inputs["invoice_id"].bytes)
    listed = Listed(row["case_number"], row["invoice_number"], row["balance"], row["days"])
    return fill_in([Section(subject, body, row["recipient"], [listed])], clinic, work.today)


async def _kept(work: UnitOfWork, named: UUID) -> tuple[str, str]:
    found = await work.one(_TEMPLATE, named)
    if found is None:
        raise NotFound("There is no such template", ("reminder_template_id",))
    return found["subject"], found["body"]


def _texts(inputs: Any) -> tuple[str, str]:
    """The given subject and body, validated."""
    subject, body = required_text(inputs, "subject", NAME), required_text(inputs, "body", NOTE)
    check_template({"subject": subject, "body": body})
    return subject, body
