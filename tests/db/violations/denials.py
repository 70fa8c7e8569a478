"""Violations of the laws of contractual adjustments, and of the lives of denials."""

_OPEN = "select id from invoices where status = 'pending_invoice' order by number limit 1"
_TAKEN_OFF = "select invoice_id as id from invoice_adjustments where kind = 'contractual' order by id limit 1"
# A denial that was appealed and decided, the only one of its invoice.
_APPEALED = """select d.id from denials d where (select count(*) from denial_events e where e.denial_id = d.id) = 2
    and (select count(*) from denials o where o.invoice_id = d.invoice_id) = 1 order by d.id limit 1"""
_APPEALED_INVOICE = f"select invoice_id from denials where id = ({_APPEALED})"
_OF_APPEALED = "select d.id from denials d where d.invoice_id = $"

# The rule, the query for the record that is to break it ($ in the statement), and the statement that breaks it.
DENIALS = [
    ("An adjustment is not before", _TAKEN_OFF, "update invoice_adjustments set effective_on = '2001-01-01' where invoice_id = $"),
    ("The line of an adjustment", _TAKEN_OFF, """update invoice_adjustments set line_id = (select l.id from invoice_lines l
     where l.invoice_id <> invoice_adjustments.invoice_id limit 1) where invoice_id = $ and kind = 'contractual'"""),
    ("Contractual adjustments take", _OPEN, "update invoices set contractual_amount = -0.01 where id = $"),
    ("Contractual adjustments take", _OPEN, "update invoices set contractual_amount = billed_amount + 0.01 where id = $"),
    ("A denial is not appealed", _APPEALED_INVOICE, f"""update denials set denied_on = '2027-01-01', appeal_due_on = null
     where id = ({_OF_APPEALED})"""),
    ("The appeals and outcomes", _APPEALED_INVOICE, f"""update denial_events set happened_on = '2027-01-01'
     where number = 1 and denial_id = ({_OF_APPEALED})"""),
    ("The steps of a denial", _APPEALED, "update denial_events set number = number + 10 where denial_id = $"),
    ("The steps of a denial", _APPEALED, "update denial_events set status = 'upheld' where denial_id = $ and number = 1"),
    ("What a denial recovers", _APPEALED, "update denial_events set recovered_amount = 100000 where denial_id = $ and number = 2"),
]  # fmt: skip
