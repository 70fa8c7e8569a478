"""A few documents that the demo clinic has issued: their files are drawn by the worker, which the database asks for them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.documents.contents import Contents, Letterhead, Listing, canonical_json
from domain.documents.kinds import DocumentKind
from domain.documents.texts import filled
from domain.issuing.documents import PREFIXES, document_number
from imports.demo.clinic import DemoClinic
from imports.history.rows import noon_of

_LETTERHEAD = "select clinic_id, name, address, phone from clinics where short_name = 'demo'"
# Submitted, unpaid invoices of cases that the attorney with an account represents.
_INVOICES = """select i.id, i.number, i.case_id, i.submitted_on, i.service_date, i.balance, i.billed_amount, c.number as case_number,
        c.date_of_injury, p.first_name || ' ' || p.last_name as patient, y.name as payer, a.id as attorney_id, a.firm_id, a.name as attorney,
        (select json_agg(json_build_array(l.code, l.label, l.units::text, l.amount::text) order by l.position) from invoice_lines l
            where l.clinic_id = i.clinic_id and l.invoice_id = i.id) as lines
    from invoices i join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id and c.status = 'open'
    join patients p on p.clinic_id = c.clinic_id and p.id = c.patient_id
    join payers y on y.clinic_id = i.clinic_id and y.id = i.payer_id
    join users u on u.clinic_id = c.clinic_id and u.attorney_id = c.attorney_id and u.email = 'attorney@demo.example'
    join attorneys a on a.clinic_id = c.clinic_id and a.id = c.attorney_id
    where i.clinic_id = $1 and i.status = 'pending_invoice' and i.submitted_on is not null and i.balance = i.billed_amount
    order by i.submitted_on desc, i.id limit 3"""
_OPEN = """select id, number, service_date, balance, billed_amount from invoices where clinic_id = $1 and case_id = $2
    and status in ('pending_invoice', 'pending_reduction', 'pending_cheque') order by service_date, number"""
_BILLER = "select id from users where clinic_id = $1 and role = 'billing' order by email limit 1"
_DOCUMENT = """insert into issued_documents (clinic_id, id, kind, origin, number, case_id, recipient, attorney_id, as_of, good_through,
        stated_amount, contents, data_hash, issued_by, issued_at, recorded_at)
    values ($1, $2, $3, 'drawn', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)"""
_NAMED = """insert into issued_document_invoices (clinic_id, id, document_id, invoice_id, amount, recorded_at)
    values ($1, $2, $3, $4, $5, $6)"""
_DELIVERY = """insert into document_deliveries (clinic_id, id, document_id, case_id, method, delivered_at, recipient, attorney_id,
        firm_id, tracking_number, recorded_by, recorded_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $6)"""
_COUNTER = """insert into document_counters as c (clinic_id, kind, last_number) values ($1, $2, 1)
    on conflict (clinic_id, kind) do update set last_number = c.last_number + 1 returning last_number"""
_TEMPLATE = """insert into document_templates (clinic_id, id, kind, version, texts, recorded_at) values ($1, $2, 'invoice', 1, $3, $4)"""
_HOLDS_FOR = timedelta(days=30)


async def add_documents(connection: asyncpg.Connection, demo: DemoClinic) -> None:
    """Issue the documents of a few invoices, and a payoff letter; all but the last are delivered. On the owner's connection."""
    clinic: Any = await connection.fetchrow(_LETTERHEAD)
    desk = _Desk(connection, demo, clinic)
    by = await connection.fetchval(_BILLER, clinic["clinic_id"])
    invoices = await connection.fetch(_INVOICES, clinic["clinic_id"])
    if not invoices:
        return
    first = noon_of(invoices[-1]["submitted_on"])
    await connection.execute(
        _TEMPLATE, clinic["clinic_id"], demo.new_id(first.date()), orjson.dumps([]).decode(), first
    )
    for invoice, method in zip(invoices, ("portal", "certified_mail", "mail"), strict=False):
        at = noon_of(invoice["submitted_on"])
        document = await _issue_invoice(desk, invoice, by, at)
        # The last one went to the payer alone.
        to_firm = method != "mail"
        whom = (
            (invoice["attorney"], invoice["attorney_id"], invoice["firm_id"])
            if to_firm
            else (invoice["payer"], None, None)
        )
        tracking = "9407 1000 0000 0000 0000 00" if method == "certified_mail" else None
        values = (document, invoice["case_id"], method, at, *whom, tracking, by)
        await connection.execute(_DELIVERY, clinic["clinic_id"], demo.new_id(at.date()), *values)
    await _issue_payoff(desk, invoices[0], by)


