"""Violations of the laws of issued documents."""

_OF = "select id from issued_documents where kind = '{}' order by number desc limit 1"
_BILL, _PAYOFF = _OF.format("INVOICE"), _OF.format("PAYOFF_LETTER")
_DELIVERY = "select id from document_deliveries order by id limit 1"
_CLINIC = "select clinic_id as id from issued_documents limit 1"
_OTHER_CASE = "(select c.id from cases c where c.id <> case_id order by c.id limit 1)"
_UPLOADED = """insert into documents (clinic_id, id, uploaded_by, file_name, content_type, byte_size, expires_at, stored_at, consumed_at,
        sha256, blob_key)
        select clinic_id, id, issued_by, 'a.pdf', content_type, 1, now(), now(), {consumed_at}, {sha256}, blob_key
        from issued_documents where id = $;
    update issued_documents set origin = 'uploaded', document_id = id where id = $"""

# The rule, the query for the record that is to break it ($ in the statement), and the statement that breaks it.
ISSUED_DOCUMENTS = [
    ("A document has a number", _BILL, "update issued_documents set number = 'PAY-000001' where id = $"),
    ("A document has a number", _BILL, "update issued_documents set number = 'BILL-1' where id = $"),
    ("A document has a number", _BILL, "update issued_documents set number = 'BILL-000003' where id = $"),
    (
        "A counter of documents",
        _CLINIC,
        "update document_counters set last_number = last_number + 1 where kind = 'INVOICE'",
    ),
    ("A counter of documents", _CLINIC, "delete from document_counters where kind = 'INVOICE'"),
    ("The data hash of", _BILL, "update issued_documents set contents = contents || ' ' where id = $"),
    ("The data hash of", _BILL, "update issued_documents set data_hash = '\\x00' where id = $"),
    ("A document supersedes", _BILL, f"update issued_documents set supersedes_id = ({_PAYOFF}) where id = $"),
    (
        "A document supersedes",
        _PAYOFF,
        f"update issued_documents set kind = 'INVOICE', case_id = {_OTHER_CASE}, supersedes_id = ({_BILL}) where id = $",
    ),
    (
        "A document names invoices",
        _PAYOFF,
        """update issued_document_invoices set invoice_id = (select i.id from invoices i, issued_documents d
            where d.id = $ and i.case_id <> d.case_id limit 1)
        where id = (select id from issued_document_invoices where document_id = $ order by id limit 1)""",
    ),
    ("A document names invoices", _BILL, "delete from issued_document_invoices where document_id = $"),
    (
        "A document names invoices",
        _BILL,
        """insert into issued_document_invoices (clinic_id, id, document_id, invoice_id, amount) select n.clinic_id, gen_random_uuid(),
        n.document_id, (select i.id from invoices i where i.id <> n.invoice_id limit 1), 0 from issued_document_invoices n
        where n.document_id = $""",
    ),
    ("A document states", _BILL, "update issued_documents set stated_amount = stated_amount - 0.01 where id = $"),
    ("A document states", _PAYOFF, "update issued_documents set stated_amount = stated_amount + 0.01 where id = $"),
    ("A drawn affidavit", _BILL, "update issued_documents set executed_on = as_of where id = $"),
    ("A drawn affidavit", _BILL, "update issued_documents set statement_id = id where id = $"),
    ("A drawn affidavit", _PAYOFF, "update issued_documents set kind = 'BILLING_AFFIDAVIT' where id = $"),
    (
        "A drawn affidavit",
        _PAYOFF,
        f"update issued_documents set kind = 'BILLING_AFFIDAVIT', statement_id = ({_BILL}) where id = $",
    ),
    ("The file of an uploaded", _BILL, _UPLOADED.format(consumed_at="null", sha256="sha256")),
    ("The file of an uploaded", _BILL, _UPLOADED.format(consumed_at="now()", sha256="'\\x00'")),
    ("A delivery has", _DELIVERY, f"update document_deliveries set case_id = {_OTHER_CASE} where id = $"),
    (
        "A delivery has",
        _DELIVERY,
        "update document_deliveries set delivered_at = delivered_at - interval '6 minutes' where id = $",
    ),
]
