"""The SQL of remittances: their payments and claims, what became of each, and what posted claims propose."""

from typing import Any

from sqlalchemy import (
    Column,
    FromClause,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    column,
    func,
    literal,
    not_,
    select,
    text,
)

from db import tables
from db.fields.base import (
    Expression,
    Filter,
    JsonList,
    Many,
    One,
    Order,
    Pages,
    View,
    amounts,
    by_id,
    name_of,
    owned,
    plain,
    there_is,
)
from db.fields.parties import TEXTS, UUIDS
from db.global_ids import id_expression
from db.merged_records import are_one
from db.row import Row
from db.signed_urls import link
from db.tables.base import listed
from db.tables.payments import remitted
from domain.billing.coverages import BY_SERVICE_DAY, PAYING, CoverageStatus
from domain.billing.invoices import OPEN
from domain.remittances.statuses import RemittanceProposalKind, RemittanceStatus


def _of_claims(r: Row, value: Any, *conditions: Any) -> Expression:
    """A figure over the claims of a remittance."""
    c = r.scope.row(tables.remittance_claims)
    query = select(value).select_from(c.source).where(owned("remittance_id")(r, c), *(one(c) for one in conditions))
    return query.scalar_subquery()


def is_waiting(c: Row) -> Expression:
    """That a claim is neither posted nor closed; a duplicate waits for nothing."""
    duplicate = c.status == literal(RemittanceStatus.DUPLICATE.value, literal_execute=True)
    return and_(c.posted_at.is_(None), c.closed_at.is_(None), not_(duplicate))


def _file_name(r: Row) -> Expression:
    d = r.scope.row(tables.documents)
    return select(d.file_name).select_from(d.source).where(by_id("document_id")(r, d)).scalar_subquery()


def _has_waiting(r: Row) -> Expression:
    c = r.scope.row(tables.remittance_claims)
    return there_is(c, and_(owned("remittance_id")(r, c), is_waiting(c)))


REMITTANCE = View(
    tables.remittances,
    {
        "id": lambda r: id_expression("Remittance", r.id),
        "origin": name_of("origin"),
        "fileName": _file_name,
        "importedAt": lambda r: r.recorded_at,
        "importedBy": One("User", by_id("imported_by")),
        "documentUrl": lambda r: link(r, "documents", "Upload", r.document_id),
        **plain("problems"),
        "claimCount": lambda r: _of_claims(r, func.count()),
        "postedCount": lambda r: _of_claims(r, func.count(), lambda c: c.posted_at.is_not(None)),
        "waitingCount": lambda r: _of_claims(r, func.count(), is_waiting),
        "payments": Many("RemittancePayment", owned("remittance_id"), lambda p: [p.place]),
        "claims": Pages("RemittanceClaim", owned("remittance_id")),
    },
    {
        "waiting": Filter(lambda r, wanted: _has_waiting(r) if wanted else not_(_has_waiting(r))),
        "origin": Filter(lambda r, wanted: r.origin == any_(wanted), TEXTS),
    },
    order=Order(lambda r: r.id, Uuid(), descending=True),
    listed_as="remittances",
    found_as="remittance",
)


REMITTANCE_PAYMENT = View(
    tables.remittance_payments,
    {
        "id": lambda p: id_expression("RemittancePayment", p.id),
        **plain("place", "payer_identifier", "payer_name", "trace", "paid_on", "reason", "is_attached", "posted_at"),
        **amounts("amount"),
        "method": name_of("method"),
        "status": name_of("status"),
        "payer": One("Payer", by_id("payer_id")),
        "cheque": One("Cheque", by_id("cheque_id")),
        "postedBy": One("User", by_id("posted_by")),
        "brokenLaws": JsonList("BrokenRemittanceLaw", "broken_laws"),
        "providerAdjustments": JsonList("RemittedProviderAdjustment", "provider_adjustments"),
    },
)

REMITTANCE_CLAIM = View(
    tables.remittance_claims,
    {
        "id": lambda c: id_expression("RemittanceClaim", c.id),
        **plain("place", "number", "status_code", "payer_number", "remark_codes", "reason", "posted_at"),
        **plain("closed_at", "closing_reason"),
        **amounts("charge_amount", "paid_amount", "patient_amount"),
        "status": name_of("status"),
        "isPosted": lambda c: c.posted_at.is_not(None),
        "isWaiting": is_waiting,
        "adjustments": JsonList("RemittedAdjustment", "adjustments"),
        "lines": JsonList("RemittedLine", "lines"),
        "remittance": One("Remittance", by_id("remittance_id")),
        "payment": One("RemittancePayment", by_id("payment_id")),
        "invoice": One("Invoice", by_id("invoice_id")),
        "coverage": One("Coverage", by_id("coverage_id")),
        "postedBy": One("User", by_id("posted_by")),
        "closedBy": One("User", by_id("closed_by")),
        "proposals": Many("RemittanceProposal", owned("claim_id"), lambda p: [p.kind]),
    },
    {
        "status": Filter(lambda c, wanted: c.status == any_(wanted), TEXTS),
        "isPosted": Filter(lambda c, wanted: c.posted_at.is_not(None) if wanted else c.posted_at.is_(None)),
        "isWaiting": Filter(lambda c, wanted: is_waiting(c) if wanted else not_(is_waiting(c))),
        "invoiceId": Filter(lambda c, ids: c.invoice_id == any_(ids), UUIDS),
        "remittanceId": Filter(lambda c, ids: c.remittance_id == any_(ids), UUIDS),
    },
    order=Order(lambda c: c.id, Uuid()),
    listed_as="remittanceClaims",
)

