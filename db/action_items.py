"""The SQL of action items: the records that billing staff have to act on, when each is due, and when it is done."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Date, FromClause, MetaData, Table, Text, Uuid, bindparam, column, func, select, text

from db.merged_records import followed, stored
from db.reminders.document_items import DOCUMENT_ITEMS
from db.row import Expression, Row, Scope
from db.tables.base import listed
from domain.billing.coverages import PAYING, CoverageStatus
from domain.billing.invoices import OPEN, InvoiceStatus
from domain.billing.ledger.late_facts import DECISION_WORDS, FACT_WORDS, HELPS, RECORDED
from domain.billing.transitions import OUTSIDE_FACTS, TRANSITIONS
from domain.payments.cheques import UNAPPLIED_AFTER, ReversalKind
from domain.payments.recoupment import RECOUPMENT_NOTICE
from domain.reminders.reminders import APPEAL_NOTICE, FILING_NOTICE, ActionItemKind

_NOTHING = ("cast(null as uuid)",)
_NOBODY = _NOTHING * 2
_WITHOUT_INVOICE = "cross join lateral (select c.clinic_id, cast(null as uuid) as id) i"
_OPEN, _STEPS = listed(OPEN), listed(row.name for row in TRANSITIONS)
# The transitions after which an invoice is filed with another payer.
_PAYER_CHANGES = listed(("change_payer", "transfer_balance"))


def _id_of(kind: ActionItemKind) -> str:
    """The id of an item that has no record of its own: derived from the invoice and the kind."""
    return f"cast(md5('{kind}' || i.id) as uuid)"


# What remains of the coverages of a payer in a case, taken together (null: one has no limit), and since when it does. A coverage
# that is exhausted has nothing left, whatever its figures say; one that was refused or closed does not count.
_LEFT = f"""(select c.clinic_id, c.case_id, <c.payer_id> as payer_id, max(r.since) as since,
        case when count(*) = count(r.rest) then sum(r.rest) end as rest
    from coverages c cross join lateral (select coalesce(sum(a.amount), 0) as paid, max(a.effective_on) as last_on
            from cheque_allocations a where a.clinic_id = c.clinic_id and a.coverage_id = c.id) p
        cross join lateral (select case when c.status = '{CoverageStatus.EXHAUSTED}' then 0.00 when c.limit_amount is not null
                then greatest(0.00, c.limit_amount - p.paid - coalesce(c.other_payments_amount, 0)) end as rest,
            greatest(c.exhausted_on, c.other_payments_on, p.last_on, cast(c.recorded_at at time zone :time_zone as date)) as since) r
    where c.clinic_id = :clinic_id and c.status in {listed((*PAYING, CoverageStatus.EXHAUSTED))}
    group by c.clinic_id, c.case_id, <c.payer_id>)"""
_COVERED = f"""{_LEFT} k join invoices i on i.clinic_id = k.clinic_id and i.case_id = k.case_id and <i.payer_id> = k.payer_id
    where i.status in {_OPEN}"""
# The balances of the payer's open invoices of a case up to this one.
_TOGETHER = f"""(select sum(o.balance) from invoices o where o.clinic_id = i.clinic_id and o.case_id = i.case_id
    and <o.payer_id> = <i.payer_id> and o.status in {_OPEN} and (o.created_on, o.id) <= (i.created_on, i.id))"""
# When a period of representation was over: it ended, or a later change replaced it as wrong.
_OVER = "coalesce({0}.known_until, {0}.until_on)"
_IS_OVER = "({0}.known_until is null and {0}.until_on > {0}.from_on or {0}.known_until is not null)"
_RANK = f"({{0}}.known_until is null, {_OVER}, {{0}}.id)"
# The open invoices `i` whose payer is a firm that does not represent the case any more; `r` is the last period of the firm that
# is over, first of all among those that are still known. `offset 0` keeps PostgreSQL from reading all invoices before the few
# such periods.
OWED_BY_FORMER_FIRM = f"""representations r join attorneys a on a.clinic_id = r.clinic_id and a.id = r.attorney_id
    cross join lateral (select v.clinic_id, v.id, v.payer_id, v.attorney_id from invoices v
        where v.clinic_id = r.clinic_id and v.case_id = r.case_id and v.status in {_OPEN} offset 0) i
    join payers p on p.clinic_id = i.clinic_id and p.id = <i.payer_id> and p.firm_id = a.firm_id
    where {_IS_OVER.format("r")}
    and not exists (select from attorneys n where n.clinic_id = i.clinic_id and n.id = i.attorney_id and n.firm_id = p.firm_id)
    and not exists (select from representations l join attorneys o on o.clinic_id = l.clinic_id and o.id = l.attorney_id
        where l.clinic_id = r.clinic_id and l.case_id = r.case_id and o.firm_id = a.firm_id
        and {_IS_OVER.format("l")} and {_RANK.format("l")} > {_RANK.format("r")})"""
# The decisions of a person; what is recorded of others decides nothing.
_DECISIONS = listed(row.name for row in TRANSITIONS if row.roles and row.name not in OUTSIDE_FACTS)


# When money came, or was returned: of what was corrected as what was wrong.
_ORDER = "(coalesce({0}.ordered_at, {0}.recorded_at), {0}.id)"

# That a return `r` changed what is received: not where the payer had taken the money back before, which was restored with it.
_CHANGED = """not exists (select from cheque_allocations t join cheque_allocations u on u.clinic_id = t.clinic_id
        and u.invoice_id = t.invoice_id and u.reverses_id = t.id and u.reversal_kind = 'returned'
    where t.clinic_id = r.clinic_id and t.invoice_id = r.invoice_id and t.reverses_id = r.reverses_id and t.reversal_kind = 'taken_back'
        and coalesce(u.ordered_at, u.recorded_at) = coalesce(r.ordered_at, r.recorded_at))"""


def _words(column: str, words: Mapping[Any, str]) -> str:
    """The words of each value of a column."""
    return f"case {column} " + " ".join(f"when '{value}' then '{text}'" for value, text in words.items()) + " end"


# The kind; then id, due date and subject of the item, for a reminder its assignee and id, and the payment or the visit that it is
# about; then the FROM clause, in which `i` is the invoice.
_PARTS: list[tuple[ActionItemKind, tuple[str, ...], str]] = [
    (
        ActionItemKind.DUE_REMINDER,
        ("r.id", "coalesce(r.moved_to, r.target_date)", "r.subject", "r.assignee_id", "r.id"),
        "reminders r cross join lateral (select r.clinic_id, r.invoice_id as id) i where r.status = 'scheduled'",
    ),
    # A partly paid agreement does not lapse automatically; the worker lapses the others.
    (
        ActionItemKind.LAPSED_AGREEMENT,
        ("i.id", "i.conditional_until + 1", "'The agreed amount was not paid in full by the agreed date'"),
        "invoices i where i.status = 'pending_cheque' and i.conditional_until is not null",
    ),
    # A lapsed agreement is an action item until the next transition of the invoice.
    (
        ActionItemKind.LAPSED_AGREEMENT,
        ("e.id", "cast(e.at at time zone :time_zone as date)", "'The agreement has lapsed: negotiate again'"),
        f"""invoice_events e join invoices i on i.clinic_id = e.clinic_id and i.id = e.invoice_id
        where e.transition = 'lapse_agreement' and i.status = 'pending_reduction' and not exists (select from invoice_events l
            where l.clinic_id = e.clinic_id and l.invoice_id = e.invoice_id and l.seq > e.seq and l.transition in {_STEPS})""",
    ),
    # Until the next offer is made, or the negotiation ends.
    (
        ActionItemKind.LAPSED_AGREEMENT,
        (
            "o.id",
            "o.expires_on + 1",
            "'The last offer expired on ' || o.expires_on || ': ask the payer, or make another offer'",
        ),
        """reduction_offers o join invoices i on i.clinic_id = o.clinic_id and i.id = o.invoice_id
        where o.status = 'open' and o.expires_on is not null and i.status = 'pending_reduction'""",
    ),
    # Of an open invoice, until another payment is allocated to it; once, even where the cheque was allocated to it several times.
    (
        ActionItemKind.RETURNED_CHEQUE,
        (
            "r.id",
            "r.effective_on",
            """case when <c.payer_id> = <i.payer_id> then 'Cheque ' || c.number || ' was returned' else 'Cheque ' || c.number || ' of '
                || p.name || ' was returned: ask for another payment, or collect $' || i.balance || ' from ' || n.name end""",
            *_NOBODY,
            "c.id",
        ),
        f"""cheque_allocations r join cheques c on c.clinic_id = r.clinic_id and c.id = r.cheque_id
            join invoices i on i.clinic_id = r.clinic_id and i.id = r.invoice_id
            join payers p on p.clinic_id = c.clinic_id and p.id = <c.payer_id>
            join payers n on n.clinic_id = i.clinic_id and n.id = <i.payer_id>
        where r.amount < 0 and coalesce(r.reversal_kind, 'returned') = 'returned' and c.corrected_at is null and i.status in {_OPEN}
            and {_CHANGED}
            and not exists (select from cheque_allocations a join cheques o on o.clinic_id = a.clinic_id and o.id = a.cheque_id
            where a.clinic_id = r.clinic_id and a.invoice_id = r.invoice_id and o.corrected_at is null
            and {_ORDER.format("a")} > {_ORDER.format("r")} and (a.amount > 0 and not exists (select from cheque_allocations m
                where m.clinic_id = a.clinic_id and m.invoice_id = a.invoice_id and m.reverses_id = a.id and m.reversal_kind = 'moved')
                or a.cheque_id = r.cheque_id and a.amount < 0))""",
    ),
    # What it had recovered is written off again: until another payment, a note, or another write-off.
    (
        ActionItemKind.RETURNED_CHEQUE,
        (
            "r.id",
            "r.effective_on",
            """'Cheque ' || c.number || ' was returned after the write-off: ask for another payment, or note that none is expected '
                || '(addInternalNote)'""",
            *_NOBODY,
            "c.id",
        ),
        f"""cheque_allocations r join cheques c on c.clinic_id = r.clinic_id and c.id = r.cheque_id
            join invoices i on i.clinic_id = r.clinic_id and i.id = r.invoice_id
            join write_offs w on w.clinic_id = i.clinic_id and w.invoice_id = i.id and w.reversed_on is null
        where r.amount < 0 and i.status = '{InvoiceStatus.WRITTEN_OFF}'
            and coalesce(r.reversal_kind, '{ReversalKind.RETURNED}') = '{ReversalKind.RETURNED}'
            and {_CHANGED} and r.recorded_at > w.recorded_at and not exists (select from cheque_allocations a
                where a.clinic_id = r.clinic_id and a.invoice_id = r.invoice_id and a.id > r.id
                and (a.amount > 0 or a.cheque_id = r.cheque_id))
            and not exists (select from invoice_events e where e.clinic_id = r.clinic_id and e.invoice_id = r.invoice_id
                and e.transition = 'add_internal_note' and e.at > r.recorded_at)""",
    ),
    # Until a later message about the invoice is queued or sent; once, even where the message lists the invoice several times.
    (
        ActionItemKind.FAILED_MESSAGE,
        ("l.id", "m.due_on", "'A message could not be sent: ' || coalesce(m.failure, '')"),
        f"""outbound_messages m join message_invoices l on l.clinic_id = m.clinic_id and l.message_id = m.id
            join invoices i on i.clinic_id = l.clinic_id and i.id = l.invoice_id
        where m.status = 'failed' and i.status in {_OPEN} and not exists (select from message_invoices k
            join outbound_messages n on n.clinic_id = k.clinic_id and n.id = k.message_id
            where k.clinic_id = l.clinic_id and k.invoice_id = l.invoice_id and n.status <> 'failed' and n.due_on > m.due_on)
            and not exists (select from message_invoices k where k.clinic_id = l.clinic_id and k.message_id = l.message_id
                and k.invoice_id = l.invoice_id and k.id < l.id)""",
    ),
    (
        ActionItemKind.APPEAL_DEADLINE,
        (
            "d.id",
            f"greatest(d.denied_on, d.appeal_due_on - {APPEAL_NOTICE.days})",
            "'Appeal the denial by ' || d.appeal_due_on",
        ),
        # Of several denials of the invoice, or of one line, the last; until it is appealed or closed.
        f"""denials d join invoices i on i.clinic_id = d.clinic_id and i.id = d.invoice_id
        where d.appeal_due_on is not null and case when d.line_id is not null then i.status in {_OPEN}
                else i.status = 'pending_invoice' and i.submitted_on is null end
            and not exists (select from denial_events e where e.clinic_id = d.clinic_id and e.denial_id = d.id)
            and not exists (select from denials n where n.clinic_id = d.clinic_id and n.invoice_id = d.invoice_id
                and n.line_id is not distinct from d.line_id and n.id > d.id)""",
    ),
    # Until somebody else owes the balance, or the coverage pays again.
    (
        ActionItemKind.COVERAGE_EXHAUSTED,
        (
            _id_of(ActionItemKind.COVERAGE_EXHAUSTED),
            "greatest(i.created_on, k.since)",
            "'The coverage is exhausted: transfer the balance of $' || i.balance",
        ),
        f"{_COVERED} and k.rest = 0",
    ),
    # For the invoices that what remains does not reach, if they are paid in the order in which they were created.
    (
        ActionItemKind.COVERAGE_NEARLY_EXHAUSTED,
        (
            _id_of(ActionItemKind.COVERAGE_NEARLY_EXHAUSTED),
            "greatest(i.created_on, k.since)",
            "'$' || k.rest || ' of the coverage remains, less than the open balances'",
        ),
        f"{_COVERED} and k.rest > 0 and k.rest < {_TOGETHER}",
    ),
    # Until the invoice is submitted to the payer, for the first time since this payer owes it.
    (
        ActionItemKind.FILING_DUE,
        (
            _id_of(ActionItemKind.FILING_DUE),
            f"greatest(i.created_on, i.service_date + f.days - {FILING_NOTICE.days})",
            "'File the invoice with the payer by ' || i.service_date + f.days",
        ),
        f"""invoices i cross join lateral (select min(c.file_within_days) as days from coverages c
            where c.clinic_id = i.clinic_id and c.case_id = i.case_id and <c.payer_id> = <i.payer_id>
                and c.status in {listed(PAYING)}) f
        where i.status = 'pending_invoice' and i.submitted_on is null and f.days is not null
            and not exists (select from invoice_events e where e.clinic_id = i.clinic_id and e.invoice_id = i.id
                and e.transition = 'submit_invoice' and not exists (select from invoice_events l where l.clinic_id = e.clinic_id
                    and l.invoice_id = e.invoice_id and l.seq > e.seq and l.transition in {_PAYER_CHANGES}))""",
    ),
    # Until the balance has another payer, or is closed.
    (
        ActionItemKind.REPRESENTATION_ENDED,
        (
            "cast(md5(cast(r.id as text) || cast(i.id as text)) as uuid)",
            _OVER.format("r"),
            f"'The firm that pays has not represented the case since ' || {_OVER.format('r')} || ': transfer the balance'",
        ),
        OWED_BY_FORMER_FIRM,
    ),
    # Until the money is allocated or refunded; or, where it was refunded before its payment was returned, or a payment that was returned
    # had been taken back with it, until as much of the payer's other money is left unapplied.
    (
        ActionItemKind.UNAPPLIED_MONEY,
        (
            "c.id",
            f"""coalesce(c.returned_on, case when c.unapplied_amount < 0 then (select max(u.effective_on) from cheque_allocations u
                where u.clinic_id = c.clinic_id and u.cheque_id = c.id and u.reversal_kind = 'returned') end,
                c.received_on + {UNAPPLIED_AFTER.days})""",
            """case when c.returned_on is null and c.unapplied_amount < 0 then 'With payment ' || c.number || ' the payer took back $'
                    || -c.unapplied_amount || ' of a payment that was returned: make due what it paid too much (moveAllocation), or give '
                    || 'it up (giveUpRefund)'
                when c.returned_on is null then '$' || c.unapplied_amount || ' of payment ' || c.number || ' is not applied'
                else 'Payment ' || c.number || ' was returned after a refund of $' || -c.unapplied_amount
                    || ': cover it with the payer''s next payment (recordCheque, coverRefund), or give it up (giveUpRefund)' end""",
            *_NOBODY,
            "c.id",
        ),
        f"""cheques c {_WITHOUT_INVOICE} where c.unapplied_amount <> 0 and sign(c.unapplied_amount) = sign((select
            sum(o.unapplied_amount) from cheques o where o.clinic_id = c.clinic_id and <o.payer_id> = <c.payer_id>
                and o.unapplied_amount <> 0))""",
    ),
    (
        ActionItemKind.DEPOSIT_DUE,
        ("c.id", "c.cheque_date", "'Deposit cheque ' || c.number", *_NOBODY, "c.id"),
        f"""cheques c {_WITHOUT_INVOICE}
        where c.held_from is not null and c.released_at is null and c.returned_on is null""",
    ),
    # Until it is billed or cancelled.
    (
        ActionItemKind.UNBILLED_ENCOUNTER,
        (
            "c.id",
            "c.service_date + k.unbilled_after_days",
            "'The visit of ' || c.service_date || ' is not billed'",
            *_NOBODY,
            *_NOTHING,
            "c.id",
        ),
        f"""encounters c join clinics k on k.clinic_id = c.clinic_id {_WITHOUT_INVOICE}
        where not c.is_billed and c.cancelled_at is null""",
    ),
    # Until somebody makes the next decision about the invoice, or what was recorded late turns out to have been typed wrong.
    (
        ActionItemKind.LATE_FACT,
        (
            "f.id",
            "cast(f.recorded_at at time zone :time_zone as date)",
            f"""{_words("f.fact", FACT_WORDS)} || ' ' || f.fact_on || ' {RECORDED} ' || {_words("f.decision", DECISION_WORDS)}
                || ' ' || f.decided_on || {_words("f.decision", HELPS)}""",
        ),
        f"""late_facts f join invoices i on i.clinic_id = f.clinic_id and i.id = f.invoice_id
        where not exists (select from invoice_events e where e.clinic_id = f.clinic_id and e.invoice_id = f.invoice_id
            and e.seq > f.seq and e.transition in {_DECISIONS})
            and not (f.fact in ('receipt', 'correction') and exists (select from cheque_allocations a join cheque_allocations w
                on w.clinic_id = a.clinic_id and w.invoice_id = a.invoice_id and w.id = a.reverses_id
                where a.clinic_id = f.clinic_id and a.invoice_id = f.invoice_id and a.reversal_kind in ('corrected', 'moved')
                and a.recorded_at > f.recorded_at and w.effective_on = f.fact_on and w.reverses_id is null))""",
    ),
    # Until it is answered; while an appeal runs, it is the payer's turn.
    (
        ActionItemKind.RECOUPMENT_DUE,
        (
            "c.id",
            f"greatest(c.requested_on, c.due_on - {RECOUPMENT_NOTICE.days})",
            "p.name || ' asks for $' || c.amount - c.answered_amount || ' back by ' || c.due_on || ': refund it (refundCheque), or appeal'",
            *_NOBODY,
            *_NOTHING * 2,
            "c.id",
        ),
        f"""recoupment_requests c join payers p on p.clinic_id = c.clinic_id and p.id = <c.payer_id> {_WITHOUT_INVOICE}
        where c.status = 'open'""",
    ),
    # Until each of its claims is posted or closed. The partial index has the claims that wait.
    (
        ActionItemKind.REMITTANCE_UNMATCHED,
        (
            "c.id",
            "cast(c.recorded_at at time zone :time_zone as date)",
            """w.waiting || case when w.waiting = 1 then ' claim of a remittance waits' else ' claims of a remittance wait' end
                || ', $' || w.paid || ': post them (postRemittance), or match or close what cannot be posted'""",
            *_NOBODY,
            *_NOTHING * 3,
            "c.id",
        ),
        f"""(select l.clinic_id, l.remittance_id, count(*) as waiting, sum(l.paid_amount) as paid from remittance_claims l
            where l.clinic_id = :clinic_id and l.posted_at is null and l.closed_at is null and l.status <> 'duplicate' group by 1, 2) w
            join remittances c on c.clinic_id = w.clinic_id and c.id = w.remittance_id {_WITHOUT_INVOICE} where true""",
    ),
    *DOCUMENT_ITEMS,
]
_NAMES = (
    *("id", "due_on", "subject", "assignee_id", "reminder_id", "cheque_id", "encounter_id"),
    *("recoupment_request_id", "remittance_id", "document_id", "kind", "clinic_id", "invoice_id"),
)


def _part(kind: ActionItemKind, values: tuple[str, ...], source: str) -> str:
    whole = (*(values + _NOTHING * 7)[:10], f"'{kind}'", "i.clinic_id", "i.id")
    named = ", ".join(f"{value} as {name}" for value, name in zip(whole, _NAMES, strict=True))
    return f"select {named} from {source} and i.clinic_id = :clinic_id"


_ITEMS = "\nunion all\n".join(_part(*part) for part in _PARTS)
_STORED, _FOLLOWED = stored(_ITEMS), followed(_ITEMS, ":clinic_id")


class _ActionItem(Row):
    """An action item: a row of the union over the records that need action."""

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row."""
        self.scope.unfollowed.add("merged_payers")
        brought = (bindparam("clinic_id", None, type_=Uuid()), bindparam("time_zone", None, type_=Text()))
        named = text(_FOLLOWED if self.scope.follows else _STORED).bindparams(*brought)
        return named.columns(*(column(name, action_items.c[name].type) for name in _NAMES)).subquery(self.alias)


# Not a table of the database: the rows are computed by each query.
action_items = Table(
    "action_items",
    MetaData(),
    Column("id", Uuid),
    Column("due_on", Date),
    Column("subject", Text),
    Column("assignee_id", Uuid),
    Column("reminder_id", Uuid),
    Column("cheque_id", Uuid),
    Column("encounter_id", Uuid),
    Column("recoupment_request_id", Uuid),
    Column("remittance_id", Uuid),
    Column("document_id", Uuid),
    Column("kind", Text),
    Column("clinic_id", Uuid),
    Column("invoice_id", Uuid),
    info={"row": _ActionItem},
)


def count_due(scope: Scope) -> Expression:
    """How many action items of the clinic are due today."""
    item = scope.row(action_items)
    due = item.due_on <= scope.today
    return select(func.count()).select_from(item.source).where(item.clinic_id == scope.clinic_id, due).scalar_subquery()
