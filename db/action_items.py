"""The SQL of action items: the records that billing staff have to act on, when each is due, and when it is done."""

from sqlalchemy import Column, Date, FromClause, MetaData, Table, Text, Uuid, bindparam, column, func, select, text

from db.row import Expression, Row, Scope
from db.tables.base import listed
from domain.billing.invoices import OPEN
from domain.billing.transitions import TRANSITIONS
from domain.reminders.reminders import APPEAL_NOTICE, ActionItemKind

_OPEN, _STEPS = listed(OPEN), listed(row.name for row in TRANSITIONS)
# The records that an item can be about, each by its id in a column of its own.
RECORDS = ("invoice_id", "encounter_id")
# The kind; then id, due date and subject of the item, and for a reminder its assignee and id; then the FROM clause, in which `i`
# is the record that the item is about: an invoice, unless ABOUT names another one.
_PARTS: list[tuple[ActionItemKind, tuple[str, ...], str]] = [
    (
        ActionItemKind.DUE_REMINDER,
        ("r.id", "r.target_date", "r.subject", "r.assignee_id", "r.id"),
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
    # Until another payment is allocated to the invoice; once, even where the cheque was allocated to it several times.
    (
        ActionItemKind.RETURNED_CHEQUE,
        ("r.id", "r.effective_on", "'Cheque ' || c.number || ' was returned'"),
        """cheque_allocations r join cheques c on c.clinic_id = r.clinic_id and c.id = r.cheque_id
            join invoices i on i.clinic_id = r.clinic_id and i.id = r.invoice_id
        where r.amount < 0 and i.status = 'pending_cheque' and not exists (select from cheque_allocations a
            where a.clinic_id = r.clinic_id and a.invoice_id = r.invoice_id and a.id > r.id
            and (a.amount > 0 or a.cheque_id = r.cheque_id))""",
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
        """denials d join invoices i on i.clinic_id = d.clinic_id and i.id = d.invoice_id
        where d.appeal_due_on is not null and i.status = 'pending_invoice' and i.submitted_on is null
            and not exists (select from denials n where n.clinic_id = d.clinic_id and n.invoice_id = d.invoice_id and n.id > d.id)""",
    ),
    # Until it is billed or cancelled.
    (
        ActionItemKind.UNBILLED_ENCOUNTER,
        ("i.id", "i.service_date + c.unbilled_after_days", "'The visit of ' || i.service_date || ' is not billed'"),
        """encounters i join clinics c on c.clinic_id = i.clinic_id
        where not i.is_billed and i.cancelled_at is null""",
    ),
]
ABOUT = {ActionItemKind.UNBILLED_ENCOUNTER: "encounter_id"}
_NOBODY = ("cast(null as uuid)",) * 2
_NAMES = ("id", "due_on", "subject", "assignee_id", "reminder_id", "kind", "clinic_id", *RECORDS)


def _part(kind: ActionItemKind, values: tuple[str, ...], source: str) -> str:
    about = ABOUT.get(kind, "invoice_id")
    records = ("i.id" if name == about else "cast(null as uuid)" for name in RECORDS)
    whole = (*(values + _NOBODY)[:5], f"'{kind}'", "i.clinic_id", *records)
    named = ", ".join(f"{value} as {name}" for value, name in zip(whole, _NAMES, strict=True))
    return f"select {named} from {source} and i.clinic_id = :clinic_id"


_ITEMS = "\nunion all\n".join(_part(*part) for part in _PARTS)


class _ActionItem(Row):
    """An action item: a row of the union over the records that need action."""

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row."""
        brought = (bindparam("clinic_id", None, type_=Uuid()), bindparam("time_zone", None, type_=Text()))
        named = text(_ITEMS).bindparams(*brought)
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
    Column("kind", Text),
    Column("clinic_id", Uuid),
    *(Column(name, Uuid) for name in RECORDS),
    info={"row": _ActionItem},
)


def count_due(scope: Scope) -> Expression:
    """How many action items of the clinic are due today."""
    item = scope.row(action_items)
    due = item.due_on <= scope.today
    return select(func.count()).select_from(item.source).where(item.clinic_id == scope.clinic_id, due).scalar_subquery()
