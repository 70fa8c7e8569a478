"""Violations of the laws of remittances, as those of the other laws: start of the law, target, statement."""

_CHEQUE = "select id from cheques where returned_on is null and applied_amount > 0 order by id limit 1"
_WRONG = "select id from cheques where corrected_at is not null order by id limit 1"
_PAYMENT = """insert into remittance_payments (clinic_id, id, remittance_id, place, payer_id, trace, trace_key, method, amount, paid_on,
    status, cheque_id, posted_at) select clinic_id, {id}, id, 1, {payer}, 'V', 'V', 'ach', {amount}, received_on, 'matched', id, {posted}
    from cheques where id = $"""
_CLAIM = """with payment as ({payment} returning clinic_id, id, remittance_id) insert into remittance_claims (clinic_id, id, remittance_id,
    payment_id, place, number, status_code, charge_amount, paid_amount, patient_amount, status, invoice_id, posted_at)
    select p.clinic_id, $, p.remittance_id, p.id, 1, 'V', '1', 0, 0, 0, 'matched', i.id, now() from payment p, (select id from invoices
        where id not in (select invoice_id from invoice_events where transition = 'post_remittance') limit 1) i"""


def _payment(identity: str = "$", payer: str = "payer_id", amount: str = "0", posted: str = "now()") -> str:
    return _PAYMENT.format(id=identity, payer=payer, amount=amount, posted=posted)


_ANOTHER = "(select p.id from payers p where p.id <> payer_id limit 1)"
REMITTANCES = [
    ("A posted claim belongs", _CHEQUE, _CLAIM.format(payment=_payment("gen_random_uuid()", posted="null"))),
    ("The history of an invoice says that a claim", _CHEQUE, _CLAIM.format(payment=_payment("gen_random_uuid()"))),
    ("A posted payment is what", _CHEQUE, _payment(amount="0.01")),
    ("A payment of a remittance is posted", _CHEQUE, _payment(payer=_ANOTHER)),
    ("What a remittance is posted to", _WRONG, _payment()),
]