REMITTED_LINE = View(
    remitted.remitted_lines,
    {
        **plain("place", "code", "modifiers", "units", "service_on", "reference", "remark_codes"),
        **plain("charge", "paid"),
        "line": One("InvoiceLine", by_id("line_id"), lambda line: [line.id]),
        "adjustments": JsonList("RemittedAdjustment", "adjustments"),
    },
)
REMITTED_ADJUSTMENT = View(remitted.remitted_adjustments, plain("group", "reason_code", "amount", "quantity"))
BROKEN_LAW = View(remitted.broken_laws, plain("law", "stated", "computed", claimPlace="claim", linePlace="line"))
REMITTED_PROVIDER_ADJUSTMENT = View(remitted.remitted_provider_adjustments, plain("code", "amount", "reference"))

# Of the last posted claim of an invoice, as long as its payer owes what is open: what may be transferred, to the next active coverage
# of the case or else to the firm that represents it; and the coverage whose benefit is used up.
_LAST = """from remittance_claims c join remittance_payments p on p.clinic_id = c.clinic_id and p.id = c.payment_id
    join invoices i on i.clinic_id = c.clinic_id and i.id = c.invoice_id"""
_IS_LAST = f"""c.clinic_id = :clinic_id and c.posted_at is not null and c.status = '{RemittanceStatus.MATCHED}'
    and not exists (select from remittance_claims n where n.clinic_id = c.clinic_id and n.invoice_id = c.invoice_id
        and n.posted_at is not null and n.id > c.id)"""
_NEXT = f"""left join lateral (select v.id, v.payer_id from coverages v join cases k on k.clinic_id = v.clinic_id and k.id = v.case_id
        cross join lateral (select case when v.kind = '{BY_SERVICE_DAY}' then i.service_date else k.date_of_injury end as day) o
        where v.clinic_id = i.clinic_id and v.case_id = i.case_id and v.status = '{CoverageStatus.ACTIVE}'
            and v.id is distinct from c.coverage_id
            and (c.coverage_id is not null or not {are_one("payer", "v.payer_id", "i.payer_id", "i.clinic_id")})
            and (v.effective_from is null or v.effective_from <= o.day) and (v.effective_to is null or v.effective_to > o.day)
            and (w.id is null or (v.priority, v.id) > (w.priority, w.id)) order by v.priority, v.id limit 1) n on true
    left join lateral (select y.id from attorneys a join payers y on y.clinic_id = a.clinic_id and y.firm_id = a.firm_id
        where a.clinic_id = i.clinic_id and a.id = i.attorney_id and y.retired_at is null and y.merged_into_id is null
            and not {are_one("payer", "y.id", "i.payer_id", "i.clinic_id")}
        order by y.name, y.id limit 1) f on n.id is null"""
_PROPOSALS = f"""select c.clinic_id, md5('exhaust' || c.id)::uuid as id, c.id as claim_id,
        '{RemittanceProposalKind.EXHAUST_COVERAGE}' as kind, null::numeric as amount, c.invoice_id, w.id as coverage_id, w.payer_id, null as reason
    {_LAST} join coverages w on w.clinic_id = c.clinic_id and w.id = c.coverage_id
    where {_IS_LAST} and c.is_exhausted and w.status in {listed(PAYING)}
    union all select c.clinic_id, md5('transfer' || c.id)::uuid, c.id, '{RemittanceProposalKind.TRANSFER_BALANCE}',
        least(c.transfer_amount, i.balance), c.invoice_id, n.id, coalesce(n.payer_id, f.id), c.transfer_reason
    {_LAST} left join coverages w on w.clinic_id = c.clinic_id and w.id = c.coverage_id {_NEXT}
    where {_IS_LAST} and c.transfer_amount > 0 and i.balance > 0 and i.status in {listed(OPEN)}
        and {are_one("payer", "i.payer_id", "p.payer_id", "i.clinic_id")}
        and not exists (select from responsibilities r where r.clinic_id = i.clinic_id and r.invoice_id = i.id
            and r.recorded_at > c.posted_at)"""


class _Proposal(Row):
    """What a posted claim proposes: a row of the union of all that is proposed."""

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row."""
        named = text(_PROPOSALS).bindparams(bindparam("clinic_id", None, type_=Uuid()))
        return named.columns(*(column(c.name, c.type) for c in remittance_proposals.c)).subquery(self.alias)


# Not a table of the database: the rows are computed by each query.
remittance_proposals = Table(
    "remittance_proposals",
    MetaData(),
    Column("clinic_id", Uuid),
    Column("id", Uuid),
    Column("claim_id", Uuid),
    Column("kind", Text),
    Column("amount", Numeric(12, 2)),
    Column("invoice_id", Uuid),
    Column("coverage_id", Uuid),
    Column("payer_id", Uuid),
    Column("reason", Text),
    info={"row": _Proposal},
)

PROPOSAL = View(
    remittance_proposals,
    {
        "kind": name_of("kind"),
        "reason": name_of("reason"),
        **amounts("amount"),
        "invoice": One("Invoice", by_id("invoice_id")),
        "coverage": One("Coverage", by_id("coverage_id")),
        "payer": One("Payer", by_id("payer_id")),
    },
)
