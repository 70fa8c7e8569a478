"""The SQL of action items about issued documents: what they say is no longer true, or they did not arrive."""

from db.tables.base import listed
from domain.billing.invoices import OPEN
from domain.documents.kinds import DocumentKind
from domain.reminders.reminders import ActionItemKind

_NOTHING = ("cast(null as uuid)",)
_WITHOUT_INVOICE = "cross join lateral (select c.clinic_id, cast(null as uuid) as id) i"
_STANDS = """{0}.status = 'issued' and not exists (select from issued_documents n where n.clinic_id = {0}.clinic_id
    and n.supersedes_id = {0}.id)"""
_ISSUED_ON = "cast(c.issued_at at time zone :time_zone as date)"
_DOCUMENT = (*_NOTHING * 6, "c.id")

DOCUMENT_ITEMS: list[tuple[ActionItemKind, tuple[str, ...], str]] = [
    # While the letter is valid, until another one takes its place: an invoice that it names has another balance, or one is missing.
    (
        ActionItemKind.PAYOFF_CHANGED,
        (
            "c.id",
            _ISSUED_ON,
            "'Payoff letter ' || c.number || ' is no longer true: issue another one in its place (issueDocument), or withdraw it'",
            *_DOCUMENT,
        ),
        f"""issued_documents c {_WITHOUT_INVOICE}
        where c.kind = '{DocumentKind.PAYOFF_LETTER}' and c.good_through >= cast(now() at time zone :time_zone as date)
            and {_STANDS.format("c")}
            and exists (select from invoices v left join issued_document_invoices n on n.clinic_id = v.clinic_id
                and n.document_id = c.id and n.invoice_id = v.id where v.clinic_id = c.clinic_id and v.case_id = c.case_id
                and case when n.id is null then v.status in {listed(OPEN)} and v.balance <> 0 else n.amount <> v.balance end)""",
    ),
    # Until the invoice is paid after all, or the release is withdrawn or superseded.
    (
        ActionItemKind.RELEASE_UNPAID,
        (
            "c.id",
            _ISSUED_ON,
            "'A payment was returned after lien release ' || c.number || ': ask for another payment at once'",
            *_DOCUMENT,
        ),
        f"""issued_documents c {_WITHOUT_INVOICE} where c.kind = '{DocumentKind.LIEN_RELEASE}' and {_STANDS.format("c")}
            and exists (select from issued_document_invoices n join invoices v on v.clinic_id = n.clinic_id and v.id = n.invoice_id
                join cheque_allocations a on a.clinic_id = n.clinic_id and a.invoice_id = n.invoice_id
                where n.clinic_id = c.clinic_id and n.document_id = c.id and v.balance > 0 and v.status in {listed(OPEN)}
                    and a.amount < 0 and a.recorded_at > c.issued_at
                    and coalesce(a.reversal_kind, 'returned') = 'returned')""",
    ),
    # A document that did not arrive: until it is delivered in another way, or withdrawn.
    (
        ActionItemKind.FAILED_MESSAGE,
        (
            "m.id",
            "m.due_on",
            "'Document ' || c.number || ' could not be sent: ' || coalesce(m.failure, '')",
            *_DOCUMENT,
        ),
        f"""outbound_messages m join issued_documents c on c.clinic_id = m.clinic_id and c.id = m.issued_document_id
            {_WITHOUT_INVOICE} where m.status = 'failed' and {_STANDS.format("c")}
            and not exists (select from document_deliveries v where v.clinic_id = c.clinic_id and v.document_id = c.id
                and v.recorded_at > m.recorded_at and v.message_id is distinct from m.id)""",
    ),
]
