"""Reads what documents say: the clinic's letterhead, the case and its parties, and the invoices with their figures as of a day."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from db.ledger.facts import FACTS_AND_COVERAGES, facts_from
from db.merged_records import joined
from domain.errors import NotFound
from domain.issuing.figures import Figures, figures_on
from domain.records.addresses import columns_of
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]


def _columns(prefix: str, alias: str = "") -> str:
    """The columns of an address in parts, as SQL."""
    return ", ".join(f"{alias}.{name}" if alias else name for name in columns_of(prefix))


_CASE = f"""select k.id, k.number, k.date_of_injury, k.status, k.attorney_id,
        row_to_json(c) as clinic, row_to_json(p) as patient, row_to_json(a) as attorney
    from cases k
    cross join lateral (select name, legal_name, address, {_columns("physical")}, {_columns("remit")}, phone, fax, email, tin, npi, taxonomy,
        payment_terms_days from clinics where clinic_id = $1) c
    {joined("patient", "pat", "k.patient_id", "k.clinic_id")}
    cross join lateral (select pat.id, pat.first_name, pat.last_name, pat.birth_date, pat.address, {_columns("address", "pat")}) p
    left join lateral (select t.id, t.name, t.firm_id, f.name as firm, f.address, {_columns("address", "f")} from attorneys t
        left join firms f on f.clinic_id = t.clinic_id and f.id = t.firm_id
        where t.clinic_id = k.clinic_id and t.id = k.attorney_id) a on true
    where k.clinic_id = $1 and k.id = $2"""
# The invoices of a case that existed by a day and were not void then, as they were by the days on which facts count.
_INVOICES = f"""select i.id, i.number, i.service_date, i.created_on, i.submitted_on,
        coalesce(r.status, s.status, i.status) as status, coalesce(r.billed_amount, s.billed_amount, i.billed_amount) as billed_amount,
        row_to_json(p) as payer, row_to_json(d) as physician, row_to_json(f) as facility,
        (select coalesce(json_agg(l order by l.position), '[]') from (select position, code, label, units, bilateral, amount::text
            from invoice_lines where clinic_id = i.clinic_id and invoice_id = i.id) l) as lines
    from invoices i
    left join lateral (select status, billed_amount, payer_id from restated_states where clinic_id = i.clinic_id and invoice_id = i.id
        and from_on <= $3 and (until_on is null or until_on > $3)) r on true
    left join lateral (select status, billed_amount, payer_id from invoice_states where clinic_id = i.clinic_id and invoice_id = i.id
        and known_from <= $3 and known_until > $3 and r.status is null) s on true
    {joined("payer", "y", "coalesce(r.payer_id, s.payer_id, i.payer_id)")}
    cross join lateral (select y.id, y.name, y.kind, y.address, {_columns("address", "y")}, y.attorney_id, y.firm_id) p
    left join lateral (select name, npi, taxonomy, licence_number, licence_state from physicians
        where clinic_id = i.clinic_id and id = i.physician_id) d on true
    left join lateral (select name, npi, place_of_service, {_columns("address")} from facilities
        where clinic_id = i.clinic_id and id = i.facility_id) f on true
    where i.clinic_id = $1 and i.case_id = $2 and i.created_on <= $3 and ($4::uuid[] is null or i.id = any($4))
        and coalesce(r.status, s.status, i.status) <> 'void'
    order by i.service_date, i.number"""
_PAYERS = "select id, name from payers where clinic_id = $1 and id = any($2)"
_CASE_OF = "select case_id from invoices where clinic_id = $1 and id = $2"
# Unapplied money of payments of the payers of these invoices.
_UNAPPLIED = """select coalesce(sum(unapplied_amount), 0) as amount from cheques
    where clinic_id = $1 and payer_id = any($2) and unapplied_amount > 0"""
_UNBILLED = """select count(*) from encounters where clinic_id = $1 and case_id = $2 and not is_billed and cancelled_at is null"""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A case, its parties and the clinic, as JSON rows, and its invoices with their figures as of a day."""

    id: UUID
    row: Row
    clinic: Row
    patient: Row
    attorney: Row | None
    invoices: tuple["GatheredInvoice", ...]
    # The names of payers, by id.
    payers: Mapping[UUID, str]
    as_of: date


@dataclass(frozen=True, slots=True)
class GatheredInvoice:
    """An invoice: its row, its parties and lines, and its figures."""

    id: UUID
    row: Row
    payer: Row
    physician: Row | None
    facility: Row | None
    lines: tuple[Row, ...]
    figures: Figures


async def find_case(work: UnitOfWork, invoice_id: UUID) -> UUID:
    """The case of an invoice."""
    row = await work.one(_CASE_OF, invoice_id)
    if row is None:
        raise NotFound("There is no such invoice", ("invoice_ids",))
    identity: UUID = row["case_id"]
    return identity


async def gather(work: UnitOfWork, case_id: UUID, as_of: date, invoice_ids: Collection[UUID] | None = None) -> Gathered:
    """A case as of a day, with all of its invoices or with some of them; void ones are left out."""
    row = await work.one(_CASE, case_id)
    if row is None:
        raise NotFound("There is no such case", ("case_id",))
    rows = await work.all(_INVOICES, case_id, as_of, None if invoice_ids is None else list(invoice_ids))
    found = await work.all(FACTS_AND_COVERAGES, [one["id"] for one in rows])
    facts = {one["id"]: facts_from(one) for one in found}
    figures = {one["id"]: figures_on(facts[one["id"]], as_of, one["billed_amount"]) for one in rows}
    paid_by = {payment.payer_id for one in figures.values() for payment in one.payments}
    payers = {one["id"]: one["name"] for one in await work.all(_PAYERS, sorted(paid_by))} if paid_by else {}
    invoices = tuple(_invoice(one, figures[one["id"]]) for one in rows)
    clinic, patient, attorney = (_decoded(row[name]) for name in ("clinic", "patient", "attorney"))
    return Gathered(row["id"], row, clinic, patient, attorney, invoices, payers, as_of)


def _invoice(row: Row, figures: Figures) -> GatheredInvoice:
    payer, physician, facility = (_decoded(row[name]) for name in ("payer", "physician", "facility"))
    return GatheredInvoice(row["id"], row, payer, physician, facility, tuple(orjson.loads(row["lines"])), figures)


def _decoded(text: str | None) -> Any:
    return orjson.loads(text) if text else None


async def unapplied_of(work: UnitOfWork, gathered: Gathered) -> Any:
    """The unapplied money of the payers of the invoices, in US dollars."""
    row = await work.one(_UNAPPLIED, sorted({UUID(one.payer["id"]) for one in gathered.invoices}))
    return row["amount"]


async def unbilled_visits(work: UnitOfWork, case_id: UUID) -> int:
    """How many visits of a case are not billed."""
    row = await work.one(_UNBILLED, case_id)
    count: int = row["count"]
    return count
