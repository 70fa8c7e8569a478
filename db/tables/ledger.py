"""The tables of the facts behind an invoice's amounts: responsible payers, agreements, adjustments, write-offs, late facts (decision 21)."""

from sqlalchemy import CheckConstraint, Column, Date, Integer, Text, UniqueConstraint

from db.tables.base import clinic_table, index, moment, money, one_of, refers, remark_codes
from domain.billing.claims.adjustments import ADJUSTING
from domain.billing.ledger.facts import AdjustmentKind, AgreementEnd, AgreementKind, ResponsibilityReason
from domain.billing.ledger.late_facts import Decision, OutsideFact

# Who owes the open part of an invoice from which day on; the last one is the present payer. Append-only.
responsibilities = clinic_table(
    "responsibilities",
    *refers("invoice_id", "invoices"),
    Column("number", Integer, nullable=False),
    *refers("payer_id", "payers"),
    *refers("coverage_id", "coverages", nullable=True),
    Column("from_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text),
    *refers("document_id", "documents", nullable=True),
    *refers("decided_by", "users", nullable=True),
    UniqueConstraint("clinic_id", "invoice_id", "number"),
    one_of("reason", ResponsibilityReason),
    index("ix_responsibilities_payer", "payer_id", "invoice_id"),
)

# The agreements with the payers; a negotiated one has an amount.
agreements = clinic_table(
    "agreements",
    *refers("invoice_id", "invoices"),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    money("amount", nullable=True),
    Column("agreed_on", Date, nullable=False),
    Column("conditional_until", Date),
    Column("ended_on", Date),
    moment("ended_at", nullable=True),
    Column("ended_by", Text),
    UniqueConstraint("clinic_id", "invoice_id", "number"),
    one_of("kind", AgreementKind),
    one_of("ended_by", AgreementEnd),
    CheckConstraint(f"(amount is null) = (kind <> '{AgreementKind.NEGOTIATED}')", name="negotiated_has_an_amount"),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
    index("ix_agreements_continued", "invoice_id", where=f"kind = '{AgreementKind.CONTINUED}'"),
    CheckConstraint(
        "(ended_on is null) = (ended_by is null) and (ended_at is null) = (ended_by is null)", name="ends_once"
    ),
)

# Amounts that are no longer due although they were neither paid, negotiated nor written off; negative rows take one back. Append-only.
invoice_adjustments = clinic_table(
    "invoice_adjustments",
    *refers("invoice_id", "invoices"),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    money("amount"),
    Column("effective_on", Date, nullable=False),
    *refers("decided_by", "users", nullable=True),
    # Of a contractual adjustment: why, of which line, and with which payment it came.
    Column("adjustment_group", Text),
    Column("reason_code", Text),
    remark_codes(),
    *refers("line_id", "invoice_lines", nullable=True),
    *refers("cheque_id", "cheques", nullable=True),
    Column("note", Text),
    # The adjustment that it undoes, because the payment by which that one came was corrected: neither of them is a fact.
    Column("undoes_number", Integer),
    UniqueConstraint("clinic_id", "invoice_id", "number"),
    one_of("kind", AdjustmentKind),
    # What the patient is responsible for stays due.
    one_of("adjustment_group", ADJUSTING),
    CheckConstraint("amount <> 0", name="amount_not_zero"),
    CheckConstraint(
        f"""kind = '{AdjustmentKind.CONTRACTUAL}' or coalesce(adjustment_group, reason_code, note) is null
        and line_id is null and cheque_id is null and remark_codes = '{{}}'""",
        name="explained_by_contract",
    ),
    CheckConstraint("(adjustment_group is null) = (reason_code is null)", name="reason_has_a_group"),
    index("ix_invoice_adjustments_line", "line_id", where="line_id is not null"),
    index("ix_invoice_adjustments_cheque", "cheque_id", where="cheque_id is not null"),
)

# The decisions that what is left of an invoice is uncollectible, until they are reversed.
write_offs = clinic_table(
    "write_offs",
    *refers("invoice_id", "invoices"),
    Column("number", Integer, nullable=False),
    Column("written_off_on", Date, nullable=False),
    Column("reversed_on", Date),
    *refers("decided_by", "users", nullable=True),
    UniqueConstraint("clinic_id", "invoice_id", "number"),
    CheckConstraint("reversed_on >= written_off_on", name="reversed_after_it_was_made"),
)

# The facts from outside that were recorded after a decision that they would have prevented; `seq` is the event of the invoice that
# recorded the fact. Append-only.
late_facts = clinic_table(
    "late_facts",
    *refers("invoice_id", "invoices"),
    Column("seq", Integer, nullable=False),
    Column("fact", Text, nullable=False),
    Column("fact_on", Date, nullable=False),
    Column("decision", Text, nullable=False),
    Column("decided_on", Date, nullable=False),
    one_of("fact", OutsideFact),
    one_of("decision", Decision),
    index("ix_late_facts_invoice", "invoice_id", "seq"),
)
