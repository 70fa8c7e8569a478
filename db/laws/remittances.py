"""The laws of remittances: what is posted, and what its amounts add up to."""

from db.laws.base import Law
from db.merged_records import are_one

LAWS = (
    Law(
        "A posted claim belongs to a payment that is known, in balance and posted",
        "RemittanceClaim",
        """select c.id from remittance_claims c join remittance_payments p on (p.clinic_id, p.id) = (c.clinic_id, c.payment_id)
        where c.posted_at is not null and (p.status <> 'matched' or p.posted_at is null or p.payer_id is null)""",
    ),
    Law(
        "A posted payment is what is paid of its claims, less its provider adjustments",
        "RemittancePayment",
        """select p.id from remittance_payments p where p.posted_at is not null and p.amount <> (select coalesce(sum(c.paid_amount), 0)
            from remittance_claims c where (c.clinic_id, c.payment_id) = (p.clinic_id, p.id))
            - (select coalesce(sum((one ->> 'amount')::numeric), 0) from json_array_elements(p.provider_adjustments) one)""",
    ),
    Law(
        "A payment of a remittance is posted to a payment of its payer",
        "RemittancePayment",
        f"""select p.id from remittance_payments p join cheques c on (c.clinic_id, c.id) = (p.clinic_id, p.cheque_id)
        where not {are_one("payer", "c.payer_id", "p.payer_id", "p.clinic_id")} and c.corrects_id is null and c.corrected_at is null""",
    ),
    Law(
        "What a remittance is posted to is the payment that stands, not one that was typed wrong",
        "RemittancePayment",
        """select p.id from remittance_payments p join cheques c on (c.clinic_id, c.id) = (p.clinic_id, p.cheque_id)
        where c.corrected_at is not null""",
    ),
    Law(
        "The history of an invoice says that a claim was posted to it",
        "RemittanceClaim",
        """select c.id from remittance_claims c where c.posted_at is not null and not exists (select from invoice_events e
            where (e.clinic_id, e.invoice_id) = (c.clinic_id, c.invoice_id) and e.transition = 'post_remittance')""",
    ),
)
