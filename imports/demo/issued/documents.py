"""A few documents that the demo clinic has issued: their files are drawn by the worker, which the database asks for them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.documents.bills import Invoice
from domain.documents.contents import Contents, amount_of, canonical_json, kind_of
from domain.documents.letters import OpenInvoice, PayoffLetter
from domain.documents.parts import ZERO, CaseFacts, Letterhead, Recipient, ServiceLine
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
# The tables that the search reads.
SEARCHED = ("invoices", "invoice_lines", "cases", "patients", "payers", "users", "attorneys")
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
_TEMPLATE = """insert into document_templates (clinic_id, id, kind, version, texts, recorded_at) values ($1, $2, 'INVOICE', 1, $3, $4)"""
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

    @property
    def letterhead(self) -> Letterhead:
        """The clinic as its documents name it."""
        address = tuple((self.clinic["address"] or "").splitlines())
        return Letterhead(self.clinic["name"], address, phone=self.clinic["phone"] or "")


async def _issue_invoice(desk: _Desk, invoice: Any, by: UUID, at: datetime) -> UUID:
    lines = tuple(
        ServiceLine(invoice["service_date"], one[0], one[1], Decimal(one[3]), int(one[2]))
        for one in orjson.loads(invoice["lines"])
    )
    recipient, billed = Recipient(invoice["payer"]), invoice["balance"]

    def contents(number: str) -> Contents:
        head = (desk.letterhead, recipient, number, at.date(), _case_of(invoice))
        return Invoice(*head, lines, billed, billed, due_on=at.date() + _HOLDS_FOR)

    return await _insert(desk, invoice, contents, [(invoice["id"], billed)], _Issued(by, at))


async def _issue_payoff(desk: _Desk, invoice: Any, by: UUID) -> None:
    today = desk.demo.today
    found = await desk.connection.fetch(_OPEN, desk.clinic["clinic_id"], invoice["case_id"])
    rows = tuple(OpenInvoice(one["number"], one["service_date"], one["balance"], one["billed_amount"]) for one in found)
    total = sum((one["balance"] for one in found), ZERO)
    good_through = today + _HOLDS_FOR

    def contents(number: str) -> Contents:
        recipient = Recipient(invoice["attorney"])
        head = (desk.letterhead, recipient, number, today, _case_of(invoice), good_through)
        return PayoffLetter(*head, rows, total, total)

    named = [(one["id"], one["balance"]) for one in found]
    await _insert(desk, invoice, contents, named, _Issued(by, noon_of(today), good_through, invoice["attorney_id"]))


def _case_of(invoice: Any) -> CaseFacts:
    return CaseFacts(invoice["case_number"], invoice["patient"], injured_on=invoice["date_of_injury"])


@dataclass(frozen=True, slots=True)
class _Issued:
    """By whom and when a document was issued, until when it holds, and the attorney to whom it is addressed."""

    by: UUID
    at: datetime
    good_through: date | None = None
    attorney_id: UUID | None = None


async def _insert(
    desk: _Desk,
    invoice: Any,
    contents: Callable[[str], Contents],
    named: Sequence[tuple[UUID, Decimal]],
    issued: _Issued,
) -> UUID:
    clinic_id, on = desk.clinic["clinic_id"], issued.at.date()
    kind, identity = kind_of(contents("")), desk.demo.new_id(on)
    number = document_number(PREFIXES[kind], await desk.connection.fetchval(_COUNTER, clinic_id, kind.value))
    frozen = contents(number)
    data = canonical_json(frozen)
    about = (kind.value, number, invoice["case_id"], frozen.recipient.name, issued.attorney_id, on, issued.good_through)
    row = (*about, amount_of(frozen), data.decode(), hashlib.sha256(data).digest(), issued.by, issued.at)
    await desk.connection.execute(_DOCUMENT, clinic_id, identity, *row)
    for invoice_id, amount in named:
        link = (desk.demo.new_id(on), identity, invoice_id, amount, issued.at)
        await desk.connection.execute(_NAMED, clinic_id, *link)
    return identity
