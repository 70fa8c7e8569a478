"""The laws of issued documents: their numbers, frozen contents, invoices, uploads and deliveries."""

from db.laws.base import Law
from domain.documents.kinds import DocumentKind
from domain.issuing.documents import PREFIXES

_KINDS = ", ".join(f"('{kind}', '{prefix}-')" for kind, prefix in PREFIXES.items())
# The documents with their places among those of their clinic and kind; null where a number is not that of the kind.
_NUMBERED = f"""(select d.clinic_id, d.id, d.kind, case when starts_with(d.number, k.prefix)
        and substr(d.number, length(k.prefix) + 1) ~ '^[0-9]{{6,12}}$' then substr(d.number, length(k.prefix) + 1)::bigint end as place
    from issued_documents d left join (values {_KINDS}) k (kind, prefix) on k.kind = d.kind) n"""
_AFFIDAVIT, _STATEMENT = DocumentKind.BILLING_AFFIDAVIT, DocumentKind.ITEMISED_STATEMENT

LAWS = (
    Law(
        "A document has a number of its kind, and the numbers of a clinic's documents of a kind have no gaps",
        "IssuedDocument",
        f"""select id from (select id, place, lag(place, 1, 0::bigint) over (partition by clinic_id, kind order by place) as before
        from {_NUMBERED}) b where place is null or place <> before + 1""",
    ),
    Law(
        "A counter of documents is the highest number of its clinic and kind",
        "Clinic",
        f"""select coalesce(u.clinic_id, c.clinic_id) as id from (select clinic_id, kind, max(place) as last from {_NUMBERED} group by 1, 2) u
        full join document_counters c on (c.clinic_id, c.kind) = (u.clinic_id, u.kind)
        where coalesce(u.last, 0) <> coalesce(c.last_number, 0)""",
    ),
    Law(
        "The data hash of a document is the SHA-256 of its contents",
        "IssuedDocument",
        "select id from issued_documents where data_hash <> sha256(convert_to(contents, 'UTF8'))",
    ),
    Law(
        "A document supersedes one of its case and kind",
        "IssuedDocument",
        """select d.id from issued_documents d join issued_documents o on (o.clinic_id, o.id) = (d.clinic_id, d.supersedes_id)
        where (o.case_id, o.kind) <> (d.case_id, d.kind)""",
    ),
    Law(
        "A document names invoices of its case, and the bill of an invoice names exactly one",
        "IssuedDocument",
        f"""select n.document_id as id from issued_document_invoices n
            join issued_documents d on (d.clinic_id, d.id) = (n.clinic_id, n.document_id)
            join invoices i on (i.clinic_id, i.id) = (n.clinic_id, n.invoice_id) where i.case_id <> d.case_id
        union all select d.id from issued_documents d left join (select clinic_id, document_id, count(*) as named
            from issued_document_invoices group by 1, 2) n on (n.clinic_id, n.document_id) = (d.clinic_id, d.id)
        where d.kind = '{DocumentKind.INVOICE}' and coalesce(n.named, 0) <> 1""",
    ),
    Law(
        "A document states the sum of the amounts of its invoices, and a payoff letter no more than that",
        "IssuedDocument",
        f"""select d.id from issued_documents d left join (select clinic_id, document_id, sum(amount) as amount
            from issued_document_invoices group by 1, 2) n on (n.clinic_id, n.document_id) = (d.clinic_id, d.id)
        where d.stated_amount is not null and case when d.kind = '{DocumentKind.PAYOFF_LETTER}' then d.stated_amount > coalesce(n.amount, 0)
            when d.kind <> '{DocumentKind.GOOD_FAITH_ESTIMATE}' then d.stated_amount <> coalesce(n.amount, 0) end""",
    ),
    Law(
        "A drawn affidavit swears to an itemized statement of its case, and only an affidavit does, is signed and is served",
        "IssuedDocument",
        f"""select d.id from issued_documents d left join issued_documents s on (s.clinic_id, s.id) = (d.clinic_id, d.statement_id)
        where case when d.kind = '{_AFFIDAVIT}' then d.origin = 'drawn'
                and (s.kind, s.case_id) is distinct from ('{_STATEMENT}', d.case_id)
            else d.statement_id is not null or d.executed_on is not null or d.served_on is not null end""",
    ),
    Law(
        "The file of an uploaded document is that of its upload, which nothing else can use",
        "IssuedDocument",
        """select d.id from issued_documents d join documents u on (u.clinic_id, u.id) = (d.clinic_id, d.document_id)
        where u.consumed_at is null or (u.content_type, u.sha256, u.blob_key) is distinct from (d.content_type, d.sha256, d.blob_key)""",
    ),
    Law(
        "A delivery has the case of its document, and is not before its issue or the day that an uploaded one bears",
        "DocumentDelivery",
        """select v.id from document_deliveries v join issued_documents d on (d.clinic_id, d.id) = (v.clinic_id, v.document_id)
        where v.case_id <> d.case_id or v.delivered_at < case d.origin when 'uploaded'
            then (d.as_of - 1)::timestamp at time zone 'UTC' else d.issued_at - interval '5 minutes' end""",
    ),
)