@dataclass(frozen=True, slots=True)
class _Desk:
    """The owner's connection, the demo clinic, and its row."""

    connection: asyncpg.Connection
    demo: DemoClinic
    clinic: Any


async def _issue_invoice(desk: _Desk, invoice: Any, by: UUID, at: datetime) -> UUID:
    rows = tuple((one[0], one[1], one[2], _dollars(Decimal(one[3]))) for one in orjson.loads(invoice["lines"]))
    payable = ("", "Payable", "", _dollars(invoice["balance"]))
    listing = Listing(f"Invoice {invoice['number']}", ("Code", "What", "Units", "Charge"), rows, (payable,))
    values = {
        "amount": _dollars(invoice["balance"]),
        "invoice": invoice["number"],
        "due_day": str(at.date() + _HOLDS_FOR),
    }
    page = (DocumentKind.INVOICE, "Invoice", invoice["payer"], values, listing)
    named = [(invoice["id"], invoice["balance"])]
    return await _insert(desk, invoice, page, named, (by, at, None))


async def _issue_payoff(desk: _Desk, invoice: Any, by: UUID) -> None:
    today = desk.demo.today
    found = await desk.connection.fetch(_OPEN, desk.clinic["clinic_id"], invoice["case_id"])
    rows = tuple(
        (one["number"], str(one["service_date"]), _dollars(one["billed_amount"]), _dollars(one["balance"]))
        for one in found
    )
    total = sum((one["balance"] for one in found), Decimal("0.00"))
    listing = Listing(
        "", ("Invoice", "Day of service", "Billed", "Payable"), rows, (("In all", "", "", _dollars(total)),)
    )
    good_through = today + _HOLDS_FOR
    values = {"amount": _dollars(total), "good_through": str(good_through)}
    page = (DocumentKind.PAYOFF_LETTER, "Payoff letter", invoice["attorney"], values, listing)
    named = [(one["id"], one["balance"]) for one in found]
    await _insert(desk, invoice, page, named, (by, noon_of(today), good_through))


async def _insert(
    desk: _Desk,
    invoice: Any,
    page: tuple[DocumentKind, str, str, dict[str, str], Listing],
    named: Sequence[tuple[UUID, Decimal]],
    when: tuple[UUID, datetime, date | None],
) -> UUID:
    (kind, title, recipient, values, listing), (by, at, good_through) = page, when
    connection, clinic = desk.connection, desk.clinic
    identity, clinic_id = desk.demo.new_id(at.date()), clinic["clinic_id"]
    number = document_number(PREFIXES[kind], await connection.fetchval(_COUNTER, clinic_id, kind.value))
    about = (
        ("Patient", invoice["patient"]),
        ("Case", invoice["case_number"]),
        ("Date of injury", str(invoice["date_of_injury"])),
    )
    words = filled(
        kind, {}, {"clinic": clinic["name"], "patient": invoice["patient"], "recipient": recipient, **values}
    )
    lines = (*(clinic["address"] or "").splitlines(), f"Phone {clinic['phone']}")
    head = (kind, title, number, str(at.date()), Letterhead(clinic["name"], lines), (recipient,), about)
    contents = canonical_json(Contents(*head, opening=words["opening"], listings=(listing,), closing=words["closing"]))
    stated = sum((amount for _, amount in named), Decimal("0.00"))
    attorney_id = invoice["attorney_id"] if kind is DocumentKind.PAYOFF_LETTER else None
    frozen = (contents.decode(), hashlib.sha256(contents).digest())
    row = (
        kind.value,
        number,
        invoice["case_id"],
        recipient,
        attorney_id,
        at.date(),
        good_through,
        stated,
        *frozen,
        by,
        at,
    )
    await connection.execute(_DOCUMENT, clinic_id, identity, *row)
    for invoice_id, amount in named:
        await connection.execute(_NAMED, clinic_id, desk.demo.new_id(at.date()), identity, invoice_id, amount, at)
    return identity


def _dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}"
